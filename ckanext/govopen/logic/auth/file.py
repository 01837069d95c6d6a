"""Who may look after the files of datasets."""

from __future__ import annotations

from typing import Any

from ckan.plugins import toolkit as tk

from ckanext.govopen.access.policy import Sight
from ckanext.govopen.access.sight import sight
from ckanext.govopen.access.viewer import person

__all__ = ["govopen_file_collect", "govopen_file_load", "govopen_file_show"]


def govopen_file_show(context: Any, data_dict: Any) -> dict[str, Any]:
    """People who see the working copy."""
    if sight(context, (data_dict or {}).get("id")).sight is Sight.WORKING:
        return {"success": True}
    return {"success": False, "msg": tk._("Dataset not found")}


def govopen_file_load(context: Any, data_dict: Any) -> dict[str, Any]:
    """The same people: it only repeats what a release has started."""
    return govopen_file_show(context, data_dict)


def govopen_file_collect(context: Any, data_dict: Any) -> dict[str, Any]:
    """The operator and the portal itself."""
    who = person(context)
    return {"success": who.internal or who.sysadmin}
