"""Signing in through a provider of identities, and the pages of an account, in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from ckan.common import config
from playwright.sync_api import expect

from ckanext.govopen.logic import oidc
from ckanext.govopen.tests.identity.conftest import OPTIONS
from ckanext.govopen.tests.identity.provider import Provider, running


@pytest.fixture
def provider(live: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    with running() as made:
        made.reset()
        made.user["name"] = "韩梅梅"
        made.client.redirect_uri = config["ckan.site_url"] + "/open/sign-in/callback"
        monkeypatch.setitem(config, "ckanext.govopen.oidc.issuer", made.issuer)
        for name, value in OPTIONS.items():
            monkeypatch.setitem(config, f"ckanext.govopen.{name}", value)
        oidc.forget()
        yield made
    oidc.forget()


def faults(page: Any) -> list[str]:
    page.wait_for_load_state()
    found = Axe().run(page).response["violations"]
    return [f"{rule['id']}: {node['target']}" for rule in found for node in rule["nodes"]]


def test_there_and_back(live: Any, page: Any, provider: Provider) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto("/user/login?came_from=/open/account")
    assert faults(page) == []
    page.get_by_role("button", name="使用统一身份认证登录").click()
    page.wait_for_url(f"{live.address}/open/account")
    expect(page.locator("main")).to_contain_text("韩梅梅")
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    # Proved anew, no password is asked for, and the account can be closed.
    page.get_by_role("button", name="通过统一身份认证验证本人").click()
    page.get_by_text("您刚刚通过了统一身份认证").wait_for()
    expect(page.locator("#f-password")).to_have_count(0)
    page.get_by_label("我确认永久注销账号").check()
    page.get_by_role("button", name="注销账号").click()
    page.wait_for_url("**/open/account/closed")
    page.goto("/user/login")
    page.get_by_role("button", name="使用统一身份认证登录").click()
    page.wait_for_url("**/open/sign-in/failed**")
    expect(page.locator("main")).to_contain_text("已注销")
    assert faults(page) == []


def test_registering_needs_no_mouse(live: Any, page: Any) -> None:
    page.goto("/open/register")
    assert faults(page) == []
    page.focus("#f-email")
    page.keyboard.press("Tab")
    # The field for machines is not on the way.
    assert page.evaluate("document.activeElement.tagName") == "BUTTON"
