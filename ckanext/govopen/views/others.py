"""The site's schemas: fields that the portal's own lacks, which its pages show as well."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

import yaml
from ckan import model
from ckan.plugins import plugin_loaded, toolkit
from markupsafe import Markup

from ckanext.govopen.model import department

_SCHEMA = Path(__file__).resolve().parent.parent / "schemas" / "dataset.yaml"
_PARTS = {"dataset": "dataset_fields", "resource": "resource_fields"}


@functools.lru_cache(maxsize=2)
def own_fields(part: str) -> frozenset[str]:
    """Names of the fields that the portal's own schema has and its pages show in their places."""
    schema = yaml.safe_load(_SCHEMA.read_text(encoding="utf-8"))
    return frozenset(field["field_name"] for field in schema[_PARTS[part]])


def dataset_schema(dataset_type: str = "dataset") -> dict[str, Any]:
    """Scheming's dict of a type's schema; empty where the site has none for it, or no scheming."""
    if not plugin_loaded("scheming_datasets"):
        return {}
    return toolkit.h.scheming_get_dataset_schema(dataset_type) or {}


def organization_schema() -> dict[str, Any]:
    """Scheming's dict of the departments' schema; empty where the site has none."""
    if not plugin_loaded("scheming_organizations"):
        return {}
    return toolkit.h.scheming_get_organization_schema("organization") or {}


def govopen_other_fields(part: str, dataset_type: str) -> list[dict[str, Any]]:
    """Fields of the type's schema (scheming's dicts) that the portal's own schema lacks.

    :param part: ``dataset`` or ``resource``
    """
    known = own_fields(part)
    return [
        field
        for field in dataset_schema(dataset_type).get(_PARTS[part]) or []
        if field["field_name"] not in known and field.get("display_snippet", "") is not None
    ]


#: An entry of a page's tabs that leads to the groups of a dataset.
_GROUPS_TAB = re.compile(r"<li[^>]*>\s*<a[^>]*href=\"[^\"]*/groups/[^\"]*\".*?</li>", re.DOTALL)


def govopen_without_groups(tabs: Markup) -> Markup:
    """The tabs of a dataset, without that of its groups where no group exists."""
    if department.groups_exist(model.Session):
        return tabs
    # Safe: only takes away from what a template has made.
    return Markup(_GROUPS_TAB.sub("", str(tabs)))  # noqa: S704


def govopen_words(text: Any) -> str:
    """A text that may be given in several languages (``{en: …, zh_Hans_CN: …}``), in one."""
    if plugin_loaded("scheming_datasets"):
        return toolkit.h.scheming_language_text(text)
    return str(next(iter(text.values()), "")) if isinstance(text, dict) else str(text or "")
