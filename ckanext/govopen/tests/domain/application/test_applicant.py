"""Who was checked, by whom, and how long it counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ckanext.govopen.domain import applicant
from ckanext.govopen.domain.applicant import ApplicantState, Check, WithdrawCheck
from ckanext.govopen.domain.duty import Actor
from ckanext.govopen.domain.event import EVENT_TYPES, Event
from ckanext.govopen.domain.refusal import Refused

from .world import ANN, AUTHORITY, CODE, DAY, HANDLER_A, NOW, OPERATOR, REVIEWER_A, SYSTEM

PERSON = Check(HANDLER_A, "ann", "person", "安妮", "身份证", "123X", NOW + 365 * DAY)
COMPANY = Check(
    AUTHORITY, "ann", "organisation", "某公司", "营业执照", "", NOW + 365 * DAY,
    person="安妮", code=CODE.lower(), authority="法定代表人授权书",
)  # fmt: skip


def run(*commands: Any, state: ApplicantState | None = None) -> ApplicantState:
    state = state or ApplicantState()
    for command in commands:
        for event in applicant.decide(state, command, NOW):
            state = applicant.apply(state, event, NOW)
    return state


def test_a_check_counts_until_its_end() -> None:
    state = run(PERSON)
    found = state.in_force(NOW)
    assert found is not None and (found.person, found.document_tail) == ("安妮", "123X")
    assert state.in_force(NOW + 365 * DAY - DAY) is not None
    assert state.in_force(NOW + 365 * DAY) is None
    assert state.in_force(NOW - DAY) is None
    assert state.in_force(NOW, "organisation", CODE) is None


def test_person_and_organisation_are_checked_apart() -> None:
    state = run(PERSON, COMPANY)
    company = state.in_force(NOW, "organisation", CODE)
    assert company is not None and company.person == "安妮"
    assert state.in_force(NOW, "organisation", "91440300708461136T") is None
    later = run(WithdrawCheck(HANDLER_A, "ann", "organisation", "已离职", CODE), state=state)
    assert later.in_force(NOW, "organisation", CODE) is None
    assert later.in_force(NOW) is not None
    again = run(COMPANY, state=later)
    assert again.in_force(NOW, "organisation", CODE) is not None


@pytest.mark.parametrize("actor", [ANN, REVIEWER_A, OPERATOR, SYSTEM, Actor("stan")])
def test_others_check_nobody(actor: Actor) -> None:
    with pytest.raises(Refused, match="bodies that receive"):
        run(replace(PERSON, actor=actor, user="ben"))


def test_nobody_checks_himself() -> None:
    with pytest.raises(Refused, match="his own identity"):
        run(replace(PERSON, user=HANDLER_A.user_id))


def test_the_operator_only_with_a_reason() -> None:
    [event] = applicant.decide(
        ApplicantState(), replace(PERSON, actor=OPERATOR, break_glass="停电"), NOW
    )
    assert event.payload["break_glass"] == "停电"


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (replace(PERSON, name=" "), "name"),
        (replace(PERSON, document=""), "document"),
        (replace(PERSON, document_tail="12345"), "document_tail"),
        (replace(PERSON, kind="robot"), "kind"),
        (replace(PERSON, valid_until=NOW), "valid_until"),
        (replace(PERSON, valid_until=NOW.replace(tzinfo=None) + DAY), "valid_until"),
        (replace(PERSON, name="长" * 201), "name"),
        (replace(COMPANY, code=CODE[:-1] + "0"), "code"),
        (replace(COMPANY, code="91440300"), "code"),
        (replace(COMPANY, code="A-17"), "code"),
        (replace(COMPANY, person=""), "person"),
        (replace(COMPANY, authority=""), "authority"),
    ],
)
def test_what_a_check_has_to_say(command: Check, field: str) -> None:
    with pytest.raises(Refused) as caught:
        run(command)
    assert field in {item.params["field"] for item in caught.value.refusals}


def test_withdrawing_what_is_not_there() -> None:
    with pytest.raises(Refused, match="no such check"):
        run(WithdrawCheck(HANDLER_A, "ann", "person", "错误"))
    with pytest.raises(Refused, match="Say why"):
        run(PERSON, WithdrawCheck(HANDLER_A, "ann", "person", " "))


def test_an_erased_check_fits_nobody() -> None:
    [event] = applicant.decide(ApplicantState(), COMPANY, NOW)
    personal = EVENT_TYPES["identity.checked"].personal
    kept = {name: value for name, value in event.payload.items() if name not in personal}
    assert set(kept) == {"kind", "valid_until"}
    state = applicant.fold([(Event(event.type, kept), NOW)])
    assert state.in_force(NOW, "organisation", "") is None
    assert state.in_force(NOW) is None
