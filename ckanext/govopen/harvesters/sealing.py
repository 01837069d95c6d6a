"""Credentials of a source: stored encrypted, bound to the server that they are for, shown nowhere.

A credential that somebody types into a configuration is sealed before it is saved: encrypted with
a key made from the portal's own secret, together with the origin of the source's address. So the
database, its history and every page hold what is of use to nobody else, and whoever may edit the
source cannot have the credential sent to a server of his own.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from ckan.plugins import toolkit
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ckanext.govopen.harvesters.reading import SourceError
from ckanext.govopen.logic.told import told as _

MARK = "sealed:"


def is_sealed(value: str) -> bool:
    """Has this been sealed already?"""
    return value.startswith(MARK)


def origin(url: str) -> str:
    """Scheme, host and port of an address; empty for what is none on the web."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme.lower())
    except ValueError:
        return ""
    if port is None or not parts.hostname:
        return ""
    return f"{parts.scheme.lower()}://{parts.hostname.lower()}:{port}"


def seal(value: str, url: str) -> str:
    """A credential for the server of this address as it may be stored."""
    content = json.dumps({"value": value, "origin": origin(url)}).encode()
    return MARK + _box().encrypt(content).decode()


def unseal(value: str, url: str) -> str:
    """The credential of a source with this address.

    :raises SourceError: it cannot be read any more, or is for another server
    """
    try:
        found = json.loads(_box().decrypt(value[len(MARK) :].encode()))
    except (InvalidToken, ValueError) as error:
        raise SourceError(
            _(
                "The stored credential cannot be read: the portal's secret key has changed. Enter "
                "the credential again in the configuration."
            )
        ) from error
    if not origin(url) or found["origin"] != origin(url):
        raise SourceError(
            _("The stored credential is for another server. Enter it again in the configuration.")
        )
    return str(found["value"])


def sealed(text: Any, url: Any) -> Any:
    """A configuration with every plain credential sealed; what is no configuration stays as it is.

    :raises SourceError: a sealed credential in it is for another server
    """
    if not isinstance(text, str) or not isinstance(url, str):
        return text
    try:
        raw = json.loads(text or "{}")
    except ValueError:
        return text
    auth = raw.get("auth") if isinstance(raw, dict) else None
    if not isinstance(auth, dict):
        return text

    def keep(value: str) -> str:
        if not is_sealed(value):
            return seal(value, url) if value else value
        unseal(value, url)
        return value

    _each(auth, keep)
    return json.dumps(raw, ensure_ascii=False)


def opened(auth: dict[str, Any], url: str) -> dict[str, Any]:
    """The part `auth` of a configuration with its credentials in the clear.

    :raises SourceError: see :func:`unseal`
    """
    plain = json.loads(json.dumps(auth))
    _each(plain, lambda value: unseal(value, url))
    return plain


def _each(auth: dict[str, Any], change: Callable[[str], str]) -> None:
    """Changes every credential of a configuration in its place."""
    if isinstance(auth.get("bearer"), str):
        auth["bearer"] = change(auth["bearer"])
    signed = auth.get("hmac")
    if isinstance(signed, dict) and isinstance(signed.get("secret"), str):
        signed["secret"] = change(signed["secret"])


def _box() -> Fernet:
    secret = str(toolkit.config.get("SECRET_KEY") or "")
    if not secret:
        raise SourceError(_("The portal has no SECRET_KEY: credentials cannot be stored."))
    key = HKDF(SHA256(), 32, None, b"govopen harvest credentials").derive(secret.encode())
    return Fernet(base64.urlsafe_b64encode(key))
