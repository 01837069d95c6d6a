"""A case goes on under the text of the law with which it began, whatever the file says later."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from ckan import model
from ckan.common import config

from ckanext.govopen.cli.checks import database
from ckanext.govopen.logic import application_round, command
from ckanext.govopen.model import edition, jurisdiction, ledger
from ckanext.govopen.model.ledger import EventRow
from ckanext.govopen.tests.application.test_regulations import clock, do, mails, refused
from ckanext.govopen.tests.application.world import World, later


@pytest.fixture
def change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], str]:
    """The site's profile becomes the Shandong one with another text; its SHA-256."""
    text = jurisdiction.path_of("shandong").read_text(encoding="utf-8")

    def to(before: str, after: str) -> str:
        assert before in text
        changed = text.replace(before, after)
        digest = hashlib.sha256(changed.encode()).hexdigest()
        path = tmp_path / f"{digest}.yaml"
        path.write_text(changed, encoding="utf-8")
        monkeypatch.setitem(config, "ckanext.govopen.jurisdiction", str(path))
        return digest

    return to


TWENTY = "n: 20\n"


def reply(case: dict[str, Any]) -> str:
    return clock(case, "open_reply")["due"]


def test_a_changed_file_changes_no_open_case(
    world: World, change: Callable[[str, str], str]
) -> None:
    package, other = world.dataset(), world.dataset()
    first = change("", "")
    case = world.submitted(package)
    world.checked(case)
    due = reply(case)
    second = change(TWENTY, "n: 3\n")
    assert first != second
    young = world.submitted(other)
    assert reply(young) < due, "a new case is under the new text"
    accepted = do(world, "accept", world.handler, id=case["id"])
    assert reply(accepted) == due and accepted["rules"] == case["rules"]
    state = model.Session
    recorded = [
        event.payload["sha256"] for event in ledger.read(state, "profile/shandong")
        if event.type == "profile.recorded"
    ]  # fmt: skip
    assert recorded.count(first) == recorded.count(second) == 1


def test_a_case_goes_on_when_the_site_takes_another_regulation(
    world: World, change: Callable[[str, str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    package = world.dataset()
    change("n: 20\n", "n: 19\n")
    case = world.submitted(package)
    world.checked(case)
    due = reply(case)
    monkeypatch.setitem(config, "ckanext.govopen.jurisdiction", "jilin")
    accepted = do(world, "accept", world.handler, id=case["id"])
    assert reply(accepted) == due
    extended = do(
        world, "extend", world.department.reviewer, id=case["id"], clock="open_reply", reason="量大"
    )
    assert reply(extended) > due, "what the text of that time allows"


def test_a_text_that_is_missing_is_told_and_stops_nothing_else(
    world: World, change: Callable[[str, str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    package, sound = world.dataset(), world.dataset()
    digest = change(TWENTY, "n: 17\n")
    case = world.submitted(package)
    monkeypatch.setitem(config, "ckanext.govopen.jurisdiction", "jilin")
    other = world.submitted(sound)
    model.Session.remove()
    table = EventRow.__table__
    recorded = sa.and_(
        table.c.type == "profile.recorded", table.c.payload["sha256"].astext == digest
    )
    kept = model.Session.execute(sa.select(table.c.payload).where(recorded)).scalar_one()
    lost = {**kept, "sha256": "f" * 64}
    model.Session.execute(sa.update(table).where(recorded).values(payload=lost))
    model.repo.commit()
    try:
        for user in (world.applicant, world.handler):
            (row,) = refused(world, "show", user, id=case["id"])
            assert row["rule"] == "GOV-1" and "法规文本" in row["message"]
            page = world.portal.get(f"/open/application/{case['id']}", user)
            assert page.status_code == 409 and "法规文本" in page.get_data(as_text=True)
        refused(world, "accept", world.handler.deciding, id=case["id"])
        refused(world, "withdraw", world.applicant, id=case["id"])
        answers = [
            world.portal.ask("govopen_application_show", {"id": one}, world.stranger)
            for one in (case["id"], "not-there")
        ]
        assert [one.status_code for one in answers] == [404, 404], "who may not know learns nothing"
        listed = world.portal.call("govopen_application_list", world.applicant)["results"]
        assert {case["id"], other["id"]} <= {one["id"] for one in listed}
        assert world.portal.get("/open/desk", world.handler).status_code == 200

        (found,) = [one for one in database.editions() if digest in one.message]
        assert (found.level, found.code) == ("error", "profile-text")
        assert case["number"] in found.message and other["number"] not in found.message

        # The others go on, and what is taken away does not wait.
        monkeypatch.setitem(config, "ckanext.govopen.application.targets", "acceptance=1wd")
        later(monkeypatch, days=30)
        application_round.run(command.now())
        assert mails("application-overdue", other) and not mails("application-overdue", case)
        monkeypatch.undo()
        world.portal.ready()
        world.portal.call(
            "govopen_dataset_reclassify", world.department.editor, id=package["id"],
            open_class="non_open", reason="涉及国家秘密",
            legal_basis=[{"instrument": "保守国家秘密法", "article": "13", "kind": "law"}],
        )  # fmt: skip
    finally:
        model.Session.remove()
        undo = table.c.payload["sha256"].astext == "f" * 64
        model.Session.execute(sa.update(table).where(undo).values(payload=kept))
        model.repo.commit()
    assert world.show(case, world.applicant)["number"] == case["number"]
    assert not [one for one in database.editions() if digest in one.message]


def test_a_recorded_text_that_was_changed_is_not_used(
    world: World, change: Callable[[str, str], str]
) -> None:
    digest = change(TWENTY, "n: 18\n")
    edition.keep(model.Session, jurisdiction.active(), command.now())
    change("", "")
    assert edition.find(model.Session, digest).sha256 == digest
    row = model.Session.query(EventRow).filter(
        EventRow.__table__.c.payload["sha256"].astext == digest
    ).one()  # fmt: skip
    row.payload = {**row.payload, "text": row.payload["text"].replace("n: 18\n", "n: 1\n")}
    model.Session.flush()
    with pytest.raises(jurisdiction.ProfileError):
        edition.find(model.Session, digest)
    with pytest.raises(jurisdiction.ProfileError):
        edition.find(model.Session, "0" * 64)
    model.Session.rollback()
