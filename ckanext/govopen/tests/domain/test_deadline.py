from __future__ import annotations

import datetime
from dataclasses import replace

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.govopen.domain.deadline import (
    Pause,
    PublishedCalendar,
    add_months,
    due,
    local_date,
    staleness,
)
from ckanext.govopen.domain.procedure import Clock, Extension
from ckanext.govopen.domain.terms import SHANGHAI, Text

date = datetime.date
CALENDAR = PublishedCalendar(chinese_calendar.is_workday, date(2004, 1, 1), date(2026, 12, 31))
CLOCK = Clock("c", Text("钟", "鐘", "clock"), 5, "wd", "receipt", "provider", "46(2)")


def at(year: int, month: int, day: int, hour: int = 10, minute: int = 0) -> datetime.datetime:
    return datetime.datetime(year, month, day, hour, minute, tzinfo=SHANGHAI)


def day(clock: Clock, start: datetime.datetime, **more: object) -> date:
    found = due(clock, start, CALENDAR, **more)  # type: ignore[arg-type]
    assert found is not None
    return found.day


@pytest.mark.parametrize(
    ("n", "unit", "start", "wanted"),
    [
        (1, "wd", at(2026, 11, 23), date(2026, 11, 24)),
        (5, "wd", at(2026, 11, 23), date(2026, 11, 30)),
        (1, "wd", at(2026, 11, 27), date(2026, 11, 30)),
        (1, "wd", at(2026, 11, 28), date(2026, 11, 30)),
        # National Day 2026: 1 to 7 October off, 20 September and 10 October are working days.
        (1, "wd", at(2026, 9, 30), date(2026, 10, 8)),
        (3, "wd", at(2026, 10, 8), date(2026, 10, 12)),
        # Ten calendar days that end on a day off move to the next working day.
        (10, "nd", at(2026, 9, 22), date(2026, 10, 8)),
        (10, "nd", at(2026, 11, 9), date(2026, 11, 19)),
        (10, "nd", at(2026, 11, 18), date(2026, 11, 30)),
        (2, "year", at(2024, 2, 29), date(2026, 2, 28)),
    ],
)
def test_counting(n: int, unit: str, start: datetime.datetime, wanted: date) -> None:
    assert day(replace(CLOCK, n=n, unit=unit), start) == wanted  # type: ignore[arg-type]


def test_the_end_is_the_last_moment_of_the_day_in_china() -> None:
    found = due(CLOCK, at(2026, 11, 23), CALENDAR)
    assert found is not None
    assert found.at == datetime.datetime(2026, 11, 30, 15, 59, 59, 999999, datetime.timezone.utc)
    assert not found.overdue(at(2026, 11, 30, 23, 59))
    assert found.overdue(at(2026, 12, 1, 0, 0))
    assert (found.days_left(at(2026, 11, 30)), found.days_left(at(2026, 12, 2))) == (0, -2)
    assert found.article == "46(2)"


def test_the_day_is_the_chinese_one() -> None:
    late = datetime.datetime(2026, 11, 22, 16, 0, tzinfo=datetime.timezone.utc)
    assert local_date(late) == date(2026, 11, 23)
    with pytest.raises(ValueError):
        local_date(late.replace(tzinfo=None))


def test_timely_is_no_number() -> None:
    assert due(replace(CLOCK, n=None), at(2026, 11, 23), CALENDAR) is None


def test_beyond_the_published_calendar_it_is_provisional() -> None:
    found = due(CLOCK, at(2026, 12, 28), CALENDAR)
    assert found is not None and found.provisional
    known = due(CLOCK, at(2026, 12, 1), CALENDAR)
    assert known is not None and not known.provisional


def test_only_calendar_days_are_moved() -> None:
    moved = due(replace(CLOCK, n=10, unit="nd"), at(2026, 9, 22), CALENDAR)
    assert moved is not None and moved.moved
    counted = due(CLOCK, at(2026, 11, 27), CALENDAR)
    assert counted is not None and not counted.moved


def test_extension_to_a_total_in_another_unit() -> None:
    """Haishu 27: five working days, lengthened to at most 60 calendar days in all."""
    clock = replace(CLOCK, extension=Extension("nd", "authority", "27", until_total=60))
    assert day(clock, at(2026, 9, 1)) == date(2026, 9, 8)
    assert day(clock, at(2026, 9, 1), extended=True) == date(2026, 11, 2)  # 31 Oct is a Saturday
    assert day(clock, at(2026, 9, 1), extended=30) == date(2026, 10, 8)  # 1 Oct is a holiday
    assert day(clock, at(2026, 9, 1), extended=3) == date(2026, 9, 8)  # never shorter
    assert day(clock, at(2026, 9, 1), extended=90) == date(2026, 11, 2)  # never longer


def test_extension_by_a_number() -> None:
    clock = replace(CLOCK, n=2, extension=Extension("wd", "head", "25", n=3))
    assert day(clock, at(2026, 11, 23), extended=True) == date(2026, 11, 30)
    assert day(clock, at(2026, 11, 23), extended=1) == date(2026, 11, 26)
    assert day(clock, at(2026, 11, 23), extended=9) == date(2026, 11, 30)
    assert day(CLOCK, at(2026, 11, 23), extended=True) == date(2026, 11, 30)


def test_a_pause_counts_only_where_the_profile_lists_it() -> None:
    listed = replace(CLOCK, suspended_by=("third_party_consultation",))
    pause = [Pause(date(2026, 11, 24), date(2026, 11, 25))]
    assert day(listed, at(2026, 11, 23), pauses=pause) == date(2026, 11, 30)
    for cause in ("third_party_consultation", "holiday"):
        wanted = date(2026, 12, 2) if cause in listed.suspended_by else date(2026, 11, 30)
        assert day(listed, at(2026, 11, 23), pauses=pause, suspended_for=cause) == wanted
        assert day(CLOCK, at(2026, 11, 23), pauses=pause, suspended_for=cause) == date(2026, 11, 30)


def test_a_pause_that_goes_on_is_never_overdue() -> None:
    clock = replace(CLOCK, suspended_by=("x",))
    found = due(
        clock,
        at(2026, 11, 23),
        CALENDAR,
        pauses=[Pause(date(2026, 11, 25))],
        suspended_for="x",
    )
    assert found is not None and found.paused
    assert not found.overdue(at(2027, 1, 1))


def test_a_yearly_date() -> None:
    clock = replace(CLOCK, n=None, date="01-31")
    assert day(clock, at(2026, 1, 30)) == date(2026, 1, 31)
    assert day(clock, at(2026, 1, 31)) == date(2027, 1, 31)
    assert day(replace(clock, date="02-29"), at(2026, 1, 1)) == date(2026, 2, 28)


@given(st.dates(date(2020, 1, 1), date(2026, 6, 1)), st.integers(1, 60))
def test_working_days_are_counted_exactly(start: date, n: int) -> None:
    moment = datetime.datetime.combine(start, datetime.time(12), SHANGHAI)
    last = day(replace(CLOCK, n=n), moment)
    between = [start + datetime.timedelta(days=d) for d in range(1, (last - start).days + 1)]
    assert chinese_calendar.is_workday(last)
    assert sum(map(chinese_calendar.is_workday, between)) == n


@pytest.mark.parametrize(
    ("cycle", "updated", "state", "late"),
    [
        ("daily", date(2026, 11, 22), "fresh", 0),
        ("daily", date(2026, 11, 21), "stale", 1),
        ("weekly", date(2026, 11, 16), "fresh", 0),
        ("monthly", date(2026, 10, 23), "fresh", 0),
        ("monthly", date(2026, 10, 22), "stale", 1),
        ("quarterly", date(2026, 8, 22), "stale", 1),
        ("half_yearly", date(2026, 5, 23), "fresh", 0),
        ("yearly", date(2018, 11, 23), "stale", 2557),
        ("irregular", date(2001, 1, 1), "no_limit", 0),
        ("once", None, "no_limit", 0),
        ("monthly", None, "unknown", 0),
        ("sometimes", date(2026, 1, 1), "unknown", 0),
        (None, date(2026, 1, 1), "unknown", 0),
    ],
)
def test_staleness(cycle: str | None, updated: date | None, state: str, late: int) -> None:
    found = staleness(cycle, updated, at(2026, 11, 23))
    assert (found.state, found.days_late) == (state, late)


def test_months_end_where_the_month_ends() -> None:
    assert add_months(date(2026, 1, 31), 1) == date(2026, 2, 28)
    assert add_months(date(2026, 11, 30), 3) == date(2027, 2, 28)
    assert add_months(date(2026, 12, 1), 12) == date(2027, 12, 1)
