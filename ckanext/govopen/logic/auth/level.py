"""Who may place departments under authorities. The rules themselves are in ``domain/levels.py``."""

from __future__ import annotations

from typing import Any

from ckan.plugins import toolkit as tk

from ckanext.govopen.access.viewer import person

__all__ = ["govopen_level_list", "govopen_level_set"]

_ = tk._


def govopen_level_set(context: Any, data_dict: Any) -> dict[str, Any]:
    """The highest authority and the operator."""
    if person(context).sees_everything:
        return {"success": True}
    return {"success": False, "msg": _("The highest data authority or the operator does this.")}


@tk.auth_allow_anonymous_access
def govopen_level_list(context: Any, data_dict: Any) -> dict[str, Any]:
    """Everybody: which authority is competent is no secret."""
    return {"success": True}
