"""Standing approvals: live data that its disclosure office lets through for a time."""

from __future__ import annotations

from typing import Any

from ckan import model
from ckan.plugins import toolkit as tk

from ckanext.govopen.access.deliveries import lock
from ckanext.govopen.access.viewer import person
from ckanext.govopen.domain import standing as rules
from ckanext.govopen.logic import actor as actors
from ckanext.govopen.logic import command
from ckanext.govopen.logic.schema import dataset as schema
from ckanext.govopen.logic.schema import values
from ckanext.govopen.logic.schema.table import takes
from ckanext.govopen.model import jurisdiction, ledger
from ckanext.govopen.model import standing as standing_model

__all__ = ["govopen_standing_give", "govopen_standing_list", "govopen_standing_take"]


@command.decision()
@takes(schema.STANDING_GIVE)
def govopen_standing_give(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Approve in advance what a source may deliver to a released resource, until a day.

    :param resource_id: the resource
    :param fields: ``[{"id": column, "type": DataStore type}]``: deliveries have these or fewer
    :param source: name of the account that delivers
    :param until: end, ISO 8601; a bare day is included
    :param reason: why this needs no review each time
    :returns: the standing approval as in :func:`govopen_standing_list`
    :raises ValidationError: a parameter is wrong, or ``refusal`` when a rule says no
    """
    tk.check_access("govopen_standing_give", context, data_dict)
    given = schema.STANDING_GIVE.read(data_dict)
    source, until, fields, reason = (
        given[name] for name in ("source", "until", "fields", "reason")
    )
    resource, package = _place(given["resource_id"])
    lock(package.id)
    now = command.now()
    standing = rules.Standing(
        dataset=package.id,
        organization=package.owner_org or "",
        resource=resource.id,
        columns=tuple(rules.Column(field["id"], field["type"]) for field in fields),
        source=source.name,
        since=now,
        until=until,
    )
    user_id = command.actor(context)
    order = rules.Give(
        standing, actors.of(person(context), user_id), reason, submitters=frozenset({source.id})
    )
    with command.refusals():
        events = rules.decide(None, order, now, jurisdiction.profile())
    for row in standing_model.find(model.Session, None, resource.id):
        if row.ended_at is None:  # one at a time: the new one takes the place of the old one
            row.ended_at = now
    row = standing_model.StandingRow(
        resource_id=resource.id,
        package_id=package.id,
        fields=fields,
        source=source.name,
        until=until,
        reason=reason,
        given_by=user_id,
        given_at=now,
    )
    model.Session.add(row)
    ledger.append(model.Session, f"standing/{resource.id}", events, user_id, now)
    model.Session.flush()
    result = _dictize(row)
    command.finish(context)
    return result


@command.decision()
@takes(schema.STANDING_TAKE)
def govopen_standing_take(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """End the standing approval of a resource at once.

    :param resource_id: the resource
    :param reason: why
    :returns: the standing approval as in :func:`govopen_standing_list`
    :raises ValidationError: a parameter is wrong, or ``refusal`` when a rule says no
    """
    tk.check_access("govopen_standing_take", context, data_dict)
    given = schema.STANDING_TAKE.read(data_dict)
    resource, package = _place(given["resource_id"])
    lock(package.id)
    now = command.now()
    row = standing_model.in_force(model.Session, resource.id)
    user_id = command.actor(context)
    order = rules.Take(actors.of(person(context), user_id), given["reason"])
    with command.refusals():
        state = standing_model.rule_state(row, package.owner_org or "") if row else None
        events = rules.decide(state, order, now, jurisdiction.profile())
    assert row is not None
    row.ended_at = now
    ledger.append(model.Session, f"standing/{resource.id}", events, user_id, now)
    model.Session.flush()
    result = _dictize(row)
    command.finish(context)
    return result


@tk.side_effect_free
@takes(schema.STANDINGS)
def govopen_standing_list(context: Any, data_dict: dict[str, Any]) -> list[dict[str, Any]]:
    """Standing approvals of a resource or of all resources of a dataset, newest first.

    :param resource_id: the resource, or
    :param id: id or name of the dataset
    :returns: ``[{"id", "resource_id", "dataset_id", "fields", "source", "since", "until",
        "reason", "given_by": account name or None, "ended_at", "in_force"}]``
    """
    tk.check_access("govopen_standing_list", context, data_dict)
    given = schema.STANDINGS.read(data_dict)
    package = model.Package.get(given["id"]) if given["id"] else None
    rows = standing_model.find(
        model.Session, package.id if package else None, given["resource_id"] or None
    )
    return [_dictize(row) for row in rows]


def _place(resource_id: str) -> tuple[Any, Any]:
    """The resource and its dataset; both are there, since the caller may see them."""
    resource = model.Session.get(model.Resource, resource_id)
    package = model.Session.get(model.Package, resource.package_id) if resource else None
    if resource is None or package is None:
        raise tk.ObjectNotFound(tk._("Resource not found"))
    return resource, package


def _dictize(row: standing_model.StandingRow) -> dict[str, Any]:
    giver = model.User.get(row.given_by) if row.given_by else None
    now = command.now()
    return {
        "id": row.id,
        "resource_id": row.resource_id,
        "dataset_id": row.package_id,
        "fields": row.fields,
        "source": row.source,
        "since": values.iso(row.given_at),
        "until": values.iso(row.until),
        "reason": row.reason,
        "given_by": giver.name if giver is not None else None,
        "ended_at": values.iso(row.ended_at),
        "in_force": row.ended_at is None and row.given_at <= now < row.until,
    }
