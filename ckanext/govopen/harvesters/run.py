"""A run of a catalogue source: what every source type shares.

Gathering reads the source once, record by record, onto the disk. Then, in a first pass, what
becomes stricter or goes is written; what is new or changed is put into harvest objects, a batch in
each, which go through the ordinary queue; what is unchanged is only noted as seen. So several
consumers can import at the same time, and nothing of a batch is public before everything stricter
of the run is in force. Which record counts and what is missing is decided in
:mod:`ckanext.govopen.domain.catalogue.sweep`.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from ckan import model
from ckanext.harvest.model import HarvestGatherError, HarvestJob, HarvestObject

from ckanext.govopen.domain import catalogue as mapping
from ckanext.govopen.domain.refusal import N_
from ckanext.govopen.harvesters.progress import Progress
from ckanext.govopen.harvesters.reading import Entry, Reading, SourceError
from ckanext.govopen.harvesters.spool import Spool
from ckanext.govopen.logic.action.catalogue import finish_run
from ckanext.govopen.logic.catalogue_import import Writer
from ckanext.govopen.logic.catalogue_source import admitted, source_of
from ckanext.govopen.logic.command import now
from ckanext.govopen.logic.reasons import reason
from ckanext.govopen.logic.told import stored
from ckanext.govopen.logic.told import told as _
from ckanext.govopen.model import catalogue as table
from ckanext.govopen.model import settings

BATCH = 200
#: Errors that are repeated on the harvest page; the report has all of them.
SHOWN_ERRORS = 100
#: State of an object that must not be fetched yet: its run still writes what becomes stricter.
GATHERED = "GATHERED"


@dataclass
class Gathering:
    """The state of one gather stage."""

    job: Any
    writer: Writer
    sweep: mapping.Sweep
    spool: Spool
    batch: list[Any] = field(default_factory=list)
    objects: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    remarks: int = 0
    #: Is the source being read once more?
    again: bool = False
    progress: Progress | None = None


def is_read(job: Any) -> bool:
    """Has another consumer read the source for this job already, or was the job ended?"""
    jobs = HarvestJob.__table__
    row = model.Session.execute(
        sa.select(jobs.c.gather_finished, jobs.c.status).where(jobs.c.id == job.id)
    ).one_or_none()
    return row is None or row.gather_finished is not None or row.status == "Finished"


def mark_read(job: Any) -> None:
    """Notes that the source has been read for this job. Commits."""
    job.gather_finished = now().replace(tzinfo=None)
    job.save()


def gather(job: Any, reading: Reading, withdrawal: mapping.Withdrawal) -> list[str]:
    """Reads a source to its end and gives the ids of the harvest objects to be imported.

    When the source breaks off, what was read is written, nothing is concluded from absence, and
    the run ends as failed. To be called with the source for oneself (:mod:`turns`).
    """
    run = table.start_run(model.Session, job.id, job.source.id, None, now())
    writer = Writer(source_of(job.source.id, run.started_by), job.id)
    # A gather stage that was killed is started again: it begins as if it were the first time.
    _drop(job, (GATHERED, "WAITING"))
    table.restart(model.Session, run)
    table.end_others(model.Session, run, now())
    known = table.states(model.Session, job.source.id)
    model.Session.commit()
    with Spool(settings.harvest_max_bytes()) as spool:
        state = Gathering(job, writer, mapping.Sweep(known), spool)
        state.progress = Progress(job.id)
        gone: tuple[str, ...] = ()
        if reading.begin:
            reading.begin(known)
        broken = _read(state, reading, reading.entries)
        if broken is None:
            state.again = True
            broken = _read(state, reading, reading.rest(state.sweep.different))
        if broken is None and not reading.partial:
            gone, broken = _absent(state, reading, withdrawal)
        state.progress.writing(len(state.sweep) + len(state.refused))
        _first(state, gone)
        for record in spool.read(state.sweep.places("later")):
            state.batch.append(record)
            if len(state.batch) >= BATCH:
                _pack(state)
        _pack(state)
    if broken is not None:
        HarvestGatherError.create(str(broken), job)
        finish_run(job.id, job.source.id, failed=str(broken))
    elif reading.done:
        reading.done()
    _release(state)
    return state.objects


def fail(job: Any, message: str) -> list[str]:
    """Ends a run as failed, with a message that says what to do; nothing is left to be imported."""
    model.Session.rollback()
    _drop(job, (GATHERED,))
    table.start_run(model.Session, job.id, job.source.id, None, now())
    model.Session.commit()
    HarvestGatherError.create(message, job)
    finish_run(job.id, job.source.id, failed=message)
    return []


def _drop(job: Any, states: tuple[str, ...]) -> None:
    objects = HarvestObject.__table__
    model.Session.execute(
        sa.delete(objects).where(objects.c.harvest_job_id == job.id, objects.c.state.in_(states))
    )


def _read(state: Gathering, reading: Reading, entries: Iterator[Entry]) -> SourceError | None:
    """Reads what comes; gives what the source broke off with."""
    try:
        for entry in entries:
            _take(state, entry)
            if state.progress is not None:
                state.progress.reading(state.sweep.received, reading.announced)
    except SourceError as error:
        return error
    finally:
        model.Session.commit()
    return None


def _take(state: Gathering, entry: Entry) -> None:
    if entry.unchanged:
        state.sweep.unchanged(entry.unchanged)
        return
    if entry.problem is None:
        entry.record = admitted(state.writer.source, entry.record)
        parsed = mapping.parse_record(entry.record)
        if not isinstance(parsed, mapping.RecordError):
            entry.code, entry.digest = parsed.code, state.writer.digest(parsed)
            verdict = state.sweep.take(
                parsed.code,
                parsed.version,
                entry.digest,
                mapping.classify(parsed, state.writer.profile),
                state.spool.place,
            )
            if verdict in ("first", "later"):
                state.spool.write(entry.record)
            return
        entry.code, entry.problem = parsed.code, parsed
    _refuse(state, entry, entry.problem)


def _refuse(state: Gathering, entry: Entry, problem: mapping.RecordError) -> None:
    if state.again and not entry.code:
        return  # it was told when it came first
    state.sweep.refuse(entry.code)
    if entry.code and entry.code in state.refused and not entry.place:
        return  # the same wrong record on another page
    state.refused.add(entry.code)
    state.remarks += 1
    wrong = reason("record", problem.message, **problem.params)
    table.remark(model.Session, state.job.id, "refused", entry.code, [wrong], entry.place)
    table.add_counts(model.Session, state.job.id, {"seen": 1, "refused": 1})
    if state.remarks <= SHOWN_ERRORS:
        parts = (entry.place, entry.code, problem.reason)
        HarvestGatherError.create(": ".join(part for part in parts if part), state.job)
    elif state.remarks % BATCH == 0:
        model.Session.commit()


def _first(state: Gathering, gone: Sequence[str]) -> None:
    """The first pass: what becomes stricter or goes is in force before anything else is."""
    batch: list[Any] = []
    for record in state.spool.read(state.sweep.places("first")):
        batch.append(record)
        if len(batch) >= BATCH:
            state.writer.write(batch)
            batch = []
    if batch:
        state.writer.write(batch)
    missing = reason("missing", N_("The record is no longer in the catalogue."))
    for start in range(0, len(gone), BATCH):
        state.writer.withdraw(gone[start : start + BATCH], missing)
    same = sum(1 for _ in state.sweep.same())
    table.add_counts(model.Session, state.job.id, {"seen": same, "unchanged": same})
    model.Session.commit()


def _pack(state: Gathering) -> None:
    """Puts a batch into a harvest object that waits until the first pass is through."""
    if not state.batch:
        return
    object_id = str(uuid.uuid4())
    model.Session.execute(
        sa.insert(HarvestObject.__table__).values(
            id=object_id,
            guid=f"batch {len(state.objects) + 1}",
            content=json.dumps({"records": state.batch}, ensure_ascii=False),
            state=GATHERED,
            current=False,
            retry_times=0,
            gathered=now().replace(tzinfo=None),
            harvest_job_id=state.job.id,
            harvest_source_id=state.job.source.id,
        )
    )
    model.Session.commit()
    state.objects.append(object_id)
    state.batch = []


def _absent(
    state: Gathering, reading: Reading, withdrawal: mapping.Withdrawal
) -> tuple[tuple[str, ...], SourceError | None]:
    """What the source no longer has, and is to be withdrawn; none when that is too much to be
    true. The second part is what the source broke off with while it was asked again.
    """
    found = state.sweep.absence(withdrawal, None if reading.look else reading.announced)
    if reading.look and not found.held:
        try:
            for code in found.missing:
                _look(state, reading.look, code)
        except SourceError as error:
            return (), error
        found = state.sweep.absence(withdrawal)
    run = model.Session.get(table.CatalogueRun, state.job.id, populate_existing=True)
    assert run is not None
    run.complete, run.held = found.held != "empty", bool(found.held)
    table.add_counts(model.Session, state.job.id, {"missing": len(found.missing)})
    if not found.held:
        model.Session.commit()
        return found.missing, None
    numbers = {"missing": len(found.missing), "alive": found.alive}
    message = _held_message(found.held) % numbers
    run.message = stored(message)
    absent = reason("missing", N_("Missing in the source."))
    for code in found.missing:
        table.remark(model.Session, state.job.id, "missing", code, [absent])
    model.Session.commit()
    HarvestGatherError.create(message, state.job)
    return (), None


def _look(state: Gathering, look: Callable[[str], Any], code: str) -> None:
    """Asks for a record that did not come: it may have moved between pages while they were read."""
    record = look(code)
    if record is None:
        return
    _take(state, Entry(record=record))
    if code not in state.sweep:
        # Something came, and it is not this record: nothing follows from that.
        state.sweep.refuse(code)


def _held_message(held: str) -> str:
    if held == "empty":
        return _("The source is empty: nothing was withdrawn.")
    if held == "short":
        return _(
            "The source sent fewer records than it says it has; %(missing)s of %(alive)s are "
            "missing. None of them was withdrawn: check the source, then confirm the withdrawal "
            "with govopen_catalogue_confirm."
        )
    return _(
        "%(missing)s of %(alive)s records are missing. None of them was withdrawn: check the "
        "source, then confirm the withdrawal with govopen_catalogue_confirm."
    )


def _release(state: Gathering) -> None:
    """Lets the batches go into the queue; a run without any is at its end."""
    objects = HarvestObject.__table__
    model.Session.execute(
        sa.update(objects)
        .where(objects.c.harvest_job_id == state.job.id, objects.c.state == GATHERED)
        .values(state="WAITING")
    )
    model.Session.commit()
    if not state.objects:
        finish_run(state.job.id, state.job.source.id)
