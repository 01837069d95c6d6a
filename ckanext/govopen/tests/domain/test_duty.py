from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Any

import pytest

from ckanext.govopen.domain import duty as rules
from ckanext.govopen.domain.duty import Duty, DutyRow, Give, Take, duties_of, holds
from ckanext.govopen.domain.refusal import Refused

from .builders import AUTHORITY, EDITOR, NOW, OPERATOR, ORG, REVIEWER, STRANGER

BUREAU = "org-bureau"
DAY = datetime.timedelta(days=1)
ROW = DutyRow("rita", ORG, Duty.REVIEWER)
DEPUTY = DutyRow("dora", ORG, Duty.REVIEWER, "rita", NOW, NOW + 7 * DAY)


def decide(command: Give | Take, actor: Any = AUTHORITY, rows: Any = (ROW,)) -> list[Any]:
    return rules.decide(rows, command, actor, BUREAU, NOW)


@pytest.mark.parametrize("actor", [AUTHORITY, OPERATOR])
def test_given_and_taken(actor: Any) -> None:
    [event] = decide(Give("dora", ORG, "handler"), actor)
    rows = rules.apply([ROW], event)
    assert holds(rows, "dora", ORG, Duty.HANDLER, NOW)
    [event] = rules.decide(rows, Take("dora", ORG, "handler"), actor, BUREAU, NOW)
    assert rules.apply(rows, event) == [ROW]


@pytest.mark.parametrize(
    ("command", "actor", "rows"),
    [
        (Give("dora", ORG, "reviewer"), STRANGER, [ROW]),
        (Give("dora", ORG, "reviewer"), REVIEWER, [ROW]),
        (Give("dora", ORG, "reviewer"), EDITOR, [ROW]),
        (Take("rita", ORG, "reviewer"), STRANGER, [ROW]),
        (Give("anna", ORG, "reviewer"), AUTHORITY, [ROW]),
        (Give("root", ORG, "reviewer"), OPERATOR, [ROW]),
        (Take("anna", BUREAU, "authority"), AUTHORITY, [DutyRow("anna", BUREAU, Duty.AUTHORITY)]),
        (Give("dora", ORG, "king"), AUTHORITY, [ROW]),
        (Give("dora", ORG, "authority"), AUTHORITY, [ROW]),
        (Give("dora", ORG, "auditor"), AUTHORITY, [ROW]),
        (Give("rita", BUREAU, "auditor"), AUTHORITY, [ROW]),
        (Give("rita", ORG, "reviewer"), AUTHORITY, [ROW]),
        (Give("ivy", ORG, "handler"), AUTHORITY, [DutyRow("ivy", BUREAU, Duty.AUDITOR)]),
        (Give("dora", ORG, "handler", until=NOW), AUTHORITY, [ROW]),
        (Give("dora", ORG, "reviewer", "rita"), AUTHORITY, [ROW]),
        (Give("rita", ORG, "reviewer", "rita", until=NOW + DAY), AUTHORITY, [ROW]),
        (Give("dora", ORG, "handler", "rita", until=NOW + DAY), AUTHORITY, [ROW]),
        (Give("eve", ORG, "reviewer", "dora", until=NOW + DAY), AUTHORITY, [ROW, DEPUTY]),
        (Take("dora", ORG, "reviewer"), AUTHORITY, [ROW]),
    ],
)
def test_refused(command: Any, actor: Any, rows: Any) -> None:
    with pytest.raises(Refused) as caught:
        decide(command, actor, rows)
    assert caught.value.refusals[0].rule.startswith("DUTY-")


def test_central_duties_in_the_authority() -> None:
    assert decide(Give("dora", BUREAU, "authority"), OPERATOR)
    assert decide(Give("dora", BUREAU, "auditor"), OPERATOR)
    with pytest.raises(Refused):
        rules.decide([], Give("dora", ORG, "authority"), OPERATOR, None, NOW)


def test_a_deputy_acts_for_a_time() -> None:
    [event] = decide(Give("dora", ORG, "reviewer", "rita", NOW, NOW + 7 * DAY))
    rows = rules.apply([ROW], event)
    assert rows == [ROW, DEPUTY]
    assert duties_of(rows, "dora", NOW) == {(ORG, "reviewer")}
    assert duties_of(rows, "dora", NOW - DAY) == frozenset()
    assert duties_of(rows, "dora", NOW + 7 * DAY) == frozenset()
    assert holds(rows, "rita", ORG, Duty.REVIEWER, NOW)


def test_a_deputy_falls_with_the_person_he_stands_in_for() -> None:
    events = decide(Take("rita", ORG, "reviewer"), rows=[ROW, DEPUTY])
    assert len(events) == 2
    rows = [ROW, DEPUTY]
    for event in events:
        rows = rules.apply(rows, event)
    assert rows == []
    expired = replace(ROW, until=NOW - DAY)
    assert duties_of([expired, DEPUTY], "dora", NOW) == frozenset()
    assert duties_of([DEPUTY], "dora", NOW) == frozenset()


def test_an_operator_can_leave_his_reason() -> None:
    [event] = decide(Give("dora", ORG, "handler", break_glass="首次设置"), OPERATOR)
    assert event.payload["break_glass"] == "首次设置"
