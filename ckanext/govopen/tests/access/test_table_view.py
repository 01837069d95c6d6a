"""The table view: its page finds its rows, for those and only those who may read the content."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import pytest
from ckan.plugins import toolkit

from ckanext.govopen.logic import datastore_load
from ckanext.govopen.tests.access.site import CSV, Site
from ckanext.govopen.tests.portal import Portal, without_token

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


def ajax(site: Site, view_id: str, who: str | None = None, **typed: str) -> Any:
    return site.app.post(
        f"/datatables/ajax/{view_id}",
        data={**FORM, **typed},
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
    there = without_token(ajax(site, view_id).body)
    assert there.replace(view_id, unknown) == without_token(nothing.body)


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


def in_column(name: str, text: str) -> dict[str, str]:
    return {"columns[0][name]": name, "columns[0][search][value]": text}


def test_what_is_typed_is_found_anywhere_in_a_row(site: Site) -> None:
    """CKAN's view makes one ``_`` of Chinese, and its full text has a cell for one word."""
    package = site.dataset("unconditional")
    table = CSV + '宽城区,"50%_折\\的:书|店 #1\'",7,A-12/3\n'
    resource = site.upload(package["id"], table)
    site.release(package["id"])
    datastore_load.load(package["id"])
    view = site.call(
        "resource_view_create",
        "editor",
        resource_id=resource["id"],
        title="表格",
        view_type="datatables_view",
    )
    site.release(package["id"])

    def found(**typed: str) -> list[str]:
        answer = ajax(site, view["id"], **typed)
        assert answer.status_code == 200, answer.body
        body = json.loads(answer.body)
        assert body["recordsTotal"] == 3
        assert body["recordsFiltered"] == len(body["data"])
        return [row["区县"] for row in body["data"]]

    every = ["南关区", "朝阳区", "宽城区"]
    for text, expected in {
        "": every,
        "区": every,
        "关": ["南关区"],
        " 一小　200 ": ["南关区"],
        "一小 书": [],
        "%": ["宽城区"],
        "_": ["宽城区"],
        "\\": ["宽城区"],
        "0%_折\\的:书|店": ["宽城区"],
        "#1'": ["宽城区"],
        "a-12/": ["宽城区"],
        "no_such": [],
    }.items():
        assert found(**{"search[value]": text}) == expected, text
    assert found(**in_column("学校名称", "小学")) == ["南关区"]
    assert found(**in_column("区县", "小学")) == []
    assert found(**in_column("区县", "区"), **{"search[value]": "书"}) == ["宽城区"]
    assert found(filters="区县:南关区", **{"search[value]": "书"}) == []
    assert ajax(site, view["id"], **in_column("no such", "小学")).status_code == 400
    assert ajax(site, view["id"], draw="x").status_code == 400

    asked = json.loads(DOWNLOAD["params"])
    asked["search"]["value"] = "小学"
    asked["visible"] = [True] * 5
    asked["columns"] = [{"name": "区县", "search": {"value": "关"}}]
    address = f"/datatables/filtered-download/{view['id']}"
    moved = site.app.post(
        address, data={"params": json.dumps(asked), "format": "csv"}, follow_redirects=True
    )
    assert moved.status_code == 200, moved.body
    assert "第一小学" in moved.body and "的:书" not in moved.body and "实验" not in moved.body
    assert site.app.post(address, data={"params": "{", "format": "csv"}).status_code == 400


def test_a_filter_that_contains_is_one_of_the_api(site: Site) -> None:
    """It narrows what is read and what is deleted; what it cannot do is refused, never left out."""
    package = site.dataset("unconditional")
    names = ("区县", "学校名称", "代码")
    rows = [("南关区", "第一小学", "1200"), ("朝阳区", "实验中学", "0345")]
    resource_id = site.call(
        "datastore_create",
        "editor",
        resource={"package_id": package["id"]},
        fields=[{"id": name, "type": "text"} for name in names],
        records=[dict(zip(names, row, strict=True)) for row in rows],
    )["resource_id"]

    def found(filters: Any, **more: Any) -> list[str]:
        answer = site.call(
            "datastore_search", "editor", resource_id=resource_id, filters=filters, **more
        )
        return [row["学校名称"] for row in answer["records"]]

    assert found({"govopen_contains": ["小学"]}) == ["第一小学"]
    assert found({"govopen_contains": ["1200"]}, q="第一小学") == ["第一小学"]
    assert found({"$and": [{"govopen_contains:区县": ["朝阳"]}, {"代码": "0345"}]}) == ["实验中学"]
    for wrong in (
        {"$or": [{"govopen_contains": ["小学"]}, {"代码": "0345"}]},
        {"$and": [{"$or": [{"govopen_contains": ["小学"]}, {"代码": "0345"}]}, {"代码": "0345"}]},
        {"$or": [{"govopen_contains": ["小学"]}]},
        [{"govopen_contains": ["小学"]}, {"代码": "0345"}],
        [{"govopen_contains": ["小学"]}],
        {"govopen_contains": [{"gt": "a"}]},
        {"govopen_contains": []},
        {"govopen_contains": ["a"] * 11},
        {"govopen_contains": ["a" * 201]},
        {"govopen_contains": [3]},
        {"govopen_contains": [""]},
        {"govopen_contains:no": ["小学"]},
        {"govopen_contains:_id": ["1"]},
    ):
        with pytest.raises(toolkit.ValidationError):
            found(wrong)
    site.call(
        "datastore_delete",
        "editor",
        resource_id=resource_id,
        filters={"govopen_contains": ["小学"]},
        force=True,
    )
    assert found({}) == ["实验中学"]
