"""Applications in the database: the case, its parts, the datasets they are about.

A draft is a row of its own. From the first submission on, the state is the fold of the stream
``application/<id>``; the tables only repeat what lists and the desk filter by (:func:`project`);
how they are asked is in ``application_list``.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from ckan.plugins import toolkit
from ckan.types import AlchemySession
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ckanext.govopen.domain.application import clock, fold, roles
from ckanext.govopen.domain.application.rules import Rules
from ckanext.govopen.domain.application.state import Application, Part
from ckanext.govopen.domain.event import Event
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
    receiving = rules.procedure.receiving
    body = receiving.body if receiving else "authority"
    receiver = f"{'authority' if body == 'authority' else 'handler'}@{body}"
    if part.status == "submitted":
        return [receiver]
    if part.status != "accepted":
        return []
    waiting = list(roles.waiting_parties(part, rules))
    outside = receiving.forward_to if receiving else None
    if outside and any(party.endswith(f"@{outside}") for party in waiting):
        # Whoever receives passes the case on by letter, and records the letter that comes back.
        waiting += [receiver] if receiver not in waiting else []
    return waiting


def nearest_clock(part: Part, rules: Rules, now: datetime.datetime) -> clock.Running | None:
    """The clock that runs out first; one without a due date only when there is no other."""
    running = clock.clocks(part, rules, now)
    dated = [(item.due.at, item) for item in running if item.due is not None]
    if dated:
        return min(dated, key=lambda pair: pair[0])[1]
    return running[0] if running else None
