"""The pages on which departments and reviewers work, in a real browser: without scripts, too."""

from __future__ import annotations

import datetime
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from ckan.common import config
from playwright.sync_api import Browser, expect
from werkzeug.serving import make_server

from ckanext.govopen.tests.browser.test_browser import faults
from ckanext.govopen.tests.gate.test_one_by_one import marked
from ckanext.govopen.tests.harvesters.conftest import (
    DEFAULTS,
    Catalogue,
    as_csv,
    authority_account,
)
from ckanext.govopen.tests.portal import AUTHORITY, Department, Portal, User, unique

pytestmark = pytest.mark.browser

TITLE = "各区县公共停车场（含路内泊位）名录、收费标准、实时空余泊位数及历年周转率统计明细表"
UNTIL = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=90)).date()
BASIS = [{"instrument": "中华人民共和国数据安全法", "article": "第三十条", "kind": "law"}]
PLACES = ("class", "releases", "releases/2", "suspension", "live", "grants")


@dataclass
class Office:
    """A department with everything that its pages show, behind a real address."""

    portal: Portal
    port: int
    address: str
    department: Department
    dataset: str = ""
    source: str = ""
    keeper: User | None = None

    def place(self, page: str) -> str:
        return f"/open/dataset/{self.dataset}/{page}"


def _fill(office: Office) -> None:
    portal, department = office.portal, office.department
    portal.duty(department.reviewer, department.name, "handler")
    for user, name in (
        (department.editor, "李编辑"),
        (department.reviewer, "王审查"),
        (department.member, "赵成员"),
    ):
        portal.call("user_patch", portal.operator, id=user.id, fullname=name)
    portal.call("organization_patch", portal.operator, id=department.id, title="交通运输局")
    made = portal.released(
        department,
        title=TITLE,
        open_class="conditional",
        open_condition="科研机构和公共交通企业，说明用途",
        class_reason="含企业经营数据",
        legal_basis=BASIS,
        info_items=[
            {"name": "停车场名称", "type": "C", "open": True},
            {"name": "泊位", "type": "N", "open": True},
        ],
    )
    office.dataset = made["name"]
    resource = portal.upload(
        department.editor, "停车场,泊位\n体育馆,95\n", package_id=made["id"], name="停车场.csv"
    )
    portal.call(
        "package_patch", department.editor, id=made["id"], notes="全市停车场，**按月**更新。"
    )
    portal.approve(department, made["id"], remarks="已核对字段")
    portal.load_rows(made["id"])
    machine, company = User.make(), User.make(fullname="张研究")
    portal.call(
        "govopen_standing_give",
        department.reviewer.deciding,
        resource_id=resource["id"],
        fields=[{"id": "停车场", "type": "text"}, {"id": "泊位", "type": "text"}],
        source=machine.name,
        until=UNTIL.isoformat(),
        reason="空余泊位每分钟变化",
    )
    for number in range(3):
        grant = portal.call(
            "govopen_grant_give",
            department.reviewer.deciding,
            package_id=made["id"],
            persons=[company.name],
            holder="某某大学交通研究院" if number else "",
            holder_code="12100000400000000X" if number else "",
            purpose="研究停车需求的时空分布，形成年度报告",
            delivery=["download", "interface"],
            valid_to=UNTIL.isoformat(),
            quota={"downloads": 20} if number else None,
        )
        if number:
            act = "suspend" if number == 1 else "revoke"
            portal.call(
                f"govopen_grant_{act}",
                department.reviewer.deciding,
                id=grant["id"],
                reason="用途与申请不符，请说明",
            )


def _harvest(office: Office) -> None:
    portal = office.portal
    office.keeper = keeper = authority_account(portal)
    config["ckanext.govopen.harvest.may_create_organizations"] = True
    name = unique("source")
    source = portal.call(
        "harvest_source_create",
        keeper,
        name=name,
        title="共享交换平台目录",
        url=f"upload:{name}",
        source_type="govopen_spreadsheet",
        owner_org=AUTHORITY,
        frequency="MANUAL",
        config=json.dumps(
            {"defaults": DEFAULTS, "departments": "all", "create_organizations": True}
        ),
    )
    office.source = name
    catalogue = Catalogue(
        portal, keeper, office.department.reviewer, source["id"], office.department
    )
    rows = [
        catalogue.row(n, title=f"公交线路站点信息{n}", provider="交通运输局") for n in range(12)
    ]
    catalogue.run(as_csv(rows))
    catalogue.run(as_csv([rows[0], catalogue.row(99, title="", provider="交通运输局")]))


@pytest.fixture(scope="module")
def office(_one_portal: Portal) -> Iterator[Office]:
    _one_portal.ready()
    server = make_server("127.0.0.1", 0, _one_portal.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    made = Office(
        _one_portal, server.server_port, config["ckan.site_url"], _one_portal.department()
    )
    _fill(made)
    _harvest(made)
    _one_portal.rest()
    yield made
    server.shutdown()
    thread.join(timeout=10)
    _one_portal.rest()


@pytest.fixture(scope="module")
def live(office: Office) -> Office:
    """What the browser of this room is started for."""
    return office


def enter(chromium: Browser, office: Office, user: User, **options: Any) -> Any:
    """A page of a browser in which somebody has signed in."""
    context = chromium.new_context(base_url=office.address, locale="zh-CN", **options)
    page = context.new_page()
    page.goto("/user/login")
    page.fill("#field-login", user.name)
    page.fill("#field-password", user.password)
    page.click("main form button[type=submit]")
    page.wait_for_url(lambda url: "/user/login" not in url)
    return page


@pytest.mark.parametrize("width", [390, 1280])
def test_axe_has_nothing_to_say_and_nothing_sticks_out(office, chromium, width):
    size = {"width": width, "height": 900}
    page = enter(chromium, office, office.department.reviewer, viewport=size)
    beyond = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    for place in [*map(office.place, PLACES), f"/dataset/{office.dataset}"]:
        page.goto(place)
        for details in page.locator("main details").all():
            details.locator("summary").click()
        assert (place, faults(page)) == (place, [])
        assert (place, page.evaluate(beyond)) == (place, 0)
    page.context.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_form_of_the_class(office, chromium, width):
    size = {"width": width, "height": 900}
    page = enter(chromium, office, office.department.editor, viewport=size)
    page.goto(office.place("class"))
    page.locator("main details.go-details summary").click()
    assert faults(page) == []
    page.context.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_report_of_a_source(office, chromium, width):
    page = enter(chromium, office, office.keeper, viewport={"width": width, "height": 900})
    page.goto(f"/open/source/{office.source}")
    assert faults(page) == []
    beyond = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(beyond) == 0
    page.context.close()


def test_suspended_by_keyboard_and_without_scripts(office, chromium):
    page = enter(chromium, office, office.department.editor, java_script_enabled=False)
    page.goto(f"/dataset/{office.dataset}")
    page.get_by_role("link", name="暂停与恢复").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/suspension")
    page.focus("#f-reason")
    page.keyboard.insert_text("数据有误，正在核对")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("公众看不到此数据集的任何内容").first.wait_for()  # the address stays the same
    assert office.portal.get(f"/dataset/{office.dataset}").status_code == 404
    page.goto(f"/dataset/{office.dataset}")
    expect(page.locator("main")).to_contain_text("数据有误，正在核对")
    page.goto(office.place("suspension"))
    page.fill("#f-reason", "已更正")
    page.get_by_role("button", name="恢复公开").click()
    page.get_by_role("button", name="立即暂停").wait_for()
    assert office.portal.get(f"/dataset/{office.dataset}").status_code == 200
    page.context.close()


def test_a_refusal_leads_to_its_field(office, chromium):
    page = enter(chromium, office, office.department.reviewer)
    page.goto(office.place("grants"))
    page.fill("#f-persons", "nobody-of-that-name")
    page.fill("#f-purpose", "研究")
    page.fill("#f-valid_to", UNTIL.isoformat())
    page.get_by_role("button", name="发放授权").click()
    link = page.locator("[role=alert] a")
    expect(link).to_contain_text("用户账号")
    link.click()
    assert page.evaluate("location.hash") == "#f-persons"
    assert page.input_value("#f-persons") == "nobody-of-that-name"
    assert faults(page) == []
    page.context.close()


def test_what_is_decided_one_by_one_has_no_box(office, chromium):
    portal, department = office.portal, office.department
    plain, alone = (portal.dataset(department, title=f"待审{n}") for n in (1, 2))
    for one in (plain, alone):
        portal.submit(department, one["id"])
    marked(alone["id"])
    page = enter(chromium, office, department.reviewer)
    page.goto("/open/review")
    expect(page.get_by_label(plain["title"])).to_have_count(1)
    expect(page.get_by_label(alone["title"])).to_have_count(0)
    expect(page.locator("main")).to_contain_text("逐项决定")
    assert faults(page) == []
    page.context.close()
