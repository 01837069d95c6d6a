"""The record of decisions: canonical JSON, salted digests, hash chains, redaction.

Each stream is a chain: the hash of an event covers the hash of the one before it. What is hashed
is not the payload but a digest of it, made of one salted digest per field. A field can therefore
be left out of an export, or erased for good together with its salt, and the rest still verifies,
while nobody can guess the missing value from its digest.

The format is final; :data:`FORMAT` names it inside every hash.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ckanext.govopen.domain.event import EVENT_TYPES, READER_ORDER, Event, Readers

FORMAT = "govopen-ledger-1"
#: What the first event of a stream names as its predecessor.
GENESIS = "0" * 64


def canonical(obj: Any) -> bytes:
    """One and only one byte string for a JSON value.

    Keys sorted by code point, no white space, UTF-8, text in Unicode normal form C. Floats are
    refused with TypeError, since no two languages write them alike; NaN cannot occur. Text that
    is not valid Unicode is refused with ValueError.
    """
    text = json.dumps(
        _plain(obj), ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"Text is not valid Unicode: {error.reason}.") from error


def _normal(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind is str:  # what most values are; hashes are taken by the hundred thousand
        return _normal(value)
    if kind is dict:
        return _object(value)
    if value is None or kind is bool or kind is int:
        return value
    if isinstance(value, str):
        return _normal(str(value))
    if isinstance(value, int):
        return int(value)
    if isinstance(value, Mapping):
        return _object(value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    raise TypeError(f"Canonical JSON has no {type(value).__name__}.")


def _object(value: Mapping[Any, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise TypeError(f"Keys of canonical JSON are text, not {type(key).__name__}.")
        name = _normal(key)
        if name in plain:
            raise ValueError(f"Two keys are the same in normal form: {name!r}.")
        plain[name] = _plain(item)
    return plain


def sha256(obj: Any) -> str:
    """SHA-256 of the canonical JSON of ``obj``, as 64 lower-case hex digits."""
    return hashlib.sha256(canonical(obj)).hexdigest()


def stamp(now: datetime.datetime) -> str:
    """A moment as it is hashed: UTC, microseconds, ``Z``. Refuses times without a zone."""
    if now.tzinfo is None:
        raise ValueError("A time in the ledger needs a time zone.")
    utc = now.astimezone(datetime.timezone.utc)
    return utc.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def field_digest(salt: str, name: str, value: Any) -> str:
    """Digest of one payload field, 64 hex digits."""
    return sha256([salt, name, value])


def payload_digest(digests: Mapping[str, str]) -> str:
    """Digest of a whole payload from the digests of its fields."""
    return sha256(dict(digests))


def seal(
    previous_hash: str,
    stream: str,
    version: int,
    type: str,
    digest: str,
    actor: str | None,
    at: datetime.datetime | str,
) -> str:
    """The hash of an event, 64 hex digits.

    ``previous_hash`` is that of the event before it in the stream (:data:`GENESIS` for version
    1), ``digest`` the :func:`payload_digest`, ``actor`` a pseudonym, ``at`` a moment or what
    :func:`stamp` made of it.
    """
    return sha256(
        {
            "format": FORMAT,
            "previous": previous_hash,
            "stream": stream,
            "version": version,
            "type": type,
            "digest": digest,
            "actor": actor,
            "at": at if isinstance(at, str) else stamp(at),
        }
    )


@dataclass(frozen=True)
class SealedEvent:
    """An event in the chain.

    ``payload`` and ``salts`` hold the fields that are still readable, ``digests`` all fields
    that the event had when it was sealed. Of a ``withheld`` event only its place in the chain is
    known (stream, version, previous, hash): it is there, and whom it does not concern learns no
    more.
    """

    stream: str
    version: int
    type: str
    payload: Mapping[str, Any]
    salts: Mapping[str, str]
    digests: Mapping[str, str]
    actor: str | None
    at: str
    previous: str
    hash: str
    withheld: bool = False

    def as_dict(self) -> dict[str, Any]:
        """The row as JSON values, as exports carry it."""
        if self.withheld:
            return {
                "stream": self.stream,
                "version": self.version,
                "previous": self.previous,
                "hash": self.hash,
                "withheld": True,
            }
        return {
            "stream": self.stream,
            "version": self.version,
            "type": self.type,
            "payload": dict(self.payload),
            "salts": dict(self.salts),
            "digests": dict(self.digests),
            "actor": self.actor,
            "at": self.at,
            "previous": self.previous,
            "hash": self.hash,
        }


def record(
    event: Event,
    stream: str,
    version: int,
    previous_hash: str,
    actor: str | None,
    now: datetime.datetime,
    new_salt: Callable[[], str],
) -> SealedEvent:
    """Seal an event. ``new_salt`` gives 32 random hex digits at each call, one per field."""
    payload = {name: _plain(value) for name, value in event.payload.items()}
    salts = {name: new_salt() for name in payload}
    digests = {name: field_digest(salts[name], name, payload[name]) for name in payload}
    at = stamp(now)
    sealed = seal(previous_hash, stream, version, event.type, payload_digest(digests), actor, at)
    return SealedEvent(
        stream, version, event.type, payload, salts, digests, actor, at, previous_hash, sealed
    )


def from_dict(data: Any) -> SealedEvent:
    """The event of a line of an export; ValueError says what is wrong with it."""
    if not isinstance(data, Mapping):
        raise ValueError("is not a JSON object")
    for name, kind in _SHAPE.items():
        if name in ("stream", "version", "previous", "hash") or not data.get("withheld"):
            value = data.get(name)
            if not isinstance(value, kind) or isinstance(value, bool):
                raise ValueError(f"has no proper {name}")
    actor = data.get("actor")
    if actor is not None and not isinstance(actor, str):
        raise ValueError("has no proper actor")
    if data.get("withheld"):
        return _withheld(data["stream"], data["version"], data["previous"], data["hash"])
    return SealedEvent(actor=actor, **{name: data[name] for name in _SHAPE})


_SHAPE: Mapping[str, type] = {
    "stream": str,
    "version": int,
    "type": str,
    "payload": dict,
    "salts": dict,
    "digests": dict,
    "at": str,
    "previous": str,
    "hash": str,
}


def _withheld(stream: str, version: int, previous: str, hash: str) -> SealedEvent:
    return SealedEvent(stream, version, "", {}, {}, {}, None, "", previous, hash, withheld=True)


def _without(row: SealedEvent, names: Iterable[str]) -> SealedEvent:
    gone = set(names)
    return replace(
        row,
        payload={name: value for name, value in row.payload.items() if name not in gone},
        salts={name: salt for name, salt in row.salts.items() if name not in gone},
    )


def redact(event_row: SealedEvent, reader: Readers | None) -> SealedEvent:
    """The row as ``reader`` may see it; the chain still verifies.

    The only redaction there is. What is meant for a narrower circle is withheld whole, and so is
    everything from None, who may read nothing of it. An unknown type shows its fields to nobody.
    The public sees no personal field, only staff sees internal ones.
    """
    declared = EVENT_TYPES.get(event_row.type)
    needed = declared.readers if declared is not None else "staff"
    if reader is None or READER_ORDER[reader] < READER_ORDER[needed]:
        return _withheld(event_row.stream, event_row.version, event_row.previous, event_row.hash)
    if declared is None:
        return _without(event_row, event_row.payload)
    hidden = set(event_row.payload) - set(declared.fields)
    if reader == "public":
        hidden |= set(declared.personal)
    if reader != "staff":
        hidden |= set(declared.internal)
    return _without(event_row, hidden)


def erase(event_row: SealedEvent) -> SealedEvent:
    """The row without its personal fields and their salts, for good; it still verifies."""
    declared = EVENT_TYPES.get(event_row.type)
    return _without(event_row, declared.personal if declared else event_row.payload)


def fits(row: SealedEvent) -> list[str]:
    """What does not fit in an event by itself; empty when fields, digests and hash agree."""
    if row.withheld:
        return []
    problems: list[str] = []
    for name in row.payload:
        try:
            if field_digest(row.salts[name], name, row.payload[name]) != row.digests[name]:
                problems.append(f"the field {name} does not fit its digest")
        except (KeyError, TypeError, ValueError):
            problems.append(f"the field {name} has no proper salt and digest")
    try:
        digest = payload_digest(row.digests)
        sealed = seal(row.previous, row.stream, row.version, row.type, digest, row.actor, row.at)
    except (TypeError, ValueError):
        sealed = ""
    if sealed != row.hash:
        problems.append("the content does not fit the hash")
    return problems
