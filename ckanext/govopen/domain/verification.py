"""Is a ledger what it was? Checks chains of events, and compares them with checkpoints."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from ckanext.govopen.domain.checkpoint import Known
from ckanext.govopen.domain.ledger import GENESIS, SealedEvent, fits, from_dict

#: First line of an export.
EXPORT_FORMAT = "govopen-ledger-export-1"
Kind = Literal["changed", "removed", "reordered", "inserted", "truncated"]

#: How much older than a checkpoint an event may say to be without being in it: a transaction may
#: have begun before the checkpoint and ended after it, but none lasts that long.
GRACE = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, and where.

    ``changed``: content does not fit its hash or the checkpoint; ``removed``: versions are
    missing in between, or a whole stream; ``reordered``: a version out of turn; ``inserted``: it
    does not follow the event before it, is there twice, or is dated before a checkpoint that does
    not know it; ``truncated``: the stream ends before a known head.
    """

    stream: str
    version: int
    kind: Kind
    message: str


@dataclass
class Tail:
    """One stream while it is read, and how far a checkpoint proves it."""

    version: int = 0
    hash: str = GENESIS
    name: str = ""
    gaps: list[tuple[int, int]] = field(default_factory=list)
    proven: int = 0


@dataclass(frozen=True)
class Report:
    """The result. ``unproven`` maps streams to (proven up to, last version) where a tail is not
    covered by a checkpoint yet; ``made_at`` is the time of the last checkpoint, empty for none."""

    faults: list[Fault]
    unproven: dict[str, tuple[int, int]]
    streams: int
    events: int
    withheld: int
    made_at: str


class Verifier:
    """Takes events in, in any mixture of streams, and says at the end what is wrong.

    ``whole`` demands every stream that the checkpoints name. Memory grows with the number of
    streams, not of events.
    """

    def __init__(self, known: Known | None = None, whole: bool = False) -> None:
        self._known = known or Known()
        self._whole = whole
        self._faults: list[Fault] = []
        self._tails: dict[str, Tail] = {}
        self._events = self._withheld = 0
        self._limit = _limit(self._known)

    def demand(self, whole: bool) -> None:
        """The export says that it is whole: then it has to be."""
        self._whole = self._whole or whole

    def unreadable(self, line: int) -> None:
        """Notes a line that is no event."""
        self._faults.append(Fault("", line, "changed", f"line {line} cannot be read"))

    def add(self, row: SealedEvent) -> None:
        """Reads one event."""
        self._events += 1
        self._withheld += row.withheld
        tail = self._tails.setdefault(row.stream, Tail())
        for problem in fits(row):
            self._fault(row, "changed", problem)
        if row.version <= tail.version:
            self._late(row, tail)
        else:
            self._next(row, tail)
        self._compare(row, tail)

    def _next(self, row: SealedEvent, tail: Tail) -> None:
        if row.version > tail.version + 1:
            tail.gaps.append((tail.version + 1, row.version - 1))
        elif row.previous != tail.hash:
            self._fault(row, "inserted", "it does not follow the event before it")
        if not tail.name and row.version <= 2:
            tail.name = row.hash if row.version == 1 else row.previous
        tail.version, tail.hash = row.version, row.hash

    def _late(self, row: SealedEvent, tail: Tail) -> None:
        for gap in tail.gaps:
            first, last = gap
            if first <= row.version <= last:
                tail.gaps.remove(gap)
                parts = ((first, row.version - 1), (row.version + 1, last))
                tail.gaps += [part for part in parts if part[0] <= part[1]]
                self._fault(row, "reordered", f"it stands after version {tail.version}")
                return
        self._fault(row, "inserted", "there is another event of this version")

    def _compare(self, row: SealedEvent, tail: Tail) -> None:
        heads = self._known.heads.get(tail.name, {})
        expected = heads.get(row.version)
        if expected is not None:
            if row.hash == expected:
                tail.proven = max(tail.proven, row.version)
            else:
                self._fault(row, "changed", "it differs from the checkpoint")
        if self._limit and row.at and row.at < self._limit and row.version > max(heads, default=0):
            self._fault(
                row, "inserted", f"it is dated {row.at}, and a later checkpoint does not know it"
            )

    def _fault(self, row: SealedEvent, kind: Kind, message: str) -> None:
        self._faults.append(Fault(row.stream, row.version, kind, message))

    def finish(self) -> Report:
        """What is wrong, in the order of streams and versions, and what is not proven yet."""
        faults = list(self._faults)
        for stream, tail in self._tails.items():
            for first, last in tail.gaps:
                faults.append(Fault(stream, first, "removed", f"{first} to {last} are missing"))
            known = max(self._known.heads.get(tail.name, {}), default=0)
            if known > tail.version:
                message = f"it ends at {tail.version}, a checkpoint knows version {known}"
                faults.append(Fault(stream, tail.version + 1, "truncated", message))
        if self._whole:
            seen = {tail.name for tail in self._tails.values()}
            for name in self._known.heads.keys() - seen:
                message = "a stream that a checkpoint names is missing"
                faults.append(Fault(name, 1, "removed", message))
        unproven = {
            stream: (tail.proven, tail.version)
            for stream, tail in sorted(self._tails.items())
            if tail.version > tail.proven
        }
        faults.sort(key=lambda fault: (fault.stream, fault.version, fault.kind, fault.message))
        return Report(
            faults, unproven, len(self._tails), self._events, self._withheld, self._known.made_at
        )


def _limit(known: Known) -> str:
    """Events dated before this moment must be in the checkpoints; empty: nobody can say."""
    if not known.complete:
        return ""
    made = datetime.datetime.fromisoformat(known.made_at.replace("Z", "+00:00"))
    return (made - GRACE).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def verify(rows: Iterable[SealedEvent], known: Known | None = None) -> list[Fault]:
    """The faults of some chains; an empty list says that all is well."""
    verifier = Verifier(known)
    for row in rows:
        verifier.add(row)
    return verifier.finish().faults


def verify_export(lines: Iterable[str], known: Known | None = None, whole: bool = False) -> Report:
    """Verifies an export: a header and one event a line, as JSON.

    A line that cannot be read is a fault of the stream "" with the number of the line. The header
    says whether the export claims to be whole; ``whole`` demands it whatever the header says.
    """
    verifier = Verifier(known, whole)
    for number, line in enumerate(lines, 1):
        try:
            data = json.loads(line)
            if number == 1 and data["format"] == EXPORT_FORMAT:
                verifier.demand(bool(data["whole"]))
                continue
            row = from_dict(data)
        except (ValueError, KeyError, TypeError):
            verifier.unreadable(number)
            continue
        verifier.add(row)
    return verifier.finish()
