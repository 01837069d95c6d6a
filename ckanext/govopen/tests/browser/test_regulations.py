"""Haishu's joint decision and Chaohu's calendar days in a real browser.

Both regulations are not in force; a site uses them for trying out only. What is decided by whom
and when is tried in ``application/test_regulations.py``: here people do it on the pages.
"""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from ckan.common import config
from playwright.sync_api import Browser, expect
from werkzeug.serving import make_server

from ckanext.govopen.domain.deadline import local_date
from ckanext.govopen.logic import command
from ckanext.govopen.model import working_days
from ckanext.govopen.tests.application.test_regulations import clock
from ckanext.govopen.tests.application.world import World, later
from ckanext.govopen.tests.browser.pictures import shot
from ckanext.govopen.tests.browser.test_browser import faults
from ckanext.govopen.tests.browser.test_office import enter
from ckanext.govopen.tests.portal import Portal, User

pytestmark = [pytest.mark.browser, pytest.mark.long]

WIDE, PHONE = 1000, 390
DAY = datetime.timedelta(days=1)


@dataclass
class Live:
    """A portal behind an address, and the people of a case."""

    portal: Portal
    port: int
    address: str
    world: World


@pytest.fixture(scope="module")
def live(_one_portal: Portal) -> Iterator[Live]:
    world = World.build(_one_portal)
    _name(world)
    server = make_server("127.0.0.1", 0, _one_portal.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Live(_one_portal, server.server_port, config["ckan.site_url"], world)
    server.shutdown()
    thread.join(timeout=10)
    _one_portal.rest()


def _name(world: World) -> None:
    portal = world.portal
    portal.call("organization_patch", portal.operator, id=world.department.id, title="交通运输局")
    portal.call("organization_patch", portal.operator, id="data-authority", title="数据主管部门")
    people = {"李经办": world.handler, "王申请": world.applicant, "陈主管": world.authority}
    for name, user in people.items():
        portal.call("user_patch", portal.operator, id=user.id, fullname=name)


@pytest.fixture
def under(live: Live, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], dict[str, Any]]:
    """Puts the site under another regulation for the rest of a test; a new dataset from before."""

    def choose(name: str) -> dict[str, Any]:
        package = live.world.dataset(
            title="公共停车场名录与周转率统计", delivery=["download", "on_platform"]
        )
        monkeypatch.setitem(config, "ckanext.govopen.jurisdiction", name)
        monkeypatch.setitem(config, "ckanext.govopen.allow_profile_not_in_force", "true")
        return package

    return choose


def at(chromium: Browser, live: Live, user: User, case: dict[str, Any]) -> Any:
    """The page of a case before somebody who has signed in, with everything folded out."""
    page = enter(chromium, live, user)  # type: ignore[arg-type]
    page.set_viewport_size({"width": WIDE, "height": 900})
    page.goto(f"/open/application/{case['id']}")
    return page


def unfold(page: Any) -> None:
    page.evaluate("document.querySelectorAll('main details').forEach(one => one.open = true)")


def test_haishu_two_bodies_decide(
    live: Live, chromium: Browser, under: Callable[[str], dict[str, Any]]
) -> None:
    world, package = live.world, under("haishu")
    case = world.submitted(
        package,
        fields={**world.content()["fields"], "scenario": "学术研究"},
        parts=[{"datasets": [{"dataset": package["name"], "delivery": ["on_platform"]}]}],
    )
    page = at(chromium, live, world.authority, case)
    unfold(page)
    page.get_by_label("证件上的姓名").fill("王申请")
    page.get_by_label("查验的证件").fill("居民身份证")
    page.get_by_role("button", name="记录核验").click()
    page.get_by_role("button", name="受理", exact=True).click()
    unfold(page)
    today = local_date(command.now()).isoformat()
    passing = page.locator("form[action$='/forward']").first
    passing.locator("[name=letter_number]").fill("海数函〔2026〕1号")
    passing.locator("[name=letter_date]").fill(today)
    passing.locator("button[type=submit]").click()
    expect(page.locator("main")).to_contain_text("海数函〔2026〕1号")
    page.context.close()

    page = at(chromium, live, world.handler, case)
    page.locator("[name=decision][value=approve]").check()
    page.locator("form:has([name=decision]) [name=reason]").fill("符合开放条件")
    page.get_by_role("button", name="作出决定", exact=True).click()
    assert "等待申请人签署协议" not in page.inner_text("main"), "one body alone decides nothing"
    page.context.close()

    page = at(chromium, live, world.applicant, case)
    assert faults(page) == []
    shot(page, "haishu-applicant-waits", WIDE)
    shot(page, "haishu-applicant-waits", PHONE)
    text = page.inner_text("main")
    assert "符合开放条件" not in text, "what one body thinks is not told yet"
    assert "下一步：决定 · 市大数据主管部门\n" in text and "city_authority" not in text
    page.context.close()

    page = at(chromium, live, world.authority, case)
    shot(page, "haishu-one-of-two", WIDE)
    expect(page.locator("form[action$='/forward']")).to_have_count(0)
    unfold(page)
    answer = page.locator("form:has([name=party])").last
    answer.locator("[name=letter_number]").fill("甬数函〔2026〕7号")
    answer.locator("[name=letter_date]").fill(today)
    answer.locator("[name=decision][value=approve]").check()
    answer.locator("[name=reason]").fill("同意开放")
    answer.locator("button[type=submit]").last.click()
    expect(page.locator("main")).to_contain_text("等待申请人签署协议")
    assert faults(page) == []
    shot(page, "haishu-both", WIDE)
    page.context.close()


def test_chaohu_counts_calendar_days_and_leaves_a_day_off(
    live: Live,
    chromium: Browser,
    under: Callable[[str], dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, package = live.world, under("chaohu")
    calendar, today = working_days.calendar(), local_date(command.now())
    ahead = next(
        days for days in range(1, 40) if not calendar.is_workday(today + (days + 10) * DAY)
    )
    case = world.submitted(package)
    world.checked(case)
    later(monkeypatch, days=ahead)
    page = at(chromium, live, world.handler, case)
    accept = page.get_by_role("button", name="受理", exact=True)
    accept.click()
    expect(accept).to_have_count(0)
    provide = clock(world.show(case, world.handler), "open_provide")
    due = datetime.date.fromisoformat(provide["due"])
    assert provide["moved"] and due > today + (ahead + 10) * DAY
    text = page.inner_text("main")
    assert "19" in text and (due.isoformat() in text or f"{due.month}月{due.day}日" in text)
    assert faults(page) == []
    shot(page, "chaohu-department", WIDE)
    page.context.close()
    page = at(chromium, live, world.applicant, case)
    shot(page, "chaohu-applicant", WIDE)
    shot(page, "chaohu-applicant", PHONE)
    page.context.close()
