"""Signing in through a provider of identities: the protocol (OpenID Connect, code flow with PKCE).

Nothing here knows of accounts. What goes wrong is a :class:`SignInFailed` with a reason that a
page has words for; the log gets the reason and the kind of the error, never a token, code or
address of a person.
"""

from __future__ import annotations

import datetime
import io
import json
import logging
import threading
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from requests.adapters import BaseAdapter

from ckanext.govopen.access import address
from ckanext.govopen.model import settings

log = logging.getLogger(__name__)

#: Largest answer of a provider in bytes, and how long it may take in seconds.
MAX_BYTES, SECONDS = 512 * 1024, 10.0
#: How long what the provider says of itself is believed, and how soon its keys may be asked for
#: again because of one that is not known, in seconds.
KEEP, AGAIN = 3600.0, 30.0
#: How long a person may take at the provider.
PATIENCE = datetime.timedelta(minutes=15)
#: Signatures with the provider's own private key; never "none", never one with a shared secret.
ALGORITHMS = frozenset(
    ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519")
)


class SignInFailed(Exception):
    """A sign-in that does not count. ``reason`` is a key of ``views.oidc.WORDS``."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True)
class Provider:
    """What the provider says of itself."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    end_session_endpoint: str | None
    algorithms: frozenset[str]
    auth_methods: tuple[str, ...]
    names_issuer: bool


@dataclass(frozen=True)
class Attempt:
    """What the portal remembers while the person is at the provider; JSON by :meth:`as_dict`."""

    state: str
    nonce: str
    verifier: str
    started: float

    def as_dict(self) -> dict[str, Any]:
        return {
            "state": self.state,
            "nonce": self.nonce,
            "verifier": self.verifier,
            "started": self.started,
        }


@dataclass(frozen=True)
class Identity:
    """A person for whom the provider vouches. ``email`` only where it says that it is verified."""

    issuer: str
    subject: str
    name: str
    email: str | None
    #: When he proved himself to the provider, aware; None when it does not say.
    auth_time: datetime.datetime | None


class _Guarded(BaseAdapter):
    """Lets the library speak to addresses only through the portal's guarded door."""

    def send(self, request: Any, **_: Any) -> requests.Response:
        body = request.body.encode() if isinstance(request.body, str) else request.body
        status, headers, content = address.exchange(
            request.method,
            request.url,
            headers=dict(request.headers),
            body=body,
            allow_private=settings.oidc_allow_private_addresses(),
            max_bytes=MAX_BYTES,
            timeout=SECONDS,
        )
        if 300 <= status < 400:
            raise SignInFailed("provider_answer")
        response = requests.Response()
        response.status_code, response.request, response.url = status, request, request.url
        response.headers.update(headers)
        response.raw = io.BytesIO(content)
        response._content = content
        return response

    def close(self) -> None:
        """Nothing is kept open."""


def enabled() -> bool:
    """Is there a provider to sign in at?"""
    return bool(settings.oidc_issuer() and settings.oidc_client_id())


_known: dict[str, tuple[float, Any]] = {}
_lock = threading.Lock()


def forget() -> None:
    """Asks the provider anew next time."""
    with _lock:
        _known.clear()


def _json(url: str) -> dict[str, Any]:
    try:
        status, _headers, content = address.exchange(
            "GET",
            url,
            headers={"Accept": "application/json"},
            allow_private=settings.oidc_allow_private_addresses(),
            max_bytes=MAX_BYTES,
            timeout=SECONDS,
        )
        found = json.loads(content) if status == 200 else None
    except address.AddressRefused as refused:
        log.error("The provider of identities was not reached: %s", refused.reason)
        raise SignInFailed("provider_away") from None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        log.error("The provider of identities answered with something that is no JSON object.")
        raise SignInFailed("provider_answer")
    return found


def _cached(url: str, keep: float = KEEP) -> dict[str, Any]:
    with _lock:
        known = _known.get(url)
    if known is not None and time.monotonic() - known[0] < keep:
        return known[1]
    found = _json(url)
    with _lock:
        _known[url] = (time.monotonic(), found)
    return found


def _endpoint(document: dict[str, Any], name: str, required: bool = True) -> str | None:
    value = document.get(name)
    if isinstance(value, str) and value:
        scheme = urlsplit(value).scheme
        if scheme == "https" or (scheme == "http" and settings.oidc_allow_private_addresses()):
            return value
    elif not required:
        return None
    log.error("What the provider of identities says of itself has no usable %s.", name)
    raise SignInFailed("provider_answer")


def provider() -> Provider:
    """The configured provider, by its discovery document.

    :raises SignInFailed: there is none, it does not answer, or its document is not its own
    """
    if not enabled():
        raise SignInFailed("off")
    issuer = settings.oidc_issuer()
    document = _cached(issuer.rstrip("/") + "/.well-known/openid-configuration")
    if document.get("issuer") != issuer:
        log.error("The provider of identities names itself otherwise than oidc.issuer does.")
        raise SignInFailed("provider_answer")
    offered = document.get("id_token_signing_alg_values_supported")
    methods = document.get("token_endpoint_auth_methods_supported")
    return Provider(
        issuer=issuer,
        authorization_endpoint=_endpoint(document, "authorization_endpoint") or "",
        token_endpoint=_endpoint(document, "token_endpoint") or "",
        jwks_uri=_endpoint(document, "jwks_uri") or "",
        userinfo_endpoint=_endpoint(document, "userinfo_endpoint", required=False),
        end_session_endpoint=_endpoint(document, "end_session_endpoint", required=False),
        algorithms=ALGORITHMS & {str(a) for a in offered}
        if isinstance(offered, list)
        else frozenset(("RS256",)),
        auth_methods=tuple(map(str, methods)) if isinstance(methods, list) else (),
        names_issuer=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _client(found: Provider, redirect_uri: str) -> Any:
    try:
        secret = settings.oidc_client_secret()
    except OSError as error:
        log.error("oidc.client_secret_file cannot be read: %s", type(error).__name__)
        raise SignInFailed("provider_answer") from None
    method = "none" if not secret else "client_secret_basic"
    if secret and found.auth_methods and "client_secret_basic" not in found.auth_methods:
        method = "client_secret_post"
    client: Any = OAuth2Session(
        client_id=settings.oidc_client_id(),
        client_secret=secret or None,
        scope=settings.oidc_scopes(),
        redirect_uri=redirect_uri,
        token_endpoint_auth_method=method,
        code_challenge_method="S256",
    )
    client.trust_env = False
    client.adapters.clear()
    client.mount("https://", _Guarded())
    client.mount("http://", _Guarded())
    return client


def begin(redirect_uri: str, now: datetime.datetime, fresh: bool = False) -> tuple[str, Attempt]:
    """The address at the provider to which the person goes, and what to remember meanwhile.

    :param fresh: he has to prove himself there again, however long ago he last did
    """
    found = provider()
    attempt = Attempt(generate_token(43), generate_token(43), generate_token(64), now.timestamp())
    again = {"prompt": "login", "max_age": "0"} if fresh else {}
    url, _state = _client(found, redirect_uri).create_authorization_url(
        found.authorization_endpoint,
        state=attempt.state,
        code_verifier=attempt.verifier,
        nonce=attempt.nonce,
        **again,
    )
    return url, attempt


def complete(
    attempt: Attempt,
    answer: dict[str, str],
    redirect_uri: str,
    now: datetime.datetime,
    fresh: bool = False,
) -> Identity:
    """The person whom the provider sent back.

    :param answer: the parameters with which he came
    :raises SignInFailed: whatever is wrong with it
    """
    if now.timestamp() - attempt.started > PATIENCE.total_seconds():
        raise SignInFailed("late")
    found = provider()
    named = answer.get("iss")
    if (named or found.names_issuer) and named != found.issuer:
        raise SignInFailed("not_valid")
    if "error" in answer:
        cancelled = answer["error"] in ("access_denied", "login_required", "interaction_required")
        raise SignInFailed("cancelled" if cancelled else "provider_refused")
    if not answer.get("code"):
        raise SignInFailed("not_valid")
    client = _client(found, redirect_uri)
    try:
        token = client.fetch_token(
            found.token_endpoint,
            grant_type="authorization_code",
            code=answer["code"],
            code_verifier=attempt.verifier,
            redirect_uri=redirect_uri,
        )
        claims = _claims(found, token, attempt, now)
        person = _person(found, client, claims)
    except address.AddressRefused as refused:
        log.error("The provider of identities was not reached: %s", refused.reason)
        raise SignInFailed("provider_away") from None
    except AuthlibBaseError as error:
        log.warning("The provider of identities gave no token: %s", type(error).__name__)
        raise SignInFailed("provider_refused") from None
    except JoseError as error:
        log.warning("A token of the provider of identities is not valid: %s", error.error)
        raise SignInFailed("not_valid") from None
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        log.error("The provider of identities answered oddly: %s", type(error).__name__)
        raise SignInFailed("provider_answer") from None
    if fresh:
        _check_fresh(person, attempt, now)
    return person


def _claims(
    found: Provider, token: dict[str, Any], attempt: Attempt, now: datetime.datetime
) -> dict[str, Any]:
    """The claims of an ID token that is signed by the provider, for us, now, for this attempt."""
    encoded = token["id_token"]
    decoded = _decoded(found, encoded)
    claims = CodeIDToken(
        decoded.claims,
        decoded.header,
        options={
            "iss": {"essential": True, "value": found.issuer},
            "aud": {"essential": True, "value": settings.oidc_client_id()},
            "sub": {"essential": True},
        },
        params={
            "nonce": attempt.nonce,
            "client_id": settings.oidc_client_id(),
            "access_token": token.get("access_token"),
        },
    )
    claims.validate(now=int(now.timestamp()), leeway=settings.oidc_clock_skew())
    if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 255:
        raise ValueError("sub")
    return dict(claims)


def _decoded(found: Provider, encoded: Any) -> Any:
    """The token, its signature checked; keys are fetched again once when one is not known."""
    if not isinstance(encoded, str):
        raise ValueError("id_token")
    try:
        return jwt.decode(encoded, _keys(_cached(found.jwks_uri)), sorted(found.algorithms))
    except InvalidKeyIdError:
        fetched = _cached(found.jwks_uri, AGAIN)
        return jwt.decode(encoded, _keys(fetched), sorted(found.algorithms))


def _keys(document: dict[str, Any]) -> KeySet:
    """Keys for signing; a key of no known kind is left out, a secret one never counts."""
    rows = document.get("keys")
    kept = [
        row
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict) and row.get("use") in (None, "sig") and row.get("kty") != "oct"
    ]
    return KeySet.import_key_set({"keys": kept})


def _person(found: Provider, client: Any, claims: dict[str, Any]) -> Identity:
    name_key, email_key = settings.oidc_claim_name(), settings.oidc_claim_email()
    if found.userinfo_endpoint and not (claims.get(name_key) and claims.get(email_key)):
        answer = client.get(found.userinfo_endpoint, allow_redirects=False)
        told = answer.json() if answer.status_code == 200 else {}
        if isinstance(told, dict) and told.get("sub") == claims["sub"]:
            claims = {**told, **claims}
    email = claims.get(email_key)
    trusted = claims.get("email_verified") is True and isinstance(email, str) and "@" in email
    name = claims.get(name_key)
    at = claims.get("auth_time")
    return Identity(
        issuer=found.issuer,
        subject=claims["sub"],
        name=" ".join(name.split())[:200] if isinstance(name, str) else "",
        email=str(email).strip()[:254] if trusted else None,
        auth_time=datetime.datetime.fromtimestamp(at, datetime.timezone.utc)
        if isinstance(at, (int, float)) and 0 < at < 2**33
        else None,
    )


def _check_fresh(person: Identity, attempt: Attempt, now: datetime.datetime) -> None:
    """He must have proved himself after he was sent there, not at some time before."""
    skew = settings.oidc_clock_skew()
    at = person.auth_time.timestamp() if person.auth_time else None
    if at is None or at < int(attempt.started) - skew or at > now.timestamp() + skew:
        raise SignInFailed("not_fresh")


def sign_out_address(back: str) -> str | None:
    """Where the provider ends its session too; None when it is not asked to, or cannot."""
    if not enabled() or not settings.oidc_sign_out_at_provider():
        return None
    try:
        endpoint = provider().end_session_endpoint
    except SignInFailed:
        return None
    if endpoint is None:
        return None
    asked = {"client_id": settings.oidc_client_id(), "post_logout_redirect_uri": back}
    return endpoint + ("&" if "?" in endpoint else "?") + urlencode(asked)
