"""``resource_search``: CKAN's own rules of matching, over what was released."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from ckan import model
from ckan.common import config
from ckan.lib import search

from ckanext.govopen.tests.access.site import CSV, Site
from ckanext.govopen.tests.portal import Portal, unique


@pytest.fixture(scope="module")
def site(_one_portal: Portal) -> Site:
    return Site.build(_one_portal)


@pytest.fixture
def extra_field(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A field of resources that the site adds by ``ckan.extra_resource_fields``."""
    monkeypatch.setitem(config, "ckan.extra_resource_fields", ["alt_url"])
    monkeypatch.setattr(model.Resource, "extra_columns", None)
    yield "alt_url"
    if hasattr(model.Resource, "alt_url"):
        delattr(model.Resource, "alt_url")


def found(site: Site, **fields: str) -> list[str]:
    query = [f"{name}:{value}" for name, value in fields.items()]
    return [row["id"] for row in site.call("resource_search", None, query=query)["results"]]


def with_link(site: Site, released: bool = True, **fields: str) -> dict[str, Any]:
    package = site.dataset()
    given = {"url": f"https://example.com/{unique('file')}", "name": unique("link"), **fields}
    resource = site.call("resource_create", "editor", package_id=package["id"], **given)
    if released:
        site.release(package["id"])
    return resource


def test_a_hash_is_found_by_its_beginning(site: Site) -> None:
    content = CSV + unique("row")
    _, resource_id = site.published(content)
    digest = hashlib.sha256(content.encode()).hexdigest()
    assert found(site, hash=digest) == found(site, hash=digest[:20]) == [resource_id]
    assert found(site, hash=digest[1:]) == []


def test_fields_that_the_site_adds(site: Site, extra_field: str) -> None:
    value = unique("https://mirror.example.com/a")
    resource = with_link(site, alt_url=value)
    hidden = with_link(site, released=False, alt_url=value)
    assert found(site, alt_url=value) == [resource["id"]]
    assert hidden["id"] not in found(site, alt_url="mirror")


def test_sources_are_in_no_field(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model.Resource, "extra_columns", ["source_url"])
    answer = site.app.post(
        "/api/3/action/resource_search", json={"query": "source_url:http"}, status=409
    )
    assert "source_url" in answer.body


def test_inside_ckan_a_resource_has_the_columns_of_its_row(site: Site) -> None:
    resource = with_link(site)
    options = search.QueryOptions(all_fields=True)
    answer = search.query_for(model.Resource).run(
        fields={"name": resource["name"]}, options=options
    )
    (row,) = answer["results"]
    wanted = {*model.Resource.get_columns(), "id", "package_id", "position"}
    assert wanted <= set(row)
    assert "state" not in row
    assert (row["url"], row["position"]) == (resource["url"], 0)
