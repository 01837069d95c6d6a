"""Releases: what outsiders read (design decision 4.2).

A row is never changed except for its status. At most one row of a dataset is ``live``.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from ckan.plugins import toolkit
from ckan.types import AlchemySession
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ckanext.govopen.domain.classification import OpenClass
from ckanext.govopen.domain.release import FileFact

LIVE, SUPERSEDED, WITHDRAWN = "live", "superseded", "withdrawn"


class ReleaseRow(toolkit.BaseModel):
    """One approved state of a dataset.

    ``data`` is ``{"default": dict, "shown": dict}``, ``files`` maps resource ids to digests,
    ``views`` lists the resource views, ``kind`` is ``review``, ``narrowed``, ``transitional`` or
    ``unreviewed`` (review switched off).
    """

    __tablename__ = "govopen_release"
    __table_args__ = (
        sa.UniqueConstraint("package_id", "version"),
        sa.Index(
            "govopen_release_live",
            "package_id",
            unique=True,
            postgresql_where=sa.text("status = 'live'"),
        ),
        # Outsiders know a dataset by the name it was released under.
        sa.Index(
            "govopen_release_name",
            sa.text("(data #>> '{default,name}')"),
            postgresql_where=sa.text("status = 'live'"),
        ),
    )

    id: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    package_id: Mapped[str] = mapped_column(sa.UnicodeText)
    version: Mapped[int] = mapped_column(sa.Integer)
    status: Mapped[str] = mapped_column(sa.UnicodeText)
    kind: Mapped[str] = mapped_column(sa.UnicodeText)
    open_class: Mapped[str] = mapped_column(sa.UnicodeText)
    fingerprint: Mapped[str] = mapped_column(sa.Text)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    files: Mapped[dict[str, Any]] = mapped_column(JSONB)
    views: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    resource_ids: Mapped[list[str]] = mapped_column(JSONB)
    tags: Mapped[list[str]] = mapped_column(JSONB)
    formats: Mapped[list[str]] = mapped_column(JSONB)
    profile: Mapped[str] = mapped_column(sa.UnicodeText)
    released_at: Mapped[datetime.datetime] = mapped_column(sa.DateTime(timezone=True))
    released_by: Mapped[str | None] = mapped_column(sa.UnicodeText)
    ended_at: Mapped[datetime.datetime | None] = mapped_column(sa.DateTime(timezone=True))
    reason: Mapped[str] = mapped_column(sa.UnicodeText, default="")
    review_by: Mapped[datetime.date | None] = mapped_column(sa.Date)

    @property
    def effective_class(self) -> OpenClass:
        return OpenClass(self.open_class)

    def file(self, resource_id: str) -> FileFact | None:
        """The released bytes of a resource; None for a link or a resource that is not in it."""
        fact = self.files.get(resource_id)
        return FileFact(**fact) if fact else None


class DatasetRow(toolkit.BaseModel):
    """What the extension knows of a dataset beside CKAN's own row.

    ``suspended_by`` is the organisation of the data authority that suspended it, None when the
    operator did, or the department. ``fingerprint`` is that of the working copy, ``pending``
    whether it differs from the live release, so that lists need not compute either.
    """

    __tablename__ = "govopen_dataset"

    package_id: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    fingerprint: Mapped[str] = mapped_column(sa.Text, default="")
    pending: Mapped[bool] = mapped_column(sa.Boolean, default=False)
    suspended: Mapped[bool] = mapped_column(sa.Boolean, default=False)
    suspended_at: Mapped[datetime.datetime | None] = mapped_column(sa.DateTime(timezone=True))
    suspended_reason: Mapped[str | None] = mapped_column(sa.UnicodeText)
    suspended_by_authority: Mapped[bool] = mapped_column(sa.Boolean, default=False)
    suspended_by: Mapped[str | None] = mapped_column(sa.UnicodeText)


def live(package_id: str, session: AlchemySession | None = None) -> ReleaseRow | None:
    """The live release of a dataset, by its id."""
    from ckan import model

    return (
        (session or model.Session)
        .query(ReleaseRow)
        .filter_by(package_id=package_id, status=LIVE)
        .one_or_none()
    )


def live_many(session: AlchemySession, package_ids: Iterable[str]) -> dict[str, ReleaseRow]:
    """The live releases of many datasets, in one statement."""
    ids = list(package_ids)
    if not ids:
        return {}
    table = ReleaseRow.__table__
    rows = session.query(ReleaseRow).filter(table.c.package_id.in_(ids), table.c.status == LIVE)
    return {row.package_id: row for row in rows}


def history(session: AlchemySession, package_id: str) -> list[ReleaseRow]:
    """All releases of a dataset, newest first."""
    return (
        session.query(ReleaseRow)
        .filter_by(package_id=package_id)
        .order_by(ReleaseRow.__table__.c.version.desc())
        .all()
    )


def next_version(session: AlchemySession, package_id: str) -> int:
    """Number of the next release; the caller holds the lock of the dataset's row."""
    highest = (
        session.query(sa.func.max(ReleaseRow.__table__.c.version))
        .filter_by(package_id=package_id)
        .scalar()
    )
    return (highest or 0) + 1


def end(row: ReleaseRow, status: str, now: datetime.datetime) -> None:
    """Takes a release out of effect: ``superseded`` or ``withdrawn``."""
    row.status = status
    row.ended_at = now


def dataset_row(session: AlchemySession, package_id: str) -> DatasetRow | None:
    return session.get(DatasetRow, package_id)


def dataset_rows(session: AlchemySession, package_ids: Iterable[str]) -> dict[str, DatasetRow]:
    """The rows of many datasets by their ids, in one statement."""
    table = DatasetRow.__table__
    rows = session.query(DatasetRow).filter(table.c.package_id.in_(list(package_ids)))
    return {row.package_id: row for row in rows}


def has_resource(session: AlchemySession, package_id: str, resource_id: str) -> bool:
    """Is this resource part of the live release? (Asks one row, reads no release.)"""
    table = ReleaseRow.__table__
    return bool(
        session.execute(
            sa.select(sa.literal(True)).where(
                table.c.package_id == package_id,
                table.c.status == LIVE,
                table.c.resource_ids.op("?")(resource_id),
            )
        ).scalar()
    )


def public(*columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """``SELECT columns`` over the releases that everybody may see the description of.

    The same condition as in the policy, in SQL, for lists that would otherwise ask one by one: a
    test compares the two on every kind of dataset.
    """
    from ckan import model

    package, table, extra = model.package_table, ReleaseRow.__table__, DatasetRow.__table__
    return (
        sa.select(*columns)
        .select_from(table)
        .join(package, package.c.id == table.c.package_id)
        .outerjoin(extra, extra.c.package_id == table.c.package_id)
        .where(
            table.c.status == LIVE,
            table.c.open_class.in_([OpenClass.UNCONDITIONAL.value, OpenClass.CONDITIONAL.value]),
            package.c.state == "active",
            sa.func.coalesce(extra.c.suspended, sa.false()).is_(False),
        )
    )
