"""Whether a dataset has been updated as often as its catalogue says (CAT-12)."""

from __future__ import annotations

import datetime
from typing import Any

from ckan.plugins import toolkit

from ckanext.govopen.domain.deadline import staleness
from ckanext.govopen.logic import command


def govopen_update_due(dataset: dict[str, Any]) -> str:
    """By when its data is to be updated again, and how late it is; empty when nothing can be said.

    A cycle without a length (irregular, once), an unknown one, or no date of the last update say
    nothing: no date is invented.
    """
    found = staleness(
        dataset.get("update_cycle"), _date(dataset.get("data_updated")), command.now()
    )
    if found.due is None:
        return ""
    day = found.due.isoformat()
    if found.state != "stale":
        return day
    late = toolkit._("overdue by {number} days").format(number=found.days_late)
    return f"{day} ({late})"


def _date(value: Any) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(str(value or "")[:10])
    except ValueError:
        return None
