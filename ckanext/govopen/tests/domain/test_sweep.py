"""What a run concludes: single cases, and random sequences of catalogue states."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckanext.govopen.domain.catalogue import (
    Record,
    Sweep,
    Withdrawal,
    classify,
    parse_record,
    record_hash,
)
from ckanext.govopen.domain.catalogue.sweep import KEPT_BACK, LISTED, SETTLED, WITHDRAWN, Known

from .builders import jilin, record_json

PROFILE = jilin()
RANK = {None: 0, "conditional": 2, "unconditional": 3}
CODES = [f"R/{number}" for number in range(5)]
KINDS = ("open", "conditional", "closed", "deleted", "shared", "absent")


def made(code: str, kind: str, version: int | None, text: str = "") -> dict[str, Any]:
    """A record of a kind; its version is also in its text, as in a real catalogue."""
    opening = {"open": kind != "closed", "condition": "仅供研究" if kind == "conditional" else ""}
    return record_json(
        code=code,
        version=version,
        deleted=kind == "deleted",
        summary=f"{kind} {version} {text}",
        open={**opening, "class": None},
        acquired="shared" if kind == "shared" else "collected",
        distributions=[],
        review=None,
    )


def read(json: dict[str, Any]) -> Record:
    found = parse_record(json)
    assert isinstance(found, Record)
    return found


class Portal:
    """What the bulk writer does with a record, and nothing else of a portal.

    ``remembers``: a record that is as it was written is only told to be, as a reader does that
    remembers the pages of the last time.
    """

    def __init__(self, remembers: bool = False) -> None:
        self.remembers = remembers
        self.known: dict[str, Known] = {}
        #: Code -> class and text of what is listed.
        self.listed: dict[str, tuple[str, str]] = {}

    def write(self, record: Record) -> None:
        outcome = classify(record, PROFILE)
        if outcome.action == "publish" and outcome.open_class is not None:
            state, named = LISTED, outcome.open_class.value
            self.listed[record.code] = (named, record.summary)
        else:
            state = WITHDRAWN if outcome.action == "withdraw" else KEPT_BACK
            named = None
            self.listed.pop(record.code, None)
        self.known[record.code] = Known(record_hash(record), state, named, record.version)

    def withdraw(self, code: str) -> None:
        self.listed.pop(code, None)
        self.known[code] = Known("", WITHDRAWN, self.known[code].open_class)

    def run(self, delivery: list[dict[str, Any]], stop: int, complete: bool) -> bool:
        """A run that is broken off after ``stop`` steps of writing. Did its first pass end?"""
        sweep, spool = Sweep(dict(self.known)), []
        for json in delivery:
            record = read(json)
            known = self.known.get(record.code)
            same = known is not None and known.digest == record_hash(record)
            if self.remembers and known is not None and same and known.state in SETTLED:
                sweep.unchanged([record.code])
                continue
            outcome = classify(record, PROFILE)
            verdict = sweep.take(
                record.code, record.version, record_hash(record), outcome, len(spool)
            )
            if verdict in ("first", "later"):
                spool.append(record)
        steps: list[Any] = [(self.write, spool[place]) for place in sweep.places("first")]
        if complete:
            absence = sweep.absence(Withdrawal(share=1.0))
            steps += [(self.withdraw, code) for code in ([] if absence.held else absence.missing)]
        first = len(steps)
        steps += [(self.write, spool[place]) for place in sweep.places("later")]
        for step, subject in steps[:stop]:
            step(subject)
        return stop >= first


State = dict[str, tuple[str, int]]


@st.composite
def histories(draw: Any) -> list[tuple[State, list[dict[str, Any]], int, bool]]:
    """Days of a catalogue: its state, what a reading of it delivers, where the run is cut off,
    and whether it was read to its end. The last run is whole.
    """
    days = draw(st.integers(1, 6))
    version = dict.fromkeys(CODES, 0)
    state: State = {}
    history = []
    for day in range(days):
        before = dict(state)
        for code in CODES:
            if day == 0 or draw(st.booleans()):
                version[code] += 1
                state[code] = (draw(st.sampled_from(KINDS)), version[code])
        delivery = [made(c, *one) for c, one in state.items() if one[0] != "absent"]
        # Records that come twice, and copies of the day before from pages read earlier.
        delivery += draw(st.lists(st.sampled_from(delivery), max_size=3)) if delivery else []
        old = [
            made(c, *one)
            for c, one in before.items()
            if one[0] != "absent" and state[c][0] != "absent"
        ]
        delivery += draw(st.lists(st.sampled_from(old), max_size=3)) if old else []
        delivery = draw(st.permutations(delivery))
        whole = day == days - 1 or draw(st.booleans())
        cut = len(delivery) if whole else draw(st.integers(0, len(delivery)))
        stop = 10**6 if day == days - 1 else draw(st.integers(0, 12))
        history.append((dict(state), list(delivery[:cut]), stop, whole))
    return history


@settings(max_examples=400, deadline=None)
@given(histories(), st.booleans())
def test_the_portal_is_the_open_subset_after_the_next_whole_run(
    history: Any, remembers: bool
) -> None:
    portal = Portal(remembers)
    for state, delivery, stop, whole in history:
        if portal.run(delivery, stop, whole):
            # Nothing is listed as more open than the newest of what this run saw.
            for json in delivery:
                kind, newest = state[json["code"]]
                if json["version"] == newest and kind in ("closed", "deleted", "shared"):
                    assert json["code"] not in portal.listed
                if json["version"] == newest and kind == "conditional":
                    assert RANK[portal.listed.get(json["code"], (None, ""))[0]] <= 2
    state, delivery, _, _ = history[-1]
    wanted = {
        code: ("unconditional" if kind == "open" else "conditional", f"{kind} {version} ".strip())
        for code, (kind, version) in state.items()
        if kind in ("open", "conditional")
    }
    if delivery:  # an empty catalogue is not believed
        assert portal.listed == wanted


@settings(max_examples=200, deadline=None)
@given(st.permutations([made("R/1", kind, None, str(at)) for at, kind in enumerate(KINDS[:5])]))
def test_of_contradictory_records_without_versions_the_strictest_counts(order: Any) -> None:
    portal = Portal()
    portal.write(read(made("R/1", "open", None, "x")))
    portal.run(order, 10**6, True)
    assert not portal.listed


@settings(max_examples=200, deadline=None)
@given(
    st.permutations([made("R/1", "closed", 1), made("R/1", "open", 2), made("R/1", "shared", 0)])
)
def test_a_higher_version_counts_in_any_order(order: Any) -> None:
    portal = Portal(remembers=True)
    for _ in range(2):
        portal.run(order, 10**6, True)
        assert portal.listed == {"R/1": ("unconditional", "open 2")}


def sweep_of(known: int, came: int) -> Sweep:
    before: dict[str, Known] = {f"R/{n}": Known("x", LISTED, "unconditional") for n in range(known)}
    found = Sweep(before)
    for number in range(came):
        record = read(made(f"R/{number}", "open", 1))
        found.take(record.code, 1, "x", classify(record, PROFILE), 0)
    return found


@pytest.mark.parametrize(
    ("known", "came", "announced", "held", "missing"),
    [
        (20, 20, None, "", 0),
        (20, 18, None, "", 2),
        (20, 18, 18, "", 2),
        (20, 18, 20, "short", 2),
        (20, 20, 99, "", 0),
        (100, 79, None, "many", 21),
        (100, 80, None, "", 20),
        (20, 0, None, "empty", 20),
        (0, 0, None, "", 0),
    ],
)
def test_what_is_missing(
    known: int, came: int, announced: int | None, held: str, missing: int
) -> None:
    found = sweep_of(known, came).absence(Withdrawal(), announced)
    assert (found.held, len(found.missing)) == (held, missing)


def test_what_cannot_be_read_was_there() -> None:
    found = sweep_of(3, 2)
    found.refuse("R/2")
    found.refuse("")
    assert not found.absence(Withdrawal()).missing and found.received == 4


def test_what_the_source_calls_unchanged_gives_way_to_what_is_stricter() -> None:
    found = Sweep({"R/1": Known("x", LISTED, "unconditional")})
    found.unchanged(["R/1"])
    record = read(made("R/1", "closed", 1))
    assert found.take("R/1", 1, "y", classify(record, PROFILE), 7) == "first"
    assert found.places("first") == [7] and not list(found.same())
    again = Sweep({"R/1": Known("x", WITHDRAWN, None)})
    again.unchanged(["R/1"])
    record = read(made("R/1", "open", 1))
    assert again.take("R/1", 1, "y", classify(record, PROFILE), 7) == "other"


def test_different_records_are_counted_once_whatever_became_of_them() -> None:
    sweep = Sweep({})
    for code, text in (("a", ""), ("a", ""), ("a", "x"), ("b", "")):
        one = read(made(code, "open", None, text))
        sweep.take(one.code, one.version, record_hash(one), classify(one, PROFILE), 0)
    for code in ("b", "c", "c", "", ""):
        sweep.refuse(code)
    assert (sweep.received, sweep.different, len(sweep)) == (9, 5, 2)
