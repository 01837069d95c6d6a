"""The clock at the last second of a limit, as everybody sees it through the portal."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ckan.common import config

from ckanext.govopen.logic import application_round, command
from ckanext.govopen.model import jurisdiction
from ckanext.govopen.tests.application.test_regulations import clock, mails
from ckanext.govopen.tests.application.world import World

TICK = datetime.timedelta(microseconds=1)


def at(monkeypatch: pytest.MonkeyPatch, moment: datetime.datetime) -> None:
    monkeypatch.setattr(command, "now", lambda: moment)


def test_on_the_last_second_nothing_is_late_and_after_it_everything_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = world.dataset()
    monkeypatch.setitem(config, "ckanext.govopen.jurisdiction", "shandong")
    assert jurisdiction.profile().id == "shandong"
    case = world.accepted(package)
    reply = clock(world.show(case, world.handler), "open_reply")
    end = datetime.datetime.fromisoformat(reply["due_at"])
    assert end.tzinfo is not None

    def seen() -> tuple[bool, bool, bool]:
        shown = clock(world.show(case, world.handler), "open_reply")["overdue"]
        (row,) = [
            one for one in world.portal.call("govopen_desk", world.handler)["waiting"]
            if one["id"] == case["id"]
        ]  # fmt: skip
        filtered = world.portal.call("govopen_desk", world.handler, overdue=True)["waiting"]
        assert (row["days_left"] < 0) is row["overdue"] or row["days_left"] <= 0
        return shown, row["overdue"], case["id"] in {one["id"] for one in filtered}

    for moment in (end - datetime.timedelta(seconds=1), end):
        at(monkeypatch, moment)
        assert seen() == (False, False, False)
        application_round.run(command.now())
        assert mails("application-overdue", case) == []
    at(monkeypatch, end + TICK)
    assert seen() == (True, True, True)
    application_round.run(command.now())
    assert world.handler.id in mails("application-overdue", case)

    # Late or not: a decision is a decision.
    answer = world.portal.ask(
        "govopen_application_decide", world.opinion(case), world.handler.deciding
    )
    assert answer.status_code == 200
    assert answer.get_json()["result"]["parts"][0]["status"] == "approved"


@pytest.mark.parametrize(("late", "status"), [(False, "approved"), (True, "lapsed")])
def test_the_agreement_can_be_signed_until_the_day_is_over(
    world: World, monkeypatch: pytest.MonkeyPatch, late: bool, status: str
) -> None:
    monkeypatch.setitem(config, "ckanext.govopen.application.sign_within_days", "7")
    case = world.accepted()
    decided: dict[str, Any] = world.portal.call(
        "govopen_application_decide", world.handler.deciding, **world.opinion(case)
    )
    day = datetime.datetime.fromisoformat(decided["parts"][0]["decided_at"]).astimezone(
        datetime.timezone(datetime.timedelta(hours=8))
    )
    midnight = day.replace(hour=0, minute=0, second=0, microsecond=0)
    after = midnight + datetime.timedelta(days=8)
    at(monkeypatch, after if late else after - TICK)
    application_round.run(command.now())
    assert world.show(case, world.applicant)["parts"][0]["status"] == status
