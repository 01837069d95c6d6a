"""Looking at a catalogue source without a run, and at what waits in it for a person."""

from __future__ import annotations

from typing import Any

from ckan import model
from ckan.plugins import toolkit as tk

from ckanext.govopen.access.policy import Person
from ckanext.govopen.access.viewer import person
from ckanext.govopen.logic import catalogue_look
from ckanext.govopen.logic.advice import advices
from ckanext.govopen.logic.reasons import said
from ckanext.govopen.logic.schema import catalogue_look as schema
from ckanext.govopen.logic.schema import values
from ckanext.govopen.logic.schema.table import takes
from ckanext.govopen.model import catalogue as table
from ckanext.govopen.model import waiting

__all__ = [
    "govopen_catalogue_dry_run",
    "govopen_catalogue_kept_list",
    "govopen_catalogue_try",
]


@takes(schema.TRY)
def govopen_catalogue_try(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Try a harvest source before it is saved. Nothing is written.

    Reads at most 200 records in at most 20 seconds, under the same address rules as a run.

    :param source: id or name of the source that would be changed (optional: a new one)
    :param url: the address, or ``upload:NAME``
    :param source_type: the type of the source
    :param config: the configuration, as JSON (optional)
    :param owner_org: the department of the source
    :param upload: a table to try, as multipart form data (optional)
    :returns: ``{"works", "problem", "read", "more", "announced", "counts", "samples":
        [{"code", "kind", "title", "place", "open_class", "change", "department": {"id", "title"},
        "reasons": [{"rule", "article", "message"}], "to_do"}], "config"}``; ``kind`` is new,
        changed, unchanged, withdrawn, kept_back, refused or closed (not open, never here),
        ``config`` the configuration with its credentials sealed
    """
    tk.check_access("govopen_catalogue_try", context, data_dict)
    given = schema.TRY.read(data_dict)
    package = _source(given["source"]) if given["source"] else None
    owner = given["owner_org"]
    return catalogue_look.look(
        context,
        kind=given["source_type"],
        url=given["url"],
        config=given["config"],
        owner_org=owner.id if owner is not None else (package.owner_org if package else None),
        source=package,
        upload=given["upload"],
    )


@takes(schema.DRY_RUN)
def govopen_catalogue_dry_run(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """What a run of a source would do. Nothing is written.

    Reads for at most 20 seconds; ``ckan govopen harvest dry-run`` reads all of a large source.

    :param source: id or name of the harvest source
    :returns: ``{"counts", "lists": {kind: [as in govopen_catalogue_try]}, "announced", "whole",
        "held", "problem", "seconds", "rate"}``; a list holds the first 1000 of its kind, ``held``
        says why missing records would wait for a person (empty, short, many)
    """
    tk.check_access("govopen_catalogue_dry_run", context, data_dict)
    package = _source(schema.DRY_RUN.read(data_dict)["source"])
    return catalogue_look.dry_run(package.id, catalogue_look.SECONDS)


@tk.side_effect_free
@takes(schema.KEPT)
def govopen_catalogue_kept_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Records that harvesting kept back for a person: those of the caller's departments.

    :param organization: id or name of a department (optional)
    :param limit: most records, 50 unless told, 1000 at most
    :param offset: records to leave out
    :returns: ``{"count", "results": [{"code", "title", "since", "source", "organization",
        "reasons": [{"rule", "article", "message"}], "to_do"}]}``, the newest first
    """
    tk.check_access("govopen_catalogue_kept_list", context, data_dict)
    given = schema.KEPT.read(data_dict)
    places = _places(person(context))
    if given["organization"] is not None:
        wanted = {given["organization"].id}
        places = wanted if places is None else places & wanted
    count, rows = table.kept_back(model.Session, places, given["limit"], given["offset"])
    known = waiting.organizations(model.Session, {place for _, _, place in rows if place})
    return {
        "count": count,
        "results": [
            {
                "code": row.code,
                "title": row.title or "",
                "since": values.iso(row.changed_at),
                "source": title,
                "organization": known.get(place or "", {}).get("title", ""),
                "reasons": said(row.reasons),
                "to_do": advices(row.reasons),
            }
            for row, title, place in rows
        ],
    }


def _places(who: Person) -> set[str] | None:
    """The departments that somebody works for; None for who sees all."""
    return None if who.sees_everything else set(who.departments)


def _source(reference: str) -> Any:
    package = model.Package.get(reference)
    if package is None or package.type != "harvest":
        raise tk.ObjectNotFound(tk._("Harvest source not found"))
    return package
