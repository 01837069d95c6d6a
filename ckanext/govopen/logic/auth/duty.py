"""Who may give, take and list duties. The rules of giving itself are in ``domain/duty.py``."""

from __future__ import annotations

from typing import Any

from ckan.plugins import toolkit as tk

from ckanext.govopen.access.viewer import person
from ckanext.govopen.logic.auth.circle import only

__all__ = ["govopen_duty_give", "govopen_duty_list", "govopen_duty_take"]

_ = tk._


def govopen_duty_give(context: Any, data_dict: Any) -> dict[str, Any]:
    """The authority, for its area, and the operator."""
    who = person(context)
    if who.sees_everything or who.area:
        return {"success": True}
    return {
        "success": False,
        "msg": _("Duties are given and taken by the data authority or the operator."),
    }


def govopen_duty_take(context: Any, data_dict: Any) -> dict[str, Any]:
    """The same people who give them."""
    return govopen_duty_give(context, data_dict)


def govopen_duty_list(context: Any, data_dict: Any) -> dict[str, Any]:
    """Everybody who belongs to a department; what he sees is narrowed by the action."""
    return only(context, "staff", _("Duties are shown to the staff of the portal only."))
