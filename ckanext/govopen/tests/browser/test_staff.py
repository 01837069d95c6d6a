"""CKAN's own pages that staff meet, and the login on a phone, in a real browser."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from ckanext.govopen.tests.browser.conftest import sign_in

pytestmark = pytest.mark.browser

EDITOR = [
    "/open/desk",
    "/dashboard/datasets",
    "/dashboard/organizations",
    "/user/editor",
    "/user/edit/editor",
    "/dataset/resources/parking",
    "/dataset/activity/parking",
    "/organization/activity/traffic",
    "/open/api",
]
OPERATOR = [
    "/open/ledger?part=staff",
    "/organization/members/traffic",
    "/organization/member_new/traffic",
    "/organization/bulk_process/traffic",
    "/organization/edit/traffic",
    "/harvest",
    "/harvest/new",
    "/ckan-admin/",
    "/ckan-admin/trash",
    "/user/edit/editor",
]


def serious(page: Any) -> list[str]:
    """What axe calls serious or critical, and a page without a heading, with the places."""
    page.wait_for_load_state()
    return [
        f"{rule['id']}: {node['target']} {node.get('failureSummary', '')[:200]}"
        for rule in Axe().run(page).response["violations"]
        if rule["impact"] in ("serious", "critical") or rule["id"] == "page-has-heading-one"
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("who", ["editor", "operator"])
def test_axe_finds_nothing_serious(live: Any, page: Any, who: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    sign_in(page, who)
    wrong = {}
    for path in EDITOR if who == "editor" else OPERATOR:
        answer = page.goto(path)
        assert answer.status == 200, path
        beyond = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        found = serious(page)
        if page.evaluate(beyond) > 0:
            found.append("something sticks out")
        if found:
            wrong[path] = found
    assert not wrong, "\n".join(f"{path}: {one}" for path, all_ in wrong.items() for one in all_)


def test_on_a_phone_the_login_form_comes_first(live: Any, page: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto("/user/login")
    form = page.locator("#field-login").bounding_box()
    boxes = page.locator(".secondary").bounding_box()
    assert form["y"] < boxes["y"]
    assert form["y"] < 800
