"""Time limits: working days, calendar days, extensions, pauses, silence; and stale data.

Counting: the day of the start event is not counted, the limit ends with its last day in Chinese
time. A limit in calendar days that ends on a day off moves to the next working day; that follows
from general civil law and is marked ``derived``. Beyond the published calendar a due date is
``provisional``: asked for again with a longer calendar, it is final. A clock without a number has
no due date, unless the site has set itself a target, which is ``internal``.
"""

from __future__ import annotations

import calendar as month_calendar
import datetime
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

from ckanext.govopen.domain.procedure import Clock, Silence
from ckanext.govopen.domain.terms import SHANGHAI, Origin, Unit

ONE_DAY = datetime.timedelta(days=1)


class Calendar(Protocol):
    """Knows the State Council's working days, make-up working days included."""

    def is_workday(self, day: datetime.date) -> bool:
        """Is it a working day? Asked only for days up to :meth:`known_until`."""
        ...

    def known_until(self) -> datetime.date:
        """The last day that has been published."""
        ...


@dataclass(frozen=True)
class PublishedCalendar:
    """A :class:`Calendar` of a function that knows the days from ``first`` to ``last``."""

    workday: Callable[[datetime.date], bool]
    first: datetime.date
    last: datetime.date

    def is_workday(self, day: datetime.date) -> bool:
        """Is it a working day? Outside the published years: Monday to Friday."""
        if self.first <= day <= self.last:
            return self.workday(day)
        return day.weekday() < 5

    def known_until(self) -> datetime.date:
        """The last day that has been published."""
        return self.last


@dataclass(frozen=True)
class Pause:
    """A time that does not count, both days included; ``until`` None: it goes on.

    ``cause`` is what stopped the clock, as the profile calls it. A cause that the clock does not
    list stops nothing.
    """

    since: datetime.date
    until: datetime.date | None = None
    cause: str = ""

    def covers(self, day: datetime.date) -> bool:
        """Does the day fall into it?"""
        return self.since <= day and (self.until is None or day <= self.until)


@dataclass(frozen=True)
class Due:
    """The last day of a limit and its last moment, with the article to be shown beside it.

    ``origin``: whether the article itself leads to this day. ``provisional``: beyond the published
    calendar. ``moved``: the end was moved off a day off, which makes it ``derived``. ``paused``: a
    pause goes on, the day is only the earliest possible one. ``internal``: a target of the site,
    not law.
    """

    day: datetime.date
    at: datetime.datetime
    article: str | None
    origin: Origin = "article"
    provisional: bool = False
    moved: bool = False
    extended: bool = False
    paused: bool = False
    internal: bool = False

    def overdue(self, now: datetime.datetime) -> bool:
        """Is the limit over at ``now``?"""
        return not self.paused and now > self.at

    def days_left(self, now: datetime.datetime) -> int:
        """Calendar days until the last day; 0 on it, negative after it."""
        return (self.day - local_date(now)).days


def local_date(moment: datetime.datetime) -> datetime.date:
    """The Chinese calendar day of a moment; refuses times without a zone."""
    if moment.tzinfo is None:
        raise ValueError("A deadline needs a time with a zone.")
    return moment.astimezone(SHANGHAI).date()


def end_of(day: datetime.date) -> datetime.datetime:
    """The last moment of a day in Chinese time."""
    return datetime.datetime.combine(day, datetime.time(23, 59, 59, 999999), SHANGHAI)


def due(
    clock: Clock,
    start: datetime.datetime,
    calendar: Calendar,
    *,
    extended: bool | int = False,
    pauses: Iterable[Pause] = (),
    urgent: datetime.date | None = None,
) -> Due | None:
    """When a clock that started at ``start`` runs out; None when the text gives no number.

    ``extended``: True for the whole extension that the clock allows, or a number of its units
    (of an extension ``until_total``: the total); never more than the clock allows. ``pauses``
    count only where the clock lists their cause. ``urgent`` is a date set by hand, which counts
    only where the clock knows urgent cases and only when it is earlier. A restarted clock is
    asked for with its new ``start``.
    """
    begin = local_date(start)
    if clock.date is not None:
        return _yearly(clock, begin, calendar)
    n, unit, internal = clock.n, clock.unit, False
    if n is None:
        if clock.target is None:
            return None
        n, unit, internal = clock.target.n, clock.target.unit, True
    stops = [pause for pause in pauses if pause.cause in clock.suspended_by]
    day = _count(begin, n, unit, calendar, stops)
    day, was_extended = _extended(clock, begin, day, extended, calendar, stops)
    if was_extended and clock.extension is not None:
        unit = clock.extension.unit
    moved = False
    if unit == "nd":
        while not calendar.is_workday(day):
            day, moved = day + ONE_DAY, True
    if clock.urgent and urgent is not None and begin <= urgent < day:
        day, moved = urgent, False
    going_on = any(pause.until is None and pause.since <= day for pause in stops)
    return Due(
        day=day,
        at=end_of(day),
        article=clock.article,
        origin=_origin(clock, internal, moved),
        provisional=day > calendar.known_until(),
        moved=moved,
        extended=was_extended,
        paused=going_on,
        internal=internal,
    )


def _origin(clock: Clock, internal: bool, moved: bool) -> Origin:
    """Who says this very day: the site, the article, or what follows from it."""
    if internal:
        return "local"
    return "derived" if moved and clock.origin == "article" else clock.origin


def silence_consents(
    silence: Silence, clock_id: str, limit: Due | None, now: datetime.datetime, *, answered: bool
) -> bool:
    """Does silence stand for consent at ``now``?

    Only where the procedure says so, for the clock that it names, after the whole last day of a
    limit of the law, and only if neither an answer nor reasons were given (EXC-5).
    """
    return (
        silence.means == "consent"
        and silence.clock == clock_id
        and limit is not None
        and not (limit.internal or limit.provisional)
        and not answered
        and limit.overdue(now)
    )


def _extended(
    clock: Clock,
    begin: datetime.date,
    day: datetime.date,
    extended: bool | int,
    calendar: Calendar,
    stops: list[Pause],
) -> tuple[datetime.date, bool]:
    extension = clock.extension
    if extension is None or extended is False or extended == 0:
        return day, False
    if extension.until_total is not None:
        total = extension.until_total
        if extended is not True:
            total = min(total, int(extended))
        return max(day, _count(begin, total, extension.unit, calendar, stops)), True
    allowed = extension.n or 0
    more = allowed if extended is True else min(allowed, int(extended))
    return _count(day, more, extension.unit, calendar, stops), True


def _count(
    begin: datetime.date, n: int, unit: Unit, calendar: Calendar, stops: list[Pause]
) -> datetime.date:
    """The n-th counted day after ``begin``. A pause that goes on stops nothing yet."""
    if unit == "year":
        return add_months(begin, 12 * n)
    over = [pause for pause in stops if pause.until is not None]
    day = begin
    while n > 0:
        day += ONE_DAY
        counts = unit == "nd" or calendar.is_workday(day)
        if counts and not any(pause.covers(day) for pause in over):
            n -= 1
    return day


def _yearly(clock: Clock, begin: datetime.date, calendar: Calendar) -> Due:
    month, number = (int(part) for part in str(clock.date).split("-"))
    year = begin.year if (begin.month, begin.day) < (month, number) else begin.year + 1
    last = month_calendar.monthrange(year, month)[1]
    day = datetime.date(year, month, min(number, last))
    return Due(
        day, end_of(day), clock.article, clock.origin, provisional=day > calendar.known_until()
    )


def add_months(day: datetime.date, months: int) -> datetime.date:
    """The same day of a later month, or that month's last day when it has none."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    last = month_calendar.monthrange(year, month + 1)[1]
    return datetime.date(year, month + 1, min(day.day, last))


Freshness = Literal["fresh", "stale", "unknown", "no_limit"]

#: Update cycles with a length: months, or days.
_MONTHS = {"monthly": 1, "quarterly": 3, "half_yearly": 6, "yearly": 12}
_DAYS = {"realtime": 1, "daily": 1, "weekly": 7}


@dataclass(frozen=True)
class Staleness:
    """How old data is against its own update cycle. ``due`` is the last day of an update."""

    state: Freshness
    due: datetime.date | None = None
    days_late: int = 0


def staleness(
    update_cycle: str | None, data_updated: datetime.date | None, now: datetime.datetime
) -> Staleness:
    """Compare the last change of the data with its update cycle (CAT-12).

    ``update_cycle`` is a canonical code of :data:`~.words.CYCLES`. A cycle without a length
    (irregular, once) has no limit; without a date, or with an unknown cycle, nothing is said.
    """
    if update_cycle in ("irregular", "once"):
        return Staleness("no_limit")
    if data_updated is None:
        return Staleness("unknown")
    if update_cycle in _MONTHS:
        limit = add_months(data_updated, _MONTHS[update_cycle])
    elif update_cycle in _DAYS:
        limit = data_updated + _DAYS[update_cycle] * ONE_DAY
    else:
        return Staleness("unknown")
    late = (local_date(now) - limit).days
    return Staleness("stale", limit, late) if late > 0 else Staleness("fresh", limit)


def fresh_since(now: datetime.datetime) -> dict[str, str]:
    """For each cycle with a length the first day (ISO) of an update that is enough at ``now``.

    What was updated before it is ``stale`` in :func:`staleness`, and nothing else is: for asking
    many datasets at once.
    """
    today = local_date(now)
    found = {cycle: today - days * ONE_DAY for cycle, days in _DAYS.items()}
    for cycle, months in _MONTHS.items():
        day = add_months(today, -months)
        # A month that lacks the day ends earlier: then its last day is too early.
        while add_months(day, months) < today:
            day += ONE_DAY
        found[cycle] = day
    return {cycle: day.isoformat() for cycle, day in found.items()}
