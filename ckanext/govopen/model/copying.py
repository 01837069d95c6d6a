"""Files of catalogue sources that are copied: what is wanted of each, and what the portal holds.

A row is wanted by the last writing of its record and carried out by a background job. ``held_*``
says which bytes the working copy has of it, whatever was tried since: a file that cannot be
fetched keeps its last good copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from ckan.plugins import toolkit
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ckanext.govopen.domain.release import FileFact
from ckanext.govopen.model.catalogue import (
    FILES_TOLD,
    LISTED,
    RUNNING,
    CatalogueRecord,
    CatalogueRun,
)

#: To be fetched or looked at; as the catalogue has it; could not be had, and why.
WAITING, COPIED, FAILED = "waiting", "copied", "failed"
STATES = (WAITING, COPIED, FAILED)


class CopyRow(toolkit.BaseModel):
    """One distribution of a record of a source whose files are copied.

    ``sha256``, ``size`` and ``columns`` are what the catalogue says of the file, empty or None
    when it says nothing. ``held_sha256`` is empty while nothing is held; ``held_url``, ``etag``
    and ``last_modified`` say where the held bytes came from and how they were called there.
    """

    __tablename__ = "govopen_copy"
    __table_args__ = (
        sa.Index("govopen_copy_code", "source_id", "code"),
        sa.Index("govopen_copy_state", "source_id", "state"),
    )

    source_id: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    resource_id: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    code: Mapped[str] = mapped_column(sa.UnicodeText)
    package_id: Mapped[str] = mapped_column(sa.UnicodeText)
    url: Mapped[str] = mapped_column(sa.UnicodeText)
    name: Mapped[str] = mapped_column(sa.UnicodeText, default="")
    format: Mapped[str] = mapped_column(sa.UnicodeText, default="")
    sha256: Mapped[str] = mapped_column(sa.UnicodeText, default="")
    size: Mapped[int | None] = mapped_column(sa.BigInteger)
    columns: Mapped[list[str] | None] = mapped_column(JSONB(none_as_null=True))
    state: Mapped[str] = mapped_column(sa.UnicodeText, default=WAITING)
    run_id: Mapped[str | None] = mapped_column(sa.UnicodeText)
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    tried_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    held_sha256: Mapped[str] = mapped_column(sa.UnicodeText, default="")
    held_size: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    held_name: Mapped[str] = mapped_column(sa.UnicodeText, default="")
    held_type: Mapped[str] = mapped_column(sa.UnicodeText, default="")
    held_url: Mapped[str] = mapped_column(sa.UnicodeText, default="")
    held_columns: Mapped[list[str] | None] = mapped_column(JSONB(none_as_null=True))
    held_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    etag: Mapped[str] = mapped_column(sa.UnicodeText, default="")
    last_modified: Mapped[str] = mapped_column(sa.UnicodeText, default="")

    @property
    def fact(self) -> FileFact | None:
        """The bytes that the working copy has, if any."""
        if not self.held_sha256:
            return None
        return FileFact(
            sha256=self.held_sha256,
            size=self.held_size,
            name=self.held_name,
            media_type=self.held_type,
        )

    @property
    def told(self) -> bool:
        """Does the catalogue itself say that the held bytes are the right ones?"""
        return bool(self.held_sha256) and self.sha256 == self.held_sha256


@dataclass(frozen=True)
class Wanted:
    """A distribution as a record names it.

    ``used`` is the digest of the copy that the record was just written with, empty for none;
    ``keep`` says whether what is held may stay until something newer has come.
    """

    resource_id: str
    url: str
    name: str = ""
    format: str = ""
    sha256: str = ""
    size: int | None = None
    columns: tuple[str, ...] | None = None
    used: str = ""
    keep: bool = True


def of_codes(session: Any, source_id: str, codes: Iterable[str]) -> dict[str, dict[str, CopyRow]]:
    """The rows of records that have a dataset, by code and resource id: one statement."""
    wanted = list(codes)
    if not wanted:
        return {}
    rows = session.scalars(
        sa.select(CopyRow)
        .join(
            CatalogueRecord,
            sa.and_(
                CatalogueRecord.source_id == CopyRow.source_id,
                CatalogueRecord.code == CopyRow.code,
                CatalogueRecord.package_id == CopyRow.package_id,
            ),
        )
        .where(CopyRow.source_id == source_id, CopyRow.code.in_(wanted))
        .execution_options(populate_existing=True)
    )
    found: dict[str, dict[str, CopyRow]] = {}
    for row in rows:
        found.setdefault(row.code, {})[row.resource_id] = row
    return found


def want(
    session: Any,
    source_id: str,
    run_id: str,
    records: Sequence[tuple[str, str, Sequence[Wanted]]],
) -> None:
    """Notes what is wanted of records that were just written: (dataset id, code, distributions).

    What a record no longer names is forgotten. In the caller's transaction.
    """
    if not records:
        return
    session.flush()
    table = CopyRow.__table__
    known = {
        row.resource_id: row
        for row in session.scalars(
            sa.select(CopyRow)
            .where(CopyRow.source_id == source_id, CopyRow.code.in_([r[1] for r in records]))
            .order_by(CopyRow.resource_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    }
    named: set[str] = set()
    fresh: list[dict[str, Any]] = []
    for package_id, code, wanted in records:
        for one in wanted:
            named.add(one.resource_id)
            row = known.get(one.resource_id)
            if row is None:
                fresh.append(_new(source_id, run_id, package_id, code, one))
            else:
                _change(row, run_id, package_id, one)
    gone = [resource_id for resource_id in known if resource_id not in named]
    session.flush()
    if fresh:
        session.execute(sa.insert(table), fresh)
    if gone:
        session.execute(
            sa.delete(table).where(table.c.source_id == source_id, table.c.resource_id.in_(gone))
        )


def _new(source_id: str, run_id: str, package_id: str, code: str, one: Wanted) -> dict[str, Any]:
    return {
        "source_id": source_id,
        "resource_id": one.resource_id,
        "code": code,
        "package_id": package_id,
        "run_id": run_id,
        "state": WAITING,
        **_said(one),
    }


def _said(one: Wanted) -> dict[str, Any]:
    return {
        "url": one.url,
        "name": one.name,
        "format": one.format,
        "sha256": one.sha256,
        "size": one.size,
        "columns": None if one.columns is None else list(one.columns),
    }


def _change(row: CopyRow, run_id: str, package_id: str, one: Wanted) -> None:
    if package_id != row.package_id or not one.keep:
        row.package_id = package_id
        release(row)
    for key, value in _said(one).items():
        setattr(row, key, value)
    row.run_id = run_id
    # A copy that came while the record was being written is not in what was written.
    row.state = COPIED if row.told and one.used == row.held_sha256 else WAITING


def release(row: CopyRow) -> None:
    """Nothing is held of this file any more."""
    row.held_sha256 = row.held_name = row.held_type = row.held_url = ""
    row.etag = row.last_modified = ""
    row.held_size, row.held_columns, row.held_at = 0, None, None


def _listed() -> Any:
    """Is the record of a row on the portal? Nothing is fetched for any other."""
    return (
        sa.select(CatalogueRecord.code)
        .where(
            CatalogueRecord.source_id == CopyRow.source_id,
            CatalogueRecord.code == CopyRow.code,
            CatalogueRecord.state == LISTED,
        )
        .exists()
    )


def schedule(session: Any, source_id: str, run_id: str | None) -> bool:
    """What failed is tried again, and what the catalogue tells no digest of is looked at again;
    does anything wait now? ``run_id`` is the run that is told of what no other run will be told
    of any more, None: as before.
    """
    table = CopyRow.__table__
    session.execute(
        sa.update(CopyRow)
        .where(
            CopyRow.source_id == source_id,
            sa.or_(
                table.c.state == FAILED,
                sa.and_(table.c.state == COPIED, table.c.sha256 == ""),
            ),
            _listed(),
        )
        .values(state=WAITING)
        .execution_options(synchronize_session=False)
    )
    if run_id is not None:
        untold = sa.select(CatalogueRun.id).where(
            CatalogueRun.source_id == source_id,
            sa.not_(CatalogueRun.progress.has_key(FILES_TOLD)),
        )
        session.execute(
            sa.update(table)
            .where(
                table.c.source_id == source_id,
                table.c.state == WAITING,
                sa.or_(table.c.run_id.is_(None), table.c.run_id.not_in(untold)),
            )
            .values(run_id=run_id)
        )
    return waits(session, source_id)


def waits(session: Any, source_id: str) -> bool:
    """Does any file of a source wait? Asks for one, not for their number: of a source that has
    just been loaded PostgreSQL knows no figures yet, and would join a hundred thousand rows with
    as many.
    """
    query = sa.select(CopyRow.code).where(
        CopyRow.source_id == source_id, CopyRow.state == WAITING, _listed()
    )
    return session.scalar(query.limit(1)) is not None


def sources_waiting(session: Any) -> list[str]:
    """The sources with files that wait, or failed without a word to anybody."""
    waits = sa.select(CopyRow.source_id).where(CopyRow.state == WAITING, _listed())
    untold = (
        sa.select(CopyRow.source_id)
        .join(CatalogueRun, CatalogueRun.id == CopyRow.run_id)
        .where(
            CopyRow.state == FAILED,
            _listed(),
            CatalogueRun.state != RUNNING,
            sa.not_(CatalogueRun.progress.has_key(FILES_TOLD)),
        )
    )
    return sorted(session.scalars(waits.union(untold)))


def failed_in_runs(session: Any, source_id: str, most: int) -> dict[str, tuple[int, list[str]]]:
    """Of each run whose files could not be had: how many, and the codes of the first."""
    query = (
        sa.select(
            CopyRow.run_id,
            sa.func.count(),
            sa.func.array_agg(postgresql.aggregate_order_by(CopyRow.code, CopyRow.code))[1:most],
        )
        .where(
            CopyRow.source_id == source_id,
            CopyRow.state == FAILED,
            CopyRow.run_id.is_not(None),
            _listed(),
        )
        .group_by(CopyRow.run_id)
    )
    return {run_id: (count, list(codes)) for run_id, count, codes in session.execute(query)}


def next_waiting(session: Any, source_id: str, after: tuple[str, str]) -> CopyRow | None:
    """The first file that waits after this (code, resource id)."""
    return session.scalars(
        sa.select(CopyRow)
        .where(
            CopyRow.source_id == source_id,
            CopyRow.state == WAITING,
            sa.tuple_(CopyRow.code, CopyRow.resource_id)
            > sa.tuple_(*(sa.literal(part) for part in after)),
            _listed(),
        )
        .order_by(CopyRow.code, CopyRow.resource_id)
        .limit(1)
        .execution_options(populate_existing=True)
    ).first()


def locked(session: Any, source_id: str, resource_id: str) -> CopyRow | None:
    """One row, locked for this transaction, while its record is on the portal."""
    return session.scalars(
        sa.select(CopyRow)
        .where(CopyRow.source_id == source_id, CopyRow.resource_id == resource_id, _listed())
        .with_for_update(of=CopyRow)
        .execution_options(populate_existing=True)
    ).first()


def give_up(session: Any, source_id: str, reasons: Sequence[dict[str, Any]], now: datetime) -> int:
    """Whatever waits has failed for the same reason; how many."""
    done = session.execute(
        sa.update(CopyRow)
        .where(CopyRow.source_id == source_id, CopyRow.state == WAITING, _listed())
        .values(state=FAILED, reasons=list(reasons), tried_at=now)
        .execution_options(synchronize_session=False)
    )
    return done.rowcount


def figures(session: Any, source_id: str) -> dict[str, dict[str, int]]:
    """By state: ``files``, ``told`` (bytes as the catalogue says), ``held`` (bytes held)."""
    query = (
        sa.select(
            CopyRow.state,
            sa.func.count(),
            sa.func.coalesce(sa.func.sum(CopyRow.size), 0),
            sa.func.coalesce(sa.func.sum(CopyRow.held_size), 0),
        )
        .where(CopyRow.source_id == source_id, _listed())
        .group_by(CopyRow.state)
    )
    return {
        state: {"files": files, "told": int(told), "held": int(held)}
        for state, files, told, held in session.execute(query)
    }


def failed(session: Any, source_id: str, limit: int = 100, offset: int = 0) -> list[CopyRow]:
    """Files that could not be had, by code."""
    return list(
        session.scalars(
            sa.select(CopyRow)
            .where(CopyRow.source_id == source_id, CopyRow.state == FAILED, _listed())
            .order_by(CopyRow.code, CopyRow.resource_id)
            .limit(limit)
            .offset(offset)
        )
    )


def forget(session: Any, source_id: str) -> None:
    """Removes all that is known of a source's files."""
    session.execute(sa.delete(CopyRow).where(CopyRow.source_id == source_id))
