"""Pages in a real browser: accessibility, keyboard, narrow screens, and without scripts."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from ckanext.govopen.tests.browser.conftest import sign_in
from ckanext.govopen.tests.views.portal import LONG

pytestmark = pytest.mark.browser

PUBLIC = [
    "/",
    "/dataset/",
    "/dataset/?q=不会有的词&theme=交通",
    "/dataset/parking",
    "/dataset/trips",
    "RESOURCE",
    "/organization/",
    "/organization/traffic",
    "/open/list",
    "/open/law",
    "/open/terms",
    "/user/login",
    "/open/register",
    "/nothing/here",
]


def address(path: str, live: Any) -> str:
    if path == "RESOURCE":
        return f"/dataset/parking/resource/{live.portal.resource}"
    return path.replace("REVIEW", live.portal.review)


def faults(page: Any) -> list[str]:
    """What axe finds wrong, and what it could not decide, with the places."""
    page.wait_for_load_state()
    found = Axe().run(page).response
    return [
        f"{kind}: {rule['id']}: {node['target']} {node.get('failureSummary', '')}"
        for kind in ("violations", "incomplete")
        for rule in found[kind]
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("path", PUBLIC)
def test_axe_has_nothing_to_say(live, page, path):
    page.goto(address(path, live))
    assert faults(page) == []


@pytest.mark.parametrize("path", ["/", "/dataset/", "/dataset/parking", "/open/list"])
def test_axe_has_nothing_to_say_on_a_phone(live, page, path):
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(path)
    assert faults(page) == []


def test_the_open_list_is_a_table_and_on_a_phone_one_of_cards(live, page):
    page.goto("/open/list")
    row, head = page.locator("tbody tr").first, page.locator("thead tr")
    assert row.bounding_box()["y"] >= head.bounding_box()["y"] + head.bounding_box()["height"] - 1
    assert abs(row.bounding_box()["x"] - head.bounding_box()["x"]) < 2
    page.set_viewport_size({"width": 390, "height": 800})
    # Cards: nothing lies beside what is seen, and the facts stand below the title.
    assert page.locator(".go-scroll").evaluate("(it) => it.scrollWidth <= it.clientWidth")
    title, fact = row.locator("th"), row.locator("td").nth(1)
    assert fact.bounding_box()["y"] > title.bounding_box()["y"]
    assert fact.bounding_box()["x"] < title.bounding_box()["x"] + 1
    expect(page.get_by_role("table").get_by_role("rowheader").first).to_be_visible()


@pytest.mark.parametrize(
    "path",
    ["/open/desk", "/open/review", "/open/review/REVIEW", "/dataset/waiting", "/open/duties"],
)
def test_axe_has_nothing_to_say_in_the_office(live, page, path):
    sign_in(page, "reviewer")
    page.goto(address(path, live))
    expect(page.locator("h1")).to_have_count(1)
    assert faults(page) == []


@pytest.mark.parametrize("width", [320, 390, 1280, 1920])
@pytest.mark.parametrize("path", ["/", "/dataset/", "/dataset/parking", "/open/law", "/user/login"])
def test_nothing_sticks_out(live, page, path, width):
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(path)
    beyond = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(beyond) == 0


def focused(page: Any) -> str:
    return page.evaluate("document.activeElement.outerHTML")


def test_the_keyboard_leads_to_the_content_and_to_a_result(live, page):
    page.goto("/")
    page.keyboard.press("Tab")
    assert "go-skip" in focused(page)
    assert page.locator(".go-skip").bounding_box()["y"] >= 0  # seen when it has the focus
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert 'name="q"' in focused(page)
    page.keyboard.type("停车场")
    page.keyboard.press("Enter")
    page.wait_for_url("**/dataset/?q=*")
    page.locator(".go-item-title a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/dataset/parking")
    expect(page.locator("h1")).to_have_text(LONG)


def test_the_focus_is_visible(live, page):
    page.goto("/dataset/")
    for _ in range(12):
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", focused(page)


def test_filters_fold_on_a_phone_and_stand_open_on_a_wide_screen(live, chromium):
    for width, visible in ((390, False), (1280, True)):
        context = chromium.new_context(
            base_url=live.address,
            java_script_enabled=False,
            viewport={"width": width, "height": 800},
        )
        page = context.new_page()
        page.goto("/dataset/")
        link = page.locator(".go-facet a").first
        assert link.is_visible() is visible
        if not visible:
            page.locator(".go-filters summary").click()
            expect(link).to_be_visible()
        link.click()
        expect(page.locator(".go-chips a")).to_have_count(1)
        context.close()


def test_everything_can_be_read_without_scripts(live, chromium):
    context = chromium.new_context(base_url=live.address, java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    page.fill("input[name=q]", "停车场")
    page.click(".go-hero button")
    page.click(f"text={LONG}")
    expect(page.locator("h1")).to_have_text(LONG)
    page.goto("/dataset/")
    page.select_option("select[name=sort]", "title_string asc")
    page.click(".go-sort button")
    page.wait_for_url(lambda url: "sort=title_string" in url)
    context.close()


def test_the_language_switch_keeps_the_page(live, page):
    page.goto("/dataset/parking")
    page.click("text=English")
    page.wait_for_url("**/en/dataset/parking")
    assert page.locator("html").get_attribute("lang") == "en"
    page.click("text=繁體中文")
    page.wait_for_url("**/zh_Hant_TW/dataset/parking")


def test_a_reviewer_decides_on_the_web(live, page):
    sign_in(page, "reviewer")
    page.goto(f"/open/review/{live.portal.review}")
    page.fill("#remarks", "请补充更新周期说明")
    page.click('button[value="return"]')
    page.wait_for_url("**/open/review")
    expect(page.locator("main")).to_contain_text("已附意见退回提供单位")
    page.goto("/open/review?state=returned")
    expect(page.locator("main")).to_contain_text("尚未审查的数据集甲")
