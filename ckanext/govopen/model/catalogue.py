"""What the catalogue sources delivered: one row per record, one per run, one per remark of a run.

The records' own text is not kept here: only what is needed to know, without touching a dataset,
whether a record is new, changed, unchanged, withdrawn or restored, and what a run has to report
about it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.plugins import plugin_loaded, toolkit
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ckanext.govopen.domain.catalogue import sweep
from ckanext.govopen.domain.catalogue.sweep import Known

LISTED, WITHDRAWN = sweep.LISTED, sweep.WITHDRAWN
KEPT_BACK, REFUSED = sweep.KEPT_BACK, sweep.REFUSED
RUNNING, FINISHED, FAILED = "running", "finished", "failed"
#: What ``progress`` says when the source's keepers were told of the files that failed.
FILES_TOLD = "files_told"
#: Kind of the remarks of a run that tell of a file which could not be had.
FILE = "file"
#: Powers of a source that only the authority or the operator gives; the last one only the command
#: line.
OTHER_DEPARTMENTS, CREATE_ORGANIZATIONS = "other_departments", "create_organizations"
PRIVATE_ADDRESS, SERVER_PATH = "private_address", "server_path"
KEEP_IDENTIFIERS = "keep_identifiers"
#: The figures of a run, in the order of its report.
COUNTED = (
    "seen",
    "new",
    "changed",
    "unchanged",
    "withdrawn",
    "kept_back",
    "refused",
    "missing",
)


class CatalogueRecord(toolkit.BaseModel):
    """The last state of one record of one source.

    ``state`` is ``listed`` (its dataset is on the portal, in review or released), ``withdrawn``,
    ``kept_back`` (waits for a person; nothing of it is on the portal) or ``refused`` (could not
    be read). ``bulk`` false: the review looks at it singly, decisions on many at once leave it
    out. ``organization_id`` is the department that it belongs to, as far as one was found;
    ``title`` stands there while the record is kept back, so that people know which one it is.
    """

    __tablename__ = "govopen_record"

    source_id: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    code: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    package_id: Mapped[str | None] = mapped_column(sa.UnicodeText, index=True)
    hash: Mapped[str] = mapped_column(sa.UnicodeText, default="")
    state: Mapped[str] = mapped_column(sa.UnicodeText, default=LISTED)
    open_class: Mapped[str | None] = mapped_column(sa.UnicodeText)
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    bulk: Mapped[bool] = mapped_column(sa.Boolean, default=True)
    title: Mapped[str | None] = mapped_column(sa.UnicodeText)
    organization_id: Mapped[str | None] = mapped_column(sa.UnicodeText, index=True)
    version: Mapped[str | None] = mapped_column(sa.UnicodeText)
    first_seen: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    changed_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))


class CatalogueRun(toolkit.BaseModel):
    """One run of a source and its report; ``id`` is the harvest job's id, or an own one for a
    call by API.

    ``counts`` holds seen, new, changed, unchanged, withdrawn, kept_back, refused and missing.
    ``state`` is ``running``, ``finished`` or ``failed``. ``complete`` says that the whole source
    was read, so that absence may be concluded from. ``held`` is true while records are missing
    that nobody confirmed. ``message`` is kept as :mod:`ckanext.govopen.logic.told` keeps it, and
    ``progress`` says how far a run is that has not ended (:func:`note_progress`).
    """

    __tablename__ = "govopen_run"
    __table_args__ = (sa.Index("ix_govopen_run_source", "source_id", "started_at"),)

    id: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    source_id: Mapped[str] = mapped_column(sa.UnicodeText)
    started_by: Mapped[str | None] = mapped_column(sa.UnicodeText)
    started_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    finished_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    state: Mapped[str] = mapped_column(sa.UnicodeText, default=RUNNING)
    complete: Mapped[bool] = mapped_column(sa.Boolean, default=False)
    held: Mapped[bool] = mapped_column(sa.Boolean, default=False)
    counts: Mapped[dict[str, int]] = mapped_column(JSONB, default=dict)
    message: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    progress: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)


class CatalogueRemark(toolkit.BaseModel):
    """What a run has to say about one record: why it was refused, kept back, withdrawn, or a
    warning.
    """

    __tablename__ = "govopen_run_remark"
    __table_args__ = (sa.Index("ix_govopen_run_remark_run", "run_id", "id"),)

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=True)
    run_id: Mapped[str] = mapped_column(
        sa.UnicodeText, sa.ForeignKey("govopen_run.id", ondelete="CASCADE")
    )
    code: Mapped[str] = mapped_column(sa.UnicodeText, default="")
    kind: Mapped[str] = mapped_column(sa.UnicodeText)
    place: Mapped[str | None] = mapped_column(sa.UnicodeText)
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)


class CatalogueSource(toolkit.BaseModel):
    """What stands beside a harvest source: who edited it last, and which powers it was given.

    ``powers`` names what only the authority or the operator gives (other departments' records,
    creating organisations, private addresses, paths on the server, ids from elsewhere); what a
    configuration asks for without having it is not done. ``memory`` is what the last complete
    reading left for the next one, packed; nothing but speed depends on it. ``language`` is the one
    in which it was edited last: mail about its runs is in it.
    """

    __tablename__ = "govopen_source"

    source_id: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    last_editor: Mapped[str | None] = mapped_column(sa.UnicodeText)
    powers: Mapped[list[str]] = mapped_column(JSONB, default=list)
    org_code_scheme: Mapped[str] = mapped_column(sa.UnicodeText, default="")
    language: Mapped[str] = mapped_column(sa.UnicodeText, default="")
    memory: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    changed_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))


def records(session: Any, source_id: str, codes: Iterable[str]) -> dict[str, CatalogueRecord]:
    """The rows of these records of a source by code, in one statement."""
    wanted = list(codes)
    if not wanted:
        return {}
    rows = session.scalars(
        sa.select(CatalogueRecord).where(
            CatalogueRecord.source_id == source_id, CatalogueRecord.code.in_(wanted)
        )
    )
    return {row.code: row for row in rows}


def states(session: Any, source_id: str) -> dict[str, Known]:
    """Hash, state, class and version of every record that a source ever delivered, by code."""
    table = CatalogueRecord.__table__
    named = (table.c.code, table.c.hash, table.c.state, table.c.open_class, table.c.version)
    # A hundred thousand rows: not all of them at once, and each word of theirs once.
    rows = session.execute(
        sa.select(*named).where(table.c.source_id == source_id),
        execution_options={"yield_per": 5000},
    )
    return {
        code: Known(
            digest,
            sys.intern(state),
            sys.intern(open_class) if open_class else None,
            int(version) if version else None,
        )
        for code, digest, state, open_class, version in rows.tuples()
    }


def singly(session: Any, package_ids: Iterable[str]) -> set[str]:
    """Those of these datasets that decisions on many at once have to leave out."""
    table = CatalogueRecord.__table__
    wanted = list(package_ids)
    if not wanted:
        return set()
    return set(
        session.scalars(
            sa.select(table.c.package_id).where(
                table.c.package_id.in_(wanted), table.c.bulk.is_(False)
            )
        )
    )


def missing(session: Any, source_id: str, run_id: str) -> list[str]:
    """Codes of the listed and kept-back records that a complete run of the source did not see, and
    of which its report says so."""
    table, said = CatalogueRecord.__table__, CatalogueRemark.__table__
    named = sa.select(said.c.code).where(said.c.run_id == run_id, said.c.kind == "missing")
    return list(
        session.scalars(
            sa.select(table.c.code)
            .where(
                table.c.source_id == source_id,
                table.c.state.in_((LISTED, KEPT_BACK)),
                table.c.code.in_(named),
            )
            .order_by(table.c.code)
        )
    )


def alive(session: Any, source_id: str) -> int:
    """How many records of a source are listed or kept back: what a share of missing ones refers
    to.
    """
    table = CatalogueRecord.__table__
    return session.scalar(
        sa.select(sa.func.count())
        .select_from(table)
        .where(table.c.source_id == source_id, table.c.state.in_((LISTED, KEPT_BACK)))
    )


def start_run(
    session: Any, run_id: str, source_id: str, started_by: str | None, now: datetime
) -> CatalogueRun:
    """The row of a run, made if there is none; who started it is kept once it is known."""
    run = session.get(CatalogueRun, run_id)
    if run is None:
        run = CatalogueRun(
            id=run_id,
            source_id=source_id,
            started_by=started_by,
            started_at=now,
            state=RUNNING,
            complete=False,
            held=False,
            counts={},
            progress={},
        )
        session.add(run)
        session.flush()
    elif started_by and not run.started_by:
        run.started_by = started_by
    return run


def restart(session: Any, run: CatalogueRun) -> None:
    """Empties the report of a run that begins anew."""
    session.execute(sa.delete(CatalogueRemark).where(CatalogueRemark.run_id == run.id))
    run.state, run.counts, run.complete, run.held = RUNNING, {}, False, False
    run.message = run.finished_at = None
    run.progress = {}


def note_progress(session: Any, run_id: str, values: Mapping[str, Any]) -> None:
    """Notes how far a run is: ``phase`` (reading, writing), ``read`` of ``announced`` records, or
    ``total`` to be gone through ``since`` a moment. What was noted before stays.
    """
    run = CatalogueRun.__table__
    session.execute(
        sa.update(run)
        .where(run.c.id == run_id)
        .values(progress=run.c.progress.concat(sa.cast(dict(values), JSONB)))
    )


def tell_files_once(session: Any, run_id: str) -> CatalogueRun | None:
    """The run, locked, when it has ended and nobody was told of its files yet; notes that now."""
    run = session.get(CatalogueRun, run_id, populate_existing=True, with_for_update=True)
    if run is None or run.state == RUNNING or (run.progress or {}).get(FILES_TOLD):
        return None
    run.progress = {**(run.progress or {}), FILES_TOLD: True}
    return run


def end_others(session: Any, run: CatalogueRun, now: datetime) -> None:
    """Closes earlier runs of the source that never came to their end (killed, aborted)."""
    session.execute(
        sa.update(CatalogueRun)
        .where(
            CatalogueRun.source_id == run.source_id,
            CatalogueRun.id != run.id,
            CatalogueRun.state == RUNNING,
        )
        .values(state=FAILED, finished_at=now)
    )


def under_way(session: Any, source_id: str) -> bool:
    """Has a run of this source begun to write that is not at its end?"""
    if not plugin_loaded("harvest"):
        return False
    from ckanext.harvest.model import HarvestJob

    jobs, run = HarvestJob.__table__, CatalogueRun.__table__
    begun = (
        sa.select(run.c.id)
        .join(jobs, jobs.c.id == run.c.id)
        .where(
            run.c.source_id == source_id,
            run.c.state == RUNNING,
            jobs.c.status == "Running",
            jobs.c.gather_started.isnot(None),
        )
    )
    return session.execute(begun.limit(1)).first() is not None


def add_counts(session: Any, run_id: str, counts: Mapping[str, int]) -> None:
    """Adds to the figures of a run; consumers that do so at the same time take turns."""
    # CKAN's sessions do not flush by themselves, and what is not flushed would be read over.
    session.flush()
    run = session.scalars(
        sa.select(CatalogueRun)
        .where(CatalogueRun.id == run_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    run.counts = {
        key: run.counts.get(key, 0) + counts.get(key, 0)
        for key in COUNTED
        if key in run.counts or key in counts
    }


def remark(
    session: Any,
    run_id: str,
    kind: str,
    code: str,
    reasons: Sequence[Mapping[str, Any]],
    place: str | None = None,
) -> None:
    """Adds a line to a report. ``kind``: refused, kept_back, withdrawn, missing or warning."""
    session.add(
        CatalogueRemark(
            run_id=run_id, code=code, kind=kind, place=place, reasons=[dict(r) for r in reasons]
        )
    )


def remarks(
    session: Any, run_id: str, kind: str | None = None, limit: int = 100, offset: int = 0
) -> list[CatalogueRemark]:
    """Lines of a run's report in the order in which they were written."""
    query = sa.select(CatalogueRemark).where(CatalogueRemark.run_id == run_id)
    if kind:
        query = query.where(CatalogueRemark.kind == kind)
    return list(session.scalars(query.order_by(CatalogueRemark.id).limit(limit).offset(offset)))


def newly_kept(session: Any, run: CatalogueRun) -> int:
    """How many records a run kept back that the source's run before it did not."""
    return newly_said(session, run, KEPT_BACK)


def newly_said(session: Any, run: CatalogueRun, kind: str) -> int:
    """How many records (or files of theirs) a run has remarks of a kind about that the source's
    run before it had not.
    """
    table, runs_of = CatalogueRemark.__table__, CatalogueRun.__table__
    before = (
        sa.select(runs_of.c.id)
        .where(runs_of.c.source_id == run.source_id, runs_of.c.started_at < run.started_at)
        .order_by(runs_of.c.started_at.desc())
        .limit(1)
    ).scalar_subquery()
    about = sa.select(table.c.code, table.c.place if kind == FILE else sa.null())
    about = about.where(table.c.kind == kind)
    new = about.where(table.c.run_id == run.id).except_(about.where(table.c.run_id == before))
    return session.scalar(sa.select(sa.func.count()).select_from(new.subquery()))


def kept_back(
    session: Any, organizations: Iterable[str] | None, limit: int, offset: int
) -> tuple[int, list[tuple[CatalogueRecord, str, str | None]]]:
    """Kept-back records of these departments (None: of all), with the source's title and the
    owner of the source; and how many there are.

    A record of which nobody knows the department belongs to that of its source.
    """
    package, record = model.package_table, CatalogueRecord
    place = sa.func.coalesce(record.organization_id, package.c.owner_org)
    where = [record.state == KEPT_BACK, package.c.state == "active"]
    if organizations is not None:
        where.append(place.in_(sorted(set(organizations))))
    query = sa.join(record, package, package.c.id == record.source_id)
    count = session.scalar(sa.select(sa.func.count()).select_from(query).where(*where))
    rows = session.execute(
        sa.select(record, package.c.title, place)
        .select_from(query)
        .where(*where)
        .order_by(record.changed_at.desc(), record.code)
        .limit(limit)
        .offset(offset)
    )
    return count, [tuple(row) for row in rows]


def runs(session: Any, source_id: str, limit: int = 20) -> list[CatalogueRun]:
    """The runs of a source, newest first."""
    return list(
        session.scalars(
            sa.select(CatalogueRun)
            .where(CatalogueRun.source_id == source_id)
            .order_by(CatalogueRun.started_at.desc())
            .limit(limit)
        )
    )


def forget(session: Any, source_id: str) -> None:
    """Removes everything that is known of a source: its records, runs, reports and powers."""
    runs_of = sa.select(CatalogueRun.id).where(CatalogueRun.source_id == source_id)
    session.execute(sa.delete(CatalogueRemark).where(CatalogueRemark.run_id.in_(runs_of)))
    for table in (CatalogueRun, CatalogueRecord, CatalogueSource):
        session.execute(sa.delete(table).where(table.source_id == source_id))


def as_dict(row: Any) -> dict[str, Any]:
    """A row of one of these tables as a dict of plain values (times as ISO 8601 text)."""
    out: dict[str, Any] = {}
    for column in row.__table__.columns:
        value = getattr(row, column.name)
        out[column.name] = value.isoformat() if isinstance(value, datetime) else value
    return out
