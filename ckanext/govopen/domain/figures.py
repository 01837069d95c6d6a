"""Public figures about applications from which nobody's case can be read.

No number below :data:`LEAST` is published, none can be computed from what is published, and of no
number that is hidden can it even be shown that it is below. Every table has its totals by column,
so a small cell takes others with it (complementary suppression). An attacker knows the totals and
every cell that is shown, and that no cell is negative; :func:`protect` hides until, with that
knowledge, each hidden small cell could as well be ``LEAST``. What is merged or hidden does not
say why.

The tables by department and by month share their totals by outcome, which are always published.
Given these, every pair of tables has a common refinement: one says nothing about the other. What
the table by both adds to that is in ``figures_crossed.py``; why figures of several periods say
no more than each alone, in ``figures_periods.py``.
"""

from __future__ import annotations

import statistics
from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

LEAST = 5

#: Kinds of a refusal's basis that have a row of their own, under whichever regulation.
GROUNDS = ("law", "regulation", "rule", "policy", "sector_rule", "document")

Outcome = Literal["approved", "refused", "ended", "open"]
#: ``ended``: withdrawn, lapsed, or the dataset left the class; ``open``: not decided yet.
OUTCOMES: tuple[Outcome, ...] = ("approved", "refused", "ended", "open")
DECIDED: frozenset[str] = frozenset({"approved", "refused"})

Place = tuple[int, int]


@dataclass(frozen=True)
class Case:
    """What one department was asked for in one application. ``month`` (``2026-03``) is that of
    the submission, ``days`` what the decision took, ``ground`` the kind of a refusal's basis."""

    department: str
    month: str
    outcome: Outcome
    ground: str = ""
    days: int | None = None


@dataclass(frozen=True)
class Times:
    """How long decisions took: over ``cases`` cases, the median and the worst."""

    cases: int
    median: float
    worst: int


@dataclass(frozen=True)
class Row:
    """One line of a table; None is a number that is not shown."""

    key: str
    cells: tuple[int | None, ...]
    total: int | None
    times: Times | None = None


@dataclass(frozen=True)
class Table:
    """A protected table. ``columns`` are outcomes, or several of them taken together."""

    columns: tuple[tuple[str, ...], ...]
    rows: tuple[Row, ...]
    total: Row


@dataclass(frozen=True)
class Figures:
    """All that is published; None where there is too little to say anything."""

    departments: Table | None
    months: Table | None
    grounds: Table | None
    grants: Table | None
    crossed: Table | None = None


def figures(cases: Iterable[Case], grants: Mapping[str, int]) -> Figures:
    """The published tables of one period but for ``crossed``. ``grants`` are the grants alive at
    its end by department."""
    known = list(cases)
    departments = by("department", known)
    refused = [case for case in known if case.outcome == "refused"]
    # The grounds add up to all refusals. Where these stand in one column with other outcomes, the
    # difference would be the number of the others, which were too few for a column of their own.
    alone = departments is not None and ("refused",) in departments.columns
    return Figures(
        departments=departments,
        months=by("month", known),
        grounds=_single(Counter(case.ground for case in refused)) if alone else None,
        grants=stepped(grants),
    )


def stepped(counts: Mapping[str, int]) -> Table | None:
    """A table of numbers rounded down to whole steps of LEAST; what is below one has no row.

    The total is that of the rows, so that it says nothing that they do not.
    """
    shown = {key: counts[key] // LEAST * LEAST for key in sorted(counts) if counts[key] >= LEAST}
    if not shown:
        return None
    total = sum(shown.values())
    rows = tuple(Row(key, (number,), number) for key, number in shown.items())
    return Table((("all",),), rows, Row("", (total,), total))


def columns_of(totals: Mapping[str, int]) -> list[tuple[str, ...]] | None:
    """Which outcomes are told apart: each column's total is at least LEAST; None: none can be."""
    large = [name for name in totals if totals[name] >= LEAST]
    rest = [name for name in totals if totals[name] < LEAST]
    while rest and large and sum(totals[name] for name in rest) < LEAST:
        least = min(large, key=lambda name: totals[name])
        large.remove(least)
        rest.append(least)
    if sum(totals.values()) < LEAST:
        return None
    together = tuple(name for name in totals if name in rest)
    return [*((name,) for name in large), *([together] if together else [])]


def protect(cells: Sequence[Sequence[int]], least: int = LEAST) -> list[list[bool]] | None:
    """Which cells of a table are hidden, when the totals of its columns are published.

    With several columns the last one has to hold the totals of the rows. None: it cannot be
    published at all.
    """
    net = _Net(cells, least)
    small = [place for place in net.places if net.value(place) < least]
    hidden = set(small)
    for place in small:
        for more in net.companions(place, hidden):
            if net.could_be_least(place, hidden):
                break
            hidden |= more
        if not net.could_be_least(place, hidden):
            return None
    return [[(i, j) in hidden for j in range(net.width)] for i in range(len(cells))]


class _Net:
    """A table as a net of equations: every cell is an edge between its row's and its column's.

    A change that keeps all equations is a circulation; total cells count negatively in their rows.
    """

    def __init__(self, cells: Sequence[Sequence[int]], least: int) -> None:
        self.cells = cells
        self.least = least
        self.width = len(cells[0]) if cells else 0
        self.places = [(i, j) for i in range(len(cells)) for j in range(self.width)]

    def value(self, place: Place) -> int:
        return self.cells[place[0]][place[1]]

    def _ends(self, place: Place) -> tuple[tuple[str, int], tuple[str, int]]:
        # A single column has no totals beside it: its rows are bound by nothing of their own.
        row = place[0] if self.width > 1 else 0
        return ("row", row), ("column", place[1])

    def _sign(self, place: Place) -> int:
        return -1 if self.width > 1 and place[1] == self.width - 1 else 1

    def companions(self, place: Place, hidden: Collection[Place]) -> Iterable[set[Place]]:
        """What may be hidden along with a cell, the least loss first."""
        i, j = place
        columns = range(self.width) if self.width > 1 else [j]
        offers = [
            {(i, b), (a, j), (a, b)}
            for a in range(len(self.cells))
            for b in columns
            if a != i and (b != j or self.width == 1)
        ]

        def loss(offer: set[Place]) -> tuple[int, int]:
            new = [p for p in offer if p not in hidden]
            return sum(self._sign(p) < 0 for p in new), sum(self.value(p) for p in new)

        yield set()
        yield from sorted(offers, key=loss)
        yield set(self.places)

    def could_be_least(self, place: Place, hidden: Collection[Place]) -> bool:
        """Is there a table with the same published numbers in which the cell is large?"""
        values = {p: self.value(p) for p in hidden}
        edges: dict[tuple[str, int], list[Place]] = {}
        for p in hidden:
            for end in self._ends(p):
                edges.setdefault(end, []).append(p)
        return all(
            self._raised(place, values, edges) for _ in range(self.least - self.value(place))
        )

    def _raised(
        self,
        place: Place,
        values: dict[Place, int],
        edges: Mapping[tuple[str, int], list[Place]],
    ) -> bool:
        """Raises the cell by one along a closed way of changes; False when there is none."""
        row, column = self._ends(place)
        begin, goal = (column, row) if self._sign(place) > 0 else (row, column)
        came: dict[tuple[str, int], tuple[tuple[str, int], Place, int]] = {}
        queue = deque([begin])
        while queue and goal not in came:
            node = queue.popleft()
            for p in edges.get(node, ()):
                ends = self._ends(p)
                other = ends[1] if node == ends[0] else ends[0]
                change = self._sign(p) * (1 if node == ends[0] else -1)
                if p != place and other not in came and other != begin and values[p] + change >= 0:
                    came[other] = (node, p, change)
                    queue.append(other)
        if goal not in came:
            return False
        values[place] += 1
        node = goal
        while node != begin:
            node, p, change = came[node]
            values[p] += change
        return True


def by(
    what: Literal["department", "month"],
    cases: Sequence[Case],
    more: Collection[tuple[str, int]] = (),
) -> Table | None:
    """The table by department or by month; ``more`` are (key, number of the column) of cells that
    are hidden beside those that the table itself needs."""
    totals = {outcome: sum(c.outcome == outcome for c in cases) for outcome in OUTCOMES}
    columns = columns_of(totals)
    if columns is None:
        return None
    keys = sorted({getattr(case, what) for case in cases})
    groups = {key: [c for c in cases if getattr(c, what) == key] for key in keys}
    counts = [[sum(c.outcome in column for c in groups[key]) for column in columns] for key in keys]
    wide = [[*row, sum(row)] for row in counts] if len(columns) > 1 else counts
    hidden = protect(wide)
    if hidden is None:
        return None
    rows = []
    for key, numbers, found in zip(keys, wide, hidden, strict=True):
        hide = [no or (key, number) in more for number, no in enumerate(found)]
        shown = tuple(None if no else n for n, no in zip(numbers, hide, strict=True))
        cells = shown[: len(columns)]
        open_ = {o for col, n in zip(columns, cells, strict=True) if n is not None for o in col}
        rows.append(Row(key, cells, shown[-1], _times(groups[key], columns, open_)))
    sums = tuple(sum(totals[name] for name in column) for column in columns)
    every = Row("", sums, len(cases), _times(cases, columns, set(OUTCOMES)))
    return Table(tuple(columns), tuple(rows), every)


def _times(
    cases: Sequence[Case], columns: Sequence[tuple[str, ...]], shown: Collection[str]
) -> Times | None:
    """Only over outcomes whose number can be read beside it, so that it adds none."""
    told = {name for column in columns if set(column) <= DECIDED for name in column}
    days = [c.days for c in cases if c.outcome in told & set(shown) and c.days is not None]
    if len(days) < LEAST:
        return None
    return Times(len(days), statistics.median(days), max(days))


def _single(counts: Mapping[str, int]) -> Table | None:
    """A table of one column."""
    if sum(counts.values()) < LEAST:
        return None
    keys = sorted(key for key in counts if counts[key])
    hidden = protect([[counts[key]] for key in keys])
    if hidden is None:
        return None
    shown = [None if no[0] else counts[key] for key, no in zip(keys, hidden, strict=True)]
    rows = tuple(Row(key, (n,), n) for key, n in zip(keys, shown, strict=True))
    total = sum(counts.values())
    return Table((("all",),), rows, Row("", (total,), total))
