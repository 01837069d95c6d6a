"""Grants whose dataset is gone, closed or open to all end at once, and their holders are told."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Literal

import sqlalchemy as sa
from ckan import model

from ckanext.govopen.domain import grant as rules
from ckanext.govopen.logic import application_record as recording
from ckanext.govopen.logic import command, post
from ckanext.govopen.model import duty as duties
from ckanext.govopen.model import grant as grants
from ckanext.govopen.model import ledger

__all__ = ["end_all", "tell", "tell_left", "tell_persons"]

#: Why a release was withdrawn -> why the grants end. A release that is only away for a while
#: (its changes are reviewed, the dataset is a draft again) ends none: nothing is given meanwhile.
CAUSES: dict[str, Literal["withdrawn", "non_open"]] = {
    "closed": "non_open",
    "deleted": "withdrawn",
}


def end_all(
    context: Any,
    package_id: str,
    cause: Literal["withdrawn", "non_open", "unconditional"],
    now: datetime.datetime,
) -> int:
    """Ends what is in force or suspended for a dataset, in the caller's transaction; how many.

    Applications for it that are still open go on without it, or lapse.
    """
    recording.drop(context, package_id, cause, now)
    rows = model.Session.scalars(
        sa.select(grants.GrantRow)
        .where(
            grants.GrantRow.package_id == package_id,
            grants.GrantRow.state.in_(("active", "suspended")),
            grants.GrantRow.valid_to > now,
        )
        .order_by(grants.GrantRow.id)
        .with_for_update()
    ).all()
    actor = command.actor(context)
    for row in rows:
        events = rules.ended(grants.to_rule(row), cause)
        ledger.append(model.Session, f"grant/{row.id}", events, actor, now)
        for event in events:
            grants.project(model.Session, event, actor, now)
        tell("grant-ended", row, now, cause=cause)
    return len(rows)


def tell(template: str, row: grants.GrantRow, now: datetime.datetime, **facts: Any) -> None:
    """Leaves a mail to everybody who may use the grant; no title of anything stands in it."""
    people = {*row.persons, *([row.authorised] if row.authorised else [])}
    post.put(template, people, row.application or row.id, now, grant=row.id, **facts)


def tell_persons(row: grants.GrantRow, change: Mapping[str, Any], now: datetime.datetime) -> None:
    """Tells who may use a grant of an organisation now, who may no longer, and the others."""
    case, added, removed = row.application or row.id, set(change["added"]), set(change["removed"])
    post.put("grant-person-added", added, case, now, grant=row.id)
    post.put("grant-person-removed", removed, case, now)
    others = {*row.persons, *([row.authorised] if row.authorised else [])} - added - removed
    post.put("grant-persons-changed", others, case, now, grant=row.id)


def tell_left(row: grants.GrantRow, user_id: str, now: datetime.datetime) -> None:
    """Tells those who stay with an organisation's grant that an account on it was closed.

    Where it was the account that acts for the organisation, or nobody is left on the grant, the
    department's handlers are told as well: only they can name persons now.
    """
    if now >= row.valid_to:
        return
    people = {*row.persons, *([row.authorised] if row.authorised else [])} - {user_id}
    template = "grant-person-closed"
    if user_id == row.authorised or not people:
        handlers = duties.find(model.Session, organization_id=row.organization_id)
        people |= {one.user_id for one in handlers if one.duty == "handler"}
        template = "grant-authorised-closed"
    post.put(template, people, row.application or row.id, now, grant=row.id)
