"""A provider of identities of our own, on a real socket: the server side of the library.

It signs with real keys, checks PKCE and the client's secret, and takes every code once. ``change``
lets a test hand out a token that no honest provider would.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin, grants
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import OpenIDCode
from flask import Flask, Response, jsonify, redirect, request
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from werkzeug.serving import make_server

CLIENT, SECRET = "portal-client", "s3cret-of-the-client"


def new_key() -> RSAKey:
    """A key for signing, with a name."""
    key = RSAKey.generate_key(2048)
    key.ensure_kid()
    return key


@dataclass
class Client(ClientMixin):
    """The portal, as the provider knows it."""

    redirect_uri: str = ""

    def get_client_id(self) -> str:
        return CLIENT

    def get_default_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self.redirect_uri

    def check_client_secret(self, client_secret: str) -> bool:
        return secrets.compare_digest(client_secret, SECRET)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass
class Code(AuthorizationCodeMixin):
    """A code that was handed out."""

    code: str
    redirect_uri: str
    scope: str
    nonce: str
    code_challenge: str
    code_challenge_method: str
    user: dict[str, Any]
    auth_time: int

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope


@dataclass
class Provider:
    """What the provider knows; a test changes it as it likes."""

    issuer: str = ""
    client: Client = field(default_factory=Client)
    #: Who sits in front of the browser: claims, ``sub`` among them.
    user: dict[str, Any] = field(default_factory=dict)
    #: When he last proved himself; None: now, as ``prompt=login`` demands.
    auth_time: int | None = None
    keys: list[RSAKey] = field(default_factory=lambda: [new_key()])
    codes: dict[str, Code] = field(default_factory=dict)
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: Changes header and claims of an ID token before it is signed; may give another key.
    change: Callable[[dict[str, Any], dict[str, Any]], RSAKey | None] | None = None
    #: Says "no" where the person is asked.
    cancels: bool = False
    #: Answers every request with an error.
    down: bool = False
    asked: list[dict[str, str]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def reset(self) -> None:
        """An honest provider again, with a person that nobody knows."""
        self.user = {"sub": secrets.token_hex(8)}
        self.auth_time, self.change, self.cancels, self.down = None, None, False, False
        self.asked.clear()
        self.requests.clear()


def application(provider: Provider) -> Flask:
    """The provider's web application."""
    app = Flask("provider")

    class CodeGrant(grants.AuthorizationCodeGrant):
        TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic"]

        def save_authorization_code(self, code: str, request: Any) -> None:
            data = request.payload.data
            provider.codes[code] = Code(
                code,
                data["redirect_uri"],
                data["scope"],
                data.get("nonce", ""),
                data.get("code_challenge", ""),
                data.get("code_challenge_method", ""),
                dict(request.user),
                int(time.time()) if provider.auth_time is None else provider.auth_time,
            )

        def query_authorization_code(self, code: str, client: Any) -> Code | None:
            return provider.codes.get(code)

        def delete_authorization_code(self, authorization_code: Code) -> None:
            provider.codes.pop(authorization_code.code, None)

        def authenticate_user(self, authorization_code: Code) -> dict[str, Any]:
            return authorization_code.user

    class IdToken(OpenIDCode):
        def exists_nonce(self, nonce: str, request: Any) -> bool:
            return False

        def encode_id_token(self, token: dict[str, Any], request: Any) -> str:
            code = request.authorization_code
            now = int(time.time())
            header = {"alg": "RS256", "kid": provider.keys[0].kid}
            claims = {
                "iss": provider.issuer,
                "aud": CLIENT,
                "iat": now,
                "exp": now + 300,
                "nonce": code.nonce,
                "auth_time": code.auth_time,
                "sub": code.user["sub"],
            }
            key = provider.change(header, claims) if provider.change else None
            return jwt.encode(header, claims, key or provider.keys[0], ["RS256"])

    server = AuthorizationServer(
        app,
        query_client=lambda client_id: provider.client if client_id == CLIENT else None,
        save_token=lambda token, request: provider.tokens.update(
            {token["access_token"]: dict(request.user)}
        ),
    )
    server.register_grant(CodeGrant, [IdToken(require_nonce=True), CodeChallenge(required=True)])

    @app.before_request
    def note() -> Any:
        provider.requests.append(request.path)
        return Response("away", 503) if provider.down else None

    @app.get("/.well-known/openid-configuration")
    def discovery() -> Any:
        base = provider.issuer
        return jsonify(
            issuer=base,
            authorization_endpoint=f"{base}/authorize",
            token_endpoint=f"{base}/token",
            userinfo_endpoint=f"{base}/userinfo",
            jwks_uri=f"{base}/jwks",
            end_session_endpoint=f"{base}/end",
            id_token_signing_alg_values_supported=["RS256"],
            token_endpoint_auth_methods_supported=["client_secret_basic"],
        )

    @app.get("/jwks")
    def jwks() -> Any:
        return jsonify(KeySet(list(provider.keys)).as_dict(private=False))

    @app.get("/authorize")
    def authorize() -> Any:
        provider.asked.append(dict(request.args))
        if provider.cancels:
            back = f"?error=access_denied&state={request.args['state']}"
            return redirect(provider.client.redirect_uri + back)
        grant = server.get_consent_grant(end_user=provider.user)
        return server.create_authorization_response(grant_user=provider.user, grant=grant)

    @app.post("/token")
    def token() -> Any:
        return server.create_token_response()

    @app.get("/userinfo")
    def userinfo() -> Any:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        known = provider.tokens.get(given)
        return jsonify(known) if known else Response(status=401)

    return app


@contextmanager
def running() -> Iterator[Provider]:
    """A provider that listens on a free port of this machine."""
    provider = Provider()
    server = make_server("127.0.0.1", 0, application(provider), threaded=True)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
