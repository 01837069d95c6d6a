"""The digest of conditional content: it would confirm a guess, so it goes with the content."""

from __future__ import annotations

import hashlib
import json

import pytest
from ckan import model
from ckanext.activity.model import Activity

from ckanext.govopen.access.labels import PUBLIC
from ckanext.govopen.tests.access.site import CSV, Site
from ckanext.govopen.tests.portal import Portal, unique

CATALOGUE = "/dataset/{}.ttl"


@pytest.fixture(scope="module")
def site(_one_portal: Portal) -> Site:
    return Site.build(_one_portal)


def digests(site: Site, who: str | None, package_id: str, resource_id: str) -> set[str]:
    """What the ways to a resource's description tell as its digest."""
    shown = site.call("package_show", who, id=package_id)
    plain = site.call("package_show", who, id=package_id, use_default_schema=True)
    one = site.call("resource_show", who, id=resource_id)
    return {r.get("hash") or "" for r in (*shown["resources"], *plain["resources"], one)}


def searched(site: Site, who: str | None, package_id: str) -> set[str]:
    found = site.call("package_search", who, fq=f"id:{package_id}")["results"]
    return {r.get("hash") or "" for package in found for r in package["resources"]}


def by_digest(site: Site, who: str | None, start: str) -> list[str]:
    rows = site.call("resource_search", who, query=f"hash:{start}")["results"]
    return [row["id"] for row in rows]


def test_conditional_content_has_none_for_outsiders(site: Site) -> None:
    content = CSV + unique("row")
    digest = hashlib.sha256(content.encode()).hexdigest()
    package_id, resource_id = site.published(content, open_class="conditional")
    for who in (None, "applicant"):
        assert digests(site, who, package_id, resource_id) == {""}
        assert searched(site, who, package_id) == {""}
        assert by_digest(site, who, digest[:20]) == []
        pages = (CATALOGUE.format(package_id), f"/dataset/{package_id}/resource/{resource_id}")
        for page in pages:
            body = site.get(page, who).body
            assert digest not in body.lower()
        ordered = site.call("resource_search", who, query="name:名单", order_by="hash")
        assert digest not in str(ordered)
    # The department goes on seeing it, and the bytes are still under review.
    assert digests(site, "editor", package_id, resource_id) == {digest}


def test_a_grant_of_everything_gives_it(site: Site) -> None:
    content = CSV + unique("row")
    digest = hashlib.sha256(content.encode()).hexdigest()
    package_id, resource_id = site.published(content, open_class="conditional")
    site.grant(package_id)
    assert digests(site, "applicant", package_id, resource_id) == {digest}
    assert digests(site, None, package_id, resource_id) == {""}


def test_a_grant_of_some_columns_does_not(site: Site) -> None:
    package_id, resource_id = site.published(CSV + unique("row"), open_class="conditional")
    site.grant(package_id, items=["名称"])
    assert digests(site, "applicant", package_id, resource_id) == {""}


def test_unconditional_content_keeps_it(site: Site) -> None:
    content = CSV + unique("row")
    digest = hashlib.sha256(content.encode()).hexdigest()
    package_id, resource_id = site.published(content)
    assert digests(site, None, package_id, resource_id) == {digest}
    assert searched(site, None, package_id) == {digest}
    assert by_digest(site, None, digest[:20]) == [resource_id]


def test_activities_tell_none(site: Site) -> None:
    content = CSV + unique("row")
    digest = hashlib.sha256(content.encode()).hexdigest()
    package_id, _ = site.published(content, open_class="conditional")
    rows = model.Session.query(Activity).filter_by(object_id=package_id).all()
    public = [row for row in rows if PUBLIC in (row.permission_labels or [])]
    assert public
    assert digest not in json.dumps([row.data for row in public])
