"""Folders: where storages lie, and where CKAN keeps what was built for the browser."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ckan.lib.i18n import get_js_translations_dir
from ckan.plugins import toolkit as tk

from ckanext.govopen.cli.checks.finding import Finding, warning


def check() -> list[Finding]:
    """All findings of this area."""
    return [*links(tk.config), *scripts(tk.config)]


def links(config: Mapping[str, Any]) -> Iterator[Finding]:
    """Paths of storages that go over a symbolic link: CKAN's storages follow none of them."""
    named = {
        key for key in config if key.startswith("ckan.files.storage.") and key.endswith(".path")
    }
    for option in ("ckan.storage_path", *sorted(named)):
        value = str(config.get(option) or "")
        path = Path(value)
        if value and path.is_absolute() and path.exists() and path.resolve() != path:
            yield warning(
                "storage-link",
                f"{option} goes over a symbolic link: storages follow none, files are not found.",
                f"Set {option} = {path.resolve()}",
            )


def scripts(config: Mapping[str, Any]) -> Iterator[Finding]:
    """Do CKAN's scripts in the browser speak the site's language?"""
    locale = str(config.get("ckan.locale_default") or "en")
    if locale == "en" or (Path(get_js_translations_dir()) / f"{locale}.js").exists():
        return
    yield warning(
        "scripts-language",
        "Buttons that scripts draw in forms are in English: their translations were not built.",
        "Run: ckan translation js",
    )
