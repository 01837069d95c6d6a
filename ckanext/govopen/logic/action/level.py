"""Placing departments under the data authorities of their level."""

from __future__ import annotations

import datetime
from typing import Any

from ckan import model
from ckan.plugins import toolkit as tk

from ckanext.govopen.access.viewer import person
from ckanext.govopen.domain import levels as rules
from ckanext.govopen.logic import actor as actors
from ckanext.govopen.logic import command
from ckanext.govopen.logic.schema import level as schema
from ckanext.govopen.logic.schema import values
from ckanext.govopen.logic.schema.table import takes
from ckanext.govopen.model import ledger, levels, waiting

__all__ = ["govopen_level_list", "govopen_level_set"]


@command.decision()
@takes(schema.SET)
def govopen_level_set(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Say under which data authority a department stands, and who is responsible for its system.

    The authority's officers read the working copies of the departments under it and decide for
    them from the next request on. Both fields are set anew: what is left out is taken away.

    :param organization: id or name of the department
    :param authority: id or name of the authority right above it (optional: the highest one)
    :param responsible: id or name of the department responsible for the data of its system
        (optional: none; only where the regulation knows them)
    :param break_glass: the operator's reason, kept in the ledger (optional)
    :returns: as in :func:`govopen_level_list`
    :raises ValidationError: a parameter is wrong, or ``refusal`` when a rule says no
    """
    tk.check_access("govopen_level_set", context, data_dict)
    given = schema.SET.read(data_dict)
    place, above, named = given["organization"], given["authority"], given["responsible"]
    order = rules.Place(
        organization=place.id,
        authority=above.id if above else None,
        responsible=named.id if named else None,
        **given.some("break_glass"),
    )
    now, actor_id = command.now(), command.actor(context)
    levels.lock(model.Session)
    known = levels.find(model.Session)
    with command.refusals():
        events = rules.decide(known, order, actors.of(person(context), actor_id), levels.systems())
    ledger.append(model.Session, f"level/{place.id}", events, actor_id, now)
    for event in events:
        levels.project(model.Session, event, actor_id, now)
    command.finish(context)
    known = waiting.organizations(model.Session, [place.id])
    return next(iter(_dictize(place.id)), _entry(place.id, rules.Levels(), None, known))


@tk.side_effect_free
@takes(schema.LIST)
def govopen_level_list(context: Any, data_dict: dict[str, Any]) -> list[dict[str, Any]]:
    """Departments that stand under an authority of a lower level, or have a responsible one.

    :param organization: only this one, by id or name (optional)
    :returns: ``[{"organization": {"id", "name", "title"}, "authority": {…} or None for the highest
        one, "responsible": {…} or None, "placed_at"}]``; times are ISO 8601 in UTC
    """
    tk.check_access("govopen_level_list", context, data_dict)
    place = schema.LIST.read(data_dict)["organization"]
    return _dictize(place.id if place else None)


def _dictize(place: str | None) -> list[dict[str, Any]]:
    # Whatever was decided once: an organisation that is gone is nobody's authority, and nobody
    # stands above the one that the site has made its highest since.
    now = levels.find(model.Session)
    told = {*now.under, *now.responsible} - {now.top}
    rows = [row for row in levels.rows(model.Session, place) if row.organization_id in told]
    ids = {i for row in rows for i in (row.organization_id, row.authority_id, row.responsible_id)}
    known = waiting.organizations(model.Session, filter(None, ids))
    return [_entry(row.organization_id, now, row.placed_at, known) for row in rows]


def _entry(
    place: str,
    now: rules.Levels,
    placed_at: datetime.datetime | None,
    known: dict[str, dict[str, str]],
) -> dict[str, Any]:
    def named(id: str | None) -> dict[str, str] | None:
        return known.get(id, {"id": id, "name": id, "title": id}) if id else None

    return {
        "organization": named(place),
        "authority": named(now.under.get(place)),
        "responsible": named(now.responsible.get(place)),
        "placed_at": values.iso(placed_at),
    }
