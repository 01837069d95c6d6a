"""Reviews in the database: at most one of a dataset is open."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Sequence

import sqlalchemy as sa
from ckan.plugins import toolkit
from ckan.types import AlchemySession
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ckanext.govopen.domain.review import ReviewState

#: States in which a review still waits for somebody.
WAITING = ("open", "submitted", "returned")


class ReviewRow(toolkit.BaseModel):
    """One review: the projection of its events. ``submitters`` are user ids; times are UTC."""

    __tablename__ = "govopen_review"
    __table_args__ = (
        sa.Index(
            "govopen_review_waiting",
            "package_id",
            unique=True,
            postgresql_where=sa.text("status IN ('open', 'submitted', 'returned')"),
        ),
        sa.Index("govopen_review_organization", "organization_id", "status"),
        sa.Index("govopen_review_package", "package_id", "opened_at"),
    )

    id: Mapped[str] = mapped_column(
        sa.UnicodeText, primary_key=True, default=lambda: str(uuid.uuid4())
    )
    package_id: Mapped[str] = mapped_column(sa.UnicodeText)
    organization_id: Mapped[str] = mapped_column(sa.UnicodeText)
    status: Mapped[str] = mapped_column(sa.UnicodeText)
    fingerprint: Mapped[str] = mapped_column(sa.Text)
    submitters: Mapped[list[str]] = mapped_column(JSONB, default=list)
    opened_at: Mapped[datetime.datetime] = mapped_column(sa.DateTime(timezone=True))
    changed_at: Mapped[datetime.datetime] = mapped_column(sa.DateTime(timezone=True))
    submitted_at: Mapped[datetime.datetime | None] = mapped_column(sa.DateTime(timezone=True))
    submitted_fingerprint: Mapped[str] = mapped_column(sa.Text, default="")
    decided_at: Mapped[datetime.datetime | None] = mapped_column(sa.DateTime(timezone=True))
    decided_by: Mapped[str | None] = mapped_column(sa.UnicodeText)
    approved_fingerprint: Mapped[str] = mapped_column(sa.Text, default="")
    remarks: Mapped[str] = mapped_column(sa.UnicodeText, default="")


def to_state(row: ReviewRow | None) -> ReviewState:
    """The state that the rules know; no row: there was no review yet."""
    if row is None:
        return ReviewState()
    return ReviewState(
        dataset=row.package_id,
        organization=row.organization_id,
        status=row.status,  # type: ignore[arg-type]
        fingerprint=row.fingerprint,
        submitters=frozenset(row.submitters or ()),
        opened_at=row.opened_at,
        changed_at=row.changed_at,
        submitted_at=row.submitted_at,
        decided_at=row.decided_at,
        submitted_fingerprint=row.submitted_fingerprint,
        approved_fingerprint=row.approved_fingerprint,
        remarks=row.remarks,
    )


def project(row: ReviewRow, state: ReviewState) -> None:
    """Writes a state into its row."""
    row.package_id = state.dataset
    row.organization_id = state.organization
    row.status = state.status
    row.fingerprint = state.fingerprint
    row.submitters = sorted(state.submitters)
    assert state.opened_at is not None and state.changed_at is not None
    row.opened_at, row.changed_at = state.opened_at, state.changed_at
    row.submitted_at, row.decided_at = state.submitted_at, state.decided_at
    row.submitted_fingerprint = state.submitted_fingerprint
    row.approved_fingerprint = state.approved_fingerprint
    row.remarks = state.remarks


def waiting(session: AlchemySession, package_id: str) -> ReviewRow | None:
    """The review of a dataset that waits for somebody."""
    table = ReviewRow.__table__
    return (
        session.query(ReviewRow)
        .filter(table.c.package_id == package_id, table.c.status.in_(WAITING))
        .one_or_none()
    )


def latest(session: AlchemySession, package_id: str) -> ReviewRow | None:
    """The newest review of a dataset, whatever its state."""
    return (
        session.query(ReviewRow)
        .filter_by(package_id=package_id)
        .order_by(ReviewRow.opened_at.desc())
        .first()
    )


def all_of(session: AlchemySession, package_id: str) -> list[ReviewRow]:
    """All reviews of a dataset, oldest first."""
    return all_of_many(session, [package_id]).get(package_id, [])


def all_of_many(session: AlchemySession, package_ids: Sequence[str]) -> dict[str, list[ReviewRow]]:
    """All reviews of each of these datasets that has any, oldest first, in one statement."""
    table = ReviewRow.__table__
    rows = (
        session.query(ReviewRow)
        .filter(table.c.package_id.in_(package_ids))
        # Of two of the same moment the approval counts as the older one: it forgets nobody.
        .order_by(table.c.opened_at, table.c.status != "approved", table.c.decided_at)
    )
    found: dict[str, list[ReviewRow]] = {}
    for row in rows:
        found.setdefault(row.package_id, []).append(row)
    return found
