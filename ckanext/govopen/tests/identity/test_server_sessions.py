"""Signing in at a provider with sessions that lie on the server, as a site has them.

The tests of this room run with CKAN's cookie sessions; here the application gets the session
interface of a site (``SESSION_TYPE = redis``).
"""

from __future__ import annotations

import http.cookies
from collections.abc import Iterator
from typing import Any

import pytest
from ckan.common import config
from ckan.config.middleware.flask_app import CKANSession
from ckan.lib.redis import connect_to_redis

from ckanext.govopen.tests.identity.provider import Provider
from ckanext.govopen.tests.identity.test_sign_in import Browser, again, is_fresh
from ckanext.govopen.tests.portal import Portal


@pytest.fixture(autouse=True)
def on_the_server(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    app = portal.app
    monkeypatch.setitem(app.config, "SESSION_TYPE", "redis")
    monkeypatch.setattr(app, "session_interface", CKANSession()._get_interface(app))
    yield


def cookie(browser: Browser) -> str:
    """The value of the session's cookie."""
    name = config.get("SESSION_COOKIE_NAME") or "ckan"
    found = [one.value for one in (browser.client._cookies or {}).values() if one.key == name]
    assert len(found) == 1
    return found[0]


def with_cookie(browser: Browser, value: str) -> Browser:
    """Another browser that sends a cookie which it was told."""
    other = object.__new__(Browser)
    other.client, other.base = type(browser.client)(browser.client.application), browser.base
    name = config.get("SESSION_COOKIE_NAME") or "ckan"
    host = config["ckan.site_url"].split("://", 1)[1].split(":")[0]
    other.client.set_cookie(name, value, domain=host)
    return other


def test_the_session_is_on_the_server_and_new_with_the_sign_in(
    portal: Portal, provider: Provider
) -> None:
    browser = Browser(portal)
    back = browser.at_provider(browser.to_provider())
    before = cookie(browser)
    assert "govopen" not in before and len(before) < 200, "the cookie names it, and holds nothing"
    answer = browser.get(back)
    assert answer.status_code == 302 and browser.name
    after = cookie(browser)
    assert after != before, "whoever has planted the old one has nothing"
    assert with_cookie(browser, before).name is None
    assert with_cookie(browser, after).name == browser.name
    assert http.cookies.SimpleCookie(answer.headers["Set-Cookie"])
    assert any(after in key.decode() for key in connect_to_redis().scan_iter("*session*"))


def test_an_answer_counts_once_and_only_in_its_own_session(
    portal: Portal, provider: Provider
) -> None:
    browser, other = Browser(portal), Browser(portal)
    back = browser.at_provider(browser.to_provider())
    other.to_provider()
    assert "failed" in other.get(back).headers["Location"] and other.name is None
    assert "failed" not in browser.get(back).headers["Location"]
    assert "failed" in with_cookie(browser, cookie(browser)).get(back).headers["Location"]


def test_after_signing_out_the_old_cookie_opens_nothing(portal: Portal, provider: Provider) -> None:
    browser = Browser(portal)
    browser.sign_in()
    again(browser)
    kept = cookie(browser)
    assert is_fresh(browser) and is_fresh(with_cookie(browser, kept))
    browser.post("/user/_logout")
    assert browser.name is None
    assert with_cookie(browser, kept).name is None, "a kept cookie is of no use any more"


def test_a_server_that_has_forgotten_the_session_signs_nobody_in(
    portal: Portal, provider: Provider
) -> None:
    browser = Browser(portal)
    back = browser.at_provider(browser.to_provider())
    store: Any = connect_to_redis()
    for key in list(store.scan_iter(f"*{cookie(browser)}*")):
        store.delete(key)
    assert "failed" in browser.get(back).headers["Location"] and browser.name is None
    browser.sign_in()
    assert browser.name
    for key in list(store.scan_iter(f"*{cookie(browser)}*")):
        store.delete(key)
    assert browser.name is None
