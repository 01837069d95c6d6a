"""A change of department or group that waits for its review is told to nobody outside."""

from __future__ import annotations

import pytest

from ckanext.govopen.tests.portal import Department, Portal, User, unique


@pytest.fixture
def old(portal: Portal) -> Department:
    return portal.department()


@pytest.fixture
def new(portal: Portal) -> Department:
    return portal.department()


def members(portal: Portal, group: str, who: User | None = None, **more: str) -> set[str]:
    rows = portal.call("member_list", who, id=group, object_type="package", **more)
    return {row[0] for row in rows}


def by_size(portal: Portal, kind: str, ids: list[str]) -> list[str]:
    names = portal.call(f"{kind}_list", sort="package_count desc", limit=1000)
    return [name for name in names if name in ids]


def test_a_department(portal: Portal, old: Department, new: Department) -> None:
    made = portal.released(old)
    portal.call("package_patch", portal.operator, id=made["id"], owner_org=new.id)
    outsider = User.make()
    for who in (None, outsider, old.editor):
        assert members(portal, old.id, who) == {made["id"]}
        assert members(portal, new.name, who) == set()
        assert members(portal, old.id, who, capacity="organization") == {made["id"]}
        assert members(portal, old.id, who, capacity="public") == set()
        counts = {o: portal.call("organization_show", who, id=o)["package_count"]
                  for o in (old.id, new.id)}  # fmt: skip
        assert counts == {old.id: 1, new.id: 0}
    assert members(portal, new.id, new.editor) == {made["id"]}
    assert by_size(portal, "organization", [old.name, new.name]) == [old.name, new.name]
    portal.approve(new, made["id"])
    for who in (None, outsider, old.editor, new.editor):
        assert members(portal, new.id, who) == {made["id"]}
        assert members(portal, old.id, who) == set()
    assert by_size(portal, "organization", [old.name, new.name]) == [new.name, old.name]


def test_a_group(portal: Portal, old: Department) -> None:
    groups = [portal.call("group_create", portal.operator, name=unique("group")) for _ in range(2)]
    first, second = groups
    made = portal.dataset(old, groups=[])
    portal.call("package_patch", portal.operator, id=made["id"], groups=[{"name": first["name"]}])
    assert members(portal, first["id"]) == set()
    portal.approve(old, made["id"])
    assert members(portal, first["id"]) == {made["id"]}
    portal.call("package_patch", portal.operator, id=made["id"], groups=[{"name": second["name"]}])
    names = [first["name"], second["name"]]
    assert (members(portal, first["id"]), members(portal, second["id"])) == ({made["id"]}, set())
    assert by_size(portal, "group", names) == names
    assert portal.call("group_show", id=second["id"])["package_count"] == 0
    portal.approve(old, made["id"])
    assert (members(portal, first["id"]), members(portal, second["id"])) == (set(), {made["id"]})
    assert by_size(portal, "group", names) == names[::-1]


def test_the_hidden_are_no_members(portal: Portal, old: Department) -> None:
    portal.dataset(old)
    assert members(portal, old.id) == set()
