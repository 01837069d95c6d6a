"""Who may come near the registers of departments; the rest is for their rules to say."""

from __future__ import annotations

from typing import Any

from ckan.plugins import toolkit as tk

from ckanext.govopen.logic.auth.circle import only

_ = tk._

_NAMES = (
    "govopen_cooperation_decide",
    "govopen_cooperation_end",
    "govopen_cooperation_list",
    "govopen_cooperation_propose",
    "govopen_cooperation_sign",
    "govopen_named_person_list",
    "govopen_named_person_put",
    "govopen_named_person_remove",
)

__all__ = [*_NAMES]  # pyright: ignore[reportUnsupportedDunderAll]


def _staff(context: Any, data_dict: Any) -> dict[str, Any]:
    return only(context, "staff", _("The registers are for the staff of departments only."))


globals().update(dict.fromkeys(_NAMES, _staff))
