"""Who may read, sign and verify agreements; whose they are is for the actions to say."""

from __future__ import annotations

from typing import Any

from ckan.plugins import toolkit as tk

from ckanext.govopen.access.viewer import person
from ckanext.govopen.logic.auth.circle import only

__all__ = [
    "govopen_agreement_show",
    "govopen_agreement_sign",
    "govopen_agreement_template_list",
    "govopen_agreement_template_preview",
    "govopen_agreement_template_publish",
    "govopen_agreement_template_show",
    "govopen_agreement_verify",
]

_ = tk._


def govopen_agreement_show(context: Any, data_dict: Any) -> dict[str, Any]:
    """Everybody with an account; an agreement that does not concern him is not found."""
    return only(context, "user", _("Log in to read your agreements."))


def govopen_agreement_sign(context: Any, data_dict: Any) -> dict[str, Any]:
    """Everybody with an account; the rules let the applicant sign only."""
    return govopen_agreement_show(context, data_dict)


@tk.auth_allow_anonymous_access
def govopen_agreement_verify(context: Any, data_dict: Any) -> dict[str, Any]:
    """Everybody."""
    return {"success": True}


@tk.auth_allow_anonymous_access
def govopen_agreement_template_show(context: Any, data_dict: Any) -> dict[str, Any]:
    """Everybody: who thinks of applying should know what he will sign."""
    return {"success": True}


@tk.auth_allow_anonymous_access
def govopen_agreement_template_list(context: Any, data_dict: Any) -> dict[str, Any]:
    """Everybody."""
    return {"success": True}


def govopen_agreement_template_publish(context: Any, data_dict: Any) -> dict[str, Any]:
    """The data authority."""
    who = person(context)
    if who.authority or who.internal:
        return {"success": True}
    return {"success": False, "msg": _("Templates are published by the data authority.")}


def govopen_agreement_template_preview(context: Any, data_dict: Any) -> dict[str, Any]:
    """The data authority."""
    return govopen_agreement_template_publish(context, data_dict)
