"""Applications as lists and the rules' facts look them up: by person, department, dataset.

All from the tables alone; no case is read from its ledger here.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable

import sqlalchemy as sa
from ckan.types import AlchemySession

from ckanext.govopen.domain.application.state import OPEN
from ckanext.govopen.domain.deadline import local_date
from ckanext.govopen.domain.terms import SHANGHAI
from ckanext.govopen.model.application import (
    DRAFT,
    OPENED,
    ApplicationDatasetRow,
    ApplicationRow,
    PartRow,
)


def counts(session: AlchemySession, user_id: str, now: datetime.datetime) -> tuple[int, int]:
    """Open cases of an applicant, and those that he handed in today (a day in China)."""
    midnight = datetime.datetime.combine(local_date(now), datetime.time(), SHANGHAI)
    mine = sa.select(sa.func.count()).where(ApplicationRow.user_id == user_id)
    opened = session.scalar(mine.where(ApplicationRow.status == OPENED)) or 0
    today = session.scalar(mine.where(ApplicationRow.submitted_at >= midnight)) or 0
    return opened, today


def drafts(session: AlchemySession, user_id: str) -> int:
    """How many drafts somebody keeps that were never handed in."""
    mine = sa.select(sa.func.count()).where(ApplicationRow.user_id == user_id)
    return session.scalar(mine.where(ApplicationRow.status == DRAFT)) or 0


def waiting_datasets(
    session: AlchemySession, user_id: str, package_ids: Collection[str], but: str
) -> set[str]:
    """Those datasets on which another case of this applicant waits for a decision."""
    wanted, part, case = (m.__table__ for m in (ApplicationDatasetRow, PartRow, ApplicationRow))
    query = (
        sa.select(wanted.c.package_id)
        .join(part, sa.and_(part.c.application_id == wanted.c.application_id,
                            part.c.organization_id == wanted.c.organization_id))
        .join(case, case.c.id == wanted.c.application_id)
        .where(
            case.c.user_id == user_id,
            case.c.id != but,
            wanted.c.package_id.in_(list(package_ids)),
            part.c.status.in_(list(OPEN)),
        )
    )  # fmt: skip
    return set(session.scalars(query))


def open_about(session: AlchemySession, package_id: str) -> list[tuple[str, str]]:
    """(case, department) of every open part about a dataset."""
    wanted, part = ApplicationDatasetRow.__table__, PartRow.__table__
    query = (
        sa.select(wanted.c.application_id, wanted.c.organization_id)
        .join(part, sa.and_(part.c.application_id == wanted.c.application_id,
                            part.c.organization_id == wanted.c.organization_id))
        .where(wanted.c.package_id == package_id, part.c.status.in_(list(OPEN)))
        .order_by(wanted.c.application_id)
    )  # fmt: skip
    return [(row.application_id, row.organization_id) for row in session.execute(query)]


def find(
    session: AlchemySession,
    *,
    user_id: str | None = None,
    organization_ids: Collection[str] | None = None,
    everything: bool = False,
    organization_id: str | None = None,
    status: str | None = None,
    part_status: str | None = None,
    package_id: str | None = None,
    number: str = "",
    due_before: datetime.datetime | None = None,
    limit: int = 100,
    offset: int = 0,
) -> tuple[int, list[ApplicationRow]]:
    """Number of cases that fit and one page of them, newest first.

    Those of ``user_id``, else those with a part of one of ``organization_ids`` or, with
    ``everything``, all that were handed in; a draft is seen by its applicant only. All that is
    asked of a part holds for one of those that count.
    """
    part, wanted = PartRow.__table__, ApplicationDatasetRow.__table__
    here = [part.c.application_id == ApplicationRow.id]
    if user_id is None and not everything:
        here.append(part.c.organization_id.in_(list(organization_ids or ())))
    narrow = len(here) > 1
    if organization_id is not None:
        here.append(part.c.organization_id == organization_id)
    if part_status is not None:
        here.append(part.c.status == part_status)
    if due_before is not None:
        here += [part.c.due < due_before, part.c.status.in_(list(OPEN))]
    if package_id is not None:
        here += [
            wanted.c.application_id == part.c.application_id,
            wanted.c.organization_id == part.c.organization_id,
            wanted.c.package_id == package_id,
        ]
    query = sa.select(ApplicationRow)
    if user_id is not None:
        query = query.where(ApplicationRow.user_id == user_id)
    elif everything:
        query = query.where(ApplicationRow.submitted_at.is_not(None))
    if narrow or len(here) > 1:
        query = query.where(sa.exists().where(*here))
    if status is not None:
        query = query.where(ApplicationRow.status == status)
    if number:
        query = query.where(ApplicationRow.number.icontains(number[:100], autoescape=True))
    count = session.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0
    page = query.order_by(ApplicationRow.changed_at.desc(), ApplicationRow.id)
    return count, list(session.scalars(page.limit(limit).offset(offset)))


def datasets(session: AlchemySession, ids: Iterable[str]) -> dict[str, list[tuple[str, str]]]:
    """(department, dataset) pairs of several cases."""
    table = ApplicationDatasetRow.__table__
    query = sa.select(table).where(table.c.application_id.in_(list(ids)))
    found: dict[str, list[tuple[str, str]]] = {}
    for row in session.execute(query.order_by(table.c.organization_id, table.c.package_id)):
        found.setdefault(row.application_id, []).append((row.organization_id, row.package_id))
    return found
