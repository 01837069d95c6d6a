"""Who may see and change grants; the rules of a change itself are in ``domain/grant.py``."""

from __future__ import annotations

from typing import Any

from ckan.plugins import toolkit as tk

from ckanext.govopen.logic.auth.circle import only

__all__ = [
    "govopen_access_log_list",
    "govopen_grant_give",
    "govopen_grant_leave",
    "govopen_grant_list",
    "govopen_grant_persons_set",
    "govopen_grant_report",
    "govopen_grant_resume",
    "govopen_grant_revoke",
    "govopen_grant_show",
    "govopen_grant_suspend",
]

_ = tk._


def _staff(context: Any) -> dict[str, Any]:
    return only(context, "staff", _("Grants are decided by the department or the data authority."))


def govopen_grant_give(context: Any, data_dict: Any) -> dict[str, Any]:
    """Staff; which of them is for the rules to say."""
    return _staff(context)


def govopen_grant_suspend(context: Any, data_dict: Any) -> dict[str, Any]:
    """Staff; which of them is for the rules to say."""
    return _staff(context)


def govopen_grant_resume(context: Any, data_dict: Any) -> dict[str, Any]:
    """Staff; which of them is for the rules to say."""
    return _staff(context)


def govopen_grant_revoke(context: Any, data_dict: Any) -> dict[str, Any]:
    """Staff; which of them is for the rules to say."""
    return _staff(context)


def govopen_grant_list(context: Any, data_dict: Any) -> dict[str, Any]:
    """Everybody with an account; the action narrows the list to what concerns him."""
    return only(context, "user", _("Log in to see your grants."))


def govopen_grant_show(context: Any, data_dict: Any) -> dict[str, Any]:
    """Everybody with an account; a grant that does not concern him is not found."""
    return govopen_grant_list(context, data_dict)


def govopen_grant_persons_set(context: Any, data_dict: Any) -> dict[str, Any]:
    """Everybody with an account; who may is for the rules to say."""
    return govopen_grant_list(context, data_dict)


def govopen_grant_leave(context: Any, data_dict: Any) -> dict[str, Any]:
    """Everybody with an account; who may is for the rules to say."""
    return govopen_grant_list(context, data_dict)


def govopen_grant_report(context: Any, data_dict: Any) -> dict[str, Any]:
    """Everybody with an account; who may is for the rules to say."""
    return govopen_grant_list(context, data_dict)


def govopen_access_log_list(context: Any, data_dict: Any) -> dict[str, Any]:
    """Everybody with an account; the action narrows the list to what concerns him."""
    return govopen_grant_list(context, data_dict)
