"""The facets of the list pages (for ``IFacets``): which fields people narrow a list by."""

from __future__ import annotations

from typing import Any

from ckanext.govopen.views.helpers import govopen_word
from ckanext.govopen.views.listing import FACETS


def dataset_facets(facets_dict: Any, package_type: str) -> Any:
    """Facets of the dataset list; other package types (harvest sources) keep theirs."""
    if package_type != "dataset":
        return facets_dict
    facets_dict.clear()
    for name in FACETS:
        facets_dict[name] = govopen_word("facet", name)
    return facets_dict


def organization_facets(facets_dict: Any, organization_type: str, package_type: str | None) -> Any:
    """Facets of a department's page: the same without the department."""
    dataset_facets(facets_dict, "dataset").pop("organization", None)
    return facets_dict
