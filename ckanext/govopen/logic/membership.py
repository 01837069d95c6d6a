"""Datasets put into groups and taken out by writes of the group, not of the dataset.

A dataset's groups are part of what is released and reviewed, whichever side they are written from.
So after such a write the gate looks at each dataset that it touched.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from ckan import model

from ckanext.govopen.access import people
from ckanext.govopen.access.handler import Action, Handler
from ckanext.govopen.logic import command, gate


def _datasets(reference: Any) -> frozenset[str]:
    """Ids of the datasets that are in a group, given its id or name."""
    group = model.Group.get(reference) if isinstance(reference, str) and reference else None
    if group is None or group.is_organization:
        return frozenset()
    member = model.member_table
    return frozenset(
        model.Session.execute(
            sa.select(member.c.table_id).where(
                member.c.group_id == group.id,
                member.c.table_name == "package",
                member.c.state == "active",
            )
        ).scalars()
    )


def _settle(context: Any, datasets: frozenset[str]) -> None:
    for package_id in sorted(datasets):  # one order for everybody: nobody waits for the other
        gate.settle(context, package_id)
    if datasets:
        command.finish(context)


def _group(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """A group changed or removed; what came in or went out of it is settled."""
    reference = data_dict.get("id")
    before = _datasets(reference)
    result = next_action(context, data_dict)
    _settle(context, before ^ _datasets(reference))
    return result


def group_create(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """A group may be made with datasets in it."""
    result = next_action(context, data_dict)
    if data_dict.get("packages"):
        group = context.get("group")
        _settle(context, _datasets(group.id if group is not None else None))
    return result


def _member(name: str) -> Handler:
    inner = people.HANDLERS[name]

    def change(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
        """One object of a group; only datasets concern the gate."""

        def write(context: Any, data_dict: dict[str, Any]) -> Any:
            if data_dict.get("object_type") != "package":
                return next_action(context, data_dict)
            return _group(next_action, context, data_dict)

        return inner(write, context, data_dict)

    return change


HANDLERS: dict[str, Handler] = {
    "group_create": group_create,
    "group_update": _group,
    "group_delete": _group,
    "group_purge": _group,
    "member_create": _member("member_create"),
    "member_delete": _member("member_delete"),
}
