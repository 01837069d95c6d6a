"""A dataset that changes hands while it waits: who decides, who reads it, who had a hand in it."""

from __future__ import annotations

from typing import Any

import pytest
from ckan import plugins

from ckanext.govopen.tests.portal import Department, Portal, Refused, User


@pytest.fixture
def old(portal: Portal) -> Department:
    return portal.department()


@pytest.fixture
def new(portal: Portal) -> Department:
    return portal.department()


def waiting(portal: Portal, who: User, reference: str) -> list[dict[str, Any]]:
    rows = portal.call("govopen_review_list", who, limit=1000)["results"]
    return [row for row in rows if row["dataset"]["id"] == reference]


def submitters(portal: Portal, department: Department, reference: str) -> set[str]:
    read = portal.call("govopen_review_show", department.reviewer, id=reference)
    return set(read["submitters"])


def test_the_office_of_the_new_department_decides(
    portal: Portal, old: Department, new: Department
) -> None:
    made = portal.released(old)
    portal.call("package_patch", old.editor, id=made["id"], title="新标题")
    portal.submit(old, made["id"])
    before = portal.call("govopen_review_show", old.reviewer, id=made["id"])
    portal.call("package_patch", portal.operator, id=made["id"], owner_org=new.id)
    for who in (old.editor, old.member, old.reviewer):
        for reference in (before["id"], made["id"]):
            answer = portal.ask("govopen_review_show", {"id": reference}, who)
            assert answer.status_code == 404 and "新标题" not in answer.get_data(as_text=True)
        assert not waiting(portal, who, made["id"])
    order = {"id": before["id"], "fingerprint": before["fingerprint"], "decision": "approve"}
    for user in (old.reviewer, new.reviewer):
        with pytest.raises(Refused):
            portal.call("govopen_review_decide", user.deciding, **order)
    (row,) = waiting(portal, new.reviewer, made["id"])
    assert row["id"] != before["id"] and row["organization"]["id"] == new.id
    # Who wrote for the old department stays among those who may not decide.
    assert {old.editor.fullname, portal.operator.fullname} <= submitters(portal, new, made["id"])
    portal.approve(new, made["id"])
    public = portal.call("package_show", id=made["id"])
    assert (public["owner_org"], public["title"]) == (new.id, "新标题")


def test_a_move_by_its_own_action_as_well(portal: Portal, old: Department, new: Department) -> None:
    made = portal.dataset(old)
    portal.call("package_owner_org_update", portal.operator, id=made["id"], organization_id=new.id)
    assert portal.ask("govopen_review_show", {"id": made["id"]}, old.reviewer).status_code == 404
    assert old.editor.fullname in submitters(portal, new, made["id"])


def test_reviews_that_are_over_go_with_the_dataset(
    portal: Portal, old: Department, new: Department
) -> None:
    made = portal.released(old)
    portal.call("package_patch", portal.operator, id=made["id"], owner_org=new.id, title="改")
    rows = portal.call("govopen_review_list", old.reviewer, state="approved,cancelled", limit=1000)
    assert made["id"] not in {row["dataset"]["id"] for row in rows["results"]}
    rows = portal.call("govopen_review_list", new.reviewer, state="approved", limit=1000)
    assert made["id"] in {row["dataset"]["id"] for row in rows["results"]}


def both(portal: Portal) -> tuple[Department, User]:
    """A department, and somebody who edits and reviews there."""
    one, made = User.make(), portal.department()
    portal.call(
        "organization_member_create", portal.operator,
        id=made.id, username=one.name, role="editor",
    )  # fmt: skip
    portal.duty(one, made.name, "reviewer")
    return made, one


def refused(portal: Portal, who: User, reference: str) -> None:
    read = portal.call("govopen_review_show", who, id=reference)
    assert who.fullname in read["submitters"] and "decide" not in read["may"]
    order = {"id": read["id"], "fingerprint": read["fingerprint"], "decision": "approve"}
    with pytest.raises(Refused) as error:
        portal.call("govopen_review_decide", who.deciding, **order)
    assert "REV-2" in error.value.rules
    assert portal.ask("package_show", {"id": reference}).status_code == 404


@pytest.mark.parametrize("way", ["package_delete", "package_patch"])
def test_deleting_and_undeleting_forgets_no_author(portal: Portal, way: str) -> None:
    department, author = both(portal)
    made = portal.call("package_create", author, **portal.fields(department))
    state = {"state": "deleted"} if way == "package_patch" else {}
    portal.call(way, department.editor, id=made["id"], **state)
    portal.call("package_patch", department.editor, id=made["id"], state="active")
    portal.submit(department, made["id"])
    refused(portal, author, made["id"])
    portal.decide(department, made["id"], decision="approve")
    # What is approved is over: the next change has its own author only.
    portal.call("package_patch", department.editor, id=made["id"], title="再改")
    assert submitters(portal, department, made["id"]) == {department.editor.fullname}


def test_who_changes_a_deleted_dataset_is_an_author(portal: Portal) -> None:
    department, author = both(portal)
    made = portal.dataset(department)
    portal.call("package_patch", author, id=made["id"], state="deleted", title="删时改")
    portal.call("package_patch", department.editor, id=made["id"], state="active")
    portal.submit(department, made["id"])
    refused(portal, author, made["id"])


def test_who_wrote_the_draft_is_an_author(portal: Portal) -> None:
    department, author = both(portal)
    # As the first page of CKAN's form does it.
    context: Any = {"user": author.name, "allow_state_change": True}
    fields = {**portal.fields(department), "state": "draft"}
    made = plugins.toolkit.get_action("package_create")(context, fields)
    assert made["state"] == "draft"
    assert not waiting(portal, department.reviewer, made["id"])
    portal.call("package_patch", department.editor, id=made["id"], state="active")
    portal.submit(department, made["id"])
    refused(portal, author, made["id"])
    portal.decide(department, made["id"], decision="approve")
    assert portal.ask("package_show", {"id": made["id"]}).status_code == 200


def test_who_only_deletes_is_no_author(portal: Portal) -> None:
    department, author = both(portal)
    made = portal.dataset(department)
    portal.call("package_delete", author, id=made["id"])
    portal.call("package_patch", department.editor, id=made["id"], state="active")
    portal.submit(department, made["id"])
    read = portal.call("govopen_review_show", author, id=made["id"])
    assert author.fullname not in read["submitters"] and "decide" in read["may"]
