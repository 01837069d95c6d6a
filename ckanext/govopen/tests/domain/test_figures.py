"""No small number in the public figures, and none to be had by differences: by brute force."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

import pytest

from ckanext.govopen.domain.figures import (
    LEAST,
    OUTCOMES,
    Case,
    Table,
    columns_of,
    figures,
    protect,
    stepped,
)


def _splits(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    """All ways to write a number as a sum of so many."""
    if parts == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in _splits(total - first, parts - 1):
            yield (first, *rest)


def _could_be(table: list[list[int]], hidden: list[list[bool]]) -> dict[tuple[int, int], set[int]]:
    """Every value that each hidden cell can have for somebody who knows all that is published.

    Tables of two columns, and their rows' totals if there is a third.
    """
    height, width = len(table), min(2, len(table[0]))
    sums = [sum(row[j] for row in table) for j in range(width)]
    found: dict[tuple[int, int], set[int]] = {}
    for columns in itertools.product(*(list(_splits(total, height)) for total in sums)):
        rows = [[column[i] for column in columns] for i in range(height)]
        if len(table[0]) > width:
            rows = [[*row, sum(row)] for row in rows]
        places = [(i, j) for i in range(height) for j in range(len(table[0]))]
        if all(hidden[i][j] or rows[i][j] == table[i][j] for i, j in places):
            for i, j in places:
                found.setdefault((i, j), set()).add(rows[i][j])
    return found


def _check(table: list[list[int]], least: int) -> bool:
    """Is it published? Then nothing small can be seen in it."""
    hidden = protect(table, least)
    if hidden is None:
        return False
    possible = _could_be(table, hidden)
    for i, row in enumerate(table):
        for j, value in enumerate(row):
            if value < least:
                assert hidden[i][j]
                assert max(possible[i, j]) >= least, (table, hidden, i, j)
    return True


def test_every_small_table_of_two_columns() -> None:
    # With 3 in the place of 5 all tables can be tried.
    published = 0
    for height in (2, 3):
        for numbers in itertools.product((0, 1, 2, 3, 5), repeat=2 * height):
            rows = [list(numbers[2 * i : 2 * i + 2]) for i in range(height)]
            if min(sum(row[j] for row in rows) for j in (0, 1)) < 3:
                continue
            if height == 3 and hash(numbers) % 40:
                continue
            published += _check([[*row, sum(row)] for row in rows], 3)
    assert published > 300


def test_every_small_table_of_one_column() -> None:
    published = 0
    for height in (1, 2, 3, 4):
        for numbers in itertools.product(range(6), repeat=height):
            if sum(numbers) >= 3:
                published += _check([[n] for n in numbers], 3)
    assert published > 1000


@pytest.mark.parametrize("seed", range(20))
def test_tables_with_the_real_limit(seed: int) -> None:
    dice = random.Random(seed)
    rows = [[dice.choice((0, 1, 3, 5, 8)), dice.choice((0, 2, 4, 7))] for _ in range(3)]
    if min(sum(row[j] for row in rows) for j in (0, 1)) >= LEAST:
        _check([[*row, sum(row)] for row in rows], LEAST)


def test_a_table_without_small_cells_is_shown_whole() -> None:
    assert protect([[5, 6, 11], [9, 7, 16]]) == [[False] * 3] * 2


def test_one_small_cell_takes_three_others_with_it() -> None:
    hidden = protect([[2, 20, 22], [30, 40, 70], [15, 16, 31]])
    assert hidden is not None
    assert sum(map(sum, hidden)) == 4


def _cases(*numbers: tuple[str, str, str, int]) -> list[Case]:
    return [
        Case(department, month, outcome, "law" if outcome == "refused" else "", days)  # type: ignore[arg-type]
        for department, month, outcome, count in numbers
        for days in range(count)
    ]


def _numbers(table: Table | None) -> list[int | None]:
    assert table is not None
    return [n for row in (*table.rows, table.total) for n in (*row.cells, row.total)]


@pytest.mark.parametrize("seed", range(30))
def test_nothing_small_is_published(seed: int) -> None:
    dice = random.Random(seed)
    cases = [
        Case(
            dice.choice("ABCDEF"),
            f"2026-{dice.randint(1, 9):02d}",
            dice.choices(OUTCOMES, (9, 3, 1, 4))[0],
            dice.choice(("law", "regulation", "")),
            dice.randint(0, 40),
        )
        for _ in range(dice.randint(5, 300))
    ]
    found = figures(cases, {letter: dice.randint(0, 12) for letter in "ABCDEF"})
    for table in (found.departments, found.months, found.grounds, found.grants):
        if table is not None:
            assert all(n is None or n >= LEAST for n in _numbers(table))
            times = [row.times for row in (*table.rows, table.total) if row.times]
            assert all(one.cases >= LEAST for one in times)


def test_the_two_tables_have_the_same_totals() -> None:
    found = figures(_cases(("A", "2026-01", "approved", 9), ("B", "2026-02", "refused", 7)), {})
    assert found.departments is not None and found.months is not None
    assert found.departments.total.cells == found.months.total.cells
    assert found.departments.columns == found.months.columns


def test_outcomes_too_rare_are_taken_together() -> None:
    assert columns_of({"approved": 9, "refused": 2, "ended": 1, "open": 8}) == [
        ("approved",),
        ("refused", "ended", "open"),
    ]
    assert columns_of({"approved": 9, "refused": 2, "ended": 3, "open": 8}) == [
        ("approved",),
        ("open",),
        ("refused", "ended"),
    ]
    assert columns_of({"approved": 2, "refused": 2, "ended": 0, "open": 0}) is None


def test_too_little_is_no_figure() -> None:
    found = figures(_cases(("A", "2026-01", "approved", 4)), {"A": 4})
    assert (found.departments, found.months, found.grounds, found.grants) == (None,) * 4


@pytest.mark.parametrize("open_", (0, 1, 4, 5))
def test_the_grounds_do_not_tell_what_stands_in_one_column_with_the_refusals(open_: int) -> None:
    """8 refused, withdrawn or open, of which 6 were refused on these grounds: that is 2."""
    found = figures(
        _cases(
            ("A", "2026-01", "approved", 20),
            ("A", "2026-01", "refused", 6),
            ("A", "2026-01", "open", open_),
        ),
        {},
    )
    assert found.departments is not None
    alone = ("refused",) in found.departments.columns
    assert alone is (open_ == 5)
    assert (found.grounds is not None) is alone


def test_times_stand_only_over_cases_whose_number_is_shown() -> None:
    found = figures(_cases(("A", "2026-01", "approved", 11), ("A", "2026-01", "open", 6)), {})
    assert found.departments is not None
    times = found.departments.total.times
    assert times is not None
    assert (times.cases, times.median, times.worst) == (11, 5, 10)


def test_grants_are_told_in_whole_steps_and_the_total_is_of_these() -> None:
    found = stepped({"A": 4, "B": 5, "C": 9, "D": 14, "E": 0})
    assert found is not None
    assert [(row.key, row.total) for row in found.rows] == [("B", 5), ("C", 5), ("D", 10)]
    assert found.total.total == 20
    assert stepped({"A": 4, "B": 3}) is None


def test_a_large_table_takes_a_moment() -> None:
    dice = random.Random(1)
    rows = [[dice.choice((0, 1, 2, 6, 30)) for _ in range(4)] for _ in range(60)]
    hidden = protect([[*row, sum(row)] for row in rows])
    assert hidden is not None
