"""Everybody looks after his own account; the actions take it from the context, never by name."""

from __future__ import annotations

from typing import Any

from ckan.plugins import toolkit as tk

from ckanext.govopen.access.means import account_of

__all__ = [
    "govopen_account_close",
    "govopen_account_language",
    "govopen_account_show",
    "govopen_identity_unlink",
]


def _signed_in(context: Any, data_dict: Any) -> dict[str, Any]:
    if account_of(context) is not None:
        return {"success": True}
    return {"success": False, "msg": tk._("Sign in first.")}


govopen_account_show = _signed_in
govopen_account_close = _signed_in
govopen_account_language = _signed_in
govopen_identity_unlink = _signed_in
