"""The State Council's working days, as far as they have been published.

The library knows whole years. Days after the last of them count as working days from Monday to
Friday, and every due date there is provisional: with a newer library it is computed anew.
"""

from __future__ import annotations

import datetime
import functools

import chinese_calendar
from chinese_calendar import constants

from ckanext.govopen.domain.deadline import PublishedCalendar


@functools.cache
def calendar() -> PublishedCalendar:
    """The calendar for :func:`ckanext.govopen.domain.deadline.due`."""
    days = constants.holidays.keys() | constants.workdays.keys()
    return PublishedCalendar(
        chinese_calendar.is_workday,
        datetime.date(min(days).year, 1, 1),
        datetime.date(max(days).year, 12, 31),
    )
