"""The whole way of an application under the profile of Jilin, by API with real tokens."""

from __future__ import annotations

import io

import pytest
from ckan.common import config

from ckanext.govopen.tests.application.world import World
from ckanext.govopen.tests.portal import Refused


def test_the_whole_way_to_a_signature(world: World) -> None:
    portal, package = world.portal, world.dataset()
    draft = world.draft(package)
    assert draft["status"] == "draft" and draft["number"].startswith("SQ")
    assert draft["content"]["parts"][0]["organization"] == world.department.id
    case = portal.call("govopen_application_submit", world.applicant, id=draft["id"])
    assert case["status"] == "open"
    assert [part["status"] for part in case["parts"]] == ["submitted"]
    assert case["parts"][0]["waits_for"] == ["handler@provider"]

    returned = portal.call(
        "govopen_application_return",
        world.handler.deciding,
        id=case["id"],
        remarks={"purpose": "请写明用途"},
    )
    assert returned["parts"][0]["status"] == "returned"
    seen = world.show(case, world.applicant)
    assert seen["parts"][0]["remarks"] == {"purpose": "请写明用途"}
    assert set(seen["may"]) >= {"submit", "update", "withdraw"}
    changed = {**seen["draft"], "fields": {**seen["draft"]["fields"], "purpose": "城市规划研究"}}
    portal.call("govopen_application_update", world.applicant, id=case["id"], content=changed)
    again = portal.call("govopen_application_submit", world.applicant, id=case["id"])
    assert again["revision"] == 2
    assert {"path": "fields.purpose", "before": "论文研究", "after": "城市规划研究"} in (
        world.show(case, world.handler)["differences"]
    )

    with pytest.raises(Refused) as refused:
        portal.call("govopen_application_accept", world.handler.deciding, id=case["id"])
    assert refused.value.status == 409 and refused.value.rules == ["ID-4"]
    world.checked(case)
    accepted = portal.call("govopen_application_accept", world.handler.deciding, id=case["id"])
    assert accepted["parts"][0]["identity"]["name"] == "李四"
    clocks = accepted["parts"][0]["clocks"]
    assert [(one["id"], one["due"], one["article"]) for one in clocks] == [("reply", None, "28.2")]

    decided = portal.call(
        "govopen_application_decide",
        world.handler.deciding,
        **world.opinion(accepted, conditions=["注明来源"]),
    )
    part = decided["parts"][0]
    assert part["status"] == "approved" and part["conditions"] == ["注明来源"]
    assert [one["kind"] for one in decided["letters"]] == ["returned", "approved"]
    letter = portal.call(
        "govopen_letter_show", world.applicant, number=decided["letters"][-1]["number"]
    )
    assert letter["delivered_at"] and letter["facts"]["reasons"][0]["text"] == "符合条件"
    assert world.show(case, world.handler)["letters"][-1]["delivered_at"]


def test_without_an_agreement_the_grant_comes_with_the_decision(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(config, "ckanext.govopen.application.agreement", "false")
    package = world.dataset()
    case = world.accepted(package)
    decided = world.portal.call(
        "govopen_application_decide", world.handler.deciding, **world.opinion(case)
    )
    assert decided["parts"][0]["status"] == "granted" and decided["status"] == "closed"
    (grant,) = decided["parts"][0]["grants"]
    shown = world.portal.call("govopen_grant_show", world.applicant, id=grant)
    assert shown["works"] and shown["dataset"]["id"] == package["id"]
    renewed = world.portal.call("govopen_application_renew", world.applicant, id=grant)
    assert renewed["renews"] == grant
    assert renewed["draft"]["parts"][0]["datasets"][0]["dataset"] == package["id"]


def test_refused_with_a_letter_that_names_the_remedies(world: World) -> None:
    case = world.accepted()
    decided = world.portal.call(
        "govopen_application_decide", world.handler.deciding, **world.opinion(case, False)
    )
    assert decided["parts"][0]["status"] == "refused"
    letter = world.portal.call(
        "govopen_letter_show", world.handler, number=decided["letters"][-1]["number"]
    )
    assert letter["kind"] == "refused" and len(letter["facts"]["remedies"]) == 2
    assert letter["delivered_at"] is None, "that the department reads it is no delivery"


def test_files_are_private_and_their_names_are_safe(world: World) -> None:
    portal, draft = world.portal, world.draft(world.dataset())

    def add(name: str, content: bytes) -> int:
        answer = portal.request(
            "POST",
            "/api/3/action/govopen_attachment_add",
            world.applicant,
            data={"application": draft["id"], "upload": (io.BytesIO(content), name)},
        )
        return answer.status_code

    assert add("../../etc/计划.txt", "计划".encode()) == 200
    assert add("page.html", b"<script>") == 409
    assert add("scan.pdf", b"MZ\x90\x00 no pdf" + b"\0" * 200) == 409
    (file,) = portal.call("govopen_attachment_list", world.applicant, application=draft["id"])
    assert file["name"] == "计划.txt"
    for other in (world.handler, world.stranger):
        answer = portal.ask("govopen_attachment_list", {"application": draft["id"]}, other)
        assert answer.status_code == 404
    portal.call("govopen_application_submit", world.applicant, id=draft["id"])
    seen = portal.call("govopen_attachment_list", world.handler, application=draft["id"])
    assert [one["id"] for one in seen] == [file["id"]]
    for other in (world.stranger, world.department.member, world.other_handler):
        asked = {"application": draft["id"], "id": file["id"]}
        assert portal.ask("govopen_attachment_show", asked, other).status_code == 404


def test_a_draft_can_be_deleted_and_a_case_withdrawn(world: World) -> None:
    draft = world.draft()
    gone = world.portal.call("govopen_application_withdraw", world.applicant, id=draft["id"])
    assert gone == {"id": draft["id"], "deleted": True}
    assert (
        world.portal.ask("govopen_application_show", {"id": draft["id"]}, world.applicant)
    ).status_code == 404
    case = world.submitted()
    after = world.portal.call("govopen_application_withdraw", world.applicant, id=case["id"])
    assert after["status"] == "closed" and after["parts"][0]["status"] == "withdrawn"
