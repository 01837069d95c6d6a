"""Texts of pages that the operator edits at run time, on CKAN's configuration page."""

from __future__ import annotations

from typing import Any

from ckan.plugins import toolkit

#: Pages whose text the operator can replace.
PAGES = ("terms", "privacy", "about")
_PREFIX = "ckanext.govopen.pages."


def option(name: str) -> str:
    """The option that holds the text of a page."""
    return _PREFIX + name


def text(name: str, locale: str) -> str:
    """The operator's text (Markdown) of a page in this language, or for all, or nothing.

    ``ckanext.govopen.pages.terms`` serves every language, ``….terms.en`` one of them.
    """
    if name not in PAGES:
        return ""
    return str(
        toolkit.config.get(f"{option(name)}.{locale}") or toolkit.config.get(option(name)) or ""
    ).strip()


def update_config_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Adds the texts to what the operator may change at run time (for ``IConfigurer``)."""
    ignore_missing = toolkit.get_validator("ignore_missing")
    unicode_safe = toolkit.get_validator("unicode_safe")
    for name in PAGES:
        schema[option(name)] = [ignore_missing, unicode_safe]
    return schema
