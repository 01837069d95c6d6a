"""Authorisation of the extension's own actions on datasets and reviews.

These say who may come in at all; whether a command is allowed in the state of the case, the rules
of ``domain`` decide.
"""

from __future__ import annotations

from typing import Any

from ckan.plugins import toolkit as tk

from ckanext.govopen.access.policy import Sight
from ckanext.govopen.access.sight import sight
from ckanext.govopen.access.viewer import person
from ckanext.govopen.logic.auth.circle import only

__all__ = [
    "govopen_access_show",
    "govopen_dataset_reclassify",
    "govopen_dataset_restore",
    "govopen_dataset_suspend",
    "govopen_deadline_list",
    "govopen_desk",
    "govopen_profile_show",
    "govopen_release_list",
    "govopen_review_decide",
    "govopen_review_list",
    "govopen_review_show",
    "govopen_review_submit",
]


def _staff(context: Any) -> dict[str, Any]:
    return only(context, "staff", tk._("This is for departments and the data authority."))


def _working(context: Any, data_dict: Any) -> dict[str, Any]:
    if sight(context, (data_dict or {}).get("id")).sight is Sight.WORKING:
        return {"success": True}
    return {"success": False, "msg": tk._("This is for departments and the data authority.")}


@tk.auth_allow_anonymous_access
def govopen_access_show(context: Any, data_dict: Any) -> dict[str, Any]:
    """Everybody who sees the dataset."""
    return {"success": sight(context, (data_dict or {}).get("id")).visible}


@tk.auth_allow_anonymous_access
def govopen_profile_show(context: Any, data_dict: Any) -> dict[str, Any]:
    """Everybody: the law is public."""
    return {"success": True}


@tk.auth_allow_anonymous_access
def govopen_deadline_list(context: Any, data_dict: Any) -> dict[str, Any]:
    """Everybody: the law is public."""
    return {"success": True}


def govopen_dataset_reclassify(context: Any, data_dict: Any) -> dict[str, Any]:
    """Who may change the dataset (CKAN's own rule)."""
    try:
        tk.check_access("package_update", context, {"id": (data_dict or {}).get("id")})
    except (tk.NotAuthorized, tk.ObjectNotFound):
        return {"success": False, "msg": tk._("Only the department changes its dataset.")}
    return {"success": True}


def govopen_dataset_suspend(context: Any, data_dict: Any) -> dict[str, Any]:
    """Who sees the working copy; the rules say which of them."""
    return _working(context, data_dict)


def govopen_dataset_restore(context: Any, data_dict: Any) -> dict[str, Any]:
    """Who sees the working copy; the rules say which of them."""
    return _working(context, data_dict)


def govopen_release_list(context: Any, data_dict: Any) -> dict[str, Any]:
    """Who sees the working copy."""
    return _working(context, data_dict)


def govopen_review_list(context: Any, data_dict: Any) -> dict[str, Any]:
    """Departments and people with a duty; the action narrows what they see."""
    return _staff(context)


def govopen_review_show(context: Any, data_dict: Any) -> dict[str, Any]:
    """Departments and people with a duty; the action narrows what they see."""
    return _staff(context)


def govopen_review_submit(context: Any, data_dict: Any) -> dict[str, Any]:
    """Departments and people with a duty; the rules decide."""
    return _staff(context)


def govopen_review_decide(context: Any, data_dict: Any) -> dict[str, Any]:
    """Departments and people with a duty; the rules decide."""
    return _staff(context)


def govopen_desk(context: Any, data_dict: Any) -> dict[str, Any]:
    """Everybody who is signed in: it shows his own."""
    return {"success": person(context).user_id is not None}
