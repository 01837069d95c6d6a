"""The table view: its page finds its rows, for those and only those who may read the content."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import pytest

from ckanext.govopen.logic import datastore_load
from ckanext.govopen.tests.access.site import CSV, Site
from ckanext.govopen.tests.portal import Portal

#: What the table's script sends for its first page.
FORM = {"draw": "1", "search[value]": "", "start": "0", "length": "20"}
DOWNLOAD = {
    "params": json.dumps({"search": {"value": ""}, "order": [], "visible": [], "columns": []}),
    "format": "csv",
}


@pytest.fixture(scope="module")
def site(_one_portal: Portal) -> Site:
    return Site.build(_one_portal)


def with_view(site: Site, open_class: str = "unconditional", released: bool = True) -> Any:
    """(dataset id, resource id, view id) of a dataset whose rows have a table view."""
    package = site.dataset(open_class)
    resource = site.upload(package["id"], CSV)
    if released:
        site.release(package["id"])
        datastore_load.load(package["id"])
    view = site.call(
        "resource_view_create",
        "editor",
        resource_id=resource["id"],
        title="表格",
        view_type="datatables_view",
    )
    if released:
        site.release(package["id"])
    return package["id"], resource["id"], view["id"]


def ajax(site: Site, view_id: str, who: str | None = None) -> Any:
    return site.app.post(
        f"/datatables/ajax/{view_id}",
        data=FORM,
        headers=site.headers(who),
        follow_redirects=False,
    )


def filtered(site: Site, view_id: str, who: str | None = None) -> Any:
    return site.app.post(
        f"/datatables/filtered-download/{view_id}",
        data=DOWNLOAD,
        headers=site.headers(who),
        follow_redirects=False,
    )


def test_everybody_gets_the_rows_of_unconditional_data(site: Site) -> None:
    _, resource_id, view_id = with_view(site)
    for who in (None, "citizen", "other", "editor", "reviewer", "operator"):
        answer = ajax(site, view_id, who)
        assert answer.status_code == 200, who
        found = json.loads(answer.body)
        assert [row["学校名称"] for row in found["data"]] == ["第一小学", "实验中学"], who
        moved = filtered(site, view_id, who)
        assert moved.status_code == 302, who
        assert f"/datastore/dump/{resource_id}?" in moved.headers["Location"], who


def test_the_page_names_the_address_of_its_rows(site: Site) -> None:
    package_id, resource_id, view_id = with_view(site)
    page = site.get(f"/dataset/{package_id}/resource/{resource_id}/view/{view_id}")
    assert page.status_code == 200
    address = re.search(r'data-ajaxurl="([^"]+)"', page.body)
    assert address, page.body[:2000]
    answer = site.app.post(address.group(1), data=FORM)
    assert json.loads(answer.body)["recordsTotal"] == 2


def test_conditional_rows_need_a_grant(site: Site) -> None:
    package_id, _, view_id = with_view(site, "conditional")
    for who in (None, "citizen", "other", "applicant"):
        assert ajax(site, view_id, who).status_code == 403, who
        assert filtered(site, view_id, who).status_code == 403, who
    assert ajax(site, view_id, "editor").status_code == 200
    grant = site.grant(package_id, delivery=["interface"])
    answer = ajax(site, view_id, "applicant")
    assert answer.status_code == 200, answer.body
    assert len(json.loads(answer.body)["data"]) == 2
    assert ajax(site, view_id, "citizen").status_code == 403
    _end(grant.id)
    assert ajax(site, view_id, "applicant").status_code == 403


def _end(grant_id: str) -> None:
    from ckan import model

    from ckanext.govopen.model.grant import GrantRow

    row = model.Session.get(GrantRow, grant_id)
    assert row is not None
    row.valid_to = row.valid_from
    model.Session.commit()


def test_a_grant_for_columns_does_not_open_the_view(site: Site) -> None:
    package_id, _, view_id = with_view(site, "conditional")
    site.grant(package_id, delivery=["interface"], items=["学校名称"])
    answer = ajax(site, view_id, "applicant")
    # The view searches all columns at once; those rows come through the interface.
    assert answer.status_code == 403
    assert "1200" not in answer.body


def test_hidden_views_are_like_none(site: Site) -> None:
    _, _, view_id = with_view(site, released=False)
    unknown = str(uuid.uuid4())
    nothing = ajax(site, unknown)
    assert nothing.status_code == 404
    for who in (None, "citizen", "other", "applicant"):
        assert ajax(site, view_id, who).status_code == 404, who
        assert filtered(site, view_id, who).status_code == 404, who
    assert ajax(site, view_id).body.replace(view_id, unknown) == nothing.body


def test_a_view_that_waits_for_its_review_is_like_none(site: Site) -> None:
    """The resource is public, the view is not yet."""
    package_id, resource_id = site.published()
    datastore_load.load(package_id)
    view = site.call(
        "resource_view_create",
        "editor",
        resource_id=resource_id,
        title="表格",
        view_type="datatables_view",
    )
    assert ajax(site, view["id"]).status_code == 404
    assert ajax(site, view["id"], "editor").status_code == 200
