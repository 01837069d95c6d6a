"""The pages of errors: designed, in the reader's language, and silent about the inside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from bs4 import BeautifulSoup
from sqlalchemy.exc import OperationalError

from ckanext.govopen.tests.portal import Portal, User

SECRET = "postgresql://ckan:hunter2@10.0.0.7/ckan"
LANGUAGES = [
    ("", "平台出现故障", "您无权访问此页面"),
    ("/zh_Hant_TW", "平臺發生故障", "您無權瀏覽此頁面"),
    ("/en", "Something went wrong on our side", "This is not open to you"),
]


@pytest.fixture
def portal(_one_portal: Portal) -> Iterator[Portal]:
    """As in production: an uncaught exception is an error page."""
    _one_portal.ready()
    yield _one_portal
    _one_portal.rest()


def broken(*args: Any, **kwargs: Any) -> Any:
    raise RuntimeError(f"could not connect to {SECRET}")


def page(answer: Any) -> BeautifulSoup:
    return BeautifulSoup(answer.get_data(as_text=True), "html.parser")


def nothing_inside(answer: Any) -> None:
    """No exception, no trace, no place on the disk, no secret."""
    text = answer.get_data(as_text=True)
    for inside in (SECRET, "hunter2", "RuntimeError", "Traceback", ".py", "site-packages"):
        assert inside not in text


@pytest.mark.parametrize("prefix,title,_other", LANGUAGES)
def test_a_fault_of_ours(portal, monkeypatch, prefix, title, _other):
    monkeypatch.setitem(portal.app.view_functions, "govopen_pages.terms", broken)
    answer = portal.get(f"{prefix}/open/terms")
    assert answer.status_code == 500
    assert [h.get_text() for h in page(answer)("h1")] == [title]
    assert page(answer).select_one('form[role=search] input[name="q"]') is not None
    nothing_inside(answer)


def test_a_fault_of_ours_for_somebody_with_an_account(portal, monkeypatch):
    monkeypatch.setitem(portal.app.view_functions, "govopen_desk.index", broken)
    client = portal.signed_in(User.make())
    answer = client.get("/open/desk", base_url="http://test.ckan.net")
    assert answer.status_code == 500 and "平台出现故障" in page(answer).get_text()
    assert answer.headers["Cache-Control"] == "private, no-store"
    nothing_inside(answer)


def test_a_fault_while_a_page_is_drawn(portal, monkeypatch):
    monkeypatch.setattr("ckanext.govopen.views.words.excerpt", broken)
    monkeypatch.setattr("ckanext.govopen.views.texts.text", broken)
    answer = portal.get("/open/terms")
    assert answer.status_code == 500 and "平台出现故障" in page(answer).get_text()
    nothing_inside(answer)


def test_a_database_that_is_away(portal, monkeypatch):
    """Also what every page asks for is away then."""

    def away(*args: Any, **kwargs: Any) -> Any:
        raise OperationalError("SELECT", {}, RuntimeError(SECRET))

    client = portal.signed_in(User.make())
    monkeypatch.setattr("sqlalchemy.engine.base.Engine.connect", away)
    monkeypatch.setattr("sqlalchemy.engine.base.Connection.execute", away)
    for path in ("/", "/open/desk", "/dataset/"):
        answer = client.get(path, base_url="http://test.ckan.net")
        assert answer.status_code == 500
        assert "平台出现故障" in page(answer).get_text()
        nothing_inside(answer)


@pytest.mark.parametrize("prefix,_other,title", LANGUAGES)
def test_what_one_may_not_do(portal, prefix, _other, title):
    answer = portal.get(f"{prefix}/ckan-admin/")
    assert answer.status_code in (403, 404)
    answer = portal.get(f"{prefix}/user/reset/somebody?key=wrong")
    assert answer.status_code == 403
    assert [h.get_text() for h in page(answer)("h1")] == [title]
    assert page(answer).select_one('a[href*="/user/login"]') is not None
    nothing_inside(answer)


def test_the_list_of_administrators_is_markup_and_not_its_source(portal):
    operator = portal.signed_in(portal.operator)
    shown = page(operator.get("/ckan-admin/", base_url="http://test.ckan.net"))
    assert [cell.get_text() for cell in shown("th")] == ["用户", "撤销系统管理员权限"]
    assert shown.select_one('[placeholder="用户名"]') is not None
    assert "<th>" not in shown.get_text()


def test_a_request_that_cannot_be_understood(portal):
    answer = portal.get("/api/3/action/package_show?callback=x")
    assert answer.status_code == 400
    nothing_inside(answer)
