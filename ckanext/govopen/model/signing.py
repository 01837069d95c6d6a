"""The portal's Ed25519 key: it signs checkpoints of the ledger, and agreements.

The private key is a file that only its owner reads; the public keys, each signed by the one before
it, are events of the stream ``ledger/keys``, so that the ledger itself says which key counted when.
"""

from __future__ import annotations

import datetime
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ckan.plugins import toolkit as tk
from ckan.types import AlchemySession
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from ckanext.govopen.domain import checkpoint as rules
from ckanext.govopen.domain.event import Event
from ckanext.govopen.domain.ledger import canonical, stamp
from ckanext.govopen.model import ledger, settings

FILE = "govopen-ledger-key.pem"
STREAM = "ledger/keys"


class KeyProblem(Exception):
    """The key cannot be used; the message says why and what to do. It never holds the key."""


@dataclass(frozen=True)
class Signature:
    """``key_id`` names the public key, ``value`` is the signature in hex (64 bytes)."""

    key_id: str
    value: str


@dataclass(frozen=True)
class PublicKey:
    """One key of the portal, in the order of their making. ``public`` is 32 bytes in hex."""

    id: str
    public: str
    made_at: str
    signed_by: str | None
    signature: str | None


def path() -> Path | None:
    """Where the key is or would be; None when neither option nor storage path says so."""
    named = settings.ledger_key_file()
    if named:
        return Path(named)
    storage = tk.config.get("ckan.storage_path")
    return Path(storage) / FILE if storage else None


def make(target: Path) -> bool:
    """Makes a key unless there is one; True when it was made. Raises OSError."""
    if target.exists():
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    pem = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    # Exclusive and private from the first byte on: nobody reads it, no second start replaces it.
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(handle, "wb") as stream:
        stream.write(pem)
        stream.flush()
        os.fsync(stream.fileno())
    return True


def problem(target: Path) -> str | None:
    """What is wrong with the key file; None when nothing is."""
    try:
        _load(target)
    except KeyProblem as error:
        return str(error)
    return None


def mismatch(session: AlchemySession, target: Path) -> str | None:
    """What is wrong between a usable key file and the ledger; None when nothing is."""
    known = public_keys(session)
    name = rules.key_id(_public(_load(target)))
    if known and name != known[-1].id and not _next(target).exists():
        return _OTHER % (target, name, known[-1].id)
    return None


_OTHER = "%s holds the key %s, but the ledger names %s: restore that key from its copy."


def _load(target: Path) -> ed25519.Ed25519PrivateKey:
    try:
        if target.stat().st_mode & 0o077:
            raise KeyProblem(f"{target} can be read by others than its owner: chmod 600.")
        key = serialization.load_pem_private_key(target.read_bytes(), None)
    except FileNotFoundError:
        raise KeyProblem(f"{target} is not there: run ckan govopen init.") from None
    except (OSError, ValueError, TypeError) as error:
        raise KeyProblem(
            f"{target} cannot be used ({type(error).__name__}): restore it from its copy."
        ) from None
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise KeyProblem(f"{target} is not an Ed25519 key: restore it from its copy.")
    return key


def _public(key: ed25519.Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def public_keys(session: AlchemySession) -> list[PublicKey]:
    """All public keys the portal ever had, the oldest first; the last one is in use."""
    return [
        PublicKey(
            id=event.payload["key"],
            public=event.payload["public"],
            made_at=event.payload["made_at"],
            signed_by=event.payload["signed_by"],
            signature=event.payload["signature"],
        )
        for event in ledger.read(session, STREAM)
    ]


def keys_document(session: AlchemySession) -> dict[str, Any]:
    """The public keys as they are published (``/open/ledger/keys.json``)."""
    return {
        "format": rules.KEYS_FORMAT,
        "keys": [
            {
                "id": key.id,
                "public": key.public,
                "made_at": key.made_at,
                "signed_by": key.signed_by,
                "signature": key.signature,
            }
            for key in public_keys(session)
        ],
    }


def sign(session: AlchemySession, message: bytes, now: datetime.datetime) -> Signature:
    """Signs with the key in use.

    The first signature of a site makes the key known to the ledger, in the caller's transaction.
    What is signed should name its own format, so that no signature stands for anything else.

    :raises KeyProblem: the file is missing, unsafe, or not the key that the ledger names
    """
    key = _current(session, now)
    return Signature(rules.key_id(_public(key)), key.sign(message).hex())


def verify(session: AlchemySession, message: bytes, signature: Signature) -> bool:
    """Was this signed by a key of the portal, whichever was in use then?"""
    known = {key.id: key for key in public_keys(session)}
    key = known.get(signature.key_id)
    try:
        value = bytes.fromhex(signature.value)
    except ValueError:
        return False
    return key is not None and check(bytes.fromhex(key.public), message, value)


def check(public: bytes, message: bytes, signature: bytes) -> bool:
    """Is this the signature of the holder of ``public`` under ``message``? All are bytes."""
    try:
        ed25519.Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def ensure(session: AlchemySession, now: datetime.datetime) -> tuple[Path, bool]:
    """The key's file, made if the site never had one and known to the ledger; (path, made).

    A file that is missing although the ledger knows a key is never replaced by a new one.
    The caller commits.

    :raises KeyProblem: there is no place for it, or it cannot be used
    """
    target = path()
    if target is None:
        raise KeyProblem("Set ckan.storage_path or ckanext.govopen.ledger.key_file.")
    made = False
    if not public_keys(session):
        try:
            made = make(target)
        except OSError as error:
            raise KeyProblem(f"{target} cannot be written ({error.strerror}).") from None
    _current(session, now)
    return target, made


def rotate(session: AlchemySession, actor: str | None, now: datetime.datetime) -> Path:
    """Makes the successor of the key, signed by it; gives the file that :func:`settle` puts in
    place once the caller has committed. Both are kept apart until then, so that a crash at any
    point leaves a key that fits the ledger.

    :raises KeyProblem: the present key cannot be used
    """
    old = _current(session, now)
    target = path()
    assert target is not None
    waiting = _next(target)
    waiting.unlink(missing_ok=True)
    make(waiting)
    new, old_id, made_at = _public(_load(waiting)), rules.key_id(_public(old)), stamp(now)
    said = rules.key_statement(new.hex(), made_at, old_id)
    event = _event("ledger.key_rotated", new, made_at, old_id, old.sign(canonical(said)).hex())
    ledger.append(session, STREAM, [event], actor, now)
    return waiting


def settle(session: AlchemySession) -> None:
    """Puts a committed successor in the place of the key; does nothing when there is none."""
    target, known = path(), public_keys(session)
    if target is None or not known:
        return
    waiting = _next(target)
    if waiting.exists() and rules.key_id(_public(_load(waiting))) == known[-1].id:
        waiting.replace(target)


def _next(target: Path) -> Path:
    return target.with_name(target.name + ".next")


def _current(session: AlchemySession, now: datetime.datetime) -> ed25519.Ed25519PrivateKey:
    settle(session)
    target = path()
    if target is None:
        raise KeyProblem("Set ckan.storage_path or ckanext.govopen.ledger.key_file.")
    known = public_keys(session)
    if not known:
        ledger.lock(session, STREAM)  # two first signatures at the same moment make one key
        known = public_keys(session)
    if not known:
        try:
            make(target)
        except OSError as error:
            raise KeyProblem(f"{target} cannot be written ({error.strerror}).") from None
    key = _load(target)
    name = rules.key_id(_public(key))
    if not known:
        event = _event("ledger.key_made", _public(key), stamp(now), None, None)
        ledger.append(session, STREAM, [event], None, now)
    elif name != known[-1].id:
        raise KeyProblem(_OTHER % (target, name, known[-1].id))
    return key


def _event(
    type: str, public: bytes, made_at: str, signed_by: str | None, signature: str | None
) -> Event:
    return Event(
        type,
        {
            "key": rules.key_id(public),
            "public": public.hex(),
            "made_at": made_at,
            "signed_by": signed_by,
            "signature": signature,
        },
    )
