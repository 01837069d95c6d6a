"""The registers of departments through the running portal: who keeps them, who reads them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ckan.common import config

from ckanext.govopen.tests.application.world import World
from ckanext.govopen.tests.portal import Portal, User, unique


@pytest.fixture(name="world")
def world_fixture(portal: Portal) -> World:
    return World.build(portal)


def put_under(monkeypatch: pytest.MonkeyPatch, regulation: str) -> None:
    monkeypatch.setitem(config, "ckanext.govopen.jurisdiction", regulation)
    monkeypatch.setitem(config, "ckanext.govopen.allow_profile_not_in_force", "true")


def rules_of(answer: Any) -> set[str]:
    assert answer.status_code == 409, answer.get_data(as_text=True)
    return {row["rule"] for row in answer.get_json()["error"]["refusal"]}


def page(portal: Portal, user: User, path: str) -> str:
    answer = portal.signed_in(user).get(path, base_url=config["ckan.site_url"])
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_named_persons(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    portal, place, name = world.portal, world.department, unique("王五")
    wanted = {"organization": place.name, "role": "head", "name": name, "phone": "0431-1234"}
    answer = portal.ask("govopen_named_person_put", wanted, world.authority)
    assert rules_of(answer) == {"GOV-4"}, "this text asks nobody to name persons"
    assert portal.call("govopen_named_person_list", world.authority) == []
    put_under(monkeypatch, "chaohu")
    for user in (world.handler, world.department.editor, world.other_handler):
        answer = portal.ask("govopen_named_person_put", wanted, user)
        assert rules_of(answer) == {"GOV-4"}
    assert portal.ask("govopen_named_person_put", wanted, world.stranger).status_code == 403
    made = portal.call("govopen_named_person_put", world.authority, **wanted)
    assert [(one["role"], one["name"], one["phone"]) for one in made["persons"]] == [
        ("head", name, "0431-1234")
    ]
    assert made["missing"] == []
    (known,) = made["persons"]
    foreign = {**wanted, "organization": world.other.name, "id": known["id"]}
    assert portal.ask("govopen_named_person_put", foreign, world.authority).status_code == 404

    # The department and the authority read it; nobody else does, in no place.
    for user in (world.handler, world.authority):
        found = portal.call("govopen_named_person_list", user, organization=place.name)
        assert [one["persons"] for one in found] == [made["persons"]]
        assert name in page(portal, user, "/open/persons")
    found = portal.call("govopen_named_person_list", world.other_handler)
    assert [one["organization"]["name"] for one in found] == [world.other.name]
    assert found[0]["missing"] == ["head"]
    assert portal.ask("govopen_named_person_list", {}, world.stranger).status_code == 403
    stream = f"department/{place.id}"
    for user in (None, world.stranger, world.other_handler):
        told = portal.call("govopen_ledger_show", user, stream=stream)
        shown = portal.call("organization_show", user, id=place.name, include_extras=True)
        lines = portal.call("govopen_ledger_export", user, stream=stream)["lines"]
        assert name not in json.dumps([told, shown, lines], ensure_ascii=False)
    events = portal.call("govopen_ledger_show", world.authority, stream=stream)["results"]
    assert [one["type"] for one in events] == ["department.person_named"]
    left = portal.call(
        "govopen_named_person_remove",
        world.authority,
        organization=place.name,
        id=known["id"],
    )
    assert (left["persons"], left["missing"]) == ([], ["head"])


def test_cooperation(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    portal, place, partner = world.portal, world.department, unique("某大学")
    wanted: dict[str, Any] = {
        "organization": place.name,
        "partner": partner,
        "subject": "交通研究",
        "datasets": [world.dataset()["name"]],
    }
    answer = portal.ask("govopen_cooperation_propose", wanted, world.handler)
    assert rules_of(answer) == {"AGR-3"}, "only one text knows it"
    put_under(monkeypatch, "haishu")
    for user in (world.other_handler, world.authority):
        assert rules_of(portal.ask("govopen_cooperation_propose", wanted, user)) == {"AGR-3"}
    wrong = {**wanted, "datasets": ["no-such"], "code": "91350211M000100Y40"}
    answer = portal.ask("govopen_cooperation_propose", wrong, world.handler)
    assert set(answer.get_json()["error"]) - {"__type"} == {"datasets", "code"}
    case = portal.call("govopen_cooperation_propose", world.handler, **wanted)
    assert (case["status"], case["may"]) == ("proposed", ["end"])
    assert case["datasets"][0]["name"] == wanted["datasets"][0]
    sign = {"id": case["id"], "signed_on": "2026-01-02", "sha256": "AB" * 32}
    consent = {"id": case["id"], "consent": True}
    answer = portal.ask("govopen_cooperation_sign", sign, world.handler.deciding)
    assert rules_of(answer) == {"AGR-3"}, "not before the consent"
    answer = portal.ask("govopen_cooperation_decide", consent, world.handler.deciding)
    assert rules_of(answer) == {"AGR-3"}
    # A decision takes the person, and a foreign case is none.
    assert portal.ask("govopen_cooperation_decide", consent, world.authority).status_code == 403
    for user in (world.other_handler, world.stranger):
        answer = portal.ask("govopen_cooperation_decide", consent, user.deciding)
        assert answer.status_code in (403, 404)
    portal.call("govopen_cooperation_decide", world.authority.deciding, **consent)
    signed = portal.call("govopen_cooperation_sign", world.handler.deciding, **sign)
    assert (signed["status"], signed["sha256"]) == ("signed", "ab" * 32)
    answer = portal.ask("govopen_cooperation_decide", consent, world.authority.deciding)
    assert rules_of(answer) == {"AGR-3"}, "decided already"

    for user in (world.handler, world.authority):
        assert partner in page(portal, user, "/open/cooperation")
    listed = portal.call("govopen_cooperation_list", world.other_handler)
    assert case["id"] not in {one["id"] for one in listed}
    stream = f"cooperation/{case['id']}"
    for user in (None, world.stranger, world.other_handler):
        told = portal.call("govopen_ledger_show", user, stream=stream)
        assert partner not in json.dumps(told, ensure_ascii=False)
    ended = portal.call(
        "govopen_cooperation_end", world.handler.deciding, id=case["id"], reason="已完成"
    )
    assert (ended["status"], ended["may"]) == ("ended", [])
