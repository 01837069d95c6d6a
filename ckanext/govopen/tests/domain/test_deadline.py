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
    fresh_since,
    local_date,
    silence_consents,
    staleness,
)
from ckanext.govopen.domain.procedure import Clock, Extension, Silence, Target
from ckanext.govopen.domain.terms import SHANGHAI, Text
from ckanext.govopen.model.working_days import calendar

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
    listed = replace(CLOCK, suspended_by=("third_party_consultation", "other_organ_consultation"))

    def pauses(*causes: str) -> list[Pause]:
        return [
            Pause(date(2026, 11, 24 + 2 * n), date(2026, 11, 25 + 2 * n), cause)
            for n, cause in enumerate(causes)
        ]

    for cause in ("third_party_consultation", "holiday", ""):
        wanted = date(2026, 12, 2) if cause in listed.suspended_by else date(2026, 11, 30)
        assert day(listed, at(2026, 11, 23), pauses=pauses(cause)) == wanted
        assert day(CLOCK, at(2026, 11, 23), pauses=pauses(cause)) == date(2026, 11, 30)
    # Each by its own cause: 26 and 27 November count or not, whatever the first pause was for.
    both = pauses("third_party_consultation", "other_organ_consultation")
    assert day(listed, at(2026, 11, 23), pauses=both) == date(2026, 12, 4)
    mixed = pauses("third_party_consultation", "holiday")
    assert day(listed, at(2026, 11, 23), pauses=mixed) == date(2026, 12, 2)


def test_a_pause_that_goes_on_is_never_overdue() -> None:
    clock = replace(CLOCK, suspended_by=("x",))
    going_on = Pause(date(2026, 11, 25), cause="x")
    found = due(clock, at(2026, 11, 23), CALENDAR, pauses=[going_on])
    assert found is not None and found.paused
    assert not found.overdue(at(2027, 1, 1))
    # What began after the limit had run out saves nothing.
    late = due(clock, at(2026, 11, 23), CALENDAR, pauses=[Pause(date(2026, 12, 1), cause="x")])
    assert late is not None and late.overdue(at(2026, 12, 1))


def test_an_urgent_case_is_due_by_hand_and_never_later() -> None:
    urgent = replace(CLOCK, urgent=True)
    assert day(urgent, at(2026, 11, 23), urgent=date(2026, 11, 25)) == date(2026, 11, 25)
    assert day(urgent, at(2026, 11, 23), urgent=date(2026, 12, 25)) == date(2026, 11, 30)
    assert day(urgent, at(2026, 11, 23), urgent=date(2026, 11, 1)) == date(2026, 11, 30)
    assert day(CLOCK, at(2026, 11, 23), urgent=date(2026, 11, 25)) == date(2026, 11, 30)


def test_a_target_of_the_site_is_internal() -> None:
    timely = replace(CLOCK, n=None, target=Target(3, "wd"))
    found = due(timely, at(2026, 11, 23), CALENDAR)
    assert found is not None
    assert (found.day, found.internal, found.origin) == (date(2026, 11, 26), True, "local")
    law = due(replace(CLOCK, origin="derived"), at(2026, 11, 23), CALENDAR)
    assert law is not None and (law.internal, law.origin) == (False, "derived")


def test_a_due_date_is_final_once_the_calendar_is_published() -> None:
    """30 December 2025 and ten working days: 1 January 2026 was not known as a holiday then."""
    before = replace(CALENDAR, last=date(2025, 12, 31))
    guess = due(replace(CLOCK, n=3), at(2025, 12, 30), before)
    final = due(replace(CLOCK, n=3), at(2025, 12, 30), CALENDAR)
    assert guess is not None and final is not None
    assert (guess.provisional, final.provisional) == (True, False)
    assert guess.day == date(2026, 1, 2)
    # 1 to 3 January off, Sunday 4 January a working day.
    assert final.day == date(2026, 1, 5)


def test_the_calendar_of_the_portal_is_the_published_one() -> None:
    known = calendar()
    assert known.first == date(2004, 1, 1)
    assert known.last.month == 12 and known.last.day == 31 and known.last.year >= 2026
    assert known.is_workday(date(2026, 10, 10)) and not known.is_workday(date(2026, 10, 5))


def test_silence_consents_only_where_and_when_the_profile_says_so() -> None:
    consent = Silence("consent", "13.3", "c")
    limit = due(CLOCK, at(2026, 11, 23), CALENDAR)
    assert limit is not None and limit.day == date(2026, 11, 30)
    last, first = at(2026, 11, 30, 23, 59), at(2026, 12, 1, 0, 0)
    assert not silence_consents(consent, "c", limit, last, answered=False)
    assert silence_consents(consent, "c", limit, first, answered=False)
    assert not silence_consents(consent, "c", limit, first, answered=True)
    assert not silence_consents(consent, "other", limit, first, answered=False)
    assert not silence_consents(consent, "c", None, first, answered=False)
    assert not silence_consents(Silence("nothing", None, "c"), "c", limit, first, answered=False)
    for change in ({"paused": True}, {"provisional": True}, {"internal": True}):
        assert not silence_consents(consent, "c", replace(limit, **change), first, answered=False)


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


DAYS = st.dates(date(2018, 1, 1), date(2025, 6, 1))
UNITS = st.sampled_from(("wd", "nd"))


def noon(start: date) -> datetime.datetime:
    return datetime.datetime.combine(start, datetime.time(12), SHANGHAI)


@given(DAYS, st.integers(0, 40), st.integers(1, 60), UNITS)
def test_later_starts_are_never_due_earlier(start: date, later: int, n: int, unit: str) -> None:
    clock = replace(CLOCK, n=n, unit=unit)  # type: ignore[arg-type]
    assert day(clock, noon(start)) <= day(clock, noon(start + datetime.timedelta(days=later)))


@given(DAYS, st.integers(1, 60), st.integers(0, 30), UNITS)
def test_longer_limits_are_never_due_earlier(start: date, n: int, more: int, unit: str) -> None:
    clock = replace(CLOCK, n=n, unit=unit)  # type: ignore[arg-type]
    assert day(clock, noon(start)) <= day(replace(clock, n=n + more), noon(start))


@given(DAYS, st.integers(1, 90), UNITS)
def test_no_limit_ends_on_a_day_off(start: date, n: int, unit: str) -> None:
    found = due(replace(CLOCK, n=n, unit=unit), noon(start), CALENDAR)  # type: ignore[arg-type]
    assert found is not None and chinese_calendar.is_workday(found.day)
    assert found.day > start
    # Only a limit in calendar days is ever moved, and then over days off alone.
    if found.moved:
        assert unit == "nd"
        end = start + datetime.timedelta(days=n)
        between = [end + datetime.timedelta(days=d) for d in range((found.day - end).days)]
        assert between and not any(map(chinese_calendar.is_workday, between))


@given(DAYS, st.integers(1, 30), st.integers(1, 20), st.integers(0, 10))
def test_a_pause_adds_exactly_its_working_days(start: date, n: int, after: int, long: int) -> None:
    clock = replace(CLOCK, n=n, suspended_by=("x",))
    plain = day(clock, noon(start))
    since = start + datetime.timedelta(days=after)
    until = since + datetime.timedelta(days=long)
    paused = day(clock, noon(start), pauses=[Pause(since, until, "x")])
    span = [start + datetime.timedelta(days=d) for d in range(1, (paused - start).days + 1)]
    counted = [d for d in span if chinese_calendar.is_workday(d) and not since <= d <= until]
    assert len(counted) == n
    assert paused == plain if since > plain else paused >= plain


@given(DAYS, st.integers(1, 30), st.integers(1, 20), st.integers(0, 40))
def test_an_extension_never_shortens_and_never_exceeds(
    start: date, n: int, most: int, asked: int
) -> None:
    clock = replace(CLOCK, n=n, extension=Extension("wd", "head", "25", n=most))
    plain, whole = day(clock, noon(start)), day(clock, noon(start), extended=True)
    assert plain <= day(clock, noon(start), extended=asked) <= whole
    assert whole == day(replace(CLOCK, n=n + most), noon(start))


@given(DAYS, st.integers(1, 200), st.integers(1, 60), st.integers(2018, 2024))
def test_what_is_not_provisional_never_changes(start: date, asked: int, n: int, year: int) -> None:
    """A longer calendar changes only what was marked as provisional."""
    shorter = replace(CALENDAR, last=date(year, 12, 31))
    clock = replace(CLOCK, n=n, extension=Extension("nd", "authority", "27", until_total=200))
    known = due(clock, noon(start), shorter, extended=asked)
    final = due(clock, noon(start), CALENDAR, extended=asked)
    assert known is not None and final is not None
    assert known.provisional or known == final


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


@given(
    st.dates(date(2024, 1, 1), date(2032, 12, 31)),
    st.integers(-3, 400),
    st.sampled_from(sorted(fresh_since(at(2026, 11, 23)))),
)
def test_many_are_asked_by_the_same_rule(today: date, age: int, cycle: str) -> None:
    now = at(today.year, today.month, today.day)
    since = date.fromisoformat(fresh_since(now)[cycle])
    for updated in (today - datetime.timedelta(age), since, since - datetime.timedelta(1)):
        assert (updated < since) == (staleness(cycle, updated, now).state == "stale")


def test_months_end_where_the_month_ends() -> None:
    assert add_months(date(2026, 1, 31), 1) == date(2026, 2, 28)
    assert add_months(date(2026, 11, 30), 3) == date(2027, 2, 28)
    assert add_months(date(2026, 12, 1), 12) == date(2027, 12, 1)
