"""ckanext-harvest: sources, jobs and raw records belong to the department of the source.

Its own authorisation shows raw records and source configurations to everybody.
"""

from __future__ import annotations

from typing import Any

from ckan import model
from ckan.plugins import plugin_loaded, toolkit

from ckanext.govopen.access.handler import Action, Handler
from ckanext.govopen.access.policy import NOTHING, Access, Sight
from ckanext.govopen.access.sight import sight, sights
from ckanext.govopen.access.viewer import person


def _source_of(table: str, reference: Any) -> str | None:
    if not isinstance(reference, str) or not plugin_loaded("harvest"):
        return None
    from ckanext.harvest.model import HarvestJob, HarvestObject

    kind = {"job": HarvestJob, "object": HarvestObject}[table]
    row = model.Session.query(kind).filter_by(id=reference).first()
    if row is None:
        return None
    return row.source_id if table == "job" else row.harvest_source_id


def job_sight(context: Any, reference: str) -> Access:
    """A job is seen by whoever sees the working copy of its source."""
    return _of_source(context, _source_of("job", reference))


def object_sight(context: Any, reference: str) -> Access:
    """So is a raw record."""
    return _of_source(context, _source_of("object", reference))


def _of_source(context: Any, source_id: str | None) -> Access:
    access = sight(context, source_id) if source_id else NOTHING
    return access if access.sight is Sight.WORKING else NOTHING


def _visible_sources(context: Any, ids: list[str]) -> set[str]:
    return {key for key, access in sights(context, ids).items() if access.sight is Sight.WORKING}


def harvest_source_list(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """Sources of the departments that the person works for."""
    rows = next_action(context, data_dict)
    if person(context).sees_everything:
        return rows
    seen = _visible_sources(context, [row["id"] for row in rows])
    return [row for row in rows if row["id"] in seen]


def harvest_job_list(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """Jobs of those sources."""
    who = person(context)
    if not (data_dict.get("source_id") or who.sysadmin or who.internal):
        # ckanext-harvest takes it for granted and breaks without it.
        raise toolkit.ValidationError({"source_id": [toolkit._("Missing value")]})
    rows = next_action(context, data_dict)
    if who.sees_everything:
        return rows
    seen = _visible_sources(context, sorted({row["source_id"] for row in rows}))
    return [row for row in rows if row["source_id"] in seen]


def harvest_object_list(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """Ids of the raw records of one source; of all sources only for who oversees them."""
    who = person(context)
    if not who.sees_everything:
        source = data_dict.get("source_id")
        if not source:
            raise toolkit.ValidationError({"source_id": [toolkit._("Missing value")]})
        if sight(context, source).sight is not Sight.WORKING:
            return []
    return next_action(context, data_dict)


HANDLERS: dict[str, Handler] = {
    "harvest_source_list": harvest_source_list,
    "harvest_job_list": harvest_job_list,
    "harvest_object_list": harvest_object_list,
}
