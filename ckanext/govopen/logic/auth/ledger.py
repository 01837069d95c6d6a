"""Who may read and keep the ledger; which events somebody reads says ``access/ledger.py``."""

from __future__ import annotations

from typing import Any

from ckan.plugins import toolkit as tk

from ckanext.govopen.access.ledger import oversees
from ckanext.govopen.access.viewer import person
from ckanext.govopen.logic.auth.circle import only

__all__ = [
    "govopen_ledger_checkpoint",
    "govopen_ledger_erase",
    "govopen_ledger_export",
    "govopen_ledger_rebuild",
    "govopen_ledger_rotate_key",
    "govopen_ledger_show",
    "govopen_ledger_verify",
]

_ = tk._


@tk.auth_allow_anonymous_access
def govopen_ledger_show(context: Any, data_dict: Any) -> dict[str, Any]:
    """Everybody; each reads his part."""
    return {"success": True}


@tk.auth_allow_anonymous_access
def govopen_ledger_export(context: Any, data_dict: Any) -> dict[str, Any]:
    """Everybody; each gets his part."""
    return {"success": True}


def govopen_ledger_verify(context: Any, data_dict: Any) -> dict[str, Any]:
    """Who reads the whole ledger; others verify their export themselves."""
    if oversees(person(context)):
        return {"success": True}
    return {"success": False, "msg": _("Only the data authority verifies the whole ledger here.")}


def _operator(context: Any) -> dict[str, Any]:
    return only(context, "operator", _("Only the operator keeps the ledger."))


def govopen_ledger_checkpoint(context: Any, data_dict: Any) -> dict[str, Any]:
    """The operator and the portal itself."""
    return _operator(context)


def govopen_ledger_rotate_key(context: Any, data_dict: Any) -> dict[str, Any]:
    """The operator."""
    return _operator(context)


def govopen_ledger_rebuild(context: Any, data_dict: Any) -> dict[str, Any]:
    """The operator."""
    return _operator(context)


def govopen_ledger_erase(context: Any, data_dict: Any) -> dict[str, Any]:
    """The operator."""
    return _operator(context)
