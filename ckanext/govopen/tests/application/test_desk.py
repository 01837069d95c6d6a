"""The desk: whose turn it is, filters, counts, and the number in the head of every page."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from ckan import model
from ckan.common import config

from ckanext.govopen.domain.application.state import OPEN
from ckanext.govopen.logic import application as cases
from ckanext.govopen.logic import application_record as recording
from ckanext.govopen.model import application as stored
from ckanext.govopen.tests.application.world import World
from ckanext.govopen.tests.portal import Refused, User


def desk(world: World, user: User, **wanted: object) -> dict:
    return world.portal.call("govopen_desk", user, **wanted)


def kinds(rows: list[dict], title: str) -> list[str]:
    return [row["kind"] for row in rows if row["title"] == title]


def numbers_agree(world: World, user: User) -> None:
    shown, head = desk(world, user), world.portal.call("govopen_desk_count", user)
    assert shown["counts"]["waiting"] == head["applications"] + head["reviews"]
    assert shown["counts"]["waiting"] == len(shown["waiting"])
    assert shown["counts"]["mine"] == len(shown["mine"])
    assert sum(shown["kinds"].values()) == len(shown["waiting"]) + len(shown["mine"])
    assert sum(one["number"] for one in shown["organizations"]) == sum(shown["kinds"].values())


def test_a_review_waits_for_whose_turn_it_is(world: World) -> None:
    portal, department = world.portal, world.department
    title = "工地扬尘监测点位"
    made = portal.dataset(department, title=title)
    people = (department.editor, department.reviewer, department.member)

    def places() -> list[tuple[list[str], list[str]]]:
        found = []
        for person in people:
            shown = desk(world, person)
            found.append((kinds(shown["waiting"], title), kinds(shown["mine"], title)))
            numbers_agree(world, person)
        return found

    assert places() == [(["review_open"], []), ([], []), ([], [])]
    portal.submit(department, made["id"])
    assert places() == [
        ([], ["review_submitted"]),
        (["review_submitted"], []),
        ([], ["review_submitted"]),
    ]
    portal.decide(department, made["id"], decision="return", remarks="请补充更新周期")
    assert places() == [(["review_returned"], []), ([], []), ([], [])]
    portal.call("package_patch", department.editor, id=made["id"], notes="已补充。")
    portal.approve(department, made["id"])
    assert places() == [([], []), ([], []), ([], [])]


def test_who_submitted_himself_waits_for_another(world: World) -> None:
    portal = world.portal
    department = portal.department()
    both = User.make()
    portal.duty(both, department.name, "reviewer")
    portal.call(
        "organization_member_create",
        portal.operator,
        id=department.id,
        username=both.name,
        role="editor",
    )
    made = portal.call("package_create", both, **portal.fields(department))
    shown = portal.call("govopen_review_show", both, id=made["id"])
    assert "submit" in shown["may"] and not shown["submit_bars"], "he is among the submitters"
    portal.call("govopen_review_submit", both, id=made["id"])
    shown = desk(world, both)
    assert kinds(shown["waiting"], made["title"]) == []
    assert kinds(shown["mine"], made["title"]) == ["review_submitted"]
    assert kinds(desk(world, department.reviewer)["waiting"], made["title"]) == ["review_submitted"]
    numbers_agree(world, both)


def test_who_only_reviews_is_not_offered_to_submit(world: World) -> None:
    portal, department = world.portal, world.department
    made = portal.dataset(department)

    def may(user: User) -> list[str]:
        return portal.call("govopen_review_show", user, id=made["id"])["may"]

    assert "submit" not in may(department.reviewer)
    assert "submit" in may(department.editor)
    both = User.make()
    portal.duty(both, department.name, "reviewer")
    portal.call(
        "organization_member_create",
        portal.operator,
        id=department.id,
        username=both.name,
        role="editor",
    )
    read = portal.call("govopen_review_show", both, id=made["id"])
    assert "submit" in read["may"] and read["submit_bars"]


def test_parties_are_found_without_opening_cases(world: World, monkeypatch) -> None:
    """The same as the rules say case by case, and with no event read."""
    submitted, accepted = world.submitted(), world.accepted()
    people = [world.handler, world.colleague, world.authority, world.other_handler]
    expected = {}
    for person in people:
        expected[person.name] = {
            row.application_id
            for row in model.Session.scalars(
                sa.select(stored.PartRow).where(stored.PartRow.status.in_(sorted(OPEN)))
            )
            for state in [stored.state(model.Session, row.application_id)]
            for part in [state and state.part(row.organization_id)]
            if state and part and person.id in recording.waiting_for(part, cases.rules_for(state))
        }
    assert submitted["id"] in expected[world.handler.name]
    assert any(accepted["id"] in found for found in expected.values())

    def read(*_args: object, **_options: object) -> None:
        raise AssertionError("A case was opened.")

    monkeypatch.setattr(stored, "events", read)
    for person in people:
        shown = desk(world, person)
        found = {one["id"] for one in shown["waiting"] if one["kind"].startswith("application")}
        assert found == expected[person.name], person
        if person is not world.authority:  # to it belongs what other tests have left, too
            numbers_agree(world, person)
    own = desk(world, world.applicant)
    assert {submitted["id"], accepted["id"]} <= {one["id"] for one in own["mine"]}
    assert own["waiting"] == []
    numbers_agree(world, world.applicant)


def test_filters(world: World) -> None:
    world.submitted()
    world.portal.dataset(world.department, title="待提交的修改")
    editor, handler = world.department.editor, world.handler
    only = desk(world, editor, kind="review_open")
    assert {one["kind"] for one in only["waiting"]} == {"review_open"} and only["mine"] == []
    assert only["counts"]["waiting"] == len(only["waiting"]) == only["kinds"]["review_open"]
    here = desk(world, handler, organization=world.department.name)
    assert here["counts"]["waiting"] == len(here["waiting"]) > 0
    assert desk(world, handler, organization=world.other.name)["waiting"] == []
    assert desk(world, handler, overdue=True)["waiting"] == []
    for wrong in ({"kind": "x"}, {"organization": "nowhere"}, {"overdue": "perhaps"}):
        with pytest.raises(Refused) as refused:
            desk(world, handler, **wrong)
        assert refused.value.status == 409 and set(wrong) <= set(refused.value.error)


def test_nobody_else_reads_anything_of_it(world: World) -> None:
    world.submitted()
    world.portal.dataset(world.department)
    for stranger in (world.stranger, world.other.editor, world.other_handler):
        shown = desk(world, stranger)
        assert (shown["waiting"], shown["mine"], shown["kinds"]) == ([], [], {})
    assert world.portal.ask("govopen_desk", {}).status_code == 403
    assert world.portal.ask("govopen_desk_count", {}).status_code == 403


def test_departments_where_nobody_answers_are_told_to_those_who_can_mend_it(world: World) -> None:
    portal, words = world.portal, "尚无申请经办人"
    bare = portal.department()
    world.dataset(bare)

    def page(user: User) -> str:
        site = config["ckan.site_url"]
        return portal.signed_in(user).get("/open/desk", base_url=site).get_data(as_text=True)

    names = {one["name"] for one in desk(world, world.authority)["without_handler"]}
    assert bare.name in names and world.department.name not in names
    assert words in page(world.authority)
    for person in (world.handler, bare.editor, bare.reviewer, world.applicant):
        assert desk(world, person)["without_handler"] == []
        assert words not in page(person)
    portal.duty(world.stranger, bare.name, "handler")
    names = {one["name"] for one in desk(world, world.authority)["without_handler"]}
    assert bare.name not in names
