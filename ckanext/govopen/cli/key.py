"""The key that signs checkpoints of the ledger: made once, readable by its owner only."""

from __future__ import annotations

import os
from pathlib import Path

from ckan.plugins import toolkit as tk
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from ckanext.govopen.model import settings

FILE = "govopen-ledger-key.pem"


def path() -> Path | None:
    """Where the key is or would be; None when neither option nor storage path says so."""
    named = settings.ledger_key_file()
    if named:
        return Path(named)
    storage = tk.config.get("ckan.storage_path")
    return Path(storage) / FILE if storage else None


def make(target: Path) -> bool:
    """Makes the key unless it is there; True when it was made. Raises OSError."""
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
    return True


def problem(target: Path) -> str | None:
    """What is wrong with the key file; None when nothing is."""
    try:
        if target.stat().st_mode & 0o077:
            return f"{target} can be read by others than its owner: chmod 600."
        key = serialization.load_pem_private_key(target.read_bytes(), None)
    except FileNotFoundError:
        return f"{target} is not there: run ckan govopen init."
    except (OSError, ValueError, TypeError) as error:
        return f"{target} cannot be used ({type(error).__name__}): restore it from its copy."
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        return f"{target} is not an Ed25519 key: restore it from its copy."
    return None
