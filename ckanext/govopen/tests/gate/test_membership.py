"""Groups are written from their own side too: what is released follows, and waits where it must."""

from __future__ import annotations

from typing import Any

import pytest
from ckan.common import config

from ckanext.govopen.tests.portal import Department, Portal, unique


@pytest.fixture
def department(portal: Portal) -> Department:
    return portal.department()


def groups(portal: Portal, reference: str) -> list[str]:
    """The names of a dataset's groups as anybody reads them."""
    return [group["name"] for group in portal.call("package_show", None, id=reference)["groups"]]


def listed(portal: Portal, group: str) -> int:
    """How many datasets anybody finds in a group."""
    return portal.call("package_search", None, fq=f"groups:{group}")["count"]


def a_group(portal: Portal, **fields: Any) -> str:
    return portal.call("group_create", portal.operator, name=unique("group"), **fields)["name"]


def put_in(portal: Portal, group: str, dataset: str) -> None:
    portal.call(
        "member_create", portal.operator,
        id=group, object=dataset, object_type="package", capacity="public",
    )  # fmt: skip


@pytest.mark.parametrize("way", ["member_delete", "group_update", "group_delete", "group_purge"])
def test_without_a_review_groups_follow_at_once(
    portal: Portal, department: Department, way: str
) -> None:
    config["ckanext.govopen.review"] = "off"
    made = portal.dataset(department, private=False)
    group = a_group(portal)
    put_in(portal, group, made["id"])
    assert (groups(portal, made["id"]), listed(portal, group)) == ([group], 1)
    # CKAN's group_delete takes the members along only where it is given the id, not the name.
    given: dict[str, Any] = {"id": portal.call("group_show", None, id=group)["id"]}
    if way == "member_delete":
        given.update(object=made["id"], object_type="package")
    elif way == "group_update":
        given.update(name=group, packages=[])
    portal.call(way, portal.operator, **given)
    assert (groups(portal, made["id"]), listed(portal, group)) == ([], 0)


def test_a_group_is_made_with_its_datasets(portal: Portal, department: Department) -> None:
    config["ckanext.govopen.review"] = "off"
    made = portal.dataset(department, private=False)
    other = portal.dataset(department, private=False)
    group = a_group(portal, packages=[{"id": made["id"]}])
    assert (groups(portal, made["id"]), listed(portal, group)) == ([group], 1)
    assert groups(portal, other["id"]) == []


def test_with_a_review_a_group_waits_for_it(portal: Portal, department: Department) -> None:
    made = portal.released(department)
    group = a_group(portal)
    put_in(portal, group, made["id"])
    assert (groups(portal, made["id"]), listed(portal, group)) == ([], 0)
    portal.approve(department, made["id"])
    assert (groups(portal, made["id"]), listed(portal, group)) == ([group], 1)


def test_members_that_are_people_touch_no_dataset(portal: Portal, department: Department) -> None:
    made = portal.released(department)
    group = a_group(portal)
    put_in(portal, group, made["id"])
    portal.approve(department, made["id"])
    portal.call(
        "member_create", portal.operator,
        id=group, object=department.editor.id, object_type="user", capacity="member",
    )  # fmt: skip
    assert portal.call("govopen_review_list", department.reviewer)["count"] == 0
