"""The closed periods that figures are published for: nothing is learnt by keeping them.

Figures about a growing number of applications can be subtracted from each other: 10 in March and
12 in April are 2. So every application belongs to one period, the quarter in which it was
submitted, and is counted as it stood at a fixed day after the quarter's end. From that day on the
quarter's figures are published, and whatever happens later changes none of them. No two periods
have an application in common and no sum over several periods is made apart from them: what one
says nothing can be added to by another, and ``figures.py`` and ``figures_crossed.py`` protect each
by itself. Quarters are those of the calendar, however many applications they have: where the
limits of a period followed the numbers, they would tell of them.

Grants last longer than a quarter. They are counted at a quarter's end, and only in whole steps of
:data:`~.figures.LEAST` (:func:`~.figures.stepped`): two numbers in a row tell of no single grant.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from ckanext.govopen.domain.figures import LEAST, Case

#: Months of a period.
MONTHS = 3
#: Months after a period's end in which its applications are still decided.
SETTLING = 2


@dataclass(frozen=True, order=True)
class Period:
    """A quarter of a year; ``quarter`` is 1 to 4."""

    year: int
    quarter: int

    @classmethod
    def of(cls, month: str) -> Period:
        """The period of a month such as ``2026-03``."""
        year, number = map(int, month.split("-"))
        return cls(year, (number - 1) // MONTHS + 1)

    @property
    def name(self) -> str:
        """Such as ``2026-Q1``."""
        return f"{self.year:04d}-Q{self.quarter}"

    @property
    def first(self) -> str:
        """The first month."""
        return f"{self.year:04d}-{self.quarter * MONTHS - MONTHS + 1:02d}"

    @property
    def last(self) -> str:
        """The last month."""
        return f"{self.year:04d}-{self.quarter * MONTHS:02d}"

    @property
    def end(self) -> datetime.date:
        """The first day after it."""
        return self._after(0)

    @property
    def closed(self) -> datetime.date:
        """The day from which its figures are published; what happened before it is in them."""
        return self._after(SETTLING)

    def _after(self, months: int) -> datetime.date:
        number = self.quarter * MONTHS + months
        return datetime.date(self.year + number // 12, number % 12 + 1, 1)


def published(cases: Iterable[Case], today: datetime.date) -> dict[Period, list[Case]]:
    """The cases of each period that is closed and has enough of them, the oldest period first.

    ``cases`` are as they stood on the day when their own period was closed.
    """
    found: dict[Period, list[Case]] = defaultdict(list)
    for case in cases:
        period = Period.of(case.month)
        if period.closed <= today:
            found[period].append(case)
    return {period: found[period] for period in sorted(found) if len(found[period]) >= LEAST}
