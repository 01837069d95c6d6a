"""Checkpoints: signed statements of how far each stream of the ledger had come.

Whoever can write the database could rewrite the whole ledger, hashes included. What he cannot
rewrite are statements that others hold already. Each checkpoint lists the streams that have grown
since the one before it, signed, and names its predecessor: all of them together tell every head,
and each alone is small enough to be mailed.

A stream is named by the hash of its first event: it never changes, nobody can guess it, and it
tells no case number.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ckanext.govopen.domain.ledger import GENESIS, canonical, sha256, stamp

FORMAT = "govopen-checkpoint-1"
KEY_FORMAT = "govopen-key-1"
KEYS_FORMAT = "govopen-keys-1"

#: (name of the stream: hash of its first event, version, hash at that version)
Head = tuple[str, int, str]
#: Checks a signature: public key, message, signature; all bytes.
Check = Callable[[bytes, bytes, bytes], bool]


def key_id(public: bytes) -> str:
    """The name of a key: the first 16 hex digits of the SHA-256 of its 32 bytes."""
    return hashlib.sha256(public).hexdigest()[:16]


def key_statement(public: str, made_at: str, signed_by: str | None) -> dict[str, Any]:
    """What is signed of a new key by the one before it; ``public`` in hex."""
    return {"format": KEY_FORMAT, "public": public, "made_at": made_at, "signed_by": signed_by}


def statement(
    number: int, made_at: datetime.datetime, previous: str, heads: Sequence[Head]
) -> dict[str, Any]:
    """What is signed of a checkpoint.

    ``previous`` is the digest (:func:`digest`) of the checkpoint before it, :data:`GENESIS` for
    the first. ``heads`` are the streams that have grown since then.
    """
    listed = listing(heads)
    return {
        "format": FORMAT,
        "number": number,
        "made_at": stamp(made_at),
        "previous": previous,
        "count": len(listed),
        "heads": sha256(listed),
    }


def listing(heads: Iterable[Head]) -> list[list[Any]]:
    """Heads in the one order in which they are hashed and published."""
    return sorted([name, version, hash] for name, version, hash in heads)


def digest(said: Mapping[str, Any]) -> str:
    """The digest of a statement, by which the next one names it."""
    return sha256(dict(said))


@dataclass(frozen=True)
class Key:
    """A public key of the portal. ``until`` is when its successor was made; None: in use."""

    id: str
    public: bytes
    made_at: str
    until: str | None = None


class Untrusted(ValueError):
    """Keys or checkpoints that do not hold; the message says which and why."""


def read_keys(document: Any, check: Check) -> dict[str, Key]:
    """The keys of ``keys.json``, each but the first signed by the one before it.

    :raises Untrusted: the document is none, or the chain of keys is broken
    """
    try:
        if document["format"] != KEYS_FORMAT:
            raise Untrusted("This is no list of keys of a govopen ledger.")
        rows = [(row, bytes.fromhex(row["public"])) for row in document["keys"]]
        found: list[Key] = []
        for row, public in rows:
            if row["id"] != key_id(public) or len(public) != 32:
                raise Untrusted(f"The key {row['id']} does not have the name it should have.")
            if found:
                before = found[-1]
                said = key_statement(row["public"], row["made_at"], before.id)
                signature = bytes.fromhex(row["signature"] or "")
                if row["signed_by"] != before.id or not check(
                    before.public, canonical(said), signature
                ):
                    raise Untrusted(f"The key {row['id']} is not signed by the key before it.")
                found[-1] = Key(before.id, before.public, before.made_at, row["made_at"])
            found.append(Key(row["id"], public, row["made_at"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, Untrusted):
            raise
        raise Untrusted(f"The list of keys cannot be read: {error}.") from error
    return {key.id: key for key in found}


@dataclass
class Known:
    """What a series of checkpoints proves.

    ``heads`` maps the name of a stream to hash by version; ``complete`` says whether the series
    begins with the first checkpoint, so that it knows every stream; ``made_at`` is the time of
    the last one, empty when there is none.
    """

    heads: dict[str, dict[int, str]] = field(default_factory=dict)
    complete: bool = False
    number: int = 0
    made_at: str = ""
    last: str = GENESIS

    def add(self, document: Any, keys: Mapping[str, Key], check: Check) -> None:
        """Takes the next checkpoint of the series in.

        :raises Untrusted: it is not properly signed, or does not follow the one before it
        """
        try:
            said = document["statement"]
            number, made_at = said["number"], said["made_at"]
            heads = [
                (str(name), int(version), str(hash)) for name, version, hash in document["heads"]
            ]
            signed = bytes.fromhex(document["signature"]["value"])
            signer = document["signature"]["key"]
            message, listed = canonical(said), sha256(listing(heads))
        except (KeyError, TypeError, ValueError) as error:
            raise Untrusted(f"A checkpoint cannot be read: {error}.") from error
        where = f"Checkpoint {number}"
        if said.get("format") != FORMAT or not isinstance(number, int):
            raise Untrusted(f"{where} is none of a govopen ledger.")
        key = keys.get(signer)
        if key is None:
            raise Untrusted(f"{where} is signed with a key that is not known: {signer}.")
        if not check(key.public, message, signed):
            raise Untrusted(f"{where}: the signature is wrong.")
        if key.until is not None and made_at > key.until:
            raise Untrusted(f"{where} is signed with a key that was replaced before.")
        if listed != said.get("heads") or len(heads) != said.get("count"):
            raise Untrusted(f"{where}: the list of streams is not the signed one.")
        if self.number and number != self.number + 1:
            raise Untrusted(f"{where} does not follow checkpoint {self.number}: some are missing.")
        if (self.number or number == 1) and said["previous"] != self.last:
            raise Untrusted(f"{where} does not name the checkpoint before it.")
        if not self.number:
            self.complete = number == 1
        for name, version, hash in heads:
            self.heads.setdefault(name, {})[version] = hash
        self.number, self.made_at, self.last = number, made_at, digest(said)


def keys_of_text(text: str, check: Check) -> dict[str, Key]:
    """Keys from ``keys.json`` or from one public key in hex. Raises Untrusted."""
    bare = text.strip()
    try:
        if len(bare) == 64:
            public = bytes.fromhex(bare)
            return {key_id(public): Key(key_id(public), public, "")}
        return read_keys(json.loads(bare), check)
    except ValueError as error:
        if isinstance(error, Untrusted):
            raise
        raise Untrusted("The keys are neither keys.json nor 64 hex digits.") from None


def documents_of_texts(texts: Iterable[str]) -> list[Any]:
    """Checkpoints from files: each one document, or one a line. Raises Untrusted."""
    found: list[Any] = []
    for text in texts:
        try:
            found.append(json.loads(text))
        except ValueError:
            try:
                found += [json.loads(line) for line in text.splitlines() if line.strip()]
            except ValueError:
                raise Untrusted("A file of checkpoints is not JSON.") from None
    return found


def read_checkpoints(documents: Iterable[Any], keys: Mapping[str, Key], check: Check) -> Known:
    """What some checkpoints prove, in whatever order they come. Raises Untrusted."""
    known = Known()
    for document in sorted(documents, key=_number):
        known.add(document, keys, check)
    return known


def _number(document: Any) -> int:
    try:
        return int(document["statement"]["number"])
    except (KeyError, TypeError, ValueError):
        raise Untrusted("A file of checkpoints holds something else.") from None
