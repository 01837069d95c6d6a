"""What the ordinary harvest pages ask: who started a job, and the figures of its run; and what
happens to a source before it is saved.

ckanext-harvest counts harvest objects. Here unchanged records have none and batches have one, so
the figures come from the run's own report; everything else of the pages is ckanext-harvest's.
"""

from __future__ import annotations

from typing import Any

from ckan import model
from ckan.plugins import toolkit
from ckanext.harvest.model import HarvestSource

from ckanext.govopen.harvesters import config as configuration
from ckanext.govopen.harvesters import recovery, sealing
from ckanext.govopen.harvesters.reading import SourceError
from ckanext.govopen.logic import command
from ckanext.govopen.model import catalogue as table

#: What the pages call a figure -> the figures of a run that it is the sum of.
FIGURES = {
    "added": ("new",),
    "updated": ("changed",),
    "not modified": ("unchanged", "kept_back"),
    "deleted": ("withdrawn",),
    "errored": ("refused",),
}


@toolkit.chained_action
def package_create(next_action: Any, context: Any, data_dict: dict[str, Any]) -> Any:
    """Seals the credentials of a source before anything of it is stored."""
    if isinstance(data_dict, dict) and data_dict.get("type") == "harvest":
        data_dict = _sealed(data_dict, data_dict.get("source_type"))
    return next_action(context, data_dict)


@toolkit.chained_action
def package_update(next_action: Any, context: Any, data_dict: dict[str, Any]) -> Any:
    """The same for a change of a source."""
    if isinstance(data_dict, dict) and "config" in data_dict:
        reference = data_dict.get("id") or data_dict.get("name")
        package = model.Package.get(reference) if isinstance(reference, str) else None
        if package is not None and package.type == "harvest":
            known: Any = model.Session.get(HarvestSource, package.id)
            kind = data_dict.get("source_type") or (known.type if known is not None else "")
            data_dict = _sealed(data_dict, kind)
    return next_action(context, data_dict)


def _sealed(data: dict[str, Any], kind: Any) -> dict[str, Any]:
    if kind not in configuration.OWN_KEYS:
        return data
    try:
        return {**data, "config": sealing.sealed(data.get("config"), data.get("url"))}
    except SourceError as error:
        raise toolkit.ValidationError({"config": [str(error)]}) from error


@toolkit.chained_action
def harvest_job_create(next_action: Any, context: Any, data_dict: dict[str, Any]) -> Any:
    """Notes who starts a run, before a consumer can begin with it."""
    run = toolkit.asbool(data_dict.get("run", True))
    begun = _begun(context, data_dict) if run else None
    if begun is not None:
        return toolkit.get_action("harvest_send_job_to_gather_queue")(context, {"id": begun})
    job = next_action(context, {**data_dict, "run": False})
    source: Any = model.Session.get(HarvestSource, job["source_id"])
    if source is not None and source.type.startswith(recovery.OURS):
        actor, now = command.actor(context), command.now()
        table.start_run(model.Session, job["id"], job["source_id"], actor, now)
        model.repo.commit()
    if run:
        return toolkit.get_action("harvest_send_job_to_gather_queue")(context, {"id": job["id"]})
    return job


def _begun(context: Any, data_dict: dict[str, Any]) -> str | None:
    """A job that was made for the source before whoever made it could send it to the queue. What
    else a killed process left of the source is put back into the queue.
    """
    reference = data_dict.get("source_id")
    source: Any = model.Session.get(HarvestSource, reference) if reference else None
    if source is None or not source.type.startswith(recovery.OURS):
        return None
    toolkit.check_access("harvest_job_create", context, data_dict)
    recovery.resume(source.id)
    return recovery.unsent(source.id)


@toolkit.chained_action
def harvest_jobs_run(next_action: Any, context: Any, data_dict: dict[str, Any]) -> Any:
    """Puts back into the queue what was lost with it, or with a consumer; then as before."""
    toolkit.check_access("harvest_jobs_run", context, data_dict)
    recovery.resume(data_dict.get("source_id"))
    return next_action(context, data_dict)


@toolkit.chained_action
@toolkit.side_effect_free
def harvest_job_show(next_action: Any, context: Any, data_dict: dict[str, Any]) -> Any:
    """A job with the figures of its run."""
    return _with_figures([next_action(context, data_dict)])[0]


@toolkit.chained_action
@toolkit.side_effect_free
def harvest_job_list(next_action: Any, context: Any, data_dict: dict[str, Any]) -> Any:
    """Jobs with the figures of their runs."""
    return _with_figures(next_action(context, data_dict))


@toolkit.chained_action
@toolkit.side_effect_free
def harvest_source_show_status(next_action: Any, context: Any, data_dict: dict[str, Any]) -> Any:
    """A source's status with the figures of its last run."""
    status = next_action(context, data_dict)
    if status.get("last_job"):
        _with_figures([status["last_job"]])
    return status


def _with_figures(jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ids = [job["id"] for job in jobs if "stats" in job]
    runs = {}
    if ids:
        query = model.Session.query(table.CatalogueRun)
        runs = {run.id: run for run in query.filter(table.CatalogueRun.id.in_(ids))}
    for job in jobs:
        run = runs.get(job["id"])
        if run is None or (not run.counts and run.state == table.RUNNING):
            continue
        figures = {
            name: sum(run.counts.get(key, 0) for key in keys) for name, keys in FIGURES.items()
        }
        if run.state == table.FAILED or run.held:
            figures["errored"] += 1
        job["stats"] = {**job["stats"], **figures}
    return jobs


ACTIONS = {
    action.__name__: action
    for action in (
        harvest_job_create,
        harvest_job_list,
        harvest_job_show,
        harvest_jobs_run,
        harvest_source_show_status,
        package_create,
        package_update,
    )
}
