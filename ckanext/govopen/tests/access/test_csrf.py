"""Forged requests: what changes something by a session comes from a page of the portal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ckan.common import config
from ckan.plugins import toolkit

from ckanext.govopen.tests.portal import Browser, Portal, User, forgery_token

SAID = "本平台的页面"
_ELSEWHERE: list[dict[str, str]] = [
    {},
    {"Origin": "https://evil.example.com"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": "https://evil.example.com"},
    {"X-CSRFToken": "forged"},
    {"Authorization": "no-token-at-all"},
]


@pytest.fixture
def user(portal: Portal) -> User:
    return User.make()


@pytest.fixture
def browser(portal: Portal, user: User) -> Browser:
    made = portal.signed_in(user)
    made.own_page = False
    return made


@pytest.fixture
def checked(portal: Portal) -> Iterator[None]:
    """CKAN's own check is on, as in production."""
    settings = portal.app._wsgi_app.config
    before = settings["WTF_CSRF_ENABLED"]
    settings["WTF_CSRF_ENABLED"] = True
    yield
    settings["WTF_CSRF_ENABLED"] = before


def send(client: Browser, path: str, data: dict[str, Any], headers: dict[str, str]) -> Any:
    return client.post(path, base_url=config["ckan.site_url"], data=data, headers=headers)


def about(user: User) -> str | None:
    shown = toolkit.get_action("user_show")({"ignore_auth": True}, {"id": user.id})
    return shown.get("about")


def patch(browser: Browser, user: User, **headers: str) -> Any:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return send(browser, "/api/3/action/user_patch", {"id": user.id, "about": "forged"}, sent)


def flood(portal: Portal, user: User) -> None:
    """What made CKAN give up its check: requests with a token and without an account."""
    for who in (user, None):
        for action in ("user_patch", "api_token_create", "package_delete"):
            portal.ask(action, {}, who)
        portal.request("POST", "/dataset/delete/no-such-dataset", who)


@pytest.mark.parametrize("headers", _ELSEWHERE, ids=str)
def test_a_forged_form_changes_nothing(
    portal: Portal, user: User, browser: Browser, headers: dict[str, str]
) -> None:
    flood(portal, user)
    answer = send(browser, "/api/3/action/user_patch", {"id": user.id, "about": "forged"}, headers)
    assert answer.status_code == 403
    assert SAID in answer.get_json()["error"]["message"]
    assert about(user) != "forged"


@pytest.mark.parametrize(
    "path",
    [
        "/api/3/action/package_delete",
        "/api/action/api_token_create",
        "/dataset/delete/no-such-dataset",
        "/user/edit",
    ],
)
def test_every_way_is_closed(portal: Portal, user: User, browser: Browser, path: str) -> None:
    flood(portal, user)
    answer = send(browser, path, {"id": "x"}, {"Origin": "https://evil.example.com"})
    assert answer.status_code == 403
    said = answer.get_json()["error"]["message"] if answer.is_json else answer.text
    assert SAID in said


@pytest.mark.usefixtures("checked")
def test_ckans_check_outlives_requests_with_tokens(
    portal: Portal, user: User, browser: Browser
) -> None:
    flood(portal, user)
    answer = patch(browser, user, Origin="https://evil.example.com")
    assert answer.status_code == 400
    assert "CSRF" in answer.get_data(as_text=True)
    assert about(user) != "forged"
    # Tokens and strangers go on as before.
    assert portal.call("user_patch", user, id=user.id, about="by token")["about"] == "by token"
    assert portal.request("POST", "/api/3/action/status_show", json={}).status_code == 200


@pytest.mark.usefixtures("checked")
def test_pages_of_the_portal_go_on_working(portal: Portal, user: User, browser: Browser) -> None:
    page = browser.get("/user/edit", base_url=config["ckan.site_url"]).get_data(as_text=True)
    token = forgery_token(page)
    assert patch(browser, user, X_CSRFToken=token).status_code == 200
    assert patch(browser, user, Sec_Fetch_Site="same-origin").status_code == 200
    assert patch(browser, user, Origin=config["ckan.site_url"]).status_code == 200
    data = {"id": user.id, "about": "by form", "_csrf_token": token}
    assert send(browser, "/api/3/action/user_patch", data, {}).status_code == 200
    assert about(user) == "by form"
    # A token that got out does not help a page of another site.
    assert patch(browser, user, X_CSRFToken=token, Sec_Fetch_Site="cross-site").status_code == 403
    # Reading needs no proof.
    assert browser.get("/api/3/action/status_show").status_code == 200


def test_a_request_with_a_token_needs_no_page(user: User, browser: Browser) -> None:
    answer = patch(browser, user, Authorization=user.token, Origin="https://elsewhere.example.com")
    assert answer.status_code == 200
