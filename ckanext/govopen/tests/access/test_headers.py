"""Wrappings of answers: caches, methods, JSONP, and errors that are no 500."""

from __future__ import annotations

import pytest
from ckan.common import config
from ckan.lib import mailer

from ckanext.govopen.tests.portal import Department, Portal, User


@pytest.fixture
def department(portal: Portal) -> Department:
    return portal.department()


def test_answers_to_people_with_rights_stay_with_them(
    portal: Portal, department: Department
) -> None:
    made = portal.dataset(department)
    file = portal.upload(department.editor, "a,b\n1,2\n", package_id=made["id"])
    portal.approve(department, made["id"])
    portal.load_rows(made["id"])
    paths = (
        f"/dataset/{made['name']}",
        f"/api/3/action/package_show?id={made['id']}",
        "/api/3/action/package_search",
        f"/dataset/{made['id']}/resource/{file['id']}/download/data.csv",
        f"/datastore/dump/{file['id']}",
        f"/dataset/{made['id']}.rdf",
        "/catalog.rdf",
        "/feeds/dataset.atom",
        "/dataset/",
    )
    for path in paths:
        for user in (department.editor, User.make()):
            headers = portal.get(path, user).headers
            assert headers["Cache-Control"] == "private, no-store", path
            assert "ETag" not in headers and "Last-Modified" not in headers, path


def test_refusals_are_not_kept(portal: Portal, department: Department) -> None:
    """An answer that a right would change is not kept, so that the right works when it is there."""
    made = portal.dataset(department)
    for path in (f"/dataset/{made['name']}", f"/api/3/action/package_show?id={made['id']}"):
        answer = portal.get(path)
        assert answer.status_code == 404
        said = answer.headers.get("Cache-Control", "")
        assert "public" not in said or "max-age=0" in said or "no-cache" in said


def test_pages_for_everybody_depend_on_who_asks(portal: Portal, department: Department) -> None:
    """A cache in between must not give one's page to another."""
    made = portal.released(department)
    for path in (
        f"/dataset/{made['name']}",
        f"/api/3/action/package_show?id={made['id']}",
        "/catalog.rdf",
        "/feeds/dataset.atom",
    ):
        headers = portal.get(path).headers
        varies = {part.strip().lower() for part in headers.get("Vary", "").split(",")}
        assert {"cookie", "authorization"} <= varies, (path, varies)


def test_jsonp_is_refused(portal: Portal, department: Department) -> None:
    made = portal.released(department)
    for path in (
        f"/api/3/action/package_show?id={made['id']}&callback=steal",
        f"/api/action/package_show?id={made['id']}&callback=",
        "/api/2/util/dataset/autocomplete?incomplete=x&callback=steal",
        "/api/3/action/status_show?callback=steal",
    ):
        for user in (None, department.editor):
            answer = portal.get(path, user)
            assert answer.status_code == 400, path
            assert "steal(" not in answer.get_data(as_text=True)


def test_writes_are_posts(portal: Portal, department: Department) -> None:
    made = portal.released(department)
    for name in (
        "package_delete",
        "package_patch",
        "govopen_dataset_suspend",
        "govopen_review_submit",
        "govopen_review_decide",
        "govopen_duty_give",
        "govopen_grant_give",
    ):
        answer = portal.get(f"/api/3/action/{name}?id={made['id']}&reason=x", department.editor)
        assert answer.status_code == 400, name
    assert portal.ask("package_show", {"id": made["id"]}).status_code == 200


def test_methods_do_not_lead_round(portal: Portal, department: Department) -> None:
    """HEAD, OPTIONS and a claimed method tell no more than GET; a hidden thing is like nothing."""
    made = portal.dataset(department)
    claimed = {"X-HTTP-Method-Override": "GET", "X-Method-Override": "DELETE"}
    for reference in (made["id"], made["name"]):
        nothing = "0" * len(reference)
        for method in ("HEAD", "OPTIONS", "GET", "POST", "PUT", "DELETE", "PATCH"):
            one = portal.request(method, f"/dataset/{reference}", headers=claimed)
            two = portal.request(method, f"/dataset/{nothing}", headers=claimed)
            assert one.status_code == two.status_code < 500, method
            assert len(one.get_data()) - len(reference) * one.get_data(as_text=True).count(
                reference
            ) == len(two.get_data()) - len(nothing) * two.get_data(as_text=True).count(nothing)


@pytest.mark.parametrize(
    "path",
    [
        "/organization/delete/nothing",
        "/group/delete/nothing",
        "/organization/edit/nothing",
        "/dataset/edit/nothing",
        "/dataset/nothing/resource/nothing/view/nothing",
        "/datatables/ajax/nothing",
        "/datastore/dump/nothing",
        "/user/nothing",
        "/user/edit/nothing",
        "/dataset/nothing/resources/nothing/history/nothing",
        "/harvest/nothing",
        "/api/3/action/organization_autocomplete",
        "/api/3/action/group_autocomplete",
        "/api/3/action/harvest_job_list",
        "/open/review/nothing",
    ],
)
def test_nothing_is_not_an_error(portal: Portal, department: Department, path: str) -> None:
    """CKAN's views let some refusals through uncaught: here they are 403, 404 or 409."""
    for user in (None, User.make(), department.editor, department.reviewer):
        assert portal.get(path, user).status_code < 500


def test_lists_of_followers_say_nothing(portal: Portal, department: Department) -> None:
    """As in CKAN they are the operator's: what is there answers others like what is not."""
    made = portal.released(department)
    for asking in (None, User.make(), department.editor):
        for path, name in (
            ("/user/followers/{}", department.editor.name),
            ("/dataset/followers/{}", made["name"]),
            ("/organization/followers/{}", department.name),
        ):
            one, two = (portal.get(path.format(key), asking) for key in (name, "no-such-thing"))
            assert one.status_code == two.status_code in (403, 404), path
            assert "no-such-thing" not in two.get_data(as_text=True).split("<main")[1]
            assert name not in one.get_data(as_text=True).split("<main")[1]


def test_accounts_are_not_found_out(portal: Portal, department: Department) -> None:
    """Neither by their page, nor by members, nor by the reset of a password."""
    known, nobody = department.editor.name, "nobody-of-this-name"
    for asking in (None, User.make()):
        for path in ("/user/{}", "/user/activity/{}", "/user/{}/groups", "/user/followers/{}"):
            one, two = (portal.get(path.format(name), asking) for name in (known, nobody))
            assert one.status_code == two.status_code, path
            assert one.status_code in (302, 403, 404)
        for action, data in (
            ("user_show", {"id": "{}"}),
            ("user_activity_list", {"id": "{}"}),
            ("organization_list_for_user", {"id": "{}"}),
            ("member_create", {"id": department.id, "object": "{}", "object_type": "user",
                               "capacity": "member"}),
            ("member_delete", {"id": department.id, "object": "{}", "object_type": "user"}),
        ):  # fmt: skip
            answers = []
            for name in (known, nobody):
                filled = {key: value.format(name) for key, value in data.items()}
                answer = portal.ask(action, filled, asking)
                text = answer.get_data(as_text=True).replace(name, "~")
                answers.append((answer.status_code, text))
            assert answers[0] == answers[1], action
        shown = portal.call("organization_show", asking, id=department.id, include_users=True)
        assert known not in str(shown) and "users" not in shown
    config["ckan.auth.public_user_details"] = True  # as CKAN comes
    assert known not in str(portal.call("organization_show", id=department.id, include_users=True))
    assert portal.ask("user_list").status_code == 403


def test_a_reset_says_the_same_for_everybody(
    portal: Portal, department: Department, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(mailer, "send_reset_link", lambda user: sent.append(user.name))
    answers = []
    for name in (department.editor.name, "nobody-of-this-name"):
        answer = portal.request("POST", "/user/reset", data={"user": name})
        answers.append((answer.status_code, answer.headers.get("Location")))
    assert answers[0] == answers[1]
    assert sent == [department.editor.name]
    keys = []
    for reference in (department.editor.id, "00000000-0000-0000-0000-000000000000"):
        answer = portal.get(f"/user/reset/{reference}?key=wrong")
        keys.append(answer.status_code)
    assert keys[0] == keys[1]


def test_members_of_a_group_may_not_find_out_datasets(
    portal: Portal, department: Department
) -> None:
    made = portal.dataset(department)
    other = portal.department()
    for asking in (None, User.make(), other.editor):
        answers = []
        for reference in (made["id"], "00000000-0000-0000-0000-000000000000"):
            for action in ("member_create", "member_delete"):
                data = {"id": other.id, "object": reference, "object_type": "package",
                        "capacity": "public"}  # fmt: skip
                answer = portal.ask(action, data, asking)
                answers.append((answer.status_code, answer.get_data(as_text=True)))
        assert answers[:2] == answers[2:]


def test_a_renamed_dataset(portal: Portal, department: Department) -> None:
    """Outsiders know it by its released name, and the old address goes on for everybody."""
    made = portal.released(department)
    new = made["name"] + "-new"
    portal.call("package_patch", department.editor, id=made["id"], name=new)
    assert portal.call("package_show", id=made["name"])["name"] == made["name"]
    assert portal.get(f"/dataset/{made['name']}").status_code == 200
    assert portal.ask("package_show", {"id": new}).status_code == 404
    assert portal.get(f"/dataset/{new}").status_code == 404
    assert made["name"] in portal.call("package_list")
    assert new not in portal.call("package_list")
    for insider in (department.editor, department.reviewer):
        assert portal.call("package_show", insider, id=new)["name"] == new
        assert portal.call("package_show", insider, id=made["name"])["name"] == new
    portal.approve(department, made["id"])
    assert portal.get(f"/dataset/{new}").status_code == 200


def test_help_is_that_of_the_action(portal: Portal) -> None:
    for name, words in (
        ("package_show", "Return the metadata of a dataset"),
        ("govopen_review_decide", "Decide one or many reviews"),
        ("organization_show", "Return the details of an organization"),
    ):
        assert words in portal.call("help_show", name=name)
    assert portal.ask("help_show", {"name": "nothing"}).status_code == 404
