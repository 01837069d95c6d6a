"""Grants in the database: who may use which conditional dataset, for what and until when."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Collection
from typing import Any, Literal, cast

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan.types import AlchemySession
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ckanext.govopen.domain import grant as rules
from ckanext.govopen.domain.event import Event

__all__ = ["GrantRow", "find", "get", "of_holder", "project", "to_rule"]


class GrantRow(tk.BaseModel):
    """One grant. Rows stay for ever; only their state changes.

    ``persons`` are the user ids that may use it: the applicant, or those that the holding
    organisation named. ``organization_id`` is the department that gave it. ``items`` None is the
    whole dataset. Times carry their zone (UTC); ``valid_to`` is the first moment after it.
    ``authorised`` is who names the persons of an organisation; ``cause`` a code beside the reason
    of a suspension or an end; ``application`` the case it comes from, empty for none;
    ``authorised_use`` a right of the authority's with the income of re-use; ``report``
    the holder's last report of use; ``noticed`` the days before the end at which its holders were
    told last.
    """

    __tablename__ = "govopen_grant"
    __table_args__ = (
        sa.Index("govopen_grant_package", "package_id", "state"),
        sa.Index(
            "govopen_grant_persons",
            "persons",
            postgresql_using="gin",
            postgresql_ops={"persons": "jsonb_path_ops"},
        ),
        sa.Index("govopen_grant_organization", "organization_id"),
    )

    id: Mapped[str] = mapped_column(
        sa.UnicodeText, primary_key=True, default=lambda: str(uuid.uuid4())
    )
    package_id: Mapped[str] = mapped_column(sa.UnicodeText)
    organization_id: Mapped[str] = mapped_column(sa.UnicodeText)
    holder_kind: Mapped[str] = mapped_column(sa.UnicodeText)
    persons: Mapped[list[str]] = mapped_column(JSONB)
    holder_name: Mapped[str] = mapped_column(sa.UnicodeText, default="")
    holder_code: Mapped[str] = mapped_column(sa.UnicodeText, default="")
    authorised: Mapped[str] = mapped_column(sa.UnicodeText, default="", server_default="")
    items: Mapped[list[str] | None] = mapped_column(JSONB(none_as_null=True))
    purpose: Mapped[str] = mapped_column(sa.UnicodeText)
    delivery: Mapped[list[str]] = mapped_column(JSONB)
    valid_from: Mapped[datetime.datetime] = mapped_column(sa.DateTime(timezone=True))
    valid_to: Mapped[datetime.datetime] = mapped_column(sa.DateTime(timezone=True))
    quota: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    state: Mapped[str] = mapped_column(sa.UnicodeText, default="active")
    reason: Mapped[str] = mapped_column(sa.UnicodeText, default="")
    cause: Mapped[str] = mapped_column(sa.UnicodeText, default="", server_default="")
    application: Mapped[str] = mapped_column(sa.UnicodeText, default="", server_default="")
    authorised_use: Mapped[bool] = mapped_column(sa.Boolean, default=False, server_default="false")
    conditions: Mapped[list[str]] = mapped_column(JSONB, default=list, server_default="[]")
    report: Mapped[str] = mapped_column(sa.UnicodeText, default="", server_default="")
    reported_at: Mapped[datetime.datetime | None] = mapped_column(sa.DateTime(timezone=True))
    noticed: Mapped[int | None] = mapped_column(sa.Integer)
    created_at: Mapped[datetime.datetime] = mapped_column(sa.DateTime(timezone=True))
    created_by: Mapped[str | None] = mapped_column(sa.UnicodeText)
    revoked_at: Mapped[datetime.datetime | None] = mapped_column(sa.DateTime(timezone=True))


def to_rule(row: GrantRow) -> rules.Grant:
    """The row as the rules know it."""
    return rules.Grant(
        id=row.id,
        holder=rules.Holder(
            kind=cast(Literal["person", "organisation"], row.holder_kind),
            persons=frozenset(row.persons),
            organisation=row.holder_name,
            code=row.holder_code,
            authorised=row.authorised or "",
        ),
        package_id=row.package_id,
        organization=row.organization_id,
        purpose=row.purpose,
        delivery=frozenset(cast("list[rules.Delivery]", row.delivery)),
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        items=frozenset(row.items) if row.items is not None else None,
        quota=rules.Quota(**row.quota),
        state=cast(rules.State, row.state),
        application=row.application or "",
        conditions=tuple(row.conditions or ()),
        authorised_use=bool(row.authorised_use),
    )


def of_holder(session: AlchemySession, package_id: str, user_id: str) -> list[rules.Grant]:
    """The grants of a dataset that name this person, whatever their state: one statement."""
    return [
        to_rule(row)
        for row in session.scalars(
            sa.select(GrantRow).where(
                GrantRow.package_id == package_id, GrantRow.persons.contains([user_id])
            )
        )
    ]


def _of_person(user_id: str) -> sa.ColumnElement[bool]:
    """Who may use it, and who acts for the organisation that holds it."""
    return sa.or_(GrantRow.persons.contains([user_id]), GrantRow.authorised == user_id)


def get(session: AlchemySession, grant_id: str, lock: bool = False) -> GrantRow | None:
    """One grant by its id; with ``lock`` nobody else changes it until the transaction ends."""
    query = sa.select(GrantRow).where(GrantRow.id == grant_id)
    return session.scalars(query.with_for_update() if lock else query).first()


def find(
    session: AlchemySession,
    *,
    package_id: str | None = None,
    organization_ids: Collection[str] | None = None,
    person: str | None = None,
    or_person: str | None = None,
    known: Collection[str] | None = None,
    state: str | None = None,
    limit: int = 100,
    offset: int = 0,
) -> tuple[int, list[GrantRow]]:
    """Number of grants that fit, and one page of them, newest first.

    ``organization_ids`` narrows to departments; ``or_person``, who asks, adds his own. He finds
    another ``person`` only where he reads who it is: in the departments ``known`` (None: all), and
    in grants whose persons he names himself.
    """
    query = sa.select(GrantRow)
    if package_id is not None:
        query = query.where(GrantRow.package_id == package_id)
    if person is not None:
        query = query.where(_of_person(person))
        if known is not None and person != or_person:
            there = GrantRow.organization_id.in_(list(known))
            query = query.where(sa.or_(there, GrantRow.authorised == or_person))
    if state is not None:
        query = query.where(GrantRow.state == state)
    if organization_ids is not None:
        seen: sa.ColumnElement[bool] = GrantRow.organization_id.in_(list(organization_ids))
        if or_person is not None:
            seen = sa.or_(seen, _of_person(or_person))
        query = query.where(seen)
    count = session.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0
    page = query.order_by(GrantRow.created_at.desc(), GrantRow.id).limit(limit).offset(offset)
    return count, list(session.scalars(page))


def project(
    session: AlchemySession, event: Event, actor: str | None, now: datetime.datetime
) -> GrantRow:
    """Brings the table up to an event of a grant; the row after it. Raises KeyError if unknown."""
    payload = event.payload
    if event.type == "grant.given":
        grant = rules.apply(None, event)
        row = GrantRow(
            id=grant.id,
            package_id=grant.package_id,
            organization_id=grant.organization,
            holder_kind=grant.holder.kind,
            persons=sorted(grant.holder.persons),
            holder_name=grant.holder.organisation,
            holder_code=grant.holder.code,
            authorised=grant.holder.authorised,
            items=payload["items"],
            purpose=grant.purpose,
            delivery=sorted(grant.delivery),
            valid_from=grant.valid_from,
            valid_to=grant.valid_to,
            quota=dict(payload["quota"]),
            state=grant.state,
            reason="",
            cause="",
            application=grant.application,
            conditions=list(grant.conditions),
            authorised_use=grant.authorised_use,
            created_at=now,
            created_by=actor,
        )
        session.add(row)
    else:
        found = get(session, payload["grant"])
        if found is None:
            raise KeyError(payload["grant"])
        row = found
        after = rules.apply(to_rule(row), event)
        if event.type == "grant.persons_changed":
            row.persons = sorted(after.holder.persons)
        elif event.type == "grant.reported":
            row.report, row.reported_at = payload.get("report", ""), now
        else:
            row.state = after.state
            row.reason = payload.get("reason") or payload.get("cause") or ""
            row.cause = payload.get("code") or payload.get("cause") or ""
            if row.state in ("revoked", "ended"):
                row.revoked_at = now
    session.flush()
    return row
