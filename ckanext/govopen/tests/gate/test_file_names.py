"""Files keep their names, whatever these are written in; addresses and formats are sensible."""

from __future__ import annotations

import io
import re
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pytest
from ckan.common import config
from ckan.lib.munge import munge_filename
from hypothesis import given
from hypothesis import strategies as st

from ckanext.govopen.domain.file_name import address_name
from ckanext.govopen.tests.portal import Department, Portal, forgery_token

ROWS = "编号,位置\n1,人民广场\n2,南湖公园\n"
#: Name as given, name offered for saving, last part of the address, format.
NAMES = [
    ("点.csv", "点.csv", "file.csv", "CSV"),
    ("公共停车场 2026年.csv", "公共停车场 2026年.csv", "2026.csv", "CSV"),
    ("🚲 单车.csv", "🚲 单车.csv", "file.csv", "CSV"),
    ("car parks.CSV", "car parks.CSV", "car-parks.csv", "CSV"),
    ("../../x", "x", "file-x", "CSV"),
    ("没有扩展名", "没有扩展名", "file", "CSV"),
    ("长" * 300 + ".csv", "长" * 196 + ".csv", "file.csv", "CSV"),
    ("a" * 300 + ".json", "a" * 195 + ".json", "a" * 95 + ".json", "JSON"),
]


@pytest.fixture
def department(portal: Portal) -> Department:
    return portal.department()


def offered(portal: Portal, address: str, user: Any = None) -> str:
    """The name under which an address offers its file; checks the plain form on the way."""
    answer = portal.get(urlsplit(address).path, user)
    assert answer.status_code == 200
    header = answer.headers["Content-Disposition"]
    plain = re.search(r'filename="([A-Za-z0-9._-]+)"', header)
    assert plain is not None and not plain[1].startswith("."), header
    full = re.search(r"filename\*=UTF-8''([^;]+)$", header)
    return unquote(full[1]) if full else plain[1]


@pytest.mark.parametrize(("sent", "name", "address", "file_format"), NAMES)
def test_names_of_uploads(
    portal: Portal, department: Department, sent: str, name: str, address: str, file_format: str
) -> None:
    made = portal.dataset(department)
    content = "[1]" if sent.endswith(".json") else ROWS
    portal.upload(department.editor, content, sent, package_id=made["id"])
    portal.approve(department, made["id"])
    for reader in (department.editor, None):
        (shown,) = portal.call("package_show", reader, id=made["id"])["resources"]
        assert shown["url"].rsplit("/", 1)[-1] == address
        assert shown["format"] == file_format
        assert offered(portal, shown["url"], reader) == name


def test_the_name_survives_a_round_trip(portal: Portal, department: Department) -> None:
    """A client that reads the dataset and writes back what it read changes nothing of the file."""
    made = portal.dataset(department)
    portal.upload(department.editor, ROWS, "点.csv", package_id=made["id"])
    read = portal.call("package_show", department.editor, id=made["id"])
    written = portal.call("package_update", department.editor, **{**read, "notes": "改过。"})
    (before,), (after,) = read["resources"], written["resources"]
    assert after["url"] == before["url"]
    assert offered(portal, after["url"], department.editor) == "点.csv"


def test_the_format_follows_another_file_but_not_somebodys_word(
    portal: Portal, department: Department
) -> None:
    made = portal.dataset(department)
    first = portal.upload(department.editor, ROWS, "点.csv", package_id=made["id"])
    fields = {"id": first["id"], "package_id": made["id"]}
    second = portal.upload(department.editor, "[1]", "点.json", **fields, format="CSV")
    assert second["format"] == "JSON"
    third = portal.upload(department.editor, '{"a": 1}', "点.json", **fields, format="GeoJSON")
    assert third["format"] == "GeoJSON"
    fourth = portal.upload(department.editor, '{"a": 2}', "点.json", **fields, format="GeoJSON")
    assert fourth["format"] == "GeoJSON"


def test_the_form_keeps_the_name_as_well(portal: Portal, department: Department) -> None:
    made = portal.dataset(department)
    browser = portal.signed_in(department.editor)
    address = f"/dataset/{made['name']}/resource/new"
    page = browser.get(address, base_url=config["ckan.site_url"])
    token = forgery_token(page.get_data(as_text=True))
    sent = {
        "_csrf_token": token,
        "id": "",
        "url": "",
        "name": "",
        "description": "",
        "format": "",
        "save": "go-dataset-complete",
        "upload": (io.BytesIO(ROWS.encode()), "站点 名录.csv"),
    }
    answer = browser.post(
        address, base_url=config["ckan.site_url"], data=sent, content_type="multipart/form-data"
    )
    assert answer.status_code == 302, answer.get_data(as_text=True)[:900]
    (shown,) = portal.call("package_show", department.editor, id=made["id"])["resources"]
    assert shown["format"] == "CSV"
    assert offered(portal, shown["url"], department.editor) == "站点 名录.csv"


@given(st.text(max_size=320))
def test_ckan_leaves_the_name_in_the_address_as_it_is(name: str) -> None:
    tidy = address_name(name)
    assert munge_filename(tidy) == tidy
    assert quote(tidy) == tidy and not tidy.startswith((".", "-"))
