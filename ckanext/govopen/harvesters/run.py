"""A run of a catalogue source: what every source type shares.

Gathering reads the whole source once, record by record. What becomes stricter or goes is written
at once, before anything else; what is new or changed is put into harvest objects, a batch in
each, which go through the ordinary queue; what is unchanged is only noted as seen. So several
consumers can import at the same time, and nothing of a batch is public before everything stricter
of the run is in force.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.plugins import toolkit
from ckanext.harvest.model import HarvestGatherError, HarvestObject, HarvestObjectError

from ckanext.govopen.domain import catalogue as mapping
from ckanext.govopen.domain.refusal import N_
from ckanext.govopen.domain.terms import OpenClass
from ckanext.govopen.harvesters.config import Withdrawal
from ckanext.govopen.logic.action.catalogue import finish_run
from ckanext.govopen.logic.catalogue_import import Writer
from ckanext.govopen.logic.catalogue_source import source_of
from ckanext.govopen.logic.command import now
from ckanext.govopen.logic.reasons import reason
from ckanext.govopen.model import catalogue as table

BATCH = 200
#: Errors that are repeated on the harvest page; the report has all of them.
SHOWN_ERRORS = 100
#: State of an object that must not be fetched yet: its run still writes what becomes stricter.
GATHERED = "GATHERED"


@dataclass
class Entry:
    """One record as a reader delivers it: the record, or what is wrong with it, and where it
    stands.
    """

    place: str = ""
    record: Any = None
    code: str = ""
    problem: mapping.RecordError | None = None


@dataclass
class Gathering:
    """The state of one gather stage."""

    job: Any
    writer: Writer
    known: dict[str, tuple[str, str, str | None]]
    seen: set[str] = field(default_factory=set)
    same: list[str] = field(default_factory=list)
    stricter: list[Any] = field(default_factory=list)
    batch: list[Any] = field(default_factory=list)
    objects: list[str] = field(default_factory=list)
    refused: int = 0


def gather(job: Any, entries: Iterable[Entry], withdrawal: Withdrawal) -> list[str]:
    """Reads a source to its end and gives the ids of the harvest objects to be imported.

    Whatever ``entries`` raises ends the run as failed: what was written so far stays, nothing is
    concluded from absence, and the next run goes on.
    """
    run = table.start_run(model.Session, job.id, job.source.id, None, now())
    writer = Writer(source_of(job.source.id, run.started_by), job.id)
    # A gather stage that was killed is started again: it begins as if it were the first time.
    _drop(job, (GATHERED, "WAITING"))
    table.restart(model.Session, run)
    table.end_others(model.Session, run, now())
    model.Session.commit()
    state = Gathering(job, writer, table.states(model.Session, job.source.id))
    for entry in entries:
        _take(state, entry)
    _write(state)
    _pack(state)
    table.mark_seen(model.Session, job.source.id, state.same, job.id)
    table.add_counts(model.Session, job.id, {"seen": len(state.same), "unchanged": len(state.same)})
    model.Session.commit()
    _absent(state, withdrawal)
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


def _take(state: Gathering, entry: Entry) -> None:
    if entry.problem:
        _refuse(state, entry)
        return
    parsed = mapping.parse_record(entry.record)
    if isinstance(parsed, mapping.RecordError):
        entry.code, entry.problem = parsed.code, parsed
        _refuse(state, entry)
        return
    if parsed.code in state.seen:
        entry.code = parsed.code
        entry.problem = mapping.RecordError(
            entry.code, N_("The code occurs a second time; the first one counts.")
        )
        _refuse(state, entry)
        return
    state.seen.add(parsed.code)
    digest, kept, was = state.known.get(parsed.code, ("", "", None))
    if digest == state.writer.digest(parsed) and kept in (table.LISTED, table.WITHDRAWN):
        state.same.append(parsed.code)
        return
    outcome = mapping.classify(parsed, state.writer.profile)
    goes = outcome.action != "publish"
    if goes or (was and outcome.change(OpenClass(was)) == "stricter"):
        state.stricter.append(entry.record)
    else:
        state.batch.append(entry.record)
    if len(state.stricter) >= BATCH:
        _write(state)
    if len(state.batch) >= BATCH:
        _pack(state)


def _refuse(state: Gathering, entry: Entry) -> None:
    state.refused += 1
    if entry.code:
        # It was there, if in no good state: nothing is concluded from its absence.
        state.seen.add(entry.code)
    assert entry.problem is not None
    wrong = reason("record", entry.problem.message, **entry.problem.params)
    table.remark(model.Session, state.job.id, "refused", entry.code, [wrong], entry.place)
    table.add_counts(model.Session, state.job.id, {"seen": 1, "refused": 1})
    model.Session.commit()
    if state.refused <= SHOWN_ERRORS:
        parts = (entry.place, entry.code, entry.problem.reason)
        HarvestGatherError.create(": ".join(part for part in parts if part), state.job)


def _write(state: Gathering) -> None:
    """The first pass: what becomes stricter or goes is in force before anything else is."""
    if state.stricter:
        state.writer.write(state.stricter)
        state.stricter = []


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


def _absent(state: Gathering, withdrawal: Withdrawal) -> None:
    """Withdraws what the source no longer has; holds it back when that is too much to be true."""
    run = model.Session.get(table.CatalogueRun, state.job.id, populate_existing=True)
    assert run is not None
    alive = [
        code
        for code, (_, kept, _) in state.known.items()
        if kept in (table.LISTED, table.KEPT_BACK)
    ]
    missing = [code for code in alive if code not in state.seen]
    if alive and not state.seen:
        run.held = True
        run.message = toolkit._("The source is empty: nothing was withdrawn.")
    else:
        run.complete = True
        run.held = withdrawal.held(len(missing), len(alive))
    table.add_counts(model.Session, state.job.id, {"missing": len(missing)})
    if not run.held:
        model.Session.commit()
        gone = reason("missing", N_("The record is no longer in the catalogue."))
        for start in range(0, len(missing), BATCH):
            state.writer.withdraw(missing[start : start + BATCH], gone)
        return
    message = run.message or toolkit._(
        "%(missing)s of %(alive)s records are missing. None of them was withdrawn: check the "
        "source, then confirm the withdrawal with govopen_catalogue_confirm."
    ) % {"missing": len(missing), "alive": len(alive)}
    run.message = message
    absent = reason("missing", N_("Missing in the source."))
    for code in missing:
        table.remark(model.Session, state.job.id, "missing", code, [absent])
    model.Session.commit()
    HarvestGatherError.create(message, state.job)


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


def import_batch(harvest_object: Any) -> bool | str:
    """Imports one batch through the bulk writer. Running it twice does no harm.

    Gives ``"unchanged"``, since the batch itself is no dataset: the objects of its records are
    written by the bulk writer. False when the batch could not be written at all.
    """
    job_id, source_id = harvest_object.harvest_job_id, harvest_object.harvest_source_id
    records = json.loads(harvest_object.content or "{}").get("records") or []
    answer = toolkit.get_action("govopen_catalogue_import")(
        {"ignore_auth": True}, {"source": source_id, "records": records, "run": job_id}
    )
    for refused in answer["refused"][:SHOWN_ERRORS]:
        HarvestObjectError.create(
            f"{refused['code']}: {refused['reason']}", harvest_object, "Import"
        )
    # The records stand in their own objects; what is left here is what the page shows of the batch.
    harvest_object.content = json.dumps(
        {key: value for key, value in answer.items() if key != "refused"}, ensure_ascii=False
    )
    # Said before looking for the others, so that of two last ones at least one sees the end.
    harvest_object.state = "COMPLETE"
    harvest_object.save()
    if not _others(harvest_object):
        finish_run(job_id, source_id)
    return "unchanged"


def _others(harvest_object: Any) -> bool:
    """Are other batches of the run still to be imported?"""
    return (
        model.Session.query(HarvestObject.id)
        .filter(
            HarvestObject.harvest_job_id == harvest_object.harvest_job_id,
            HarvestObject.id != harvest_object.id,
            HarvestObject.state.notin_(("COMPLETE", "ERROR")),
        )
        .first()
        is not None
    )
