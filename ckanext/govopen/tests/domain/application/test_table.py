"""The table against the rules: every command in every state by every role."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path

import pytest

from ckanext.govopen.domain import agreement
from ckanext.govopen.domain.application import commands as c
from ckanext.govopen.domain.application.decide import may
from ckanext.govopen.domain.application.state import OPEN, OutsideLetter
from ckanext.govopen.domain.application.table import (
    NAMES,
    OFFICIAL,
    ROLES,
    STATES,
    TABLE,
    markdown,
)
from ckanext.govopen.domain.duty import Actor
from ckanext.govopen.domain.event import Event
from ckanext.govopen.domain.refusal import Refused

from .world import (
    BY_ROLE,
    DAY,
    LAW,
    NOW,
    PERSON,
    TEMPLATE,
    A,
    Case,
    at,
    content,
    full_house,
)

LETTER = OutsideLetter("函1", NOW.date())
OPINION = c.Opinion(True, "同意")


def command(name: str, case: Case, actor: Actor) -> c.Command:
    """A command that has everything it needs, if state and role allow it."""
    read = case.read() if case.state else {"revision": 1, "sha256": ""}
    facts = case.facts
    text = case.text() if case.state and case.status == "approved" else "text"
    made: dict[str, c.Command] = {
        "submit": c.Submit(actor, "app-1", content(), facts),
        "withdraw": c.Withdraw(actor, A),
        "return": c.Return(actor, A, message="请补充"),
        "decline": c.Decline(actor, A, "不属于本部门", (LAW,)),
        "accept": c.Accept(actor, A, PERSON),
        "forward": c.Forward(actor, A, LETTER),
        "record_answer": c.RecordForwardAnswer(
            actor, A, "authority@city", LETTER, OPINION, datasets=facts, **read
        ),
        "consult": c.Consult(actor, A, "third_party_consultation", "某公司", "是否同意？"),
        "close_consultation": c.CloseConsultation(actor, A, 1, "consent", "同意"),
        "extend": c.Extend(actor, A, "reply", "情况复杂"),
        "assign": c.Assign(actor, A, "hedy", True, "分工"),
        "decide": c.Decide(actor, A, OPINION, datasets=facts, party="handler@judge", **read),
        "sign": c.Sign(
            actor, A, TEMPLATE.id, 1, agreement.digest(text), "安妮",
            agreement.Proof("password", case.now), text, TEMPLATE.id, 1, PERSON, facts,
        ),
        "lapse": c.Lapse(actor, A),
        "drop": c.Drop(actor, A, ["a1"], "non_open"),
        "silence": c.Silence(actor, A, PERSON, facts),
        "issue_letter": c.IssueLetter(actor, A, "N-2", "returned", "0" * 64),
        "deliver_letter": c.DeliverLetter(actor, A, "N-1", "page"),
    }  # fmt: skip
    if actor.operator and name in OFFICIAL:
        return replace(made[name], break_glass="系统故障")  # type: ignore[call-arg]
    return made[name]


def prepared(state: str, name: str) -> Case:
    """A case in which the command would be in its place, but for state and role."""
    case = at(state, full_house())  # type: ignore[arg-type]
    if name == "deliver_letter" and case.state:
        case.do(c.IssueLetter(BY_ROLE["system"], A, "N-1", "returned", "0" * 64))
    if state == "accepted":
        if name == "forward":
            case = at("submitted", full_house())
            case.accept(BY_ROLE["receiver"])
        if name == "close_consultation":
            case.do(
                c.Consult(BY_ROLE["receiver"], A, "third_party_consultation", "某公司", "同意？")
            )
    if name in ("silence", "lapse"):
        case.now += 60 * DAY
    return case


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", NAMES.values())
def test_the_table_is_what_happens(state: str, name: str) -> None:
    for role in ROLES:
        case = prepared(state, name)
        actor = BY_ROLE[role]
        given = command(name, case, actor)
        before, allowed = case.state, role in TABLE.get((state, name), frozenset())  # type: ignore[call-overload]
        if state == "none" and name == "submit" and role != "system":
            allowed = True  # before the first submission everybody is an applicant
        try:
            events = case.do(given)
        except Refused as refused:
            assert not allowed, f"{role} may {name} in {state}: {refused}"
            assert case.state == before
            assert all(item.message for item in refused.refusals)
            continue
        assert allowed, f"{role} may not {name} in {state}"
        assert all(isinstance(event, Event) for event in events)
        assert events


@pytest.mark.parametrize("state", STATES)
def test_buttons_are_the_table(state: str) -> None:
    case = at(state, full_house())  # type: ignore[arg-type]
    for role in ROLES:
        shown = may(case.state, A, BY_ROLE[role], case.rules)
        if state == "none":
            assert shown == ([] if role == "system" else ["submit"])
            continue
        assert case.state is not None
        part = case.state.part(A)
        passed_on = part is not None and part.forwarding is not None
        assert set(shown) == {
            name for (at_, name), who in TABLE.items()
            if at_ == state and role in who and not (name == "forward" and passed_on)
        }  # fmt: skip


def test_a_case_is_passed_on_once() -> None:
    before, after = prepared("accepted", "forward"), at("accepted", full_house())
    assert before.state is not None and after.state is not None
    part = after.state.part(A)
    assert part is not None and part.forwarding is not None
    shown = [may(case.state, A, BY_ROLE["receiver"], case.rules) for case in (before, after)]
    assert ["forward" in one for one in shown] == [True, False]


@pytest.mark.parametrize("name", sorted(OFFICIAL))
def test_the_operator_needs_a_reason(name: str) -> None:
    state = next(state for (state, n), _ in TABLE.items() if n == name)
    case = prepared(state, name)
    given = command(name, case, BY_ROLE["operator"])
    for empty in ("", "  "):
        with pytest.raises(Refused, match="emergency"):
            case.do(replace(given, break_glass=empty))  # type: ignore[call-arg]
    event = case.do(given)[0]
    assert event.payload["break_glass"] == "系统故障"


@pytest.mark.parametrize("name", sorted(OFFICIAL))
@pytest.mark.parametrize("who", ["applicant", "named"])
def test_nobody_acts_for_a_body_on_his_own(name: str, who: str) -> None:
    """Not even with every duty there is."""
    state = next(state for (state, n), _ in TABLE.items() if n == name)
    case = prepared(state, name)
    assert case.state is not None
    orgs = (A, "org-intake", "org-judge")
    duties = frozenset((org, duty) for org in orgs for duty in ("handler", "reviewer"))
    mighty = Actor("mighty", duties, frozenset(orgs), authority=True, operator=True)
    if who == "applicant":
        case.state = replace(case.state, applicant="mighty")
    else:
        case.state = replace(case.state, persons=frozenset({"mighty"}))
    given = replace(command(name, case, mighty), break_glass="我要")  # type: ignore[call-arg]
    before = case.state
    with pytest.raises(Refused, match="his own application"):
        case.do(given)
    assert case.state == before
    assert not set(may(case.state, A, mighty, case.rules)) & OFFICIAL


def test_states_and_commands_are_all_in_it() -> None:
    assert {name for _, name in TABLE} == set(NAMES.values())
    assert {state for state, _ in TABLE} == set(STATES)
    for state in set(STATES) - OPEN - {"none"}:
        left = {name for at_, name in TABLE if at_ == state}
        assert left == {"issue_letter", "deliver_letter"}, "what is over stays over"


def test_a_part_of_nobody_and_a_case_that_is_not_there() -> None:
    case = at("submitted", full_house())
    with pytest.raises(Refused, match="no part"):
        case.do(c.Accept(BY_ROLE["receiver"], "org-elsewhere", PERSON))
    empty = Case(full_house())
    with pytest.raises(Refused, match="no such application"):
        empty.do(c.Accept(BY_ROLE["receiver"], A, PERSON))


def test_other_rules_than_those_it_began_under() -> None:
    case = at("submitted", full_house())
    case.rules = replace(case.rules, id="full/2/share")
    with pytest.raises(ValueError, match="full/1/share"):
        case.accept(BY_ROLE["receiver"])


def test_the_documentation_prints_this_table() -> None:
    text = (Path(__file__).parents[5] / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert markdown() in text, "print table.markdown() into docs/architecture.md"


def test_times_have_zones() -> None:
    case = at("none", full_house())
    case.now = datetime.datetime(2026, 11, 23)  # noqa: DTZ001
    with pytest.raises(ValueError, match="zone"):
        case.submit()
