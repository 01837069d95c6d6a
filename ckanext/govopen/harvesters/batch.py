"""A batch of a run, taken from the queue: imported once, or left alone when a later run began."""

from __future__ import annotations

import gc
import json
from functools import cache
from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.plugins import toolkit
from ckanext.harvest.model import HarvestJob, HarvestObject, HarvestObjectError

from ckanext.govopen.harvesters.run import SHOWN_ERRORS
from ckanext.govopen.logic import turns
from ckanext.govopen.logic.action.catalogue import finish_run
from ckanext.govopen.model import catalogue as table


def import_batch(harvest_object: Any) -> bool | str:
    """Imports one batch through the bulk writer. Running it twice does no harm.

    Gives ``"unchanged"``, since the batch itself is no dataset: the objects of its records are
    written by the bulk writer. False when the batch could not be written at all.
    """
    _still()
    source_id = harvest_object.harvest_source_id
    try:
        # What is in the queue twice is imported once: the second consumer finds it done.
        with turns.batch(harvest_object.id), turns.shared(source_id):
            model.Session.refresh(harvest_object)
            if "records" not in json.loads(harvest_object.content or "{}"):
                return "unchanged"
            if _outdated(harvest_object):
                return _dropped(harvest_object)
            return _imported(harvest_object, harvest_object.harvest_job_id, source_id)
    except turns.Busy as busy:
        HarvestObjectError.create(str(busy), harvest_object, "Import")
        return False


@cache
def _still() -> None:
    """Once in a process: what CKAN itself consists of is left out of the collections that follow.

    Each of them would go through all of it, a tenth of a second, and find nothing.
    """
    gc.collect()
    gc.freeze()


def _outdated(harvest_object: Any) -> bool:
    """Has a later run of the source begun? What it reads is newer than this batch."""
    jobs, runs = HarvestJob.__table__, table.CatalogueRun.__table__
    own = sa.select(runs.c.started_at).where(runs.c.id == harvest_object.harvest_job_id)
    later = (
        sa.select(runs.c.id)
        .join(jobs, jobs.c.id == runs.c.id)
        .where(
            runs.c.source_id == harvest_object.harvest_source_id,
            runs.c.started_at > own.scalar_subquery(),
        )
    )
    return model.Session.execute(later.limit(1)).first() is not None


def _dropped(harvest_object: Any) -> str:
    """Leaves a batch alone that a later run overtook."""
    harvest_object.content = json.dumps({"overtaken": True})
    harvest_object.state = "COMPLETE"
    harvest_object.save()
    return "unchanged"


def _imported(harvest_object: Any, job_id: str, source_id: str) -> bool | str:
    records = json.loads(harvest_object.content)["records"]
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
