from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Any

import pytest

from ckanext.govopen.domain import standing as rules
from ckanext.govopen.domain.refusal import Refused
from ckanext.govopen.domain.standing import Column, Delivery, Give, Standing, Take, check, deliver

from .builders import (
    AUTHORITY,
    EDITOR,
    HANDLER,
    NOW,
    OPERATOR,
    ORG,
    OTHER_REVIEWER,
    REVIEWER,
    STRANGER,
    jilin,
)

DAY = datetime.timedelta(days=1)
COLUMNS = (Column("time", "timestamp"), Column("pm25", "numeric"))
STANDING = Standing(
    "d1", ORG, "r1", COLUMNS, "https://api.example.cn/air?key=1", NOW, NOW + 90 * DAY
)
DELIVERY = Delivery(COLUMNS, "https://api.example.cn/air?key=2", "ab" * 32, 100, 12)


@pytest.mark.parametrize(
    ("approval", "delivery", "at", "code"),
    [
        ({}, {}, NOW, "allowed"),
        ({}, {"columns": COLUMNS[:1]}, NOW, "allowed"),
        ({}, {"columns": COLUMNS[::-1]}, NOW, "allowed"),
        ({}, {"columns": (*COLUMNS, Column("name", "text"))}, NOW, "columns"),
        ({}, {"columns": (Column("pm25", "text"),)}, NOW, "types"),
        ({}, {"source": "https://api.example.com/air"}, NOW, "source"),
        ({}, {"source": "https://api.example.cn/other"}, NOW, "source"),
        ({}, {"source": "http://api.example.cn/air"}, NOW, "source"),
        ({}, {"findings": 1}, NOW, "findings"),
        ({}, {}, NOW - DAY, "not_yet_valid"),
        ({}, {}, NOW + 90 * DAY, "expired"),
        ({"state": "taken"}, {}, NOW, "taken"),
        ({"source": "sensor 7"}, {"source": "sensor 7"}, NOW, "allowed"),
        ({"source": "sensor 7"}, {"source": "sensor 8"}, NOW, "source"),
    ],
)
def test_a_delivery_is_checked(
    approval: dict[str, Any], delivery: dict[str, Any], at: datetime.datetime, code: str
) -> None:
    given, arriving = replace(STANDING, **approval), replace(DELIVERY, **delivery)
    assert check(given, arriving, at).code == code
    [event] = deliver(given, arriving, at)
    assert event.type == ("standing.delivered" if code == "allowed" else "standing.held")


def test_nothing_goes_out_without_an_approval() -> None:
    assert check(None, DELIVERY, NOW).code == "none"


def test_given_taken_and_folded() -> None:
    for actor in (REVIEWER, AUTHORITY):
        [event] = rules.decide(None, Give(STANDING, actor, "实时数据"), NOW, jilin())
        assert rules.apply(None, event) == STANDING
    for actor in (REVIEWER, AUTHORITY, OPERATOR):
        [event] = rules.decide(STANDING, Take(actor, "来源变更"), NOW, jilin())
        taken = rules.apply(STANDING, event)
        assert not check(taken, DELIVERY, NOW)


@pytest.mark.parametrize(
    ("change", "actor", "more"),
    [
        ({}, EDITOR, {}),
        ({}, HANDLER, {}),
        ({}, OTHER_REVIEWER, {}),
        ({}, STRANGER, {}),
        ({}, OPERATOR, {}),
        ({}, REVIEWER, {"reason": " "}),
        ({}, REVIEWER, {"submitters": frozenset({"rita"})}),
        ({"columns": ()}, REVIEWER, {}),
        ({"columns": (COLUMNS[0], COLUMNS[0])}, REVIEWER, {}),
        ({"source": ""}, REVIEWER, {}),
        ({"until": NOW}, REVIEWER, {}),
        ({"until": NOW + 400 * DAY}, REVIEWER, {}),
    ],
)
def test_not_given(change: dict[str, Any], actor: Any, more: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        command = Give(replace(STANDING, **change), actor, **{"reason": "实时", **more})
        rules.decide(None, command, NOW, jilin())


def test_not_taken() -> None:
    taken = replace(STANDING, state="taken")
    for state, actor in ((None, REVIEWER), (taken, REVIEWER), (STANDING, STRANGER)):
        with pytest.raises(Refused):
            rules.decide(state, Take(actor, "x"), NOW, jilin())
