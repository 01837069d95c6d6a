"""The differences that a reviewer reads: in words, old beside new, what changed marked."""

from __future__ import annotations

import re

import pytest
from bs4 import BeautifulSoup
from ckan.common import config

from ckanext.govopen.tests.portal import Department, Portal

#: What belongs to machines: ids, codes, names of fields.
RAW = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-|[0-9a-f]{64}|\b(True|False|true|false|None)\b"
    r"|owner_org|url_type|license_id|media_type|mimetype|sha256|info_items|cc-by|monthly"
    r"|unconditional|legal_basis|open_class|resource_code|update_cycle"
)


def table(portal: Portal, department: Department, reference: str) -> dict[str, tuple]:
    """Rows by their labels: cells before and after."""
    browser = portal.signed_in(department.reviewer)
    answer = browser.get(f"/open/review/{reference}", base_url=config["ckan.site_url"])
    page = BeautifulSoup(answer.get_data(as_text=True), "html.parser")
    found = {}
    for row in page.select(".go-changes tbody tr"):
        assert row.th is not None
        cells = row.select("td")
        found[row.th.get_text(" ", strip=True)] = (cells[1], cells[2])
    text = " ".join(
        [*found, *(cell.get_text(" ", strip=True) for pair in found.values() for cell in pair)]
    )
    known = department.name + " " + reference
    raw = [hit[0] for hit in RAW.finditer(text) if hit[0] not in known]
    assert not raw, (raw, text)
    return found


@pytest.fixture
def department(portal: Portal) -> Department:
    made = portal.department()
    portal.call("organization_patch", portal.operator, id=made.id, title="交通运输局")
    return made


def test_a_first_release_in_words(portal: Portal, department: Department) -> None:
    made = portal.dataset(
        department,
        license_id="cc-by",
        info_items=[
            {"name": "编号", "type": "C", "open": True},
            {"name": "联系人", "type": "N", "open": False},
        ],
    )
    portal.upload(
        department.editor, "编号\n" + "1\n" * 2000, package_id=made["id"], name="停车场.csv"
    )
    rows = table(portal, department, made["id"])
    assert rows["提供部门" if "提供部门" in rows else "数据提供单位"][1] is not None
    text = {label: after.get_text(" ", strip=True) for label, (_before, after) in rows.items()}
    assert "交通运输局" in text.values()
    items = next(value for label, value in text.items() if label == "信息项")
    assert "编号" in items and "字符型" in items and "不开放" in items
    file = next(value for label, value in text.items() if "停车场.csv" in label)
    assert re.search(r"\d+ KB", file), file


def test_the_changed_part_of_a_long_text_is_marked(portal: Portal, department: Department) -> None:
    long = "全市公共停车场的位置、收费标准和空余泊位，由各区县交通运输部门按月汇总。" * 5
    made = portal.released(department, notes=long, license_id="cc-by")
    items = [
        {"name": "编号", "type": "C", "open": True},
        {"name": "位置", "type": "C", "open": True},
    ]
    portal.call(
        "package_patch",
        department.editor,
        id=made["id"],
        notes=long + "<b>另含</b>充电桩。",
        info_items=items,
        license_id="cc-zero",
    )
    rows = table(portal, department, made["id"])
    (before, after) = next(pair for label, pair in rows.items() if pair[1].select("ins"))
    marks = [mark.get_text() for pair in rows.values() for mark in pair[1].select("ins")]
    assert any("<b>另含</b>充电桩。" in mark for mark in marks), "escaped, and only what is new"
    assert any("位置" in mark and "编号" not in mark for mark in marks)
    assert not after.select("b") and before is not None
