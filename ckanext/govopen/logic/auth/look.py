"""Who may ask who has looked at personal data; the action narrows the answer."""

from __future__ import annotations

from typing import Any

from ckan.plugins import toolkit as tk

from ckanext.govopen.logic.auth.circle import only

__all__ = ["govopen_look_list"]

_ = tk._


def govopen_look_list(context: Any, data_dict: Any) -> dict[str, Any]:
    """Everybody with an account: for the data in his own applications, and what he read himself."""
    return only(context, "user", _("Log in to see who has looked at your data."))
