"""Applications by department and month at once, beside the tables by each of them.

The three tables together say more than each alone: departments and months by outcome, and now
departments by months. An attacker may compute whatever fits all of them. So it is proved, not
guessed, that nothing small can be computed: for every number below :data:`~.figures.LEAST` that is
not shown, another set of applications is made from the true one, step by step, under which
everything published is the same and that number is as large as ``LEAST``. A step moves single
applications to another department, month or outcome so that what it changes is hidden. Numbers for
a department, a month and an outcome at once stand in no table; those below ``LEAST`` must at least
not be certain: some step changes them. Where a proof fails more is hidden, in whichever table, and
where that does not help the table is not published.

Departments and months whose own totals are not shown are taken together, older months too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from ckanext.govopen.domain.figures import LEAST, Case, Figures, Row, Table, by, figures

#: Most months of their own; those before are one column.
MONTHS = 12
#: The place of all departments or months that have none of their own.
OTHERS = ""
#: In place of an outcome: all of them.
ALL = -1

#: Department, month, number of the outcome's column.
Kind = tuple[str, str, int]
#: How many applications of which kind come or go.
Step = list[tuple[Kind, int]]
Cell = tuple[str, str]


def figures_of(cases: Iterable[Case], grants: Mapping[str, int], least: int = LEAST) -> Figures:
    """All published tables. ``grants`` are the grants alive by department."""
    known = list(cases)
    found = figures(known, grants)
    if found.departments is None or found.months is None:
        return found
    place = {name: n for n, group in enumerate(found.departments.columns) for name in group}
    world = _World(
        Counter((case.department, case.month, place[case.outcome]) for case in known),
        found.departments,
        found.months,
    )
    if len(world.keys(0)) < 2 or len(world.keys(1)) < 2 or not _protect(world, least):
        return found
    return replace(
        found,
        departments=by("department", known, world.secret[0]),
        months=by("month", known, world.secret[1]),
        crossed=_table(world),
    )


def _table(world: _World) -> Table:
    rows, columns = world.keys(0), world.keys(1)
    shown = []
    for row in rows:
        numbers = [world.number(row, column) for column in columns]
        cells = tuple(
            None if (row, column) in world.hidden else number
            for column, number in zip(columns, numbers, strict=True)
        )
        shown.append(Row(row, cells, sum(numbers)))
    sums = tuple(sum(world.number(row, column) for row in rows) for column in columns)
    return Table(tuple((c,) for c in columns), tuple(shown), Row("", sums, sum(sums)))


def _protect(world: _World, least: int) -> bool:
    """Hides cells until everything small is proved to be safe; False when that does not work.

    To hide more spoils no proof that was made before.
    """
    cells = [(row, column) for row in world.keys(0) for column in world.keys(1)]
    small = [cell for cell in cells if world.number(*cell) < least]
    world.hidden = set(small)
    return (
        all(
            world.hide_until(c, lambda w, c=c: w.rises(w.crossing(c), least - w.number(*c)))
            for c in small
        )
        and all(
            world.cover_until(axis, key, outcome, least - number)
            for axis, key, outcome, number in list(world.small(least))
        )
        and all(
            world.hide_until(world.place(kind), lambda w, k=kind: w.uncertain(k))
            for kind in [kind for kind, count in world.count.items() if 0 < count < least]
            if OTHERS not in world.place(kind)
        )
    )


class _World:
    """Applications by kind, and what of them is published."""

    def __init__(self, count: Counter[Kind], *tables: Table) -> None:
        self.count = count
        self.axes = tables
        #: For both other tables: which (key, column) is not shown.
        self.secret: tuple[set[tuple[str, int]], ...] = tuple(
            {
                (row.key, number)
                for row in table.rows
                for number, cell in [*enumerate(row.cells), (ALL, row.total)]
                if cell is None
            }
            for table in tables
        )
        own = [[row.key for row in table.rows if row.total is not None] for table in tables]
        self.own = (set(own[0]), set(sorted(own[1])[-MONTHS:]))
        self.hidden: set[Cell] = set()
        self._numbers: Counter[Cell] = Counter()
        for kind, number in count.items():
            self._numbers[self.place(kind)] += number

    def keys(self, axis: int) -> list[str]:
        """The departments (0) or months (1) of the table; OTHERS last."""
        known = {_key(kind, axis) for kind in self.count}
        return [*sorted(known & self.own[axis]), *([OTHERS] if known - self.own[axis] else [])]

    def place(self, kind: Kind) -> Cell:
        """The cell of the table in which a kind is counted."""
        return (
            kind[0] if kind[0] in self.own[0] else OTHERS,
            kind[1] if kind[1] in self.own[1] else OTHERS,
        )

    def number(self, row: str, column: str) -> int:
        """The true number of a cell."""
        return self._numbers[row, column]

    def small(self, least: int) -> Iterator[tuple[int, str, int, int]]:
        """The small numbers of the other two tables: axis, key, outcome or ALL, number."""
        for axis in (0, 1):
            for key, outcome in sorted(self.secret[axis]):
                number = sum(
                    n for kind, n in self.count.items()
                    if kind[axis] == key and outcome in (kind[2], ALL)
                )  # fmt: skip
                if number < least:
                    yield axis, key, outcome, number

    # Proving

    def rises(self, steps: _Steps, need: int) -> bool:
        """Is there another world with the same published numbers in which a cell has ``need`` more?

        ``steps`` gives steps that raise the cell by one.
        """
        kept = Counter(self.count)
        try:
            for _ in range(need):
                step = next((one for one in steps(self) if self.quiet(one)), None)
                if step is None:
                    return False
                for kind, change in step:
                    self.count[kind] += change
            return True
        finally:
            self.count = kept

    def uncertain(self, kind: Kind) -> bool:
        """Is there another world in which the number of a kind is not what it is?"""
        return any(self.quiet(step) for step in self.touching(kind))

    def quiet(self, step: Step) -> bool:
        """Can the step be taken, and does it change nothing that is published?"""
        left: Counter[Kind] = Counter()
        outcomes: Counter[int] = Counter()
        sums: tuple[Counter[tuple[str, int]], ...] = (Counter(), Counter())
        cells: Counter[Cell] = Counter()
        for kind, change in step:
            left[kind] += change
            outcomes[kind[2]] += change
            cells[self.place(kind)] += change
            for axis in (0, 1):
                sums[axis][_key(kind, axis), kind[2]] += change
                sums[axis][_key(kind, axis), ALL] += change
        return (
            all(self.count[kind] + change >= 0 for kind, change in left.items())
            and not any(outcomes.values())
            and all(not change or cell in self.hidden for cell, change in cells.items())
            and all(
                not change or cell in self.secret[axis]
                for axis in (0, 1)
                for cell, change in sums[axis].items()
            )
        )

    def hide_until(self, cell: Cell, proof: _Proof) -> bool:
        """Hides a rectangle with the cell, the least loss first, until the proof succeeds."""
        if proof(self):
            return True
        before = set(self.hidden)
        row, column = cell
        offers = [
            {cell, (row, other_column), (other_row, column), (other_row, other_column)}
            for other_row in self.keys(0)
            for other_column in self.keys(1)
            if other_row != row and other_column != column
        ]
        offers.sort(key=lambda offer: sum(self.number(*one) for one in offer - before))
        for offer in offers:
            self.hidden = before | offer
            if proof(self):
                return True
        self.hidden = before
        return False

    def cover_until(self, axis: int, key: str, outcome: int, need: int) -> bool:
        """Hides more of one of the other tables, the least loss first, until a small number of it
        is proved to be safe."""
        secret = self.secret[axis]

        def proved() -> bool:
            return self.rises(lambda w: w.swaps(axis, key, outcome), need)

        if proved():
            return True
        if outcome == ALL:
            return False
        sums: Counter[tuple[str, int]] = Counter()
        for kind, count in self.count.items():
            sums[_key(kind, axis), kind[2]] += count
        before = set(secret)
        offers = [
            {(key, outcome), (key, other), (beside, outcome), (beside, other)} - before
            for beside in sorted({name for name, _outcome in sums} - {key})
            for other in sorted({number for _name, number in sums} - {outcome})
        ]
        for offer in sorted(offers, key=lambda offer: sum(sums[one] for one in offer)):
            secret |= offer
            if proved():
                return True
            secret -= offer
        return False

    # Steps

    def _kinds(self) -> list[Kind]:
        return [kind for kind, count in self.count.items() if count > 0]

    def crossing(self, cell: Cell) -> _Steps:
        """Steps that raise a cell of the table: two applications exchange their months."""
        row, column = cell

        def steps(world: _World) -> Iterator[Step]:
            hidden, come, go = world.hidden, [], []
            for kind in world._kinds():
                here = world.place(kind)
                if here[0] == row and here[1] != column and here in hidden:
                    come.append((kind, here[1]))
                elif here[0] != row and here[1] == column and here in hidden:
                    go.append((kind, here[0]))
            for a, other_column in come:
                for b, other_row in go:
                    if (other_row, other_column) not in hidden:
                        continue
                    step = [(a, -1), ((a[0], b[1], a[2]), 1), (b, -1), ((b[0], a[1], b[2]), 1)]
                    yield step
                    if a[2] != b[2]:
                        yield from world._made_good(1, step, (b[1], a[1]), (a[2], b[2]))

        return steps

    def swaps(self, axis: int, key: str, outcome: int) -> Iterator[Step]:
        """Steps that raise a number by department (axis 0) or by month (axis 1)."""
        secret, other = self.secret[axis], 1 - axis
        kinds = self._kinds()
        away = [
            k for k in kinds
            if _key(k, axis) != key and outcome in (k[2], ALL) and (_key(k, axis), k[2]) in secret
        ]  # fmt: skip
        for b in away:
            if (_key(b, axis), ALL) in secret:
                yield [(b, -1), (_with(b, axis, key), 1)]
        if outcome == ALL:
            return
        mine = [
            k for k in kinds
            if _key(k, axis) == key and k[2] != outcome and (key, k[2]) in secret
        ]  # fmt: skip
        for a in mine:
            for b in away:
                if (_key(b, axis), a[2]) not in secret:
                    continue
                step = [(a, -1), ((a[0], a[1], outcome), 1), (b, -1), ((b[0], b[1], a[2]), 1)]
                yield step
                keys = _key(a, other), _key(b, other)
                if keys[0] != keys[1]:
                    yield from self._made_good(other, step, keys, (outcome, a[2]))

    def _made_good(
        self, axis: int, step: Step, keys: tuple[str, str], outcomes: tuple[int, int]
    ) -> Iterator[Step]:
        """A step that gave ``keys[0]`` of an axis one more of the first outcome and one less of the
        second, and ``keys[1]`` the reverse: some third department or month takes that back."""
        for c in self._kinds():
            if c[axis] == keys[0] and c[2] == outcomes[0]:
                d = _with((c[0], c[1], outcomes[1]), axis, keys[1])
                if self.count[d] > 0:
                    back: Step = [
                        (c, -1), ((c[0], c[1], outcomes[1]), 1),
                        (d, -1), ((d[0], d[1], outcomes[0]), 1),
                    ]  # fmt: skip
                    yield step + back

    def touching(self, kind: Kind) -> Iterator[Step]:
        """Steps that change the number of a kind."""
        kinds = self._kinds()
        d, m, o = kind
        for other in kinds:
            e, n, _outcome = other
            if e != d and n != m:
                for q in {k[2] for k in kinds} - {o}:
                    # The eight corners of a box: no sum by any two of the three changes.
                    corners = [(d, m, o), (d, n, q), (e, m, q), (e, n, o)]
                    against = [(d, m, q), (d, n, o), (e, m, o), (e, n, q)]
                    for sign in (1, -1):
                        yield [(k, -sign) for k in corners] + [(k, sign) for k in against]
            if other == kind:
                continue
            # Two exchange one of what they are, or one becomes more like another.
            for axis in (0, 1, 2):
                if other[axis] != kind[axis]:
                    a, b = _with(kind, axis, other[axis]), _with(other, axis, kind[axis])
                    yield [(kind, -1), (a, 1), (other, -1), (b, 1)]
                    yield [(kind, 1), (a, -1), (other, 1), (b, -1)]
                    yield [(kind, -1), (a, 1)]


def _key(kind: Kind, axis: int) -> str:
    return kind[1] if axis else kind[0]


def _with(kind: Kind, axis: int, value: str | int) -> Kind:
    """The kind with another department, month or outcome."""
    changed: list[str | int] = list(kind)
    changed[axis] = value
    department, month, outcome = changed
    return str(department), str(month), int(outcome)


_Steps = Callable[[_World], Iterator[Step]]
_Proof = Callable[[_World], bool]
