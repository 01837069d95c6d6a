"""Whoever keeps everything that was ever published learns no small number from it."""

from __future__ import annotations

import datetime
import itertools
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckanext.govopen.domain.figures import LEAST, Case, Figures, Outcome, stepped
from ckanext.govopen.domain.figures_crossed import figures_of
from ckanext.govopen.domain.figures_periods import Period, published

from .test_figures_crossed import Attack

#: What is published, and the true numbers by department, month and column.
Told = tuple[Figures, Counter[tuple[str, str, int]]]
BEGIN = datetime.date(2026, 1, 1)
DAYS = 540


@dataclass(frozen=True)
class Course:
    """What happens to one application: the days are counted from BEGIN."""

    department: str
    submitted: int
    outcome: Outcome
    ended: int

    def as_of(self, day: datetime.date) -> Case:
        """The application as the ledger tells of it at the beginning of a day."""
        over = BEGIN + datetime.timedelta(days=self.ended) < day
        return Case(self.department, self.month, self.outcome if over else "open")

    @property
    def month(self) -> str:
        return (BEGIN + datetime.timedelta(days=self.submitted)).strftime("%Y-%m")


def visit(courses: Sequence[Course], day: int) -> dict[Period, list[Case]]:
    """The cases behind all figures that a visitor can have on a day."""
    today = BEGIN + datetime.timedelta(days=day)
    known = [one for one in courses if one.submitted < day]
    # What has happened at most until today: nobody knows the future.
    found = [one.as_of(min(today, Period.of(one.month).closed)) for one in known]
    return published(found, today)


def history(seed: int) -> list[Course]:
    """Applications over a year and a half, some of them decided very late."""
    dice = random.Random(seed)
    names = "ABCDEF"[: dice.randint(2, 6)]
    weights = [dice.random() ** 2 + 0.05 for _ in names]
    outcomes: tuple[Outcome, ...] = ("approved", "refused", "ended")
    return [
        Course(
            dice.choices(names, weights)[0],
            submitted,
            dice.choices(outcomes, (9, 3, 1))[0],
            submitted + int(dice.expovariate(1 / 40)),
        )
        for submitted in (dice.randrange(DAYS) for _ in range(dice.choice((20, 80, 250))))
    ]


def attacked(collected: Sequence[Told]) -> set[tuple[Any, ...]]:
    """The small numbers that follow from all publications together: by differences or by bounds.

    The unknowns are the same in all of them: what is in two publications can be subtracted.
    """
    attacks = [Attack.on(found) for found, _real in collected]
    kinds = sorted(set(itertools.chain(*(attack.kinds for attack in attacks))))
    place = {kind: number for number, kind in enumerate(kinds)}
    joint, true = Attack(kinds), [0] * len(kinds)
    secrets: dict[tuple[Any, ...], frozenset[int]] = {}
    for number, (attack, (_found, real)) in enumerate(zip(attacks, collected, strict=True)):
        where = [place[kind] for kind in attack.kinds]
        joint.rows += [(frozenset(where[i] for i in row), value) for row, value in attack.rows]
        for name, cells in attack.secrets.items():
            secrets[(number, name)] = frozenset(where[i] for i in cells)
        for kind, count in real.items():
            true[place[kind]] = count
    shown = {cells for cells, _value in joint.rows}
    # Numbers that stand in no table: of a department and a month, and those by outcome as well.
    for kind in kinds:
        secrets[("one", kind)] = frozenset([place[kind]])
        both = frozenset(place[other] for other in kinds if other[:2] == kind[:2])
        secrets[("both", kind[:2])] = both
    small = {
        name: cells for name, cells in secrets.items()
        if 0 < sum(true[i] for i in cells) < LEAST and cells not in shown
    }  # fmt: skip
    joint.secrets = small  # type: ignore[assignment]
    low, high = joint.bounds()
    certain = {
        name for name, cells in small.items()
        if sum(low[i] for i in cells) == sum(high[i] for i in cells)
    }  # fmt: skip
    return certain | joint.computed()


def told(cases: Sequence[Case]) -> Told | None:
    """What is published of cases, and the true numbers behind it."""
    found = figures_of(cases, {})
    if found.departments is None or found.months is None:
        return None
    place = {name: n for n, group in enumerate(found.departments.columns) for name in group}
    return found, Counter((one.department, one.month, place[one.outcome]) for one in cases)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.lists(st.integers(0, DAYS + 200), min_size=2, max_size=6))
def test_all_that_is_ever_published_gives_no_small_number(seed: int, visits: list[int]) -> None:
    courses = history(seed)
    collected: dict[Period, list[Case]] = {}
    for day in sorted(visits):
        for period, cases in visit(courses, day).items():
            assert collected.setdefault(period, cases) == cases, "changed after it was published"
            assert {Period.of(one.month) for one in cases} == {period}
    tables = [found for found in map(told, collected.values()) if found is not None]
    assert attacked(tables) == set()


def test_figures_of_overlapping_periods_would_give_small_numbers() -> None:
    """The attack has teeth: figures over ever more months, each protected by itself, fall to it."""
    fallen = 0
    end = BEGIN + datetime.timedelta(days=2 * DAYS)
    for seed in range(12):
        courses = history(seed)
        months = sorted({one.month for one in courses})
        until = [
            told([one.as_of(end) for one in courses if one.month <= month]) for month in months[-2:]
        ]
        both = [one for one in until if one is not None]
        assert all(attacked([one]) == set() for one in both), "alone they are safe"
        if len({one[0].departments.columns for one in both if one[0].departments}) == 1:
            fallen += bool(attacked(both))
    assert fallen > 3


@given(
    st.lists(
        st.dictionaries(st.sampled_from("ABC"), st.integers(0, 40)), min_size=2, max_size=5
    ),
    st.data(),
)  # fmt: skip
def test_grants_alive_at_two_quarters_ends_tell_no_small_change(
    ends: list[Mapping[str, int]], data: st.DataObject
) -> None:
    """For all that was published there is another course of things with other changes."""
    name = data.draw(st.sampled_from("ABC"))
    at = data.draw(st.integers(0, len(ends) - 1))
    number = ends[at].get(name, 0)
    others = range(number // LEAST * LEAST, number // LEAST * LEAST + LEAST)
    assert len(others) == LEAST and number in others
    for other in others:
        assert stepped({**ends[at], name: other}) == stepped(ends[at])
    for table in filter(None, map(stepped, ends)):
        assert table.total.total == sum(row.total or 0 for row in table.rows)
        assert all((row.total or 0) >= LEAST for row in table.rows)


@pytest.mark.parametrize(
    ("month", "name", "first", "last", "end", "closed"),
    [
        ("2026-01", "2026-Q1", "2026-01", "2026-03", (2026, 4, 1), (2026, 6, 1)),
        ("2026-06", "2026-Q2", "2026-04", "2026-06", (2026, 7, 1), (2026, 9, 1)),
        ("2026-09", "2026-Q3", "2026-07", "2026-09", (2026, 10, 1), (2026, 12, 1)),
        ("2026-12", "2026-Q4", "2026-10", "2026-12", (2027, 1, 1), (2027, 3, 1)),
    ],
)
def test_quarters(
    month: str, name: str, first: str, last: str, end: tuple[int, ...], closed: tuple[int, ...]
) -> None:
    period = Period.of(month)
    assert (period.name, period.first, period.last) == (name, first, last)
    assert period.end == datetime.date(*end)
    assert period.closed == datetime.date(*closed)


def test_a_quarter_is_published_from_the_day_it_is_closed_and_with_enough_in_it() -> None:
    cases = [Case("A", "2026-03", "approved")] * 5 + [Case("A", "2026-04", "approved")] * 4
    assert published(cases, datetime.date(2026, 5, 31)) == {}
    assert list(published(cases, datetime.date(2026, 6, 1))) == [Period(2026, 1)]
    assert list(published(cases, datetime.date(2027, 6, 1))) == [Period(2026, 1)]
