"""The scheduler's round: settled reviews are handed in, a failing job stops no other."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ckan import model

from ckanext.govopen.cli import rounds
from ckanext.govopen.logic import command
from ckanext.govopen.model.review import ReviewRow
from ckanext.govopen.tests.portal import Portal


def status(package_id: str) -> str:
    model.Session.expire_all()
    return model.Session.query(ReviewRow).filter_by(package_id=package_id).one().status


def later(monkeypatch: pytest.MonkeyPatch, minutes: int) -> None:
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
    monkeypatch.setattr(command, "now", lambda: moment)


def test_a_settled_review_is_handed_in(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    made = portal.dataset(portal.department())
    rounds.Rounds().submit_settled()
    assert status(made["id"]) == "open"
    later(monkeypatch, 11)
    assert rounds.Rounds().submit_settled() >= 1
    assert status(made["id"]) == "submitted"


def test_one_that_lacks_something_waits_and_is_not_asked_again(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    department = portal.department()
    made = portal.dataset(department, theme="", notes="", provider_unit="", update_cycle="")
    draft = portal.dataset(department)
    package = model.Package.get(draft["id"])
    assert package is not None
    package.state = "draft"
    model.repo.commit()
    later(monkeypatch, 11)
    asked: list[str] = []
    real = rounds.common.act

    def act(action: str, data: dict[str, str], context: Any) -> object:
        asked.append(data["id"])
        return real(action, data, context)

    monkeypatch.setattr(rounds.common, "act", act)
    scheduler = rounds.Rounds()
    scheduler.submit_settled()
    review = model.Session.query(ReviewRow).filter_by(package_id=made["id"]).one()
    waits = review.status == "open"
    assert status(draft["id"]) == "open"
    scheduler.submit_settled()
    assert asked.count(review.id) == 1
    assert waits, "The profile requires none of the fields left out."


def test_a_failing_job_stops_no_other(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    scheduler = rounds.Rounds()

    def broken() -> int:
        raise RuntimeError("out of order")

    monkeypatch.setattr(scheduler, "submit_settled", broken)
    done = scheduler.run()
    assert done["reviews"] is None
    assert done["harvest"] == 1
    assert scheduler.run()["harvest"] == 0, "ckanext-harvest is asked once a minute"


def test_with_the_review_off_nothing_is_handed_in(
    portal: Portal, ckan_config: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ckan_config, "ckanext.govopen.review", "off")
    assert rounds.Rounds().submit_settled() == 0
