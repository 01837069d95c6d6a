"""Random histories of a source with everything that may come between: batches that are imported
late, in any order, twice or never, reviews at any moment, records that move between pages, runs
that are broken off anywhere, calls that are lost with the queue.

What decides (:class:`Sweep`, :func:`classify`) is the real one; around it stands what the gather
stage, the queue and the review do with its answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckanext.govopen.domain.catalogue import Record, Sweep, Withdrawal, classify, record_hash
from ckanext.govopen.domain.catalogue.dataset import dataset_name
from ckanext.govopen.domain.catalogue.sweep import KEPT_BACK, LISTED, SETTLED, WITHDRAWN, Known

from .builders import jilin
from .test_sweep import made, read

PROFILE = jilin()
CODES = [f"R/{number}" for number in range(4)]
KINDS = ("open", "open", "conditional", "closed", "deleted", "shared", "unknown", "absent")
RANK = {"conditional": 2, "unconditional": 3}
ENOUGH = 10**6


def json_of(code: str, kind: str, version: int) -> dict[str, Any]:
    """A record of a kind; `unknown` has a class that the profile does not know."""
    found = made(code, "open" if kind == "unknown" else kind, version)
    if kind == "unknown":
        found["open"] = {**found["open"], "class": "没有这个类别"}
    return found


@dataclass
class Dataset:
    """One dataset: who it is, what a person wrote, its working copy, and what is public of it."""

    name: str
    id: int
    local: str = ""
    working: tuple[str, str] | None = None
    public: tuple[str, str] | None = None


class Portal:
    """Datasets, what is known of records, and the queue between the two halves of a run."""

    def __init__(self, remembers: bool = False) -> None:
        self.remembers = remembers
        self.known: dict[str, Known] = {}
        self.datasets: dict[str, Dataset] = {}
        self.queue: list[tuple[int, list[Record]]] = []
        self.run_number = 0

    def write(self, record: Record) -> None:
        known = self.known.get(record.code)
        if known is not None and known[:2] == (record_hash(record), LISTED):
            return
        outcome = classify(record, PROFILE)
        found = self.datasets.get(record.code)
        if outcome.action != "publish" or outcome.open_class is None:
            if found is not None:
                found.working = found.public = None
            state = WITHDRAWN if outcome.action == "withdraw" else KEPT_BACK
            self.known[record.code] = Known(record_hash(record), state, None, record.version)
            return
        if found is None:
            name = dataset_name(record.code)
            found = self.datasets[record.code] = Dataset(name, len(self.datasets))
        named = outcome.open_class.value
        found.working = (named, record.summary)
        if found.public is not None and RANK[named] < RANK[found.public[0]]:
            found.public = (named, found.public[1])  # stricter: at once
        self.known[record.code] = Known(record_hash(record), LISTED, named, record.version)

    def withdraw(self, code: str) -> None:
        found = self.datasets.get(code)
        if found is not None:
            found.working = found.public = None
        self.known[code] = Known("", WITHDRAWN, self.known[code].open_class)

    def approve(self) -> None:
        for found in self.datasets.values():
            if found.working is not None:
                found.public = found.working

    def gather(
        self, delivery: list[dict[str, Any]], state: State, stop: int, complete: bool, size: int
    ) -> bool:
        """The first half of a run, killed after ``stop`` steps; did it come to its end?"""
        self.run_number += 1
        sweep, spool = Sweep(dict(self.known)), []

        def take(json: dict[str, Any]) -> None:
            record = read(json)
            outcome = classify(record, PROFILE)
            digest = record_hash(record)
            known = self.known.get(record.code)
            if self.remembers and known and known.state in SETTLED and known.digest == digest:
                sweep.unchanged([record.code])
                return
            if sweep.take(record.code, record.version, digest, outcome, len(spool)) in (
                "first",
                "later",
            ):
                spool.append(record)

        for json in delivery:
            take(json)
        gone: tuple[str, ...] = ()
        if complete:
            absence = sweep.absence(Withdrawal(share=1.0))
            if not absence.held:
                for code in absence.missing:
                    kind, version = state.get(code, ("absent", 0))
                    if kind not in ("absent", "deleted"):
                        take(json_of(code, kind, version))
                gone = sweep.absence(Withdrawal(share=1.0)).missing
        steps: list[Any] = [(self.write, spool[place]) for place in sweep.places("first")]
        steps += [(self.withdraw, code) for code in gone]
        for step, subject in steps[:stop]:
            step(subject)
        if stop < len(steps):
            return False
        later = [spool[place] for place in sweep.places("later")]
        batches = [later[at : at + size] for at in range(0, len(later), size)]
        self.queue += [(self.run_number, batch) for batch in batches]
        return True

    def take_up(self, at: int, stop: int) -> None:
        """A consumer takes a batch; killed half-way it has written nothing of it (one transaction),
        and the batch is there for another one. One that a later run overtook is left alone.
        """
        if not self.queue:
            return
        number, batch = self.queue[at % len(self.queue)]
        if stop < len(batch):
            return
        if number == self.run_number:
            for record in batch:
                self.write(record)


State = dict[str, tuple[str, int]]


@st.composite
def histories(draw: Any) -> list[Any]:
    """Days: the state of the catalogue, what a reading delivers, and what happens beside."""
    version = dict.fromkeys(CODES, 0)
    state: State = {}
    history = []
    number = draw(st.integers(1, 5))
    for day in range(number):
        before, last = dict(state), day == number - 1
        for code in CODES:
            if day == 0 or draw(st.booleans()):
                version[code] += 1
                state[code] = (draw(st.sampled_from(KINDS)), version[code])
        delivery = [json_of(c, *one) for c, one in state.items() if one[0] != "absent"]
        if delivery and draw(st.booleans()):
            delivery.pop(draw(st.integers(0, len(delivery) - 1)))  # it moved while it was read
        again = draw(st.lists(st.sampled_from(delivery), max_size=2)) if delivery else []
        old = [json_of(c, *one) for c, one in before.items() if one[0] != "absent"
               and state[c][0] != "absent" and one[1] < state[c][1]]  # fmt: skip
        again += draw(st.lists(st.sampled_from(old), max_size=2)) if old else []
        came = {json["code"] for json in delivery}
        # A page read earlier may hold an older copy, but the newest one comes as well.
        delivery = draw(
            st.permutations(delivery + [json for json in again if json["code"] in came])
        )
        whole = last or draw(st.booleans())
        cut = len(delivery) if whole else draw(st.integers(0, len(delivery)))
        stop = ENOUGH if last else draw(st.sampled_from([0, 1, 2, 3, ENOUGH, ENOUGH]))
        size = draw(st.integers(1, 3))
        beside = draw(
            st.lists(
                st.tuples(
                    st.sampled_from(["batch", "batch", "approve", "lost", "killed"]),
                    st.integers(0, 9),
                ),
                max_size=6,
            )
        )
        history.append((dict(state), list(delivery[:cut]), whole, stop, size, beside))
    return history


def not_too_open(portal: Portal, seen: State) -> None:
    """Nothing is public that the last whole first pass saw closed, or more openly than it saw."""
    for code, (kind, _) in seen.items():
        public = portal.datasets[code].public if code in portal.datasets else None
        if kind in ("closed", "deleted", "shared", "unknown"):
            assert public is None, (code, kind)
        elif kind == "conditional":
            assert public is None or public[0] == "conditional", (code, kind)


def play(history: list[Any], remembers: bool) -> None:
    portal = Portal(remembers)
    seen: State = {}
    identity: dict[str, tuple[str, int]] = {}
    for state, delivery, whole, stop, size, beside in history:
        passed = portal.gather(delivery, state, stop, whole, size)
        for code in CODES:
            came = max((j["version"] for j in delivery if j["code"] == code), default=0)
            if passed and came == state[code][1]:
                seen[code] = state[code]
            elif state[code] != seen.get(code):
                seen.pop(code, None)  # it changed, and no run has seen it yet
        not_too_open(portal, seen)
        for what, at in beside:
            if what == "approve":
                portal.approve()
            elif what == "lost":
                portal.queue.clear()
                # The database knows them all the same, and the next round queues them again.
            else:
                portal.take_up(at, ENOUGH if what == "batch" else 0)
            not_too_open(portal, seen)
        for code, found in portal.datasets.items():
            found.local = found.local or f"written by hand {code}"
            assert identity.setdefault(code, (found.name, found.id)) == (found.name, found.id)
    state, delivery, _, _, size, _ = history[-1]
    if not delivery:
        return  # an empty catalogue is not believed
    # A new record that moved between the pages in its first reading comes with the next one.
    delivery = [json_of(c, *one) for c, one in state.items() if one[0] != "absent"]
    portal.gather(delivery, state, ENOUGH, True, size)
    for at in range(len(portal.queue)):
        portal.take_up(at, ENOUGH)
    portal.approve()
    public = {code: one.public for code, one in portal.datasets.items() if one.public}
    assert public == {
        code: ("unconditional" if kind == "open" else "conditional", f"{kind} {version} ".strip())
        for code, (kind, version) in state.items()
        if kind in ("open", "conditional")
    }
    assert all(found.name == dataset_name(code) for code, found in portal.datasets.items())
    written = [found.local for found in portal.datasets.values() if found.local]
    assert len(written) == len(set(written)) >= len(identity)


@settings(max_examples=300, deadline=None)
@given(histories(), st.booleans())
def test_whatever_comes_between_the_portal_is_the_open_subset_in_the_end(
    history: Any, remembers: bool
) -> None:
    play(history, remembers)


@pytest.mark.long
@settings(max_examples=20_000, deadline=None)
@given(histories(), st.booleans())
def test_the_same_with_twenty_thousand_histories(history: Any, remembers: bool) -> None:
    play(history, remembers)
