"""A department and its data that is overdue (CAT-12): on its desk, and by mail once a month.

A mail says how many datasets there are, never which.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any

from ckan import model

from ckanext.govopen.domain.deadline import add_months, local_date, staleness
from ckanext.govopen.logic import post
from ckanext.govopen.model import overdue, waiting

#: Departments that are told in one round, so that the first rounds of a site send no flood.
MANY = 20


def tell(now: datetime.datetime) -> int:
    """Notes a mail to everybody who keeps overdue data; the number of departments. Commits.

    A department is told again after a month, as long as something is overdue.
    """
    today = local_date(now)
    told = {
        place: day
        for place, day in overdue.told(model.Session).items()
        if today < add_months(day, 1)
    }
    late = {
        place: number
        for place, number in overdue.counts(model.Session, now).items()
        if place not in told
    }
    keepers = overdue.keepers(model.Session, late, now) if late else {}
    chosen = sorted(keepers)[:MANY]
    for place in chosen:
        group = model.Group.get(place)
        title = (group.title or group.name) if group is not None else place
        said = {"department": title, "number": late[place]}
        post.put("datasets-overdue", keepers[place], "overdue", now, said=said)
        told[place] = today
    if chosen:
        overdue.set_told(model.Session, told)
    model.repo.commit()
    return len(chosen)


def listed(
    places: Iterable[str], here: dict[str, dict[str, str]], now: datetime.datetime, limit: int
) -> dict[str, Any]:
    """What of these departments is overdue: ``{"count", "results": [{"id", "name", "title",
    "organization", "due", "days_late"}]}``, the longest untouched first.

    ``here`` has the titles of departments by id, as far as they are known already.
    """
    ids = set(places)
    count = sum(overdue.counts(model.Session, now, ids).values())
    rows = overdue.of(model.Session, now, ids, limit) if count else []
    titles = {id: place["title"] for id, place in here.items()}
    unknown = {row.organization_id for row in rows} - set(titles)
    titles |= {
        id: place["title"] for id, place in waiting.organizations(model.Session, unknown).items()
    }
    results = []
    for row in rows:
        found = staleness(row.update_cycle, row.data_updated, now)
        results.append(
            {
                "id": row.id,
                "name": row.name,
                "title": row.title,
                "organization": titles.get(row.organization_id, ""),
                "due": found.due.isoformat() if found.due is not None else None,
                "days_late": found.days_late,
            }
        )
    return {"count": count, "results": results}
