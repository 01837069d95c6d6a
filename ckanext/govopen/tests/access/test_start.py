"""Where somebody begins who has signed in, and what the activity list says of an approval."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from bs4 import BeautifulSoup
from ckan.common import config

from ckanext.govopen.tests.portal import Browser, Portal, User, forgery_token


def signs_in(portal: Portal, user: User, query: str = "") -> tuple[str, Browser]:
    """The path that the form leads to."""
    base, client = config["ckan.site_url"], portal.client()
    page = client.get(f"/user/login{query}", base_url=base)
    answer = client.post(
        f"/user/login{query}",
        base_url=base,
        data={
            "login": user.name,
            "password": user.password,
            "_csrf_token": forgery_token(page.get_data(as_text=True)),
        },
    )
    for _ in range(3):
        place = urlsplit(answer.headers["Location"])
        assert place.netloc in ("", urlsplit(base).netloc), place
        if place.path != "/open/start":
            return place.path, client
        answer = client.get(place.path, base_url=base)
    raise AssertionError("It goes round in circles.")


def test_people_with_duties_begin_at_their_desk(portal: Portal) -> None:
    department = portal.department()
    for user in (department.editor, department.member, department.reviewer, portal.operator):
        assert signs_in(portal, user)[0] == "/open/desk"


def test_who_has_applied_begins_at_his_applications(portal: Portal) -> None:
    somebody = User.make()
    assert signs_in(portal, somebody)[0] == "/"
    portal.call("govopen_application_create", somebody, content={})
    assert signs_in(portal, somebody)[0] == "/open/applications"


def test_the_page_that_was_asked_for_comes_first(portal: Portal) -> None:
    reader = User.make()
    assert signs_in(portal, reader, "?came_from=/open/account")[0] == "/open/account"
    assert signs_in(portal, reader, "?next=/open/grants")[0] == "/open/grants"


@pytest.mark.parametrize("away", ["https://example.org/x", "//example.org/x", "/\\example.org"])
def test_it_never_leads_to_another_site(portal: Portal, away: str) -> None:
    assert signs_in(portal, User.make(), f"?next={away}")[0] == "/"


def test_nobody_begins_without_an_account(portal: Portal) -> None:
    answer = portal.get("/open/start")
    assert answer.status_code == 302 and "/user/login" in answer.headers["Location"]


def test_an_approval_stands_once_in_the_activity_list(portal: Portal) -> None:
    department = portal.department()
    made = portal.released(department)
    portal.call("package_patch", department.editor, id=made["id"], notes="新的说明")
    portal.approve(department, made["id"])
    page = portal.signed_in(department.member).get(
        f"/dataset/activity/{made['name']}", base_url=config["ckan.site_url"]
    )
    soup = BeautifulSoup(page.get_data(as_text=True), "html.parser")
    rows = [" ".join(row.get_text(" ").split()) for row in soup.select("ul.activity > li")]
    assert len(rows) == 4
    assert "新版本已向社会公开" in rows[0] and department.editor.fullname not in rows[0]
    assert "修改了数据集" in rows[1] and department.editor.fullname in rows[1]
    assert "已向社会公开" in rows[2]
    assert "新增了数据集" in rows[3]
    public = portal.get(f"/dataset/activity/{made['name']}").get_data(as_text=True)
    assert public.count("已向社会公开") == 2
    assert "修改了数据集" not in public and department.editor.fullname not in public
