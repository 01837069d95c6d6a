"""The whole way of an application in a real browser: applying, checking, deciding, signing, using.

``GOVOPEN_SHOTS`` may name a folder that gets a picture of each page in both sizes.
"""

from __future__ import annotations

import datetime
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from ckan.common import config
from playwright.sync_api import Browser, expect
from werkzeug.serving import make_server

from ckanext.govopen.domain.figures import Case
from ckanext.govopen.model import figures
from ckanext.govopen.tests.browser.pictures import shot
from ckanext.govopen.tests.browser.test_browser import faults
from ckanext.govopen.tests.browser.test_office import enter
from ckanext.govopen.tests.portal import Department, Portal, User

pytestmark = pytest.mark.browser

TODAY = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=8))).date()
LAST = (TODAY + datetime.timedelta(days=90)).isoformat()
TITLE = "各区县公共停车场（含路内泊位）名录、收费标准与历年周转率统计明细表"
BEYOND = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@dataclass
class Way:
    """A portal behind an address, a department with a conditional dataset, and an applicant."""

    portal: Portal
    port: int
    address: str
    department: Department
    handler: User
    applicant: User
    dataset: str = ""
    other: str = ""
    case: str = ""


def _fill(way: Way) -> None:
    portal, department = way.portal, way.department
    portal.call("organization_patch", portal.operator, id=department.id, title="交通运输局")
    portal.duty(way.handler, department.name, "handler")
    fields = {
        "open_class": "conditional",
        "open_condition": "科研机构和公共交通企业，说明用途",
        "class_reason": "含企业经营数据",
        "legal_basis": [
            {"instrument": "中华人民共和国数据安全法", "article": "第三十条", "kind": "law"}
        ],
        "info_items": [
            {"name": "停车场名称", "type": "C", "open": True},
            {"name": "泊位", "type": "N", "open": True},
        ],
        "delivery": ["interface", "on_platform", "download"],
    }
    made = portal.released(department, title=TITLE, **fields)
    way.dataset = made["name"]
    portal.upload(
        department.editor, "停车场名称,泊位\n体育馆,95\n", package_id=made["id"], name="停车场.csv"
    )
    portal.approve(department, made["id"])
    portal.load_rows(made["id"])
    way.other = portal.released(department, title="公交刷卡记录月度汇总", **fields)["id"]


@pytest.fixture(scope="module")
def live(_one_portal: Portal) -> Iterator[Way]:
    _one_portal.ready()
    server = make_server("127.0.0.1", 0, _one_portal.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    made = Way(
        _one_portal,
        server.server_port,
        config["ckan.site_url"],
        _one_portal.department(),
        User.make(fullname="李经办"),
        User.make(fullname="王申请"),
    )
    _fill(made)
    _one_portal.rest()
    yield made
    server.shutdown()
    thread.join(timeout=10)
    _one_portal.rest()


def look(page: Any, name: str) -> None:
    """Nothing to say for axe and nothing sticks out, on a phone and on a wide screen."""
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert (name, width, faults(page)) == (name, width, [])
        assert (name, width, page.evaluate(BEYOND)) == (name, width, 0)
        shot(page, name, width)


def test_a_person_applies_without_scripts(live: Way, chromium: Browser) -> None:
    page = enter(chromium, live, live.applicant, java_script_enabled=False)  # type: ignore[arg-type]
    page.goto(f"/dataset/{live.dataset}")
    page.get_by_role("link", name="申请使用").click()
    page.wait_for_url("**/open/apply/**")
    code = page.locator("[name='organisation.code']")
    expect(code).to_be_hidden()
    page.locator("[value=legal_person]").check()
    expect(code).to_be_visible()
    page.get_by_label("自然人").check()
    expect(code).to_be_hidden()
    page.fill("[name='contact.phone']", "0431-88880000")
    page.fill("[name=words]", "公交刷卡")
    page.locator("button[value=search]").click()
    page.locator("button[name=add]").first.click()
    page.wait_for_url("**/edit")
    assert page.input_value("[name='contact.phone']") == "0431-88880000"
    page.locator("button[name=remove]").last.click()
    page.get_by_role("button", name="提交申请").click()
    expect(page.locator("#f-purpose[aria-invalid=true]")).to_have_count(1)
    page.locator("[name^=delivery-][value=on_platform]").check()
    page.fill("[name=purpose]", "研究停车需求的时空分布，形成年度报告")
    page.fill("[name=security_measures]", "专机存放，专人管理，项目结束后删除")
    page.fill("[name=capability]", "有三名数据分析人员和相应设备")
    page.fill("[name=valid_from]", TODAY.isoformat())
    page.fill("[name=valid_to]", LAST)
    page.get_by_role("button", name="提交申请").click()
    page.wait_for_url("**/open/application/*")
    live.case = page.url.rstrip("/").rsplit("/", 1)[1]
    expect(page.locator("main")).to_contain_text("已提交，等待受理")
    page.context.close()


def test_the_department_returns_accepts_and_approves(live: Way, chromium: Browser) -> None:
    page = enter(chromium, live, live.handler)  # type: ignore[arg-type]
    page.goto("/open/desk")
    look(page, "desk")
    page.goto("/open/applications?scope=department")
    look(page, "applications")
    page.goto(f"/open/application/{live.case}")
    for details in page.locator("main details").all():
        if details.get_attribute("open") is None:
            details.locator("summary").first.click()
    look(page, "application-department")
    page.get_by_label("证件上的姓名").fill("王申请")
    page.get_by_label("查验的证件").fill("居民身份证")
    page.get_by_role("button", name="记录核验").click()
    expect(page.locator("main")).to_contain_text("身份已核验")
    page.get_by_role("button", name="受理", exact=True).click()
    page.locator("[name=decision][value=approve]").check()
    page.locator("form:has([name=decision]) [name=reason]").fill("符合开放条件")
    look(page, "application-decide")
    page.get_by_role("button", name="作出决定", exact=True).click()
    expect(page.locator("main")).to_contain_text("等待申请人签署协议")
    page.context.close()


def test_the_applicant_signs_and_uses(live: Way, chromium: Browser) -> None:
    page = enter(chromium, live, live.applicant)  # type: ignore[arg-type]
    page.goto(f"/open/application/{live.case}")
    look(page, "application-approved")
    page.locator("main a[href*='/open/letter/']").last.click()
    page.wait_for_url("**/open/letter/**")
    look(page, "letter")
    page.goto(f"/open/application/{live.case}")
    page.get_by_role("link", name="阅读并签署协议").click()
    page.wait_for_url("**/open/agreement/**")
    shot(page, "agreement", 1280)
    shot(page, "agreement", 390)
    page.fill("[name=typed_name]", "王申请")
    page.fill("[name=password]", live.applicant.password)
    page.locator("form:has([name=typed_name]) button[type=submit]").click()
    page.goto(f"/open/application/{live.case}")
    expect(page.locator("main")).to_contain_text("已授权")
    look(page, "application-granted")
    page.get_by_role("link", name="查看授权").click()
    page.wait_for_url("**/open/grant/*")
    expect(page.locator("main")).to_contain_text(TITLE)
    shot(page, "grant", 1280)
    shot(page, "grant", 390)
    page.get_by_role("link", name="在平台内查看表格").click()
    page.wait_for_url("**/table/**")
    look(page, "table")
    page.context.close()


def test_the_form_and_the_figures(
    live: Way, chromium: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = enter(chromium, live, live.applicant)  # type: ignore[arg-type]
    page.goto(f"/open/apply/{live.dataset}")
    page.locator("[value=legal_person]").check()
    look(page, "apply")
    page.get_by_role("button", name="提交申请").click()
    look(page, "apply-errors")
    page.goto("/open/figures")
    look(page, "figures-empty")
    found = [
        Case(department, f"2025-{month:02d}", outcome, "law", days)
        for department, more in ((live.department.id, 3), ("archive", 0))
        for month in range(1, 7)
        for outcome in ("approved", "refused", "open")
        for days in range(month + more)
    ]
    monkeypatch.setattr(figures, "cases", lambda *_: found)
    monkeypatch.setattr(figures, "grants", lambda *_: {live.department.id: 12, "archive": 3})
    page.goto("/open/figures")
    page.get_by_role("link", name="2025-Q1").click()
    expect(page.get_by_role("link", name="2025-Q1")).to_have_attribute("aria-current", "page")
    expect(page.get_by_text("2025-06-01")).to_be_visible()
    look(page, "figures")
    page.context.close()
