"""Who administers a group works with it as in CKAN, and is no department by that."""

from __future__ import annotations

import pytest

from ckanext.govopen.tests.portal import Portal, User, unique


@pytest.fixture
def admin() -> User:
    return User.make()


@pytest.fixture
def group(portal: Portal, admin: User) -> str:
    name = portal.call("group_create", portal.operator, name=unique("group"))["name"]
    portal.call(
        "member_create", portal.operator,
        id=name, object=admin.id, object_type="user", capacity="admin",
    )  # fmt: skip
    return name


def test_he_manages_its_members(portal: Portal, group: str, admin: User) -> None:
    other = User.make()
    portal.call("group_member_create", admin, id=group, username=other.name, role="member")
    page = portal.get(f"/group/manage_members/{group}", admin)
    assert page.status_code == 200 and other.fullname in page.get_data(as_text=True)
    assert portal.get(f"/group/edit/{group}", admin).status_code == 200
    rows = portal.call("member_list", admin, id=group, object_type="user")
    assert {admin.id, other.id} <= {row[0] for row in rows}
    shown = portal.call("group_show", admin, id=group, include_users=True)
    assert {admin.id, other.id} <= {user["id"] for user in shown["users"]}


def test_others_find_no_such_page_and_no_account(portal: Portal, group: str, admin: User) -> None:
    member = User.make()
    portal.call("group_member_create", admin, id=group, username=member.name, role="member")
    for outsider in (None, User.make(), member):
        for page in ("members", "manage_members", "edit", "delete"):
            known = portal.get(f"/group/{page}/{group}", outsider)
            unknown = portal.get(f"/group/{page}/{unique('none')}", outsider)
            assert known.status_code == unknown.status_code == (404 if page == "edit" else 403)
        assert "users" not in portal.call("group_show", outsider, id=group, include_users=True)
        known = portal.ask("user_show", {"id": admin.name}, outsider)
        unknown = portal.ask("user_show", {"id": unique("nobody")}, outsider)
        assert known.status_code == unknown.status_code in (403, 404)


def test_he_is_no_department(portal: Portal, group: str, admin: User) -> None:
    hidden = portal.dataset(portal.department())
    assert portal.ask("package_show", {"id": hidden["id"]}, admin).status_code == 404
    assert portal.call("package_search", admin, fq=f"name:{hidden['name']}")["count"] == 0
    assert portal.ask("user_list", {}, admin).status_code == 403
    assert portal.get("/harvest", admin).status_code == 404


def test_a_group_that_is_gone_gives_nothing(portal: Portal, group: str, admin: User) -> None:
    portal.call("group_delete", portal.operator, id=group)
    assert portal.ask("user_show", {"id": portal.operator.name}, admin).status_code == 404
