"""Choices of the forms that depend on the active profile or on the configuration.

Template helpers for ``choices_helper`` of the schemas: each takes the field and gives
``[{"value", "label": {locale: text}}]``.
"""

from __future__ import annotations

from typing import Any

from ckanext.govopen.domain.terms import Text
from ckanext.govopen.model import jurisdiction, settings

__all__ = ["govopen_class_choices", "govopen_org_type_choices", "govopen_themes"]


def _label(text: Text) -> dict[str, str]:
    return {"zh_Hans_CN": text.zh_Hans, "zh_Hant_TW": text.zh_Hant, "en": text.en}


def govopen_class_choices(field: Any = None) -> list[dict[str, Any]]:
    """The opening classes as the regulation calls them."""
    return [
        {"value": item.canonical.value, "label": _label(item.names)}
        for item in jurisdiction.profile().classes.items
    ]


def govopen_org_type_choices(field: Any = None) -> list[dict[str, Any]]:
    """The kinds of bodies that the regulation names."""
    return [
        {"value": kind.id, "label": _label(kind.names)}
        for kind in jurisdiction.profile().provider_types
    ]


def govopen_themes() -> list[str]:
    """Themes that the site suggests."""
    return settings.themes()
