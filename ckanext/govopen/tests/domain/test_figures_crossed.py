"""Departments by months beside the two other tables: attacked with all that is published.

The attacker knows every number that is shown and every total, that no number is negative, and
which departments, months and outcomes there are.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from ckanext.govopen.domain.figures import LEAST, OUTCOMES, Case, Figures, Table, figures
from ckanext.govopen.domain.figures_crossed import OTHERS, figures_of

PRIME = 2**61 - 1
Kind = tuple[str, str, int]


@dataclass
class Attack:
    """Equations over the numbers of applications by department, month and outcome."""

    kinds: list[Kind]
    rows: list[tuple[frozenset[int], int]] = field(default_factory=list)
    secrets: dict[tuple[str, str, str], frozenset[int]] = field(default_factory=dict)

    @classmethod
    def on(cls, found: Figures) -> Attack:
        """All that the published tables say."""
        assert found.departments and found.months
        names = [row.key for row in found.departments.rows], [row.key for row in found.months.rows]
        width = len(found.departments.columns)
        made = cls(list(itertools.product(names[0], names[1], range(width))))
        for axis, table in ((0, found.departments), (1, found.months)):
            made._by(axis, table)
        for number, total in enumerate(found.departments.total.cells):
            assert total is not None
            made._say(lambda k, n=number: k[2] == n, total, ("all", "", str(number)))
        if found.crossed is not None:
            made._crossed(found.crossed)
        return made

    def _say(self, belongs: object, value: int | None, name: tuple[str, str, str]) -> None:
        assert callable(belongs)
        cells = frozenset(i for i, kind in enumerate(self.kinds) if belongs(kind))
        if value is None:
            self.secrets[name] = cells
        else:
            self.rows.append((cells, value))

    def _by(self, axis: int, table: Table) -> None:
        for row in table.rows:
            for number, value in enumerate(row.cells):
                self._say(
                    lambda k, n=number, r=row: (k[axis], k[2]) == (r.key, n),
                    value,
                    (str(axis), row.key, str(number)),
                )
            self._say(lambda k, r=row: k[axis] == r.key, row.total, (str(axis), row.key, "all"))

    def _crossed(self, table: Table) -> None:
        own = {row.key for row in table.rows}, {column[0] for column in table.columns}

        def place(kind: Kind) -> tuple[str, str]:
            department, month, _outcome = kind
            return (
                department if department in own[0] else OTHERS,
                month if month in own[1] else OTHERS,
            )

        for row in table.rows:
            assert row.total is not None
            for (column,), value in zip(table.columns, row.cells, strict=True):
                self._say(
                    lambda k, r=row.key, c=column: place(k) == (r, c),
                    value,
                    ("both", row.key, column),
                )
            self._say(lambda k, r=row.key: place(k)[0] == r, row.total, ("both", row.key, "all"))
        for (column,), value in zip(table.columns, table.total.cells, strict=True):
            self._say(lambda k, c=column: place(k)[1] == c, value, ("both", "all", column))

    def computed(self) -> set[tuple[str, str, str]]:
        """The secrets that are a sum of published numbers, each taken some number of times."""
        basis: dict[int, dict[int, int]] = {}

        def rest(cells: frozenset[int]) -> dict[int, int]:
            row = dict.fromkeys(cells, 1)
            for pivot in sorted(basis):
                if row.get(pivot):
                    factor = row[pivot]
                    for i, value in basis[pivot].items():
                        row[i] = (row.get(i, 0) - factor * value) % PRIME
            return {i: value for i, value in row.items() if value}

        for cells, _value in self.rows:
            row = rest(cells)
            if row:
                pivot = min(row)
                inverse = pow(row[pivot], -1, PRIME)
                basis[pivot] = {i: value * inverse % PRIME for i, value in row.items()}
        return {name for name, cells in self.secrets.items() if not rest(cells)}

    def bounds(self) -> tuple[list[int], list[int]]:
        """What each number is at least and at most, every equation used until nothing changes."""
        low, high = [0] * len(self.kinds), [10**9] * len(self.kinds)
        changed = True
        while changed:
            changed = False
            for cells, value in self.rows:
                lowest, highest = sum(low[i] for i in cells), sum(high[i] for i in cells)
                for i in cells:
                    most, least = value - (lowest - low[i]), value - (highest - high[i])
                    if most < high[i] or least > low[i]:
                        high[i], low[i] = min(high[i], most), max(low[i], least)
                        changed = True
                        lowest, highest = sum(low[j] for j in cells), sum(high[j] for j in cells)
        return low, high


def chance(seed: int) -> list[Case]:
    dice = random.Random(seed)
    many, months, number = dice.choice([(6, 8, 300), (4, 5, 150), (5, 4, 90), (9, 14, 500)])
    weights = [dice.random() ** 2 + 0.05 for _ in range(many)]
    return [
        Case(
            dice.choices("ABCDEFGHI"[:many], weights)[0],
            f"{2026 + month // 12}-{month % 12 + 1:02d}",
            dice.choices(OUTCOMES, (9, 3, 1, 4))[0],
            "",
            dice.randint(0, 40),
        )
        for _ in range(number)
        for month in [dice.randrange(months)]
    ]


def small_ones(cases: list[Case], attack: Attack, found: Figures) -> Iterator[tuple[str, str, str]]:
    """The secrets that are really below LEAST."""
    assert found.departments
    place = {name: n for n, group in enumerate(found.departments.columns) for name in group}
    real = Counter((case.department, case.month, place[case.outcome]) for case in cases)
    for name, cells in attack.secrets.items():
        if sum(real[attack.kinds[i]] for i in cells) < LEAST:
            yield name


@pytest.mark.parametrize("seed", range(12))
def test_nothing_hidden_can_be_computed_from_all_that_is_published(seed: int) -> None:
    cases = chance(seed)
    found = figures_of(cases, {})
    if found.departments is None or found.months is None:
        return
    for table in (found.departments, found.months, found.crossed):
        for row in (*table.rows, table.total) if table is not None else ():
            assert all(n is None or n >= LEAST for n in (*row.cells, row.total))
    attack = Attack.on(found)
    small = set(small_ones(cases, attack, found))
    assert small and not small & attack.computed()
    _low, high = attack.bounds()
    for name in small:
        assert sum(high[i] for i in attack.secrets[name]) >= LEAST, name


def test_the_attack_would_find_what_is_shown_too_much() -> None:
    """With one hidden number of the crossed table told, others that are small are certain."""
    found_some = 0
    for seed in range(12):
        cases = chance(seed)
        found = figures_of(cases, {})
        if found.crossed is None:
            continue
        attack = Attack.on(found)
        small = set(small_ones(cases, attack, found))
        place = {n: i for i, group in enumerate(found.departments.columns) for n in group}  # type: ignore[union-attr]
        real = Counter((case.department, case.month, place[case.outcome]) for case in cases)
        for name in [name for name in attack.secrets if name not in small]:
            cells = attack.secrets[name]
            attack.rows.append((cells, sum(real[attack.kinds[i]] for i in cells)))
        _low, high = attack.bounds()
        certain = attack.computed() & small
        narrow = {n for n in small if sum(high[i] for i in attack.secrets[n]) < LEAST}
        found_some += bool(certain | narrow)
    assert found_some > 2


def test_the_crossed_table_is_published_where_there_is_enough() -> None:
    cases = chance(1) * 6
    found = figures_of(cases, {})
    assert found.crossed is not None and found.departments is not None
    shown = [n for row in found.crossed.rows for n in row.cells if n is not None]
    assert len(shown) > len(found.crossed.rows) and found.crossed.total.total == len(cases)
    totals = {row.key: row.total for row in found.departments.rows}
    for row in found.crossed.rows:
        assert row.key == OTHERS or row.total == totals[row.key]


def test_older_months_are_one_column() -> None:
    cases = [
        Case(department, f"{2025 + n // 12}-{n % 12 + 1:02d}", outcome, "", 3)
        for department in "ABC" for n in range(20) for outcome in ("approved", "refused")
        for _ in range(6)
    ]  # fmt: skip
    found = figures_of(cases, {})  # type: ignore[arg-type]
    assert found.crossed is not None
    assert [column[0] for column in found.crossed.columns][-1] == OTHERS
    assert len(found.crossed.columns) == 13
    assert all(n for row in found.crossed.rows for n in row.cells), "nothing small, nothing hidden"


def test_no_single_application_is_certain_by_department_month_and_outcome() -> None:
    """One refusal among seven applications of a department in a month: nobody can tell."""
    few = Counter({("A", "2026-01", "refused"): 1, ("A", "2026-01", "approved"): 6,
                   ("A", "2026-02", "approved"): 9, ("A", "2026-02", "refused"): 6,
                   ("B", "2026-01", "approved"): 8, ("B", "2026-01", "refused"): 7,
                   ("B", "2026-02", "approved"): 7})  # fmt: skip
    cases = [Case(d, m, o, "", 3) for (d, m, o), n in few.items() for _ in range(n)]  # type: ignore[arg-type]
    found = figures_of(cases, {})
    attack = Attack.on(found)
    low, high = attack.bounds()
    for i, (department, month, outcome) in enumerate(attack.kinds):
        assert found.departments is not None
        names = found.departments.columns[outcome]
        number = sum(few[department, month, name] for name in names)
        if 0 < number < LEAST:
            assert low[i] < high[i]


def test_too_little_stays_as_it_was() -> None:
    cases = [Case("A", "2026-01", "approved", "", 3)] * 7
    assert figures_of(cases, {}) == figures(cases, {})


def test_a_large_portal_takes_a_moment() -> None:
    dice = random.Random(4)
    cases = [
        Case(f"D{dice.randrange(40):02d}", f"2026-{dice.randint(1, 12):02d}",
             dice.choices(OUTCOMES, (9, 3, 1, 4))[0], "", 3)
        for _ in range(4000)
    ]  # fmt: skip
    assert figures_of(cases, {}).crossed is not None
