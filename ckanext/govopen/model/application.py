"""Applications in the database: the case, its parts, the datasets they are about.

A draft is a row of its own. From the first submission on, the state is the fold of the stream
``application/<id>``; the tables only repeat what lists and the desk filter by (:func:`project`).
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Collection, Iterable
from typing import Any

import sqlalchemy as sa
from ckan.plugins import toolkit
from ckan.types import AlchemySession
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ckanext.govopen.domain.application import clock, fold, roles
from ckanext.govopen.domain.application.rules import Rules
from ckanext.govopen.domain.application.state import OPEN, Application, Part
from ckanext.govopen.domain.deadline import local_date
from ckanext.govopen.domain.event import Event
from ckanext.govopen.domain.terms import SHANGHAI
from ckanext.govopen.model import ledger

DRAFT, OPENED, CLOSED = "draft", "open", "closed"
STATUSES = (DRAFT, OPENED, CLOSED)


def _time(nullable: bool = True) -> Any:
    return mapped_column(sa.DateTime(timezone=True), nullable=nullable)


class ApplicationRow(toolkit.BaseModel):
    """One case. ``draft`` is what the applicant is writing: before the first submission, or while
    a part was returned to him; None: nothing is being written. ``rules`` is empty for a draft that
    was never handed in. ``writing`` counts the saves, so that an old form does not undo a newer.
    ``language`` is the one in which the applicant writes: mails to him are in it.
    """

    __tablename__ = "govopen_application"
    __table_args__ = (sa.Index("govopen_application_user", "user_id", "status"),)

    id: Mapped[str] = mapped_column(
        sa.UnicodeText, primary_key=True, default=lambda: str(uuid.uuid4())
    )
    number: Mapped[str] = mapped_column(sa.UnicodeText, unique=True)
    user_id: Mapped[str] = mapped_column(sa.UnicodeText)
    status: Mapped[str] = mapped_column(sa.UnicodeText)
    kind: Mapped[str] = mapped_column(sa.UnicodeText, default="", server_default="")
    draft: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    writing: Mapped[int] = mapped_column(sa.Integer, default=1, server_default="1")
    rules: Mapped[str] = mapped_column(sa.UnicodeText, default="", server_default="")
    revision: Mapped[int] = mapped_column(sa.Integer, default=0, server_default="0")
    renews: Mapped[str | None] = mapped_column(sa.UnicodeText)
    language: Mapped[str] = mapped_column(sa.UnicodeText, default="", server_default="")
    created_at: Mapped[datetime.datetime] = _time(False)
    changed_at: Mapped[datetime.datetime] = _time(False)
    submitted_at: Mapped[datetime.datetime | None] = _time()


class PartRow(toolkit.BaseModel):
    """What one department decides. ``waits_for`` are the parties (duty@body, or ``applicant``)
    whose turn it is; ``due`` is the nearest end of a clock, with its article; ``reminded`` the
    clocks whose being overdue was reported."""

    __tablename__ = "govopen_application_part"
    __table_args__ = (
        sa.Index("govopen_application_part_organization", "organization_id", "status"),
        sa.Index("govopen_application_part_due", "due"),
    )

    application_id: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    organization_id: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    status: Mapped[str] = mapped_column(sa.UnicodeText)
    handler: Mapped[str | None] = mapped_column(sa.UnicodeText)
    revision: Mapped[int] = mapped_column(sa.Integer)
    submitted_at: Mapped[datetime.datetime] = _time(False)
    received_at: Mapped[datetime.datetime] = _time(False)
    accepted_at: Mapped[datetime.datetime | None] = _time()
    decided_at: Mapped[datetime.datetime | None] = _time()
    ended_at: Mapped[datetime.datetime | None] = _time()
    cause: Mapped[str] = mapped_column(sa.UnicodeText, default="", server_default="")
    waits_for: Mapped[list[str]] = mapped_column(JSONB, default=list, server_default="[]")
    clock: Mapped[str] = mapped_column(sa.UnicodeText, default="", server_default="")
    due: Mapped[datetime.datetime | None] = _time()
    article: Mapped[str | None] = mapped_column(sa.UnicodeText)
    provisional: Mapped[bool] = mapped_column(sa.Boolean, default=False, server_default="false")
    internal: Mapped[bool] = mapped_column(sa.Boolean, default=False, server_default="false")
    reminded: Mapped[list[str]] = mapped_column(JSONB, default=list, server_default="[]")


class ApplicationDatasetRow(toolkit.BaseModel):
    """A dataset that a part is about."""

    __tablename__ = "govopen_application_dataset"
    __table_args__ = (sa.Index("govopen_application_dataset_package", "package_id"),)

    application_id: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    organization_id: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    package_id: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)


def get(session: AlchemySession, reference: str, lock: bool = False) -> ApplicationRow | None:
    """A case by its id or number; with ``lock`` nobody else changes it until the commit."""
    query = sa.select(ApplicationRow).where(
        sa.or_(ApplicationRow.id == reference, ApplicationRow.number == reference)
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).first()


def events(session: AlchemySession, stream: str) -> list[tuple[Event, datetime.datetime]]:
    """The events of a stream, each with its time."""
    return [
        (Event(e.type, e.payload), datetime.datetime.fromisoformat(e.at.replace("Z", "+00:00")))
        for e in ledger.read(session, stream)
    ]


def state(session: AlchemySession, application: str) -> Application | None:
    """The case as the rules know it; None while it is only a draft."""
    return fold.fold(events(session, f"application/{application}"))


def parts(session: AlchemySession, ids: Iterable[str]) -> dict[str, list[PartRow]]:
    """The parts of several cases."""
    found: dict[str, list[PartRow]] = {}
    query = sa.select(PartRow).where(PartRow.application_id.in_(list(ids)))
    for row in session.scalars(query.order_by(PartRow.submitted_at, PartRow.organization_id)):
        found.setdefault(row.application_id, []).append(row)
    return found


def project(
    session: AlchemySession,
    case: Application,
    rules: Rules,
    now: datetime.datetime,
    changed: bool = True,
) -> None:
    """Brings the tables up to the state of a case; ``changed`` False: nothing has happened in it,
    only the days have passed."""
    row = get(session, case.id)
    if row is not None:
        row.status = OPENED if case.is_open else CLOSED
        row.rules, row.revision, row.renews = case.rules, len(case.revisions), case.renews
        row.kind = (case.revisions[-1].content or {}).get("applicant_kind", row.kind)
        row.submitted_at = case.revisions[0].at
        row.changed_at = now if changed else row.changed_at
    known = {part.organization_id: part for part in parts(session, [case.id]).get(case.id, [])}
    datasets = ApplicationDatasetRow.__table__
    session.execute(sa.delete(datasets).where(datasets.c.application_id == case.id))
    for part in case.parts:
        stored = known.get(part.organization)
        if stored is None:
            stored = PartRow(application_id=case.id, organization_id=part.organization, reminded=[])
            session.add(stored)
        _project_part(stored, part, rules, now)
        for wanted in part.datasets:
            session.execute(
                sa.insert(datasets).values(
                    application_id=case.id,
                    organization_id=part.organization,
                    package_id=wanted.dataset,
                )
            )
    session.flush()


def _project_part(row: PartRow, part: Part, rules: Rules, now: datetime.datetime) -> None:
    row.status, row.handler, row.revision = part.status, part.handler, part.revision
    row.submitted_at, row.received_at = part.submitted_at, part.received_at
    row.accepted_at, row.decided_at = part.accepted_at, part.decided_at
    row.ended_at, row.cause = part.ended_at, part.cause
    row.waits_for = waits_for(part, rules)
    nearest = nearest_clock(part, rules, now)
    due = nearest.due if nearest else None
    row.clock = nearest.id if nearest else ""
    row.due = due.at if due else None
    row.article = due.article if due else None
    row.provisional = bool(due and due.provisional)
    row.internal = bool(nearest and nearest.internal)


def waits_for(part: Part, rules: Rules) -> list[str]:
    """Whose turn it is: parties as duty@body, or ``applicant``; [] when nobody's."""
    if part.status in ("returned", "approved"):
        return ["applicant"]
    if part.status == "submitted":
        receiving = rules.procedure.receiving
        body = receiving.body if receiving else "authority"
        return [f"{'authority' if body == 'authority' else 'handler'}@{body}"]
    if part.status == "accepted":
        return list(roles.waiting_parties(part, rules))
    return []


def nearest_clock(part: Part, rules: Rules, now: datetime.datetime) -> clock.Running | None:
    """The clock that runs out first; one without a due date only when there is no other."""
    running = clock.clocks(part, rules, now)
    dated = [(item.due.at, item) for item in running if item.due is not None]
    if dated:
        return min(dated, key=lambda pair: pair[0])[1]
    return running[0] if running else None


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
