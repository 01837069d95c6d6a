"""What a run concludes from what it read: which record counts, what comes first, what is missing.

Pure: a run tells it every record that it reads, in any order and as often as it comes, and asks
at the end what is to be done. Nothing of a record is kept but where it lies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from ckanext.govopen.domain.catalogue.mapping import Outcome
from ckanext.govopen.domain.terms import OpenClass

#: States of a record of a source: on the portal (in review or released), taken away, waiting for
#: a person, unreadable.
LISTED, WITHDRAWN, KEPT_BACK, REFUSED = "listed", "withdrawn", "kept_back", "refused"
#: Those whose absence means something.
ALIVE = frozenset({LISTED, KEPT_BACK})
#: Those that need not be looked at again while the record is the same.
SETTLED = frozenset({LISTED, WITHDRAWN})

#: What is to be done with a record: nothing; in the first pass (it becomes stricter or goes); in
#: the second one; nothing, since another record of the same code counts.
Verdict = Literal["same", "first", "later", "other"]
_RANKS = {
    OpenClass.NON_OPEN.value: 1,
    OpenClass.CONDITIONAL.value: 2,
    OpenClass.UNCONDITIONAL.value: 3,
}


class Known(NamedTuple):
    """A record as it was last written: what it is compared by, its state, class and version."""

    digest: str
    state: str
    open_class: str | None
    version: int | None = None


_NEVER = Known("", "", None)


@dataclass(frozen=True)
class Withdrawal:
    """Missing records are withdrawn unless they are more than this share and than this many."""

    share: float = 0.2
    at_least: int = 10

    def held(self, missing: int, alive: int) -> bool:
        """Are these too many to be withdrawn without a person's word?"""
        return missing > self.at_least and missing > self.share * alive


@dataclass(frozen=True)
class Absence:
    """What a complete sweep says about what it did not see.

    ``held`` names why none of the missing ones is withdrawn before a person confirms: the source
    is ``empty``, it sent fewer records than it said (``short``), or too ``many`` are missing.
    """

    missing: tuple[str, ...]
    alive: int
    held: Literal["", "empty", "short", "many"] = ""


@dataclass
class Sweep:
    """One reading of a source. ``known`` is what was written of it before, by code."""

    known: Mapping[str, Known]
    #: Records that came, repetitions included: what a source's total is compared with.
    received: int = 0
    #: Code -> version, strictness, verdict, where it lies.
    _taken: dict[str, tuple[int, int, Verdict, int]] = field(default_factory=dict)
    _refused: set[str] = field(default_factory=set)
    _nameless: int = 0

    def __contains__(self, code: str) -> bool:
        return code in self._taken or code in self._refused

    def __len__(self) -> int:
        """Different records that could be read."""
        return len(self._taken)

    @property
    def different(self) -> int:
        """Different records that came; each that cannot be read and has no code is one."""
        return len(self._taken.keys() | self._refused) + self._nameless

    def take(
        self, code: str, version: int | None, digest: str, outcome: Outcome, place: int
    ) -> Verdict:
        """Notes a record that lies at ``place``; the caller keeps it unless it is the same as
        before or another one counts.

        Of two records with one code the higher version counts; between equal or unnumbered ones
        the stricter, and of alike ones the first.
        """
        self.received += 1
        number = -1 if version is None else version
        rank = strictness(outcome)
        if not self._counts(code, number, rank):
            return "other"
        verdict = self._verdict(code, digest, outcome)
        self._taken[code] = (number, rank, verdict, place)
        return verdict

    def _counts(self, code: str, number: int, rank: int) -> bool:
        """Does this one count, and not what came before it under its code?"""
        before = self._taken.get(code)
        if before is None:
            return True
        if number >= 0 and before[0] >= 0 and number != before[0]:
            return number > before[0]
        return rank < before[1]

    def unchanged(self, codes: Iterable[str]) -> None:
        """Notes records that are as they were when they were last written, and were settled then.
        Others of the same code that come as well, before or after, are compared with that.
        """
        for code in codes:
            self.received += 1
            _, state, was, version = self.known[code]
            rank = 0 if state == WITHDRAWN else _RANKS.get(was or "", 3)
            number = -1 if version is None else version
            if self._counts(code, number, rank):
                self._taken[code] = (number, rank, "same", -1)

    def refuse(self, code: str) -> None:
        """Notes a record that cannot be read: it was there, so nothing follows from its absence."""
        self.received += 1
        if code:
            self._refused.add(code)
        else:
            self._nameless += 1

    def _verdict(self, code: str, digest: str, outcome: Outcome) -> Verdict:
        was_digest, state, was_class, _ = self.known.get(code, _NEVER)
        if digest == was_digest and state in SETTLED:
            return "same"
        if outcome.action != "publish":
            return "first"
        return (
            "first" if was_class and outcome.change(OpenClass(was_class)) == "stricter" else "later"
        )

    def places(self, verdict: Verdict) -> list[int]:
        """Where the records with this verdict lie, in the order in which they came."""
        return sorted(place for _, _, said, place in self._taken.values() if said == verdict)

    def same(self) -> Iterator[str]:
        """Codes of the records with which nothing is to be done."""
        return (code for code, (_, _, said, _) in self._taken.items() if said == "same")

    def absence(self, withdrawal: Withdrawal, announced: int | None = None) -> Absence:
        """What is missing after the whole source was read, which said it had ``announced``
        records. To be asked after a complete sweep only: any other says nothing about absence.
        """
        alive = [code for code, was in self.known.items() if was.state in ALIVE]
        missing = tuple(code for code in alive if code not in self)
        if alive and not self._taken and not self._refused:
            return Absence(missing, len(alive), "empty")
        if withdrawal.held(len(missing), len(alive)):
            return Absence(missing, len(alive), "many")
        if missing and announced is not None and announced > self.received:
            return Absence(missing, len(alive), "short")
        return Absence(missing, len(alive))


def strictness(outcome: Outcome) -> int:
    """The lower, the less of a record is public."""
    if outcome.action == "withdraw":
        return 0
    if outcome.action == "keep_back":
        return 1
    return _RANKS[outcome.open_class.value] if outcome.open_class else 1
