"""A harvest source from the first try to its report, in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from ckanext.govopen.tests.browser.conftest import sign_in
from ckanext.govopen.tests.browser.test_staff import serious

pytestmark = pytest.mark.browser

TABLE = """信息资源代码,信息资源名称,信息资源提供方,是否向社会开放,共享类型
A/1,公园名录,没有的局,是,无条件共享
A/2,,没有的局,是,无条件共享
A/3,内部名录,没有的局,否,不予共享
"""


def checked(page: Any) -> list[str]:
    """What is wrong with the page as it stands, on a phone and on a desk."""
    found: list[str] = []
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        found += serious(page)
        beyond = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        if page.evaluate(beyond) > 0:
            found.append(f"something sticks out at {width}")
    return found


def test_a_source_is_tried_saved_and_looked_at(live: Any, page: Any, tmp_path: Path) -> None:
    table = tmp_path / "catalogue.csv"
    table.write_text(TABLE, encoding="utf-8")
    sign_in(page, "operator")
    page.goto("/open/source/new")
    assert not checked(page)
    page.fill("#f-title", "目录表格")
    page.check("input[value=govopen_spreadsheet]")
    page.set_input_files("#f-upload", str(table))
    expect(page.locator("button[name=save]")).to_have_count(0)
    page.click("button[name=try]")
    expect(page.locator("tbody tr")).to_have_count(3)
    expect(page.locator("tbody")).to_contain_text("A/2")
    assert not checked(page)
    page.set_input_files("#f-upload", str(table))
    page.click("button[name=save]")
    expect(page.locator("h1")).to_have_text("目录表格")
    page.click("form[action$='/dry-run'] button")
    expect(page.locator("dl dd").first).to_have_text("3")
    assert not checked(page)
    page.goto("/open/source/kept-back")
    assert not checked(page)
