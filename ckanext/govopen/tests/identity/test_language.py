"""The language of mail: chosen by the account itself, for staff and applicants alike."""

from __future__ import annotations

from typing import Any

import pytest
from ckan import model
from ckan.common import config

from ckanext.govopen.logic import language, post
from ckanext.govopen.tests.identity.test_sign_in import Browser
from ckanext.govopen.tests.portal import Portal, User


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Bodies by the name of the account that got them."""
    box: dict[str, str] = {}

    def mail(user: Any, _subject: str, body: str, *_more: Any, **_also: Any) -> None:
        box[user.name] = body

    monkeypatch.setattr(post.mailer, "mail_user", mail)
    return box


def told(portal: Portal, user: User, sent: dict[str, str], **more: str) -> str:
    """What somebody is told about a case, ``more`` being what the case knows."""
    model.Session.expire_all()
    template = "application-to-decide"
    with portal.app.test_request_context():  # as the scheduler has one
        post.send([{"template": template, "users": [user.id], "case": "K-1", **more}])
    return sent.pop(user.name)


CHINESE = "编号：K-1"
TRADITIONAL = "編號：K-1"
ENGLISH = "An application waits for your decision."


def kept(portal: Portal, user: User) -> str:
    return portal.call("govopen_account_show", user)["language"]


def test_mail_comes_in_the_language_of_choice(portal: Portal, sent: dict[str, str]) -> None:
    user = User.make()
    site = told(portal, user, sent)
    assert CHINESE in site
    portal.call("govopen_account_language", user, language="en")
    assert ENGLISH in told(portal, user, sent) and ENGLISH in told(
        portal, user, sent, language="zh_Hans_CN"
    )
    portal.call("govopen_account_language", user, language="zh_Hant_TW")
    assert TRADITIONAL in told(portal, user, sent)
    portal.call("govopen_account_language", user, language="")
    assert told(portal, user, sent) == site
    assert ENGLISH in told(portal, user, sent, language="en")


def test_on_the_page_of_the_account(portal: Portal) -> None:
    user = User.make()
    browser = Browser(portal, user)
    page = browser.get("/open/account").get_data(as_text=True)
    assert "邮件语言" in page and 'value="zh_Hant_TW"' in page
    answer = browser.post("/open/account/language", language="zh_Hant_TW")
    assert answer.status_code == 302
    assert kept(portal, user) == "zh_Hant_TW"
    assert 'value="zh_Hant_TW" lang="zh-Hant-TW" selected' in browser.get("/open/account").get_data(
        as_text=True
    )


@pytest.mark.parametrize("wrong", ["de", "zh_Hans_CN; x", "../en", ["en"], {"a": 1}, 5])
def test_what_the_site_does_not_offer_is_refused(portal: Portal, wrong: Any) -> None:
    user = User.make()
    answer = portal.ask("govopen_account_language", {"language": wrong}, user)
    assert answer.status_code == 409
    assert kept(portal, user) == ""


def test_nobody_chooses_for_others(portal: Portal) -> None:
    user, other = User.make(), User.make()
    assert portal.ask("govopen_account_language", {"language": "en"}).status_code == 403
    portal.ask(
        "govopen_account_language", {"language": "en", "id": other.id, "user": other.name}, user
    )
    assert kept(portal, other) == ""


def test_what_ckan_and_others_keep_there_stays(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = User.make()
    found = model.User.get(user.id)
    assert found is not None
    found.plugin_extras = {"other": {"a": 1}, "govopen": {"b": 2}}
    model.repo.commit()
    portal.call("govopen_account_language", user, language="en")
    model.Session.expire_all()
    assert found.plugin_extras == {"other": {"a": 1}, "govopen": {"b": 2, "mail_language": "en"}}
    monkeypatch.setitem(config, "ckan.locales_offered", "zh_Hans_CN zh_Hant_TW")
    assert language.chosen(found) == ""
