"""Departments whose conditional data people may apply for, and where nobody would answer."""

from __future__ import annotations

import datetime

from ckan import model

from ckanext.govopen.domain.duty import Duty
from ckanext.govopen.domain.terms import OpenClass
from ckanext.govopen.model import duty, jurisdiction, release


def departments(now: datetime.datetime) -> list[dict[str, str]]:
    """Departments with public conditional data in which nobody holds the duty of a handler.

    :returns: ``{"id", "name", "title"}`` each, by title; none where the profile takes no
        applications
    """
    opened = jurisdiction.profile().open
    if not (opened.available and opened.steps):
        return []
    groups = model.group_table
    rows = model.Session.execute(
        release.public(groups.c.id, groups.c.name, groups.c.title)
        .join(groups, groups.c.id == model.package_table.c.owner_org)
        .where(release.ReleaseRow.open_class == OpenClass.CONDITIONAL.value)
        .distinct()
    )
    staffed = duty.offices(model.Session, Duty.HANDLER.value, now)
    left = [
        {"id": row.id, "name": row.name, "title": row.title or row.name}
        for row in rows
        if row.id not in staffed
    ]
    return sorted(left, key=lambda one: one["title"])
