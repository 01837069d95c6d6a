"""Previews of released files: made with the file, released with it, readable without a script."""

from __future__ import annotations

import io
import json

import openpyxl
import pytest

from ckanext.govopen.demo.files import themes_picture
from ckanext.govopen.tests.portal import Portal

pytestmark = pytest.mark.usefixtures("with_plugins")

CSV = "区县,停车场,泊位\r\n" + "".join(f"南关区,第{n}停车场,{n}\r\n" for n in range(1, 31))


def workbook() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["街道", "户数"])
    sheet.append(["永吉街道", 12])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def page(portal: Portal, dataset: dict, resource: dict, query: str = "", user=None) -> str:
    path = f"/dataset/{dataset['name']}/resource/{resource['id']}{query}"
    answer = portal.get(path, user)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def kinds(portal: Portal, resource: dict, user=None) -> list[str]:
    found = portal.call("resource_view_list", user, id=resource["id"])
    return [view["view_type"] for view in found]


def test_a_csv_published_by_api_has_a_table_for_everybody_once_approved(portal):
    office = portal.department()
    dataset = portal.dataset(office)
    resource = portal.upload(office.editor, CSV, "停车场.csv", package_id=dataset["id"])
    assert kinds(portal, resource, office.editor) == ["datatables_view"]
    portal.approve(office, dataset["id"])
    before = page(portal, dataset, resource)
    assert "第1停车场" not in before and "<iframe" not in before  # the rows are not loaded yet
    portal.load_rows(dataset["id"])
    text = page(portal, dataset, resource)
    assert "<td>第20停车场</td>" in text and "第21停车场" not in text
    assert "共 30 行，显示前 20 行" in text
    (view,) = portal.call("resource_view_list", id=resource["id"])
    assert f"/view/{view['id']}" in text
    answer = portal.get(f"/dataset/{dataset['name']}/resource/{resource['id']}/view/{view['id']}")
    assert answer.status_code == 200 and "data-module" in answer.get_data(as_text=True)
    rows = portal.request(
        "POST",
        f"/datatables/ajax/{view['id']}",
        data={"draw": "1", "search[value]": "", "start": "0", "length": "5"},
    )
    assert rows.status_code == 200 and rows.get_json(force=True)["recordsTotal"] == 30
    listed = portal.get(f"/dataset/{dataset['name']}").get_data(as_text=True)
    assert f"{resource['id']}#preview" in listed


def test_making_the_view_is_no_change_of_its_own(portal):
    office = portal.department()
    dataset = portal.dataset(office)
    portal.upload(office.editor, CSV, "a.csv", package_id=dataset["id"])
    portal.approve(office, dataset["id"])
    portal.load_rows(dataset["id"])
    shown = portal.call("govopen_access_show", office.editor, id=dataset["id"])
    assert shown["pending"] is False and shown["release_version"] == 1


def test_a_workbook_a_picture_and_a_text(portal):
    office = portal.department()
    dataset = portal.dataset(office)
    files = {
        "xlsx": (workbook(), "户数.xlsx", "datatables_view"),
        "png": (themes_picture(), "图.png", "image_view"),
        "json": (json.dumps({"主题": 1}).encode(), "主题.json", "text_view"),
    }
    made = {
        name: portal.upload(
            office.editor, content, file, package_id=dataset["id"], format=name.upper()
        )
        for name, (content, file, _kind) in files.items()
    }
    portal.approve(office, dataset["id"])
    portal.load_rows(dataset["id"])
    for name, (_content, _file, kind) in files.items():
        assert kinds(portal, made[name]) == [kind], name
    assert "<td>永吉街道</td>" in page(portal, dataset, made["xlsx"])
    picture = page(portal, dataset, made["png"])
    assert '<img class="go-picture"' in picture and "<iframe" not in picture
    assert "<iframe" in page(portal, dataset, made["json"])


def test_a_view_that_was_taken_away_stays_away(portal):
    office = portal.department()
    dataset = portal.dataset(office)
    resource = portal.upload(office.editor, CSV, "a.csv", package_id=dataset["id"])
    (view,) = portal.call("resource_view_list", office.editor, id=resource["id"])
    portal.call("resource_view_delete", office.editor, id=view["id"])
    portal.call("package_patch", office.editor, id=dataset["id"], notes="另一段说明。")
    portal.upload(office.editor, CSV + "又一区,甲,1\r\n", "a.csv", id=resource["id"])
    assert kinds(portal, resource, office.editor) == []


def test_a_link_gets_no_preview_of_somebody_elses_page(portal):
    office = portal.department()
    dataset = portal.dataset(
        office, resources=[{"url": "https://example.org/map.png", "name": "图", "format": "PNG"}]
    )
    assert kinds(portal, dataset["resources"][0], office.editor) == []


def test_conditional_rows_are_shown_to_nobody_without_a_grant(portal):
    office = portal.department()
    dataset = portal.dataset(
        office, open_class="conditional", open_condition="科研机构", class_reason="含经营信息"
    )
    resource = portal.upload(office.editor, CSV, "停车场.csv", package_id=dataset["id"])
    portal.approve(office, dataset["id"])
    portal.load_rows(dataset["id"])
    text = page(portal, dataset, resource)
    assert "第1停车场" not in text and "/view/" not in text
    assert kinds(portal, resource) == []
    (view,) = portal.call("resource_view_list", office.editor, id=resource["id"])
    answer = portal.get(f"/dataset/{dataset['name']}/resource/{resource['id']}/view/{view['id']}")
    assert answer.status_code in (403, 404)
