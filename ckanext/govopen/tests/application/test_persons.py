"""Persons whom an applying organisation names: who counts, and what nobody learns from it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ckan.common import config

from ckanext.govopen.tests.application.world import World
from ckanext.govopen.tests.portal import User, unique

CODE = "91440300708461136T"


def firm(*persons: str) -> dict[str, Any]:
    return {
        "applicant_kind": "legal_person",
        "organisation": {
            "name": "某科技公司", "code": CODE, "authority": "授权委托书", "persons": list(persons),
        },
    }  # fmt: skip


def accepted(world: World, *persons: str) -> dict[str, Any]:
    """By the handler of the department, whoever was named."""
    case = world.submitted(world.dataset(), **firm(*persons))
    world.portal.call(
        "govopen_applicant_check", world.handler.deciding, application=case["id"],
        name="某科技公司", document="营业执照", person="李四", authority="授权委托书",
    )  # fmt: skip
    return world.portal.call("govopen_application_accept", world.handler.deciding, id=case["id"])


def test_an_unknown_name_is_answered_like_a_known_one(world: World) -> None:
    known, handler = User.make(), world.handler
    answers = []
    for name in (known.name, handler.name, unique("nobody"), "没有 这个人"):
        case = world.submitted(world.dataset(), **firm(name))
        shown = world.show(case, world.applicant)
        assert shown["content"]["organisation"].pop("persons") == [name], "as he wrote it"
        answers.append((sorted(shown), shown["status"], shown["parts"][0]["status"]))
        text = json.dumps(shown, ensure_ascii=False)
        assert known.id not in text and handler.id not in text
        stream = f"application/{case['id']}"
        told = world.portal.call("govopen_ledger_show", world.applicant, stream=stream)["results"]
        lines = world.portal.call("govopen_ledger_export", world.applicant, stream=stream)["lines"]
        for text in (json.dumps(told), *lines):
            assert known.id not in text and handler.id not in text
    assert len({str(one) for one in answers}) == 1


def test_naming_those_who_decide_bars_nobody_and_gives_them_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(config, "ckanext.govopen.application.agreement", "false")
    colleague, friend = User.make(), world.stranger
    names = (world.handler.name, world.department.editor.name, world.authority.name, friend.name)
    case = accepted(world, *names, colleague.id, unique("nobody"))
    assert {one["id"] for one in case["persons"]} == {friend.id, colleague.id}
    decided = world.portal.call(
        "govopen_application_decide", world.handler.deciding, **world.opinion(case)
    )
    (grant,) = decided["parts"][0]["grants"]
    held = world.portal.call("govopen_grant_show", world.applicant, id=grant)["persons"]
    assert {one["id"] for one in held} == {world.applicant.id, friend.id, colleague.id}


def test_who_is_named_and_is_given_the_duty_later_does_not_decide(world: World) -> None:
    insider = User.make()
    case = accepted(world, insider.name)
    world.portal.duty(insider, world.department.name, "handler")
    answer = world.portal.ask("govopen_application_decide", world.opinion(case), insider.deciding)
    assert answer.status_code in (403, 409)
    assert world.show(case, world.handler)["parts"][0]["status"] == "accepted"


def test_who_is_named_does_not_read_the_case(world: World) -> None:
    friend = User.make()
    case = accepted(world, friend.name)
    assert (
        world.portal.ask("govopen_application_show", {"id": case["id"]}, friend).status_code == 404
    )
    stream = f"application/{case['id']}"
    assert not world.portal.call("govopen_ledger_show", friend, stream=stream)["results"]


def test_who_acts_for_an_organisation_learns_nobody_s_name_by_naming_him(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """He knows the names of the accounts; whose they are he would learn by trying."""
    monkeypatch.setitem(config, "ckanext.govopen.application.agreement", "false")
    case, somebody = accepted(world), User.make()
    portal, applicant = world.portal, world.applicant
    decided = portal.call(
        "govopen_application_decide", world.handler.deciding, **world.opinion(case)
    )
    (grant,) = decided["parts"][0]["grants"]
    order = {"id": grant, "persons": [applicant.name, somebody.name, world.authority.name]}
    answers = [
        portal.ask("govopen_grant_persons_set", order, applicant.deciding),
        portal.ask("govopen_grant_show", {"id": grant}, applicant),
        portal.ask("govopen_grant_list", {}, applicant),
        portal.signed_in(applicant).get(
            f"/open/grant/{grant}", base_url=config["ckan.site_url"]
        ),
    ]  # fmt: skip
    for answer in answers:
        text = answer.get_data(as_text=True)
        assert answer.status_code == 200 and somebody.name in text
        assert somebody.fullname not in text and world.authority.fullname not in text
    (shown,) = [
        one for one in portal.call("govopen_grant_show", world.handler, id=grant)["persons"]
        if one["id"] == somebody.id
    ]  # fmt: skip
    assert shown["fullname"] == somebody.fullname, "who decides on it reads who it is"
