"""What is taken away is gone on the next request, whatever the index says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ckan.common import config
from ckan.lib.search.index import PackageSearchIndex

from ckanext.govopen.search import document
from ckanext.govopen.tests.portal import (
    AUTHORITY,
    Department,
    Portal,
    User,
    forgery_token,
    unique,
)

BASIS = [{"instrument": "数据安全法", "article": "21", "kind": "law"}]
CONDITION = {"open_condition": "须申请", "class_reason": "涉及安全", "legal_basis": BASIS}


@pytest.fixture(params=["index in time", "index late"])
def late(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Gives a function; with "index late" nothing reaches the index once it was called."""

    def stop() -> None:
        if request.param == "index late":
            monkeypatch.setattr(document, "index_many", lambda *args, **more: None)
            for name in ("index_package", "update_dict", "remove_dict", "delete_package"):
                if hasattr(PackageSearchIndex, name):
                    monkeypatch.setattr(PackageSearchIndex, name, lambda *args, **more: None)

    yield stop


class Shown:
    """A released dataset with a file, and what somebody gets of it."""

    def __init__(self, portal: Portal, department: Department, **fields: Any) -> None:
        self.portal, self.department = portal, department
        made = portal.dataset(department, **fields)
        self.id, self.name = made["id"], made["name"]
        self.file = portal.upload(department.editor, "a,b\n1,2\n", package_id=made["id"])
        portal.approve(department, made["id"])
        portal.load_rows(self.id)

    def description(self, user: User | None = None) -> bool:
        answers = {
            "show": self.portal.ask("package_show", {"id": self.id}, user).status_code == 200,
            "page": self.portal.get(f"/dataset/{self.name}", user).status_code == 200,
            "search": self.portal.call("package_search", user, fq=f"name:{self.name}")["count"]
            == 1,
            "list": self.name in self.portal.call("package_list", user),
        }
        assert len(set(answers.values())) == 1, answers
        return answers["show"]

    def content(self, user: User | None = None) -> bool:
        resource = self.file["id"]
        url = f"/dataset/{self.id}/resource/{resource}/download/data.csv"
        rows = self.portal.ask("datastore_search", {"resource_id": resource}, user)
        answers = {
            "file": self.portal.get(url, user).status_code == 200,
            "rows": rows.status_code == 200,
            "dump": self.portal.get(f"/datastore/dump/{resource}", user).status_code == 200,
        }
        assert len(set(answers.values())) == 1, answers
        return answers["file"]


@pytest.fixture
def department(portal: Portal) -> Department:
    return portal.department()


@pytest.mark.parametrize("way", ["revoke", "suspend"])
def test_a_grant(
    portal: Portal, department: Department, way: str, late: Callable[[], None]
) -> None:
    shown = Shown(portal, department, open_class="conditional", **CONDITION)
    applicant, other = User.make(), User.make()
    made = portal.call(
        "govopen_grant_give",
        portal.operator.deciding,
        package_id=shown.id,
        persons=[applicant.id],
        purpose="research",
        delivery=["download", "interface"],
        valid_to="2999-01-01",
        break_glass="test",
    )
    assert shown.content(applicant)
    for outsider in (None, other, portal.department().editor):
        assert not shown.content(outsider)
    late()
    change = {"id": made["id"], "reason": "x", "break_glass": "x"}
    portal.call(f"govopen_grant_{way}", portal.operator.deciding, **change)
    assert not shown.content(applicant)
    assert shown.description(applicant)
    if way == "suspend":
        portal.call("govopen_grant_resume", portal.operator.deciding, **change)
        assert shown.content(applicant)


def test_suspension(portal: Portal, department: Department, late: Callable[[], None]) -> None:
    shown = Shown(portal, department)
    assert shown.description() and shown.content()
    late()
    portal.call("govopen_dataset_suspend", department.editor, id=shown.id, reason="x")
    assert not shown.description() and not shown.content()


@pytest.mark.parametrize("to", ["conditional", "non_open"])
def test_a_stricter_class(
    portal: Portal, department: Department, to: str, late: Callable[[], None]
) -> None:
    shown = Shown(portal, department)
    assert shown.content()
    late()
    condition = {"reason": "x", "legal_basis": BASIS, "open_condition": "须申请"}
    portal.call(
        "govopen_dataset_reclassify", department.editor, id=shown.id, open_class=to, **condition
    )
    assert not shown.content()
    assert shown.description() == (to == "conditional")


def test_deletion(portal: Portal, department: Department, late: Callable[[], None]) -> None:
    shown = Shown(portal, department)
    late()
    portal.call("package_delete", department.editor, id=shown.id)
    assert not shown.description() and not shown.content()


@pytest.mark.parametrize("duty", ["reviewer", "authority"])
def test_a_duty(
    portal: Portal, department: Department, duty: str, late: Callable[[], None]
) -> None:
    user = User.make()
    place = AUTHORITY if duty == "authority" else department.name
    hidden = portal.dataset(department)
    assert portal.ask("package_show", {"id": hidden["id"]}, user).status_code == 404
    portal.duty(user, place, duty)
    assert portal.ask("package_show", {"id": hidden["id"]}, user).status_code == 200
    late()
    portal.call(
        "govopen_duty_take",
        portal.operator.deciding,
        user=user.name,
        organization=place,
        duty=duty,
        break_glass="x",
    )
    assert portal.ask("package_show", {"id": hidden["id"]}, user).status_code == 404
    assert portal.ask("govopen_review_show", {"id": hidden["id"]}, user).status_code in (403, 404)
    found = portal.call("package_search", user, fq=f"name:{hidden['name']}", include_private=True)
    assert found["count"] == 0


def test_a_membership(portal: Portal, department: Department, late: Callable[[], None]) -> None:
    hidden = portal.dataset(department)
    assert portal.ask("package_show", {"id": hidden["id"]}, department.member).status_code == 200
    late()
    portal.call(
        "organization_member_delete",
        portal.operator,
        id=department.name,
        username=department.member.name,
    )
    assert portal.ask("package_show", {"id": hidden["id"]}, department.member).status_code == 404


def test_a_membership_that_ends_on_ckans_own_page(portal: Portal, department: Department) -> None:
    """CKAN's button names the member by his id, in the address."""
    hidden, member = portal.dataset(department), department.member
    browser, site = portal.signed_in(portal.operator), config["ckan.site_url"]
    page = browser.get(f"/organization/manage_members/{department.name}", base_url=site)
    text = page.get_data(as_text=True)
    button = f"/organization/member_delete/{department.id}?user={member.id}"
    assert button in text
    answer = browser.post(button, base_url=site, data={"_csrf_token": forgery_token(text)})
    assert answer.status_code == 302, answer.get_data(as_text=True)[:500]
    assert portal.ask("package_show", {"id": hidden["id"]}, member).status_code == 404
    given = {"id": department.name}
    assert portal.ask("organization_member_delete", given, portal.operator).status_code == 409


def test_public_rows_of_the_stream(portal: Portal, department: Department) -> None:
    """What was public in the activity stream is not any more once the dataset was tightened."""
    shown = Shown(portal, department)
    public = portal.call("package_activity_list", id=shown.id)
    assert [row["activity_type"] for row in public] == ["new package"]
    assert public[0]["data"]["package"]["name"] == shown.name
    portal.call("package_patch", department.editor, id=shown.id, title="unreleased words")
    assert len(portal.call("package_activity_list", id=shown.id)) == 1
    portal.call(
        "govopen_dataset_reclassify",
        department.editor,
        id=shown.id,
        open_class="non_open",
        reason="x",
        legal_basis=BASIS,
    )
    for action in ("recently_changed_packages_activity_list", "organization_activity_list"):
        rows = portal.call(action, id=department.id, limit=100)
        assert shown.id not in str(rows)
    answer = portal.ask("activity_show", {"id": public[0]["id"], "include_data": True})
    nothing = portal.ask("activity_show", {"id": shown.id, "include_data": True})
    assert answer.status_code == nothing.status_code
    assert shown.name not in answer.get_data(as_text=True)
    assert len(portal.call("package_activity_list", department.editor, id=shown.id)) > 1


def test_a_suspended_dataset_leaves_the_public_stream(
    portal: Portal, department: Department
) -> None:
    """Also what is released while it is suspended; it is told when the suspension ends."""
    shown = Shown(portal, department)
    streams = (
        ("organization_activity_list", {"id": department.id, "limit": 100}),
        ("recently_changed_packages_activity_list", {"limit": 100}),
    )
    portal.call("govopen_dataset_suspend", department.editor, id=shown.id, reason="x")
    words = unique("while suspended")
    portal.call("package_patch", department.editor, id=shown.id, title=words)
    portal.approve(department, shown.id)
    for action, data in streams:
        told = str(portal.call(action, **data))
        assert shown.id not in told and words not in told, action
    portal.call("govopen_dataset_restore", department.reviewer.deciding, id=shown.id, reason="x")
    for action, data in streams:
        rows = [row for row in portal.call(action, **data) if row["object_id"] == shown.id]
        assert [row["data"]["package"]["title"] for row in rows] == [words], action


def test_the_public_stream_tells_releases_and_nothing_hidden(
    portal: Portal, department: Department
) -> None:
    """With the settings that the launcher writes; in the API and on the pages."""
    shown = Shown(portal, department)
    hidden = portal.dataset(department, title=unique("hidden title"))
    for action, data in (
        ("package_activity_list", {"id": shown.id}),
        ("organization_activity_list", {"id": department.id}),
        ("recently_changed_packages_activity_list", {"limit": 20}),
    ):
        rows = portal.call(action, **data)
        told = [row["activity_type"] for row in rows if row["object_id"] == shown.id]
        assert told == ["new package"], action
        assert hidden["id"] not in str(rows) and hidden["title"] not in str(rows), action
    for path in (f"/dataset/activity/{shown.id}", f"/organization/activity/{department.id}"):
        page = portal.get(path)
        assert page.status_code == 200, path
        text = page.get_data(as_text=True)
        assert f"/dataset/{shown.name}" in text or f"/dataset/{shown.id}" in text, path
        assert hidden["name"] not in text and hidden["title"] not in text, path
        assert department.editor.name not in text, path
    assert portal.get(f"/dataset/activity/{hidden['id']}").status_code == 404


def test_a_link_that_became_conditional(
    portal: Portal, department: Department, late: Callable[[], None]
) -> None:
    """The index may still have the address that was public; nobody gets it any more."""
    address = f"https://data.example.com/{unique('link')}"
    made = portal.dataset(department)
    portal.call("resource_create", department.editor, package_id=made["id"], url=address, name="a")
    portal.approve(department, made["id"])
    query = {"fq": f"name:{made['name']}"}
    assert address in str(portal.call("package_search", **query))
    late()
    portal.call(
        "govopen_dataset_reclassify",
        department.editor,
        id=made["id"],
        open_class="conditional",
        open_condition="x",
        reason="x",
        legal_basis=BASIS,
    )
    for more in ({}, {"use_default_schema": True}):
        found = portal.call("package_search", **query, **more)
        assert found["count"] == 1
        assert address not in str(found)
    assert address not in str(portal.call("package_show", id=made["id"]))
