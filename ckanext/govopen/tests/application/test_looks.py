"""Whoever reads who an applicant is leaves a trace: for the applicant and the authority alone."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
import sqlalchemy as sa
from ckan import model
from ckan.common import config

from ckanext.govopen.logic import command, grant_upkeep
from ckanext.govopen.model import look
from ckanext.govopen.model.ledger import EventRow
from ckanext.govopen.tests.application.test_persons import firm
from ckanext.govopen.tests.application.world import World
from ckanext.govopen.tests.portal import User


def looks(world: World, case: dict[str, Any], user: User) -> list[dict[str, Any]]:
    found = world.portal.call("govopen_look_list", user, application=case["id"])
    assert found["count"] == len(found["results"])
    return found["results"]


def test_each_look_is_written_down_for_those_it_concerns(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    portal = world.portal
    auditor = User.make()
    portal.duty(auditor, "data-authority", "auditor")
    case = world.submitted()
    stream = f"application/{case['id']}"
    world.show(case, world.applicant)
    assert looks(world, case, world.applicant) == [], "his own reading is none"
    # A colleague without a duty, and lists, name nobody.
    portal.ask("govopen_application_show", {"id": case["id"]}, world.department.editor)
    for user in (world.handler, world.authority):
        portal.call("govopen_application_list", user, scope="department")
        portal.call("govopen_letter_list", user, application=case["id"])
    assert looks(world, case, world.authority) == []

    world.show(case, world.handler)
    world.show(case, world.handler)
    portal.call("govopen_attachment_list", world.handler, application=case["id"])
    portal.call("govopen_applicant_show", world.handler, application=case["id"])
    world.show(case, auditor)
    portal.call("govopen_ledger_show", world.authority, stream=stream)
    assert portal.get("/open/ledger/export.jsonl", auditor).status_code == 200

    mine = looks(world, case, world.applicant)
    assert [(one["capacity"], one["what"], one["times"]) for one in reversed(mine)] == [
        ("handler", "case", 2),
        ("handler", "files", 1),
        ("handler", "identity", 1),
        ("auditor", "case", 1),
        ("authority", "record", 1),
    ]
    assert all(one["mine"] and one["status"] == "submitted" for one in mine)
    assert mine[-1]["organization"]["id"] == world.department.id
    # To the applicant a reader is his department and a number; the authority knows who it is.
    assert all(one["by"] is None and isinstance(one["actor"], int) for one in mine)
    text = json.dumps(mine)
    assert not any(name in text for name in (world.handler.name, world.handler.id, auditor.id))
    names = {one["by"]["id"] for one in looks(world, case, world.authority)}
    assert names == {world.handler.id, auditor.id, world.authority.id}
    only = portal.call("govopen_look_list", world.authority, user=auditor.name)["results"]
    assert {one["by"]["id"] for one in only} == {auditor.id}

    # Who reads knows his own looks; others learn neither that there is a case nor of any look.
    assert {one["by"]["id"] for one in looks(world, case, world.handler)} == {world.handler.id}
    for user in (world.stranger, world.colleague, world.department.editor):
        assert looks(world, case, user) == []
        found = portal.call("govopen_look_list", user, application=case["id"], user=auditor.name)
        assert found["count"] == 0
    assert portal.ask("govopen_look_list").status_code == 403

    # Nothing of it stands in the ledger, public or not.
    types = set(model.Session.scalars(sa.select(EventRow.type).where(EventRow.stream == stream)))
    assert types == {"application.submitted"}

    page = portal.signed_in(world.applicant).get(
        f"/open/looks?application={case['id']}", base_url=config["ckan.site_url"]
    )
    assert page.status_code == 200 and world.handler.name not in page.get_data(as_text=True)
    # The trace goes with the access log, when its time is over.
    ahead = command.now() + datetime.timedelta(days=3660)
    grant_upkeep.forget(ahead)
    assert looks(world, case, world.applicant) == []


def test_who_is_named_by_an_organisation_is_told_who_read_his_name(world: World) -> None:
    portal = world.portal
    friend, colleague = User.make(), User.make()
    case = world.submitted(world.dataset(), **firm(friend.name, colleague.name))
    world.show(case, world.handler)
    portal.call("govopen_letter_list", world.handler, application=case["id"])
    portal.call("govopen_applicant_show", world.handler, application=case["id"])
    portal.call("govopen_ledger_show", world.authority, stream=f"application/{case['id']}")
    assert portal.get("/open/ledger/export.jsonl", world.authority).status_code == 200
    for person in (friend, colleague):
        told = looks(world, case, person)
        assert [(one["capacity"], one["what"]) for one in reversed(told)] == [
            ("handler", "case"), ("authority", "record"),
        ]  # fmt: skip
        assert all(one["mine"] and one["by"] is None for one in told)
        assert not any(one["application"]["readable"] for one in told), "nor does he read the case"
    # What only names the applicant is only about him, and he does not learn whom the portal knows.
    assert {one["what"] for one in looks(world, case, world.applicant)} == {
        "case", "identity", "record",
    }  # fmt: skip
    assert len(looks(world, case, world.applicant)) == 3


def test_what_cannot_be_written_down_is_not_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = world.submitted()

    def fails(*_args: Any, **_values: Any) -> None:
        raise RuntimeError("no room")

    monkeypatch.setattr(look, "add", fails)
    answer = world.portal.ask("govopen_application_show", {"id": case["id"]}, world.handler)
    assert answer.status_code == 500 and "李四" not in answer.get_data(as_text=True)
