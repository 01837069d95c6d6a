#!/usr/bin/env python3
"""Verify an exported ledger of a government open-data portal. Needs Python 3.10, nothing else.

    python3 verify_ledger.py EXPORT.jsonl --checkpoint checkpoints.jsonl --key keys.json

EXPORT      what /open/ledger/export.jsonl or `ckan govopen ledger export` wrote
CHECKPOINT  signed checkpoints, one JSON object a line, the first one first; take a copy that the
            portal cannot have changed: the one that a witness got by mail, or your own older one
KEY         the portal's public keys (keys.json), or one public key as 64 hex digits

How it works. Each event carries the hash of the one before it in its stream, so that a chain cannot
be changed in the middle without changing its end. The hash covers a digest of every field, made
with a random salt: a field can be left out and the rest still verifies. Checkpoints say, under the
portal's signature, which hash stood at the end of which stream; a stream is named there by the hash
of its first event. Exit code 0: nothing wrong; 1: something is; 2: the files cannot be read.
"""

import argparse
import datetime
import hashlib
import json
import re
import sys
import unicodedata
from pathlib import Path

GENESIS = "0" * 64
HEX_KEY = re.compile("[0-9a-fA-F]{64}")  # a path may be 64 characters long, too
GRACE = datetime.timedelta(days=1)  # no transaction of the portal lasts longer than this


# --- Ed25519 (RFC 8032), only what verifying takes ------------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def add(a, b):
    """The sum of two points in extended coordinates (X, Y, Z, T)."""
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    return (
        (f - e) * (h - g) % P,
        (h + g) * (f + e) % P,
        (h - g) * (h + g) % P,
        (f - e) * (f + e) % P,
    )


def times(number, point):
    """A multiple of a point."""
    result = (0, 1, 1, 0)
    while number:
        if number & 1:
            result = add(result, point)
        point, number = add(point, point), number >> 1
    return result


def point_of(data):
    """The point that 32 bytes stand for; None when they stand for none."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (not x and sign):
        return None
    x = P - x if x & 1 != sign else x
    return (x, y, 1, x * y % P)


BASE = point_of((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def signed_by(public, message, signature):
    """Is this the signature of the holder of the public key under the message? (All bytes.)"""
    if len(public) != 32 or len(signature) != 64:
        return False
    a, r = point_of(public), point_of(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    left, right = times(s, BASE), add(r, times(h, a))
    return not (
        (left[0] * right[2] - right[0] * left[2]) % P
        or (left[1] * right[2] - right[1] * left[2]) % P
    )


# --- One byte string for one JSON value -----------------------------------------------------------


def plain(value):
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {unicodedata.normalize("NFC", key): plain(item) for key, item in value.items()}
    raise ValueError("a number with a fraction")


def canonical(value):
    """Sorted keys, no white space, UTF-8, Unicode normal form C, no fractions."""
    return json.dumps(
        plain(value), ensure_ascii=False, sort_keys=True, separators=(",", ":")
    ).encode()


def sha256(value):
    return hashlib.sha256(canonical(value)).hexdigest()


# --- Keys and checkpoints -------------------------------------------------------------------------


class Bad(Exception):
    """A file that cannot be trusted or read."""


def read_keys(text):
    """{key id: (public key, made at, replaced at or None)}; each is signed by the one before."""
    if HEX_KEY.fullmatch(text.strip()):
        public = bytes.fromhex(text.strip())
        return {hashlib.sha256(public).hexdigest()[:16]: (public, "", None)}
    document, keys, last = json.loads(text), {}, None
    if document["format"] != "govopen-keys-1":
        raise Bad("The key file is no list of keys.")
    for row in document["keys"]:
        public = bytes.fromhex(row["public"])
        if row["id"] != hashlib.sha256(public).hexdigest()[:16] or len(public) != 32:
            raise Bad(f"The key {row['id']} does not have the name it should have.")
        if last is not None:
            said = {
                "format": "govopen-key-1",
                "public": row["public"],
                "made_at": row["made_at"],
                "signed_by": last,
            }
            before = keys[last]
            proof = bytes.fromhex(row["signature"] or "")
            if row["signed_by"] != last or not signed_by(before[0], canonical(said), proof):
                raise Bad(f"The key {row['id']} is not signed by the key before it.")
            keys[last] = (before[0], before[1], row["made_at"])
        last = row["id"]
        keys[last] = (public, row["made_at"], None)
    return keys


def documents(text):
    """One JSON document, or one a line."""
    try:
        return [json.loads(text)]
    except ValueError:
        return [json.loads(line) for line in text.splitlines() if line.strip()]


def read_checkpoints(texts, keys):
    """({stream name: {version: hash}}, begins with the first one, time of the last one)"""
    heads, complete, number, last, made_at = {}, False, 0, GENESIS, ""
    found = [document for text in texts for document in documents(text)]
    for document in sorted(found, key=lambda document: document["statement"]["number"]):
        said, where = document["statement"], f"Checkpoint {document['statement']['number']}"
        signature = document["signature"]
        if said["format"] != "govopen-checkpoint-1":
            raise Bad(f"{where} is none of a govopen ledger.")
        if signature["key"] not in keys:
            raise Bad(f"{where} is signed with a key that is not known: {signature['key']}.")
        public, _made, replaced = keys[signature["key"]]
        if not signed_by(public, canonical(said), bytes.fromhex(signature["value"])):
            raise Bad(f"{where}: the signature is wrong.")
        if replaced is not None and said["made_at"] > replaced:
            raise Bad(f"{where} is signed with a key that was replaced before.")
        listed = sorted(document["heads"])
        if sha256(listed) != said["heads"] or len(listed) != said["count"]:
            raise Bad(f"{where}: the list of streams is not the signed one.")
        if number and said["number"] != number + 1:
            raise Bad(f"{where} does not follow checkpoint {number}: some are missing.")
        if (number or said["number"] == 1) and said["previous"] != last:
            raise Bad(f"{where} does not name the checkpoint before it.")
        complete = complete or said["number"] == 1
        number, last, made_at = said["number"], sha256(said), said["made_at"]
        for name, version, head in listed:
            heads.setdefault(name, {})[version] = head
    return heads, complete, made_at


# --- Events ---------------------------------------------------------------------------------------


def content_problems(row):
    """What does not fit in an event by itself. Of a withheld one only its place is known."""
    if row.get("withheld"):
        return []
    problems = []
    for name, value in row["payload"].items():
        try:
            if sha256([row["salts"][name], name, value]) != row["digests"][name]:
                problems.append(f"the field {name} does not fit its digest")
        except (KeyError, TypeError, ValueError):
            problems.append(f"the field {name} has no proper salt and digest")
    try:
        sealed = sha256(
            {
                "format": "govopen-ledger-1",
                "previous": row["previous"],
                "stream": row["stream"],
                "version": row["version"],
                "type": row["type"],
                "digest": sha256(row["digests"]),
                "actor": row["actor"],
                "at": row["at"],
            }
        )
    except (KeyError, TypeError, ValueError):
        sealed = ""
    return problems if sealed == row["hash"] else [*problems, "the content does not fit the hash"]


class Stream:
    """What is remembered of a stream while it is read."""

    def __init__(self):
        self.version, self.hash, self.name, self.gaps, self.proven = 0, GENESIS, "", [], 0


def check_row(row, stream, heads, limit):
    """Yields (kind, what is wrong) for an event, and notes it in its stream."""
    for problem in content_problems(row):
        yield "changed", problem
    version = row["version"]
    if version > stream.version:
        if version > stream.version + 1:
            stream.gaps.append((stream.version + 1, version - 1))
        elif row["previous"] != stream.hash:
            yield "inserted", "it does not follow the event before it"
        if not stream.name and version <= 2:
            stream.name = row["hash"] if version == 1 else row["previous"]
        stream.version, stream.hash = version, row["hash"]
    else:
        gap = next((gap for gap in stream.gaps if gap[0] <= version <= gap[1]), None)
        if gap is None:
            yield "inserted", "there is another event of this version"
        else:
            stream.gaps.remove(gap)
            parts = [(gap[0], version - 1), (version + 1, gap[1])]
            stream.gaps += [part for part in parts if part[0] <= part[1]]
            yield "reordered", f"it stands after version {stream.version}"
    known = heads.get(stream.name, {})
    if version in known:
        if known[version] == row["hash"]:
            stream.proven = max(stream.proven, version)
        else:
            yield "changed", "it differs from the checkpoint"
    at = row.get("at") or ""
    if limit and at and at < limit and version > max(known, default=0):
        yield "inserted", f"it is dated {at}, and a later checkpoint does not know it"


def shaped(row):
    """Has a line what an event must have?"""
    texts = ["stream", "previous", "hash"] + ([] if row.get("withheld") else ["type", "at"])
    objects = [] if row.get("withheld") else ["payload", "salts", "digests"]
    return (
        all(isinstance(row.get(name), str) for name in texts)
        and all(isinstance(row.get(name), dict) for name in objects)
        and type(row.get("version")) is int
        and (row.get("actor") is None or isinstance(row["actor"], str))
    )


def verify(lines, heads, complete, made_at, whole=False):
    """(faults, unproven, streams, events): faults are (stream, version, kind, message), sorted."""
    faults, streams, events, limit = [], {}, 0, ""
    if complete and made_at:
        made = datetime.datetime.fromisoformat(made_at.replace("Z", "+00:00"))
        limit = (made - GRACE).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            if number == 1 and row["format"] == "govopen-ledger-export-1":
                whole = whole or bool(row["whole"])
                continue
            if not shaped(row):
                raise ValueError
        except (ValueError, KeyError, TypeError, AttributeError):
            faults.append(("", number, "changed", f"line {number} cannot be read"))
            continue
        events += 1
        stream = streams.setdefault(row["stream"], Stream())
        for kind, message in check_row(row, stream, heads, limit):
            faults.append((row["stream"], row["version"], kind, message))
    for name, stream in streams.items():
        for first, last in stream.gaps:
            faults.append((name, first, "removed", f"{first} to {last} are missing"))
        known = max(heads.get(stream.name, {}), default=0)
        if known > stream.version:
            message = f"it ends at {stream.version}, a checkpoint knows version {known}"
            faults.append((name, stream.version + 1, "truncated", message))
    if whole:
        for name in heads.keys() - {stream.name for stream in streams.values()}:
            faults.append((name, 1, "removed", "a stream that a checkpoint names is missing"))
    unproven = {n: (s.proven, s.version) for n, s in streams.items() if s.version > s.proven}
    return sorted(faults, key=lambda f: (f[0], f[1], f[2], f[3])), unproven, len(streams), events


def read(name):
    return Path(name).read_text(encoding="utf-8")


def main(arguments=None):
    """The command line; gives the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("export")
    parser.add_argument("--checkpoint", action="append", default=[], metavar="FILE")
    parser.add_argument("--key", metavar="FILE or 64 HEX DIGITS")
    parser.add_argument("--whole", action="store_true", help="every stream must be in the export")
    given = parser.parse_args(arguments)
    said = sys.stdout.write
    try:
        proven = ({}, False, "")
        if given.checkpoint:
            if not given.key:
                raise Bad("A checkpoint needs --key: the portal's public keys.")
            keys = read_keys(given.key if HEX_KEY.fullmatch(given.key) else read(given.key))
            proven = read_checkpoints([read(name) for name in given.checkpoint], keys)
        with Path(given.export).open(encoding="utf-8", errors="replace") as lines:
            faults, unproven, streams, events = verify(lines, *proven, whole=given.whole)
    except Bad as error:
        said(f"WRONG: {error}\n")
        return 1
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        said(f"Cannot be read: {error!r}\n")
        return 2
    said(f"{events} events in {streams} streams.\n")
    for stream, version, kind, message in faults:
        said(f"WRONG: {stream or 'file'} {version}: {kind}: {message}\n")
    said(f"The last checkpoint is of {proven[2]}.\n" if proven[2] else "No checkpoint was given.\n")
    for stream, (upto, last) in sorted(unproven.items()):
        said(f"Not proven yet: {stream} from {upto + 1} to {last}\n")
    said("Something is wrong.\n" if faults else "Nothing is wrong.\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
