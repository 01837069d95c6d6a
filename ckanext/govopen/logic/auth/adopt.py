"""Taking over the datasets of an existing site is the operator's."""

from __future__ import annotations

from typing import Any

from ckan.plugins import toolkit as tk

from ckanext.govopen.logic.auth.circle import only

__all__ = ["govopen_adopt_list", "govopen_dataset_adopt"]


def govopen_dataset_adopt(context: Any, data_dict: Any) -> dict[str, Any]:
    """The operator, from the command line as a rule."""
    return only(context, "operator", tk._("Only the operator takes over existing datasets."))


def govopen_adopt_list(context: Any, data_dict: Any) -> dict[str, Any]:
    """The same."""
    return govopen_dataset_adopt(context, data_dict)
