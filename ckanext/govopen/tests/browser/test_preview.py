"""The preview of a released table in a real browser: at once, and the whole of it to search."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from ckanext.govopen.logic import datastore_load
from ckanext.govopen.tests.browser.test_browser import faults

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def file_page(live: Any) -> str:
    """The page of a file that was published by API and approved, its rows loaded."""
    assert datastore_load.load(live.portal.dataset)[live.portal.resource] in ("loaded", "kept")
    return f"/dataset/parking/resource/{live.portal.resource}"


def test_the_first_rows_need_no_script(live: Any, chromium: Any, file_page: str) -> None:
    context = chromium.new_context(base_url=live.address, java_script_enabled=False)
    page = context.new_page()
    page.goto(file_page)
    expect(page.locator("#preview tbody tr")).to_have_count(2)
    expect(page.locator("#preview")).to_contain_text("体育馆")
    context.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_with_rows_is_accessible(page: Any, file_page: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(file_page)
    expect(page.locator("#preview table")).to_be_visible()
    assert faults(page) == []
    beyond = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(beyond) == 0


@pytest.mark.parametrize("language", ["", "/zh_Hant_TW", "/en"])
def test_the_table_view_shows_its_rows(page: Any, file_page: str, language: str) -> None:
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.goto(language + file_page)
    page.locator("#preview a.go-button").click()
    page.wait_for_selector("#dtprv_wrapper tbody td:has-text('体育馆')")
    expect(page.locator("#dtprv_wrapper")).to_contain_text("南关区")
    search = page.locator("#dtprv_wrapper input[type=search]").first
    for typed, there, gone in (("关区", "体育馆", "没有"), ("qq没有这样的行", "0", "体育馆")):
        search.fill(typed)
        search.press("Enter")
        rows = page.locator("#dtprv tbody")
        rows.locator(f":scope:not(:has-text('{gone}'))").wait_for()
        expect(page.locator("#dtprv_wrapper")).to_contain_text(there)
    started = page.evaluate("Object.keys(window.ckan.module.instances).length")
    assert started > 0
    assert broken == []
