"""Files in the database: which bytes the working copy of a resource has, what the DataStore holds.

A file is named by the SHA-256 of its bytes. A row of ``govopen_file`` is never changed once the
bytes are stored; the newest row of a resource says what the working copy has, a release names its
own digests. ``govopen_loaded`` says which of them the rows in the DataStore were made from.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterable
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, mapped_column

from ckanext.govopen.domain.release import FileFact
from ckanext.govopen.model import attachment
from ckanext.govopen.model.release import LIVE, ReleaseRow

__all__ = ["ROWS", "FileRow", "LoadedRow", "current", "loaded", "record", "record_rows", "shapes"]

#: Media type of a fact that stands for DataStore rows delivered without a file. Its digest is a
#: chain over the deliveries, there are no bytes under it.
ROWS = "application/x-datastore-rows"

#: ``url_type`` of the resources that consist of delivered rows.
ROWS_URL_TYPES = ("datastore", "tabledesigner")
#: ``url_type`` of the resources whose content is named by a digest.
HELD_URL_TYPES = ("upload", *ROWS_URL_TYPES)


class FileRow(tk.BaseModel):
    """The bytes of a resource from a moment on; ``size`` in bytes, ``at`` in UTC with its zone.

    ``id`` counts up, so that the newest row is the one with the greatest. ``shape`` is what
    :mod:`ckanext.govopen.logic.quality` found in a table when it came, None for other files. No
    foreign keys: rows of purged datasets keep their digests from being taken for unreferenced
    until collected.
    """

    __tablename__ = "govopen_file"
    __table_args__ = (
        sa.Index("govopen_file_package", "package_id", "resource_id", "id"),
        sa.Index("govopen_file_sha256", "sha256"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    resource_id: Mapped[str] = mapped_column(sa.UnicodeText)
    package_id: Mapped[str] = mapped_column(sa.UnicodeText)
    sha256: Mapped[str] = mapped_column(sa.UnicodeText)
    size: Mapped[int] = mapped_column(sa.BigInteger)
    name: Mapped[str] = mapped_column(sa.UnicodeText)
    media_type: Mapped[str] = mapped_column(sa.UnicodeText)
    at: Mapped[datetime.datetime] = mapped_column(sa.DateTime(timezone=True))
    shape: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True), deferred=True)


class LoadedRow(tk.BaseModel):
    """What the DataStore table of a resource holds.

    ``sha256`` is the digest of the file (or of the chain of deliveries) its rows were made from:
    an outsider reads rows only while it is the digest that the live release names. ``written``
    says that the department delivered the rows itself. ``problem`` says in
    JSON (``message``: a msgid, ``params``) why the file could not be loaded; no table then.
    """

    __tablename__ = "govopen_loaded"
    __table_args__ = (sa.Index("govopen_loaded_package", "package_id"),)

    resource_id: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    package_id: Mapped[str] = mapped_column(sa.UnicodeText)
    sha256: Mapped[str] = mapped_column(sa.UnicodeText)
    rows: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    written: Mapped[bool] = mapped_column(sa.Boolean, default=False)
    problem: Mapped[str] = mapped_column(sa.UnicodeText, default="")
    at: Mapped[datetime.datetime] = mapped_column(sa.DateTime(timezone=True))


def _fact(row: Any) -> FileFact:
    return FileFact(sha256=row.sha256, size=row.size, name=row.name, media_type=row.media_type)


def current(session: Any, package_id: str) -> dict[str, FileFact]:
    """The files and delivered rows of the working copy by resource id: one statement.

    Resources that are links, or were deleted, are left out whatever they once held. Kept
    addresses are in :func:`ckanext.govopen.model.location.facts`.
    """
    return current_many(session, [package_id])


def current_many(session: Any, package_ids: Iterable[str]) -> dict[str, FileFact]:
    """:func:`current` of many datasets at once."""
    newest = (
        sa.select(FileRow)
        .join(model.Resource, model.Resource.id == FileRow.resource_id)
        .where(
            FileRow.package_id.in_(list(package_ids)),
            model.Resource.package_id == FileRow.package_id,
            model.Resource.state == "active",
            sa.case(
                (FileRow.media_type == ROWS, model.Resource.url_type.in_(ROWS_URL_TYPES)),
                else_=model.Resource.url_type == "upload",
            ),
        )
        .distinct(FileRow.resource_id)
        .order_by(FileRow.resource_id, FileRow.id.desc())
    )
    return {row.resource_id: _fact(row) for row in session.scalars(newest)}


def of_resource(session: Any, resource_id: str, package_id: str) -> FileFact | None:
    """The newest content of one resource of this dataset, or None."""
    row = session.scalars(
        sa.select(FileRow)
        .where(FileRow.resource_id == resource_id, FileRow.package_id == package_id)
        .order_by(FileRow.id.desc())
        .limit(1)
    ).first()
    return _fact(row) if row is not None else None


def shapes(session: Any, package_id: str) -> dict[str, dict[str, Any]]:
    """What was found in the tables that the working copy has now, by resource id."""
    rows = session.execute(
        sa.select(FileRow.resource_id, FileRow.sha256, FileRow.shape).where(
            FileRow.package_id == package_id, FileRow.shape.is_not(None)
        )
    )
    known = {(row.resource_id, row.sha256): row.shape for row in rows}
    if not known:
        return {}
    return {
        resource_id: known[resource_id, fact.sha256]
        for resource_id, fact in current(session, package_id).items()
        if (resource_id, fact.sha256) in known
    }


def record(
    session: Any,
    resource_id: str,
    package_id: str,
    fact: FileFact,
    now: datetime.datetime,
    shape: dict[str, Any] | None = None,
) -> None:
    """Say that the working copy of this resource has these bytes from ``now`` on.

    ``shape`` is what was found in a table.
    """
    session.add(
        FileRow(
            resource_id=resource_id,
            package_id=package_id,
            sha256=fact.sha256,
            size=fact.size,
            name=fact.name,
            media_type=fact.media_type,
            at=now,
            shape=shape,
        )
    )
    session.flush()


def record_rows(
    session: Any, resource_id: str, package_id: str, delivery: bytes, now: datetime.datetime
) -> str:
    """Note one delivery of rows to a resource; gives the new digest of the chain.

    ``delivery`` is the canonical form of what was written. The digest changes with every delivery,
    so that an approval names exactly the rows that stood there; only the newest row is kept, for a
    department may deliver row by row.
    """
    row = session.scalars(
        sa.select(FileRow)
        .where(
            FileRow.resource_id == resource_id,
            FileRow.package_id == package_id,
            FileRow.media_type == ROWS,
        )
        .order_by(FileRow.id.desc())
        .limit(1)
    ).first()
    before = row.sha256 if row is not None else ""
    digest = hashlib.sha256(before.encode() + b"\0" + delivery).hexdigest()
    if row is None:
        fact = FileFact(sha256=digest, size=0, name="", media_type=ROWS)
        record(session, resource_id, package_id, fact, now)
    else:
        row.sha256 = digest
        row.at = now
        session.flush()
    return digest


def set_loaded(
    session: Any,
    resource_id: str,
    package_id: str,
    sha256: str,
    now: datetime.datetime,
    *,
    rows: int = 0,
    written: bool = False,
    problem: str = "",
) -> None:
    """Say from which digest the DataStore rows of a resource were made."""
    values = {
        "package_id": package_id,
        "sha256": sha256,
        "rows": rows,
        "written": written,
        "problem": problem,
        "at": now,
    }
    session.execute(
        insert(LoadedRow)
        .values(resource_id=resource_id, **values)
        .on_conflict_do_update(index_elements=["resource_id"], set_=values)
    )


def rows_are_released(session: Any, package_id: str, resource_id: str) -> bool:
    """Are the rows that the DataStore holds those that the live release names? One statement."""
    release = ReleaseRow.__table__
    return bool(
        session.execute(
            sa.select(sa.literal(True))
            .select_from(release)
            .join(LoadedRow, LoadedRow.package_id == release.c.package_id)
            .where(
                release.c.package_id == package_id,
                release.c.status == LIVE,
                LoadedRow.resource_id == resource_id,
                LoadedRow.problem == "",
                release.c.files[(resource_id, "sha256")].astext == LoadedRow.sha256,
            )
        ).scalar()
    )


def released_digests(session: Any, package_id: str) -> dict[str, str]:
    """The digests that the live release of a dataset names, by resource id."""
    release = ReleaseRow.__table__
    files = session.execute(
        sa.select(release.c.files).where(
            release.c.package_id == package_id, release.c.status == LIVE
        )
    ).scalar()
    return {resource_id: fact["sha256"] for resource_id, fact in (files or {}).items()}


def loaded(session: Any, resource_ids: Iterable[str]) -> dict[str, LoadedRow]:
    """What the DataStore holds, by resource id: one statement, none for no ids."""
    ids = list(resource_ids)
    if not ids:
        return {}
    rows = session.scalars(
        sa.select(LoadedRow)
        .where(LoadedRow.resource_id.in_(ids))
        .execution_options(populate_existing=True)
    )
    return {row.resource_id: row for row in rows}


def loaded_of_package(session: Any, package_id: str) -> dict[str, LoadedRow]:
    """What the DataStore holds of a dataset, by resource id."""
    rows = session.scalars(
        sa.select(LoadedRow)
        .where(LoadedRow.package_id == package_id)
        .execution_options(populate_existing=True)
    )
    return {row.resource_id: row for row in rows}


def forget_loaded(session: Any, resource_id: str) -> None:
    """The DataStore holds nothing of this resource any more."""
    session.execute(sa.delete(LoadedRow).where(LoadedRow.resource_id == resource_id))


def named_digests(session: Any) -> set[str]:
    """The digests that somebody may still ask for: of every release, live or not, the newest of
    every resource that has not been purged, and the files of applications."""
    newest = (
        sa.select(FileRow.sha256)
        .join(model.Resource, model.Resource.id == FileRow.resource_id)
        .distinct(FileRow.resource_id)
        .order_by(FileRow.resource_id, FileRow.id.desc())
    )
    fact = sa.func.jsonb_each(ReleaseRow.__table__.c.files).table_valued("key", "value")
    released = sa.select(fact.c.value.op("->>")("sha256")).select_from(
        sa.join(ReleaseRow.__table__, fact, sa.true())
    )
    return {*session.scalars(newest), *session.scalars(released), *attachment.digests(session)}


def digests(session: Any) -> set[str]:
    """All digests that were ever recorded and not forgotten."""
    return set(session.scalars(sa.select(FileRow.sha256).distinct()))


def digests_since(session: Any, moment: datetime.datetime) -> set[str]:
    """The digests that were recorded at ``moment`` or later."""
    return set(session.scalars(sa.select(FileRow.sha256).where(FileRow.at >= moment)))


def forget_digest(session: Any, sha256: str) -> None:
    """Delete the rows of a digest whose bytes are gone."""
    session.execute(sa.delete(FileRow).where(FileRow.sha256 == sha256))
