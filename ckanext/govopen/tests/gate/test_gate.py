"""The gate between working copy and public: what changes waits, what takes away is at once."""

from __future__ import annotations

from typing import Any

import pytest
from ckan.common import config

from ckanext.govopen.tests.portal import AUTHORITY, Department, Portal, Refused, User

BASIS = [{"instrument": "数据安全法", "article": "21", "kind": "law"}]
CONDITION = {"open_condition": "须申请", "class_reason": "涉及安全", "legal_basis": BASIS}


@pytest.fixture
def department(portal: Portal) -> Department:
    return portal.department()


def shown(portal: Portal, reference: str, user: User | None = None) -> dict[str, Any] | None:
    """What somebody gets of a dataset; None: it does not exist for him."""
    answer = portal.ask("package_show", {"id": reference}, user)
    assert answer.status_code in (200, 404), answer.get_data(as_text=True)
    body: Any = answer.get_json()
    return body["result"] if answer.status_code == 200 else None


def found(portal: Portal, name: str, user: User | None = None) -> bool:
    result = portal.call("package_search", user, fq=f"name:{name}")
    return bool(result["count"])


def test_nothing_is_public_before_its_approval(portal: Portal, department: Department) -> None:
    made = portal.dataset(department, private=False, state="active")
    assert made["private"] is True
    for outsider in (None, User.make(), portal.department().editor):
        assert shown(portal, made["id"], outsider) is None
    assert not found(portal, made["name"])
    portal.submit(department, made["id"])
    assert shown(portal, made["id"]) is None
    portal.decide(department, made["id"], decision="approve")
    public = shown(portal, made["id"])
    assert public is not None and public["private"] is False
    assert found(portal, made["name"])


def test_a_change_waits_for_its_review(portal: Portal, department: Department) -> None:
    made = portal.released(department)
    portal.call("package_patch", department.editor, id=made["id"], title="另一个标题")
    portal.call(
        "resource_create",
        department.editor,
        package_id=made["id"],
        url="https://data.example.com/n",
    )
    public = shown(portal, made["id"])
    assert public is not None
    assert (public["title"], public["resources"]) == (made["title"], [])
    for insider in (department.editor, department.member, department.reviewer, portal.operator):
        working = shown(portal, made["id"], insider)
        assert working is not None
        assert working["title"] == "另一个标题" and len(working["resources"]) == 1
    portal.approve(department, made["id"])
    public = shown(portal, made["id"])
    assert public is not None
    assert public["title"] == "另一个标题" and len(public["resources"]) == 1


def test_a_new_resource_is_not_shown_by_its_id(portal: Portal, department: Department) -> None:
    made = portal.released(department)
    resource = portal.upload(department.editor, "a,b\n1,2\n", package_id=made["id"])
    url = f"/dataset/{made['id']}/resource/{resource['id']}"
    assert portal.ask("resource_show", {"id": resource["id"]}).status_code == 404
    assert portal.get(f"{url}/download").status_code == 404
    assert portal.get(url).status_code == 404
    assert portal.get(f"{url}/download", department.editor).status_code == 200


def test_a_view_waits_as_well(portal: Portal, department: Department) -> None:
    made = portal.dataset(department)
    resource = portal.upload(department.editor, "a,b\n1,2\n", package_id=made["id"])
    portal.approve(department, made["id"])
    view = portal.call(
        "resource_view_create",
        department.editor,
        resource_id=resource["id"],
        view_type="text_view",
        title="新视图",
    )
    released = [v["title"] for v in portal.call("resource_view_list", id=resource["id"])]
    assert released == ["表格"]  # the file's own, of the release
    assert portal.ask("resource_view_show", {"id": view["id"]}).status_code == 404
    portal.approve(department, made["id"])
    released = [v["title"] for v in portal.call("resource_view_list", id=resource["id"])]
    assert released == ["表格", "新视图"]
    portal.call(
        "resource_view_update", department.editor, id=view["id"], title="改", view_type="text_view"
    )
    assert portal.call("resource_view_show", id=view["id"])["title"] == "新视图"


def test_a_resource_that_goes_is_gone_at_once(portal: Portal, department: Department) -> None:
    made = portal.dataset(department)
    kept = portal.upload(department.editor, "a\n1\n", package_id=made["id"])
    gone = portal.upload(department.editor, "b\n2\n", package_id=made["id"])
    portal.approve(department, made["id"])
    portal.call("resource_delete", department.editor, id=gone["id"])
    public = shown(portal, made["id"])
    assert public is not None
    assert [r["id"] for r in public["resources"]] == [kept["id"]]
    assert public["num_resources"] == 1
    for resource, status in ((kept, 200), (gone, 404)):
        url = f"/dataset/{made['id']}/resource/{resource['id']}/download"
        assert portal.get(url).status_code == status
    access = portal.call("govopen_access_show", department.editor, id=made["id"])
    assert access["pending"] is False and access["release_version"] == 2


def test_taking_away_does_not_let_changes_through(portal: Portal, department: Department) -> None:
    """A write that deletes one resource and renames another narrows the release, no more."""
    made = portal.dataset(department)
    kept = portal.upload(department.editor, "a\n1\n", package_id=made["id"], name="旧名")
    portal.upload(department.editor, "b\n2\n", package_id=made["id"])
    portal.approve(department, made["id"])
    working = shown(portal, made["id"], department.editor)
    assert working is not None
    rest = [{**r, "name": "新名"} for r in working["resources"] if r["id"] == kept["id"]]
    portal.call(
        "package_update", department.editor, **{**working, "resources": rest, "title": "新标题"}
    )
    public = shown(portal, made["id"])
    assert public is not None
    assert public["title"] == made["title"]
    assert [r["name"] for r in public["resources"]] == ["旧名"]


def test_a_deleted_dataset_is_gone_for_outsiders(portal: Portal, department: Department) -> None:
    made = portal.released(department)
    portal.call("package_delete", department.editor, id=made["id"])
    assert shown(portal, made["id"]) is None
    assert not found(portal, made["name"])


@pytest.mark.parametrize("way", ["govopen_dataset_reclassify", "package_patch"])
def test_a_stricter_class_is_in_force_at_once(
    portal: Portal, department: Department, way: str
) -> None:
    made = portal.dataset(department)
    link = portal.call(
        "resource_create",
        department.editor,
        package_id=made["id"],
        url="https://data.example.com/secret-path",
    )
    file = portal.upload(department.editor, "a\n1\n", package_id=made["id"])
    portal.approve(department, made["id"])
    condition = dict(CONDITION)
    if way == "govopen_dataset_reclassify":
        condition["reason"] = condition.pop("class_reason")
    portal.call(way, department.editor, id=made["id"], open_class="conditional", **condition)
    answer = portal.ask("package_show", {"id": made["id"]})
    assert answer.status_code == 200
    assert "secret-path" not in answer.get_data(as_text=True)
    for resource in (link, file):
        url = f"/dataset/{made['id']}/resource/{resource['id']}/download"
        assert portal.get(url).status_code == 403
    working = shown(portal, made["id"], department.editor)
    assert working is not None
    streamed = next(r for r in working["resources"] if r["id"] == link["id"])
    # The portal holds the address: in no dataset dict, for nobody, stands another one.
    assert streamed["url_type"] == "govopen_location"
    assert "secret-path" not in streamed["url"]
    assert streamed["source_url"] == "https://data.example.com/secret-path"
    portal.call(
        way,
        department.editor,
        id=made["id"],
        open_class="non_open",
        **({**condition, "reason": "x"} if way != "package_patch" else condition),
    )
    assert shown(portal, made["id"]) is None


def test_a_looser_class_waits(portal: Portal, department: Department) -> None:
    made = portal.dataset(department, open_class="conditional", **CONDITION)
    file = portal.upload(department.editor, "a\n1\n", package_id=made["id"])
    portal.approve(department, made["id"])
    portal.call(
        "govopen_dataset_reclassify",
        department.editor,
        id=made["id"],
        open_class="unconditional",
        reason="不再敏感",
    )
    public = shown(portal, made["id"])
    assert public is not None and public["open_class"] == "conditional"
    url = f"/dataset/{made['id']}/resource/{file['id']}/download"
    assert portal.get(url).status_code == 403
    portal.approve(department, made["id"])
    assert portal.get(url).status_code == 200


def test_suspension_takes_all_and_restoring_gives_it_back(
    portal: Portal, department: Department
) -> None:
    made = portal.dataset(department)
    file = portal.upload(department.editor, "a\n1\n", package_id=made["id"])
    portal.approve(department, made["id"])
    url = f"/dataset/{made['id']}/resource/{file['id']}/download"
    portal.call("govopen_dataset_suspend", department.editor, id=made["id"], reason="错误")
    assert shown(portal, made["id"]) is None
    assert portal.get(url).status_code == 404
    assert not found(portal, made["name"])
    # What the department goes on writing does not bring it back.
    portal.call("package_patch", department.editor, id=made["id"], notes="x")
    portal.approve(department, made["id"])
    assert shown(portal, made["id"]) is None
    portal.call("govopen_dataset_restore", department.editor.deciding, id=made["id"], reason="已改")
    assert shown(portal, made["id"]) is not None
    assert portal.get(url).status_code == 200


def test_what_the_authority_suspends_only_the_authority_restores(
    portal: Portal, department: Department
) -> None:
    authority = User.make()
    portal.duty(authority, AUTHORITY, "authority")
    made = portal.released(department)
    portal.call("govopen_dataset_suspend", authority.deciding, id=made["id"], reason="风险")
    with pytest.raises(Refused) as refused:
        portal.call(
            "govopen_dataset_restore", department.editor.deciding, id=made["id"], reason="x"
        )
    assert refused.value.status in (403, 409)
    assert shown(portal, made["id"]) is None
    portal.call("govopen_dataset_restore", authority.deciding, id=made["id"], reason="x")
    assert shown(portal, made["id"]) is not None


def test_back_to_draft_is_withdrawn(portal: Portal, department: Department) -> None:
    made = portal.released(department)
    portal.call("package_patch", department.editor, id=made["id"], state="draft")
    working = shown(portal, made["id"], department.editor)
    assert working is not None
    if working["state"] == "draft":
        assert shown(portal, made["id"]) is None
    else:  # CKAN keeps the state for who may not change it: nothing has been taken away
        assert shown(portal, made["id"]) is not None


# Who decides


def test_who_submitted_does_not_decide(portal: Portal, department: Department) -> None:
    """Nor who has written: the reviewer who is an editor as well has to let another decide."""
    both = department.editor
    portal.duty(both, department.name, "reviewer")
    made = portal.dataset(department)
    portal.submit(department, made["id"])
    read = portal.call("govopen_review_show", both, id=made["id"])
    assert "decide" not in read["may"]
    with pytest.raises(Refused) as refused:
        portal.call(
            "govopen_review_decide",
            both.deciding,
            id=read["id"],
            fingerprint=read["fingerprint"],
            decision="approve",
        )
    assert refused.value.status == 409 and refused.value.rules
    assert shown(portal, made["id"]) is None
    portal.decide(department, made["id"], decision="approve")
    assert shown(portal, made["id"]) is not None


def test_others_do_not_decide(portal: Portal, department: Department) -> None:
    made = portal.dataset(department)
    portal.submit(department, made["id"])
    read = portal.call("govopen_review_show", department.reviewer, id=made["id"])
    decision = {"id": read["id"], "fingerprint": read["fingerprint"], "decision": "approve"}
    other = portal.department()
    auditor = User.make()
    portal.duty(auditor, AUTHORITY, "auditor")
    for user, statuses in (
        (None, {403}),
        (User.make(), {403}),
        (other.reviewer, {404}),
        (other.editor, {403, 404}),
        (auditor, {403, 404, 409}),
        (department.member, {403, 409}),
        (department.editor, {409}),
        (portal.operator, {409}),  # sees everything and decides nothing
    ):
        answer = portal.ask("govopen_review_decide", decision, user and user.deciding)
        assert answer.status_code in statuses, (user, answer.get_data(as_text=True)[:300])
        assert shown(portal, made["id"]) is None


def test_the_operator_breaks_the_glass(portal: Portal, department: Department) -> None:
    made = portal.dataset(department)
    portal.submit(department, made["id"])
    read = portal.call("govopen_review_show", portal.operator, id=made["id"])
    portal.call(
        "govopen_review_decide",
        portal.operator.deciding,
        id=read["id"],
        fingerprint=read["fingerprint"],
        decision="approve",
        break_glass="审查员不在",
    )
    assert shown(portal, made["id"]) is not None


@pytest.mark.parametrize("delegated", [True, False])
def test_delegation_to_the_authority(portal: Portal, delegated: bool) -> None:
    """A department without a disclosure office: the authority decides where the site says so."""
    config["ckanext.govopen.review.delegate_to_authority"] = delegated
    editor, authority = User.make(), User.make()
    portal.duty(authority, AUTHORITY, "authority")
    place = portal.organization(None, editor=editor)
    alone = Department(place["id"], place["name"], editor, editor, authority)
    made = portal.dataset(alone)
    portal.submit(alone, made["id"])
    if delegated:
        portal.decide(alone, made["id"], decision="approve")
        assert shown(portal, made["id"]) is not None
    else:
        with pytest.raises(Refused):
            portal.decide(alone, made["id"], decision="approve")
        assert shown(portal, made["id"]) is None


def test_the_authority_does_not_decide_where_there_is_an_office(
    portal: Portal, department: Department
) -> None:
    config["ckanext.govopen.review.delegate_to_authority"] = True
    authority = User.make()
    portal.duty(authority, AUTHORITY, "authority")
    made = portal.dataset(department)
    portal.submit(department, made["id"])
    read = portal.call("govopen_review_show", authority, id=made["id"])
    answer = portal.ask(
        "govopen_review_decide",
        {"id": read["id"], "fingerprint": read["fingerprint"], "decision": "approve"},
        authority.deciding,
    )
    assert answer.status_code == 409
    assert "decide" not in read["may"]
    assert shown(portal, made["id"]) is None


# What was read is what is approved


def test_another_fingerprint_is_refused(portal: Portal, department: Department) -> None:
    made = portal.dataset(department)
    portal.submit(department, made["id"])
    read = portal.call("govopen_review_show", department.reviewer, id=made["id"])
    portal.call("package_patch", department.editor, id=made["id"], notes="in between")
    for fingerprint in (read["fingerprint"], "", "0" * 64):
        answer = portal.ask(
            "govopen_review_decide",
            {"id": read["id"], "fingerprint": fingerprint, "decision": "approve"},
            department.reviewer.deciding,
        )
        assert answer.status_code == 409
        assert shown(portal, made["id"]) is None


def test_other_bytes_are_another_fingerprint(portal: Portal, department: Department) -> None:
    """The same name, the same size: the digest tells."""
    made = portal.dataset(department)
    file = portal.upload(department.editor, "a\n1\n", package_id=made["id"])
    portal.submit(department, made["id"])
    read = portal.call("govopen_review_show", department.reviewer, id=made["id"])
    portal.upload(department.editor, "a\n2\n", id=file["id"])
    answer = portal.ask(
        "govopen_review_decide",
        {"id": read["id"], "fingerprint": read["fingerprint"], "decision": "approve"},
        department.reviewer.deciding,
    )
    assert answer.status_code == 409
    assert shown(portal, made["id"]) is None


def test_many_at_once_each_by_itself(portal: Portal, department: Department) -> None:
    sets = [portal.dataset(department) for _ in range(3)]
    decisions = []
    for each in sets:
        portal.submit(department, each["id"])
        read = portal.call("govopen_review_show", department.reviewer, id=each["id"])
        decisions.append(
            {"id": read["id"], "fingerprint": read["fingerprint"], "decision": "approve"}
        )
    portal.call("package_patch", department.editor, id=sets[1]["id"], notes="in between")
    results = portal.call(
        "govopen_review_decide", department.reviewer.deciding, decisions=decisions
    )
    assert [row["ok"] for row in results["results"]] == [True, False, True]
    assert [shown(portal, each["id"]) is not None for each in sets] == [True, False, True]


# Without a review


def test_review_off_is_neutral(portal: Portal, department: Department) -> None:
    """Every save is released at once, and CKAN's own ``private`` decides again."""
    config["ckanext.govopen.review"] = "off"
    made = portal.dataset(department, private=False)
    assert made["private"] is False
    public = shown(portal, made["id"])
    assert public is not None
    portal.call("package_patch", department.editor, id=made["id"], title="改了")
    public = shown(portal, made["id"])
    assert public is not None and public["title"] == "改了"
    portal.call("package_patch", department.editor, id=made["id"], private=True)
    assert shown(portal, made["id"]) is None
    assert not found(portal, made["name"])
    portal.call("package_patch", department.editor, id=made["id"], private=False)
    assert shown(portal, made["id"]) is not None
    hidden = portal.dataset(department, private=True)
    assert shown(portal, hidden["id"]) is None


def test_classes_hold_without_a_review(portal: Portal, department: Department) -> None:
    config["ckanext.govopen.review"] = "off"
    made = portal.dataset(department, private=False, open_class="conditional", **CONDITION)
    file = portal.upload(department.editor, "a\n1\n", package_id=made["id"])
    url = f"/dataset/{made['id']}/resource/{file['id']}/download"
    assert shown(portal, made["id"]) is not None
    assert portal.get(url).status_code == 403
    portal.call("package_patch", department.editor, id=made["id"], open_class="non_open")
    assert shown(portal, made["id"]) is None
