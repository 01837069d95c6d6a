"""Organisations and their members: which department there is, is public; who works there is not.

What CKAN tells of accounts beside ``user_*`` actions, which the inventory closes by circle, and its
looks at members that would say whether something hidden exists.
"""

from __future__ import annotations

import functools
from typing import Any

from ckan import model
from ckan.logic import check_access
from ckan.plugins import toolkit

from ckanext.govopen.access.handler import Action, Handler
from ckanext.govopen.access.inventory import inventory
from ckanext.govopen.access.lists import public_members
from ckanext.govopen.access.policy import Sight
from ckanext.govopen.access.references import user_is_visible
from ckanext.govopen.access.sight import sight, sights
from ckanext.govopen.access.viewer import person
from ckanext.govopen.model import settings


def _show(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """A group or department; its accounts and their number for those who work with accounts."""
    if person(context).sees_accounts:
        return next_action(context, data_dict)
    asked = {**data_dict, "include_users": False, "include_member_count": False}
    shown = next_action(context, asked)
    shown.pop("users", None)
    return shown


def member_list(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """Datasets as the person sees them, and no accounts for outsiders.

    CKAN lists where the working copies are. Who sees the release of a dataset finds it where it
    was released: a move that waits for its review is not told.
    """
    rows = next_action(context, data_dict)
    who = person(context)
    if who.sees_everything:
        return rows
    group = model.Group.get(data_dict["id"])
    released: set[str] = set()
    capacity = "organization" if group is not None and group.is_organization else "public"
    asked = data_dict.get("object_type") in (None, "", "package")
    if group is not None and asked and data_dict.get("capacity") in (None, "", capacity):
        released = public_members(group.id)
    listed = {row[0] for row in rows if row[1] == "package"}
    seen = sights(context, listed | released)
    there = {one for one in listed if seen[one].visible and seen[one].sight is not Sight.RELEASE}
    there |= {one for one in released if seen[one].sight is Sight.RELEASE}
    result = [
        row
        for row in rows
        if (row[1] != "package" or row[0] in there)
        and (row[1] != "user" or who.sees_accounts or row[0] == who.user_id)
    ]
    return result + [(one, "package", capacity) for one in sorted(there - listed)]


def _member(name: str) -> Handler:
    def change(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
        """CKAN looks for the object before it asks for the right: here the right comes first."""
        who = person(context)
        if who.sees_everything:
            return next_action(context, data_dict)
        group = data_dict.get("id")
        if isinstance(group, str) and model.Group.get(group) is not None:
            check_access(name, context, dict(data_dict))
        kind, reference = data_dict.get("object_type"), data_dict.get("object")
        if isinstance(reference, str):
            hidden = kind == "package" and not sight(context, reference).visible
            hidden = hidden or (kind == "user" and not user_is_visible(context, who, reference))
            if hidden:
                raise toolkit.ObjectNotFound(f"{str(kind).title()} was not found.")
        if kind not in (None, "", "package", "user", "group"):
            raise toolkit.ValidationError({"object_type": [toolkit._("Unknown value.")]})
        return next_action(context, data_dict)

    return change


def _complete(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """CKAN takes the text for granted; without one there is nothing to complete."""
    if not isinstance(data_dict.get("q"), str):
        raise toolkit.ValidationError({"q": [toolkit._("Missing value")]})
    return next_action(context, data_dict)


def help_show(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """The documentation of an action, not that of its wrapping; unlisted ones have none."""
    name = data_dict.get("name")
    if not isinstance(name, str) or not name:
        return next_action(context, data_dict)
    check_access("help_show", context, data_dict)
    listed = inventory().action(name) is not None
    if not (listed or person(context).is_staff or not settings.deny_unlisted()):
        raise toolkit.ObjectNotFound(toolkit._("Action function not found"))
    try:
        function: Any = toolkit.get_action(name)
    except KeyError:
        raise toolkit.ObjectNotFound(toolkit._("Action function not found")) from None
    while True:
        if isinstance(function, functools.partial):
            function = function.args[0]  # the next action of the chain
        elif hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        else:
            return function.__doc__


HANDLERS: dict[str, Handler] = {
    "group_show": _show,
    "organization_show": _show,
    "member_list": member_list,
    "member_create": _member("member_create"),
    "member_delete": _member("member_delete"),
    "group_autocomplete": _complete,
    "organization_autocomplete": _complete,
    "help_show": help_show,
}
