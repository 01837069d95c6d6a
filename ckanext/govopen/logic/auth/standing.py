"""Who may ask for standing approvals. Who may give one is a rule of ``domain/standing.py``."""

from __future__ import annotations

from typing import Any

from ckan.plugins import toolkit as tk

from ckanext.govopen.access.policy import Sight
from ckanext.govopen.access.sight import resource_sight, sight

__all__ = ["govopen_standing_give", "govopen_standing_list", "govopen_standing_take"]


def govopen_standing_give(context: Any, data_dict: Any) -> dict[str, Any]:
    """People who see the working copy of the resource."""
    data = data_dict or {}
    if data.get("resource_id"):
        found = resource_sight(context, data["resource_id"])[1].sight
    else:
        found = sight(context, data.get("id")).sight
    if found is Sight.WORKING:
        return {"success": True}
    return {
        "success": False,
        "msg": tk._("Standing approvals are a matter of the department and the authority."),
    }


def govopen_standing_take(context: Any, data_dict: Any) -> dict[str, Any]:
    """The same people."""
    return govopen_standing_give(context, data_dict)


def govopen_standing_list(context: Any, data_dict: Any) -> dict[str, Any]:
    """The same people."""
    return govopen_standing_give(context, data_dict)
