"""Passwords off: everything by which somebody would still get in, or keep a way in."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ckan import model
from ckan.cli import cli as command_line
from ckan.cli.cli import ckan
from ckan.common import config
from ckan.lib import mailer
from ckan.tests.helpers import CKANCliRunner

from ckanext.govopen.access import passwords
from ckanext.govopen.cli.checks import others
from ckanext.govopen.domain.refusal import Refused
from ckanext.govopen.logic import command, once
from ckanext.govopen.tests.identity.provider import Provider
from ckanext.govopen.tests.identity.test_sign_in import Browser, accounts, why
from ckanext.govopen.tests.portal import Portal, User, forgery_token, unique

NEW = "Another-Horse-9"
ONLY = "ckanext.govopen.oidc.only"


@pytest.fixture
def off(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Provider:
    monkeypatch.setitem(config, ONLY, True)
    return provider


def hash_of(user: User) -> Any:
    model.Session.expire_all()
    found = model.User.get(user.id)
    assert found is not None
    return found.password


def text(answer: Any) -> str:
    return answer.get_data(as_text=True)


def sign_in(browser: Browser, user: User) -> Any:
    token = forgery_token(text(browser.get("/user/login")))
    data = {"login": user.name, "password": user.password, "_csrf_token": token}
    return browser.post("/user/login", **data)


def test_a_password_signs_nobody_in(
    portal: Portal, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [User.make(), User.make(sysadmin=True)]
    for user in people:
        browser = Browser(portal)
        sign_in(browser, user)
        assert browser.name == user.name  # as long as passwords are on
    monkeypatch.setitem(config, ONLY, True)
    for user in people:
        browser = Browser(portal)
        answer = sign_in(browser, user)
        assert browser.name is None
        assert answer.status_code == 200
        assert 'type="password"' not in text(answer)
    page = text(Browser(portal).get("/user/login"))
    assert "/open/sign-in" in page
    for gone in ('type="password"', "/user/reset", "/open/register"):
        assert gone not in page
    browser = Browser(portal)
    browser.sign_in()
    assert browser.name


def test_what_leads_to_a_password_is_closed(
    portal: Portal, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, other, operator = User.make(), User.make(), User.make(sysadmin=True)
    here, there = Browser(portal, operator), Browser(portal, other)
    monkeypatch.setitem(config, ONLY, True)
    before = hash_of(user)
    found = model.User.get(user.id)
    assert found is not None
    mailer.create_reset_key(found)
    key = found.reset_key
    browser = Browser(portal)
    assert browser.get("/open/register").status_code == 404
    assert browser.get("/user/reset").status_code == 404
    assert browser.post("/user/reset", user=user.name).status_code == 404
    link = f"/user/reset/{user.id}?key={key}"
    assert browser.get(link).status_code == 404
    new = {"password1": NEW, "password2": NEW}
    assert browser.post(link, **new).status_code == 404
    name, address = unique("anew"), f"{unique('anew')}@example.com"
    for action, data in (
        ("user_update", {"id": user.id, "email": found.email, "reset_key": key, **new}),
        ("user_update", {"id": user.id, "email": address, "reset_key": key}),
    ):
        assert portal.ask(action, data).status_code == 409
    for who in (user, operator):
        patch = {"id": user.id, "password": NEW}
        assert portal.ask("user_patch", patch, who).status_code in (403, 409)
    for action, data in (
        ("user_patch", {"id": user.id, "password_hash": before[:-1] + "x"}),
        ("user_create", {"name": name, "email": address, "password": NEW}),
        ("user_create", {"name": name, "email": address, "password_hash": before}),
    ):
        answer = portal.ask(action, data, operator)
        assert answer.status_code == 409, (action, text(answer))
    assert hash_of(user) == before
    assert model.User.get(name) is None
    assert model.User.by_email(address) is None
    for path in (f"/user/edit/{user.name}", f"/user/edit/{operator.name}"):
        shown = here.get(path)
        assert shown.status_code == 200
        assert 'type="password"' not in text(shown)
    # Neither by the operator's form, nor by an invitation.
    form = f"/user/edit/{user.name}"
    edit = {"name": user.name, "save": "", "_csrf_token": forgery_token(text(here.get(form)))}
    old = {"old_password": operator.password}
    for odd in ({"email": address, **old, **new}, {"email": user.email, **new}):
        answer = here.post(form, **{**edit, **odd})
        assert answer.status_code < 500, text(answer)
        assert "Location" not in answer.headers
    # He still edits accounts, and nobody else gets round the question for a password.
    assert (
        here.post(form, **edit, email=user.email, old_password="", fullname="改名").status_code
        == 302
    )
    assert portal.call("user_show", operator, id=user.id)["fullname"] == "改名"
    page = f"/user/edit/{other.name}"
    edit = {"name": other.name, "save": "", "_csrf_token": forgery_token(text(there.get(page)))}
    for word in ("", other.password):
        answer = there.post(page, **edit, email=address, old_password=word)
        assert answer.status_code == 403
    assert hash_of(user) == before
    assert model.User.by_email(address) is None
    invited = {"email": address, "group_id": portal.organization()["id"], "role": "editor"}
    assert portal.ask("user_invite", invited, operator).status_code in (403, 409)
    assert model.User.by_email(address) is None


def test_only_the_provider_proves_who_one_is(
    portal: Portal, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session from before, and its right password: no identity linked, no account closed."""
    user = User.make()
    browser = Browser(portal, user)
    assert 'type="password"' in text(browser.get("/open/account"))
    monkeypatch.setitem(config, ONLY, True)
    page = text(browser.get("/open/account"))
    assert 'type="password"' not in page
    token = {"_csrf_token": forgery_token(page), "password": user.password}
    assert browser.post("/open/account/link", **token).status_code == 400
    assert browser.post("/open/account/close", sure="yes", **token).status_code == 400
    model.Session.expire_all()
    found = model.User.get(user.id)
    assert found is not None
    assert found.state == "active"
    # The same where passwords are on: it was the password that did not count.
    monkeypatch.setitem(config, ONLY, False)
    assert browser.post("/open/account/link", **token).status_code == 302


def test_the_last_identity_stays(portal: Portal, off: Provider) -> None:
    browser = Browser(portal)
    browser.sign_in()
    [row] = accounts(off)
    found = model.User.get(row.user_id)
    assert found is not None
    found.password = NEW  # set on the command line, say: it is no way in
    model.repo.commit()
    page = text(browser.get("/open/account"))
    assert ">收回<" not in page, "what would be refused is not offered"
    token = forgery_token(page)
    answer = browser.post("/open/account/unlink", id=row.id, _csrf_token=token)
    assert answer.status_code == 400
    assert [one.id for one in accounts(off)] == [row.id]


def test_words_of_a_failed_sign_in_speak_of_no_password(portal: Portal, off: Provider) -> None:
    user = User.make()
    found = model.User.get(user.id)
    assert found is not None
    off.user.update(name="x", email=found.email, email_verified=True)
    browser = Browser(portal)
    answer = browser.sign_in()
    assert why(answer) == "email_taken"
    said = text(browser.get(answer.headers["Location"].split(config["ckan.site_url"])[-1]))
    assert "密码" not in said
    assert "password" not in said.lower()


def press(browser: Browser, key: str) -> Any:
    page = text(browser.get(f"/open/sign-in/once?key={key}"))
    return browser.post("/open/sign-in/once", key=key, _csrf_token=forgery_token(page))


def test_a_link_signs_an_operator_in_once(portal: Portal, off: Provider) -> None:
    operator, other = User.make(sysadmin=True), User.make()
    now = command.now()
    with pytest.raises(Refused):
        once.make(other.name, now)
    with pytest.raises(Refused):
        once.make(unique("nobody"), now)
    older = once.make(operator.name, now)
    key = once.make(operator.name, now)
    secret = key.partition(".")[2]
    for wrong in (older, f"{other.id}.{secret}", f"{operator.id}.", operator.id, "", "."):
        browser = Browser(portal)
        assert press(browser, wrong).status_code == 410
        assert browser.name is None
    browser = Browser(portal)
    assert browser.get(f"/open/sign-in/once?key={key}").status_code == 200
    assert browser.name is None  # looking uses nothing up
    assert press(browser, key).status_code == 302
    assert browser.name == operator.name
    thief = Browser(portal)
    assert press(thief, key).status_code == 410
    assert thief.name is None


def test_a_link_is_the_portal_s_alone(
    portal: Portal, off: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = User.make(sysadmin=True)
    now = command.now()
    key = once.make(operator.name, now)
    found = model.User.get(operator.id)
    assert found is not None
    kept = dict(found.plugin_extras["govopen"]["sign_in_once"])
    # Neither with a later end, nor for somebody else, nor made without the portal's secret.
    later = (now + datetime.timedelta(days=9)).isoformat()
    found.plugin_extras = {"govopen": {"sign_in_once": {**kept, "until": later}}}
    model.repo.commit()
    assert once.use(key, now) is None
    other = User.make(sysadmin=True)
    second = model.User.get(other.id)
    assert second is not None
    second.plugin_extras = {"govopen": {"sign_in_once": kept}}
    model.repo.commit()
    assert once.use(f"{other.id}.{key.partition('.')[2]}", now) is None
    for odd in (5, [], {"mark": 1, "until": None}, {"until": later}, {"mark": "ä", "until": "x"}):
        found.plugin_extras = {"govopen": {"sign_in_once": odd}}
        model.repo.commit()
        assert once.use(key, now) is None
    # Not after its time, not once he is no operator, not while passwords are on.
    key = once.make(operator.name, now)
    assert once.use(key, now + once.PATIENCE) is None
    found.sysadmin = False
    model.repo.commit()
    assert once.use(key, now) is None
    found.sysadmin = True
    model.repo.commit()
    with monkeypatch.context() as on:
        on.setitem(config, ONLY, False)
        assert once.use(key, now) is None
        assert Browser(portal).get(f"/open/sign-in/once?key={key}").status_code == 404
        with pytest.raises(Refused):
            once.make(operator.name, now)
    used = once.use(key, now)
    assert used is not None
    assert used.id == operator.id


def test_the_command_line_makes_the_link(
    portal: Portal, off: Provider, cli: CKANCliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command_line, "make_app", lambda _: portal.app)
    operator = User.make(sysadmin=True)
    made = cli.invoke(ckan, ["govopen", "sign-in", operator.name])
    assert made.exit_code == 0, made.output
    address = next(line for line in made.output.splitlines() if "/open/sign-in/once?key=" in line)
    browser = Browser(portal)
    assert press(browser, address.partition("?key=")[2]).status_code == 302
    assert browser.name == operator.name
    refused = cli.invoke(ckan, ["govopen", "sign-in", User.make().name])
    assert refused.exit_code == 1
    assert "key=" not in refused.output


def test_a_site_without_a_way_in_does_not_start(
    portal: Portal, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    passwords.check()
    monkeypatch.setitem(config, ONLY, True)
    passwords.check()
    User.make()
    assert "oidc-unlinked" in [one.code for one in others.unlinked()]
    for missing in ("issuer", "client_id"):
        with monkeypatch.context() as without:
            without.setitem(config, f"ckanext.govopen.oidc.{missing}", "")
            with pytest.raises(passwords.NobodyCanSignIn, match=r"oidc\.only"):
                passwords.check()
            # Fail closed: passwords do not come back by that.
            assert not passwords.kept()


def test_an_account_without_an_identity_is_told_how_it_stands(
    portal: Portal, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Browser(portal, User.make())
    assert "注册后未打开邮件链接的" in text(browser.get("/open/privacy"))
    monkeypatch.setitem(config, ONLY, True)
    page = text(browser.get("/open/account"))
    assert "本次会话结束后，任何人都无法再登录该账号" in page
    assert "如需注销，请联系平台管理人员" in page
    # Nobody registers here, so that nothing is said of who did.
    assert "注册后未打开邮件链接的" not in text(browser.get("/open/privacy"))
