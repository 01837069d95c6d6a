"""Released datasets whose data is older than its update cycle allows (CAT-12).

Cycle and day stand in the working copy, as the department keeps them: an update that waits for its
review has been made. Who was told last and when is one row of CKAN's ``system_info``.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.model.system_info import system_info_table
from sqlalchemy.dialects.postgresql import insert

from ckanext.govopen.domain.deadline import fresh_since
from ckanext.govopen.model.duty import DutyRow, in_force
from ckanext.govopen.model.release import LIVE, ReleaseRow

#: Key of the row that says which department was told when.
TOLD = "ckanext.govopen.overdue.told"
#: Whoever changes the datasets of a department.
_KEEPING = ("admin", "editor")
#: Length of an ISO day.
_DAY = 10


@dataclass(frozen=True)
class Overdue:
    """A dataset that is overdue, with what its lateness is counted from."""

    id: str
    name: str
    title: str
    organization_id: str
    update_cycle: str
    data_updated: datetime.date | None


def _condition(now: datetime.datetime) -> Any:
    """Released datasets whose day of the last update lies before the first that is early enough."""
    package, release = model.package_table, ReleaseRow.__table__
    extras = package.c.extras
    cycle, day = extras.op("->>")("update_cycle"), _day(extras)
    late = [sa.and_(cycle == name, day < since) for name, since in fresh_since(now).items()]
    live = sa.exists().where(release.c.package_id == package.c.id, release.c.status == LIVE)
    return sa.and_(
        package.c.state == "active",
        # True while nothing of it is public: suspended, withdrawn or not open.
        package.c.private.is_(False),
        sa.or_(*late),
        live,
    )


def _day(extras: Any) -> Any:
    """The day of the last update; NULL for text that is none. A day without a month is no day."""
    text = sa.func.left(extras.op("->>")("data_updated"), _DAY)
    shape = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
    return sa.case((text.regexp_match(shape), text))


def counts(
    session: Any, now: datetime.datetime, organization_ids: Iterable[str] | None = None
) -> dict[str, int]:
    """How many there are by department; of some departments, or of all: one statement."""
    package = model.package_table
    query = sa.select(package.c.owner_org, sa.func.count()).where(
        _condition(now), package.c.owner_org.is_not(None)
    )
    if organization_ids is not None:
        ids = sorted(organization_ids)
        if not ids:
            return {}
        query = query.where(package.c.owner_org.in_(ids))
    return dict(session.execute(query.group_by(package.c.owner_org)).tuples().all())


def of(
    session: Any, now: datetime.datetime, organization_ids: Iterable[str], limit: int
) -> list[Overdue]:
    """Datasets of these departments that are overdue, the longest untouched first."""
    ids = sorted(organization_ids)
    if not ids:
        return []
    package = model.package_table
    day = _day(package.c.extras)
    rows = session.execute(
        sa.select(
            package.c.id,
            package.c.name,
            package.c.title,
            package.c.owner_org,
            package.c.extras.op("->>")("update_cycle"),
            day,
        )
        .where(_condition(now), package.c.owner_org.in_(ids))
        .order_by(day, package.c.name)
        .limit(limit)
    )
    return [
        Overdue(id, name, title or name, place, cycle, _date(updated))
        for id, name, title, place, cycle, updated in rows
    ]


def _date(text: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None  # the 31st of a month that has none


def keepers(
    session: Any, organization_ids: Iterable[str], now: datetime.datetime
) -> dict[str, set[str]]:
    """Who keeps the data of departments: those who edit it, and those who answer for it.

    Ids of accounts by department; a department with nobody is left out. Operators are not asked
    for: CKAN makes whoever creates a department its administrator.
    """
    ids = sorted(organization_ids)
    member, duty, user = model.member_table, DutyRow.__table__, model.user_table
    people = sa.select(user.c.id).where(user.c.state == "active", user.c.sysadmin.is_(False))
    found: dict[str, set[str]] = {}
    for query in (
        sa.select(member.c.group_id, member.c.table_id).where(
            member.c.group_id.in_(ids),
            member.c.table_name == "user",
            member.c.state == "active",
            member.c.capacity.in_(_KEEPING),
            member.c.table_id.in_(people),
        ),
        sa.select(duty.c.organization_id, duty.c.user_id).where(
            duty.c.organization_id.in_(ids),
            duty.c.duty == "handler",
            in_force(duty, now),
            duty.c.user_id.in_(people),
        ),
    ):
        for place, user_id in session.execute(query):
            found.setdefault(place, set()).add(user_id)
    return found


def told(session: Any) -> dict[str, datetime.date]:
    """When which department was told last; locked until the end of the transaction."""
    table = system_info_table
    session.execute(
        insert(table)
        .values(key=TOLD, value="{}", state="active")
        .on_conflict_do_nothing(index_elements=["key"])
    )
    kept = session.scalar(sa.select(table.c.value).where(table.c.key == TOLD).with_for_update())
    return {place: datetime.date.fromisoformat(day) for place, day in json.loads(kept).items()}


def set_told(session: Any, days: dict[str, datetime.date]) -> None:
    """Keeps when which department was told."""
    table = system_info_table
    value = json.dumps({place: day.isoformat() for place, day in sorted(days.items())})
    session.execute(sa.update(table).where(table.c.key == TOLD).values(value=value))
