"""What a killed process left: put back into the queue, or brought to an end.

The queue lies in Valkey and may be lost with it; a consumer may be killed after it has taken
something from the queue. The database knows what is left to be done, and the locks of
:mod:`ckanext.govopen.logic.turns` know whether somebody is at it: what is neither queued nor in
work is queued again. Doing so once too often does no harm.
"""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.common import config
from ckanext.harvest import queue
from ckanext.harvest.model import HarvestJob, HarvestObject, HarvestSource

from ckanext.govopen.logic import turns
from ckanext.govopen.logic.action.catalogue import finish_run
from ckanext.govopen.logic.told import told as _
from ckanext.govopen.model import catalogue as table

#: Beginning of the names of the source types to which this applies.
OURS = "govopen_"
#: States of a harvest object that is done with.
DONE = ("COMPLETE", "ERROR")


def resume(source_id: str | None = None) -> int:
    """Looks after the unfinished runs of one source or of all; how many things were mended."""
    jobs, sources = HarvestJob.__table__, HarvestSource.__table__
    query = (
        sa.select(jobs.c.id, jobs.c.source_id, jobs.c.gather_finished)
        .join(sources, sources.c.id == jobs.c.source_id)
        .where(jobs.c.status == "Running", sources.c.type.startswith(OURS))
    )
    if source_id is not None:
        query = query.where(jobs.c.source_id == source_id)
    running = model.Session.execute(query).all()
    gather = _Queue(queue.get_gather_routing_key(), "harvest_job_id", queue.get_gather_publisher)
    fetch = _Queue(queue.get_fetch_routing_key(), "harvest_object_id", queue.get_fetch_publisher)
    mended = 0
    for job in running:
        if job.gather_finished is None:
            if not gather.holds(job.id) and not turns.is_busy(job.source_id):
                gather.put(job.id)
                mended += 1
        else:
            mended += _batches(job.id, job.source_id, fetch)
    return mended + _ended(source_id)


def unsent(source_id: str) -> str | None:
    """A job of the source that was made and never got into the queue."""
    jobs = HarvestJob.__table__
    return model.Session.scalar(
        sa.select(jobs.c.id)
        .where(jobs.c.source_id == source_id, jobs.c.status == "New")
        .order_by(jobs.c.created.desc())
        .limit(1)
    )


class _Queue:
    """One queue of ckanext-harvest. Only of Valkey is it known what it holds; RabbitMQ keeps what
    it was given by itself.
    """

    def __init__(self, key: str, name: str, publisher: Any) -> None:
        self._key = key
        self._name = name
        self._publisher = publisher
        self._held: set[str] | None = None

    def holds(self, found: str) -> bool:
        if config.get("ckan.harvest.mq.type", queue.MQ_TYPE) != "redis":
            return True
        if self._held is None:
            rows: Any = queue.get_connection_redis().lrange(self._key, 0, -1)
            self._held = {json.loads(row)[self._name] for row in rows}
        return found in self._held

    def put(self, what: str) -> None:
        publisher = self._publisher()
        publisher.send({self._name: what})
        publisher.close()


def _batches(job_id: str, source_id: str, fetch: _Queue) -> int:
    objects = HarvestObject.__table__
    left = model.Session.scalars(
        sa.select(objects.c.id).where(
            objects.c.harvest_job_id == job_id, objects.c.state.notin_(DONE)
        )
    ).all()
    mended = 0
    for object_id in left:
        if not fetch.holds(object_id) and not turns.is_imported(object_id):
            fetch.put(object_id)
            mended += 1
    run = model.Session.get(table.CatalogueRun, job_id, populate_existing=True)
    if not left and run is not None and run.state == table.RUNNING:
        finish_run(job_id, source_id, failed=_failed(job_id))
        mended += 1
    return mended


def _failed(job_id: str) -> str | None:
    """What is said of a run of which batches could not be imported."""
    objects = HarvestObject.__table__
    count = model.Session.scalar(
        sa.select(sa.func.count())
        .select_from(objects)
        .where(objects.c.harvest_job_id == job_id, objects.c.state == "ERROR")
    )
    if not count:
        return None
    return _(
        "%(count)s batches of records could not be imported; the others were. Look into the log of "
        "the fetch consumers, then run the source again."
    ) % {"count": count}


def _ended(source_id: str | None) -> int:
    """Closes runs whose job was ended from outside, and calls by API that were broken off."""
    jobs, runs = HarvestJob.__table__, table.CatalogueRun.__table__
    query = (
        sa.select(runs.c.id, runs.c.source_id, jobs.c.status)
        .outerjoin(jobs, jobs.c.id == runs.c.id)
        .where(
            runs.c.state == table.RUNNING,
            sa.or_(jobs.c.id.is_(None), jobs.c.status == "Finished"),
        )
    )
    if source_id is not None:
        query = query.where(runs.c.source_id == source_id)
    mended = 0
    for run in model.Session.execute(query).all():
        if turns.is_busy(run.source_id):
            continue
        said = _("The run was broken off; what it wrote stays. The next run goes on.")
        finish_run(run.id, run.source_id, failed=said)
        mended += 1
    return mended
