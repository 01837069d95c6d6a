"""Ledgers made up for tests: chains of events, keys, and checkpoints over them."""

from __future__ import annotations

import datetime
import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519

from ckanext.govopen.domain import checkpoint
from ckanext.govopen.domain.event import Event
from ckanext.govopen.domain.ledger import GENESIS, SealedEvent, canonical, record, stamp

START = datetime.datetime(2026, 3, 2, 1, 0, tzinfo=datetime.timezone.utc)
Ledger = dict[str, list[SealedEvent]]


def check(public: bytes, message: bytes, signature: bytes) -> bool:
    """The signature check of the library."""
    try:
        ed25519.Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def private(seed: int = 1) -> ed25519.Ed25519PrivateKey:
    """A key that is the same each time."""
    return ed25519.Ed25519PrivateKey.from_private_bytes(hashlib.sha256(bytes([seed])).digest())


def public(key: ed25519.Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def keys_document(*keys: ed25519.Ed25519PrivateKey, days: Sequence[int] = ()) -> dict[str, Any]:
    """keys.json of these keys; ``days`` says on which day each was made."""
    rows: list[dict[str, Any]] = []
    for number, key in enumerate(keys):
        day = days[number] if days else 0
        made_at = stamp(START + datetime.timedelta(days=day))
        row: dict[str, Any] = {
            "id": checkpoint.key_id(public(key)),
            "public": public(key).hex(),
            "made_at": made_at,
            "signed_by": None,
            "signature": None,
        }
        if rows:
            said = checkpoint.key_statement(row["public"], made_at, rows[-1]["id"])
            row["signed_by"] = rows[-1]["id"]
            row["signature"] = keys[number - 1].sign(canonical(said)).hex()
        rows.append(row)
    return {"format": checkpoint.KEYS_FORMAT, "keys": rows}


def build(lengths: Mapping[str, int], days: int = 0) -> Ledger:
    """Chains of these lengths, an event an hour, from ``days`` after the start on."""
    counter = itertools.count()
    found: Ledger = {}
    for stream, length in lengths.items():
        rows: list[SealedEvent] = []
        for version in range(1, length + 1):
            event = Event(
                "grant.suspended",
                {"grant": stream, "dataset": f"d{version}", "reason": "理由", "break_glass": ""},
            )
            previous = rows[-1].hash if rows else GENESIS
            at = START + datetime.timedelta(days=days, hours=version)
            rows.append(
                record(event, stream, version, previous, "7", at, lambda: f"{next(counter):032x}")
            )
        found[stream] = rows
    return found


def lines(rows: Sequence[SealedEvent], whole: bool = True) -> list[str]:
    """An export of these rows."""
    header = {"format": "govopen-ledger-export-1", "whole": whole, "reader": "staff"}
    return [json.dumps(line) + "\n" for line in (header, *(row.as_dict() for row in rows))]


def sign(
    ledger: Ledger,
    number: int = 1,
    previous: str = GENESIS,
    key: ed25519.Ed25519PrivateKey | None = None,
    days: int = 10,
    skip: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """A checkpoint over the ends of these chains; ``skip`` leaves out what is not longer."""
    key = key or private()
    known = skip or {}
    heads = [
        (rows[0].hash, rows[-1].version, rows[-1].hash)
        for stream, rows in ledger.items()
        if rows and rows[-1].version > known.get(stream, 0)
    ]
    said = checkpoint.statement(number, START + datetime.timedelta(days=days), previous, heads)
    return {
        "statement": said,
        "signature": {
            "key": checkpoint.key_id(public(key)),
            "value": key.sign(canonical(said)).hex(),
        },
        "heads": checkpoint.listing(heads),
    }
