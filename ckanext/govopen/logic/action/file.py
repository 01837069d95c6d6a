"""Files and rows of datasets: what is held, loading again, collecting what nobody names."""

from __future__ import annotations

import datetime
import json
from typing import Any

from ckan import model
from ckan.plugins import toolkit as tk

from ckanext.govopen.domain.refusal import fill
from ckanext.govopen.logic import command, file_upkeep, quality, snapshot
from ckanext.govopen.logic.schema import dataset as schema
from ckanext.govopen.logic.schema.table import takes
from ckanext.govopen.model import file as file_model
from ckanext.govopen.model import outbox, settings

__all__ = ["govopen_file_collect", "govopen_file_load", "govopen_file_show"]


@tk.side_effect_free
@takes(schema.FILES)
def govopen_file_show(context: Any, data_dict: dict[str, Any]) -> list[dict[str, Any]]:
    """What the portal holds of the resources of a dataset. For its department and oversight.

    :param id: id or name of the dataset
    :returns: ``[{"resource_id", "name", "sha256", "size" (bytes), "media_type", "released": bool
        (the live release names these bytes), "rows": number in the DataStore or None,
        "problem": why they were not loaded, or "", "remarks": how a table differs from the
        declared items (texts), None when nobody looked at it}]``
    """
    tk.check_access("govopen_file_show", context, data_dict)
    package = _package(schema.FILES.read(data_dict)["id"])
    held = file_model.loaded_of_package(model.Session, package.id)
    released = file_model.released_digests(model.Session, package.id)
    fields = snapshot.working(context, package.id).fields
    remarks = {one["resource_id"]: one["remarks"] for one in quality.of_dataset(package.id, fields)}
    result = []
    for resource_id, fact in file_model.current(model.Session, package.id).items():
        row = held.get(resource_id)
        result.append(
            {
                "resource_id": resource_id,
                "name": fact.name,
                "sha256": fact.sha256,
                "size": fact.size,
                "media_type": fact.media_type,
                "released": released.get(resource_id) == fact.sha256,
                "rows": row.rows if row is not None and not row.problem else None,
                "problem": _problem(row.problem) if row is not None else "",
                "remarks": remarks.get(resource_id),
            }
        )
    return result


@takes(schema.LOAD)
def govopen_file_load(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Load the released rows of a dataset into the DataStore again, where something is missing.

    :param id: id or name of the dataset
    :returns: ``{"id"}``; the work is done by a background job
    """
    tk.check_access("govopen_file_load", context, data_dict)
    package = _package(schema.LOAD.read(data_dict)["id"])
    for row in file_model.loaded_of_package(model.Session, package.id).values():
        if row.problem:  # try again what failed before
            file_model.forget_loaded(model.Session, row.resource_id)
    outbox.put(model.Session, "datastore", {"package": package.id}, command.now())
    command.finish(context)
    return {"id": package.id}


@takes(schema.COLLECT)
def govopen_file_collect(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Delete bytes that no release and no working copy has named for a while. For the operator.

    :param older_than: moment, ISO 8601 (optional); default: as many days ago as
        ``ckanext.govopen.files.collect_after_days`` says
    :returns: ``{"removed": number of files}``
    """
    tk.check_access("govopen_file_collect", context, data_dict)
    moment = schema.COLLECT.read(data_dict)["older_than"]
    if moment is None:
        days = datetime.timedelta(days=settings.files_collect_after_days())
        moment = command.now() - days
    return {"removed": len(file_upkeep.collect(model.Session, moment))}


def _problem(stored: str) -> str:
    """Why a file was not loaded, in the reader's language."""
    if not stored:
        return ""
    problem = json.loads(stored)
    return fill(problem["message"], problem["params"], tk._)


def _package(reference: str) -> Any:
    package = model.Package.get(reference)
    if package is None:
        raise tk.ObjectNotFound(tk._("Dataset not found"))
    return package
