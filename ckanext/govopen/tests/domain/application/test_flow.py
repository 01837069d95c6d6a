"""The way of an application under Jilin's rules, and every way it can go wrong."""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Any

import pytest

from ckanext.govopen.domain import grant as grants
from ckanext.govopen.domain import grant_change
from ckanext.govopen.domain.agreement import Proof, digest
from ckanext.govopen.domain.application import commands as c
from ckanext.govopen.domain.application.content import WantedPart
from ckanext.govopen.domain.application.fold import fold
from ckanext.govopen.domain.application.grants import grants_of
from ckanext.govopen.domain.application.scope import Scope
from ckanext.govopen.domain.duty import Actor
from ckanext.govopen.domain.refusal import Refused
from ckanext.govopen.domain.terms import OpenClass

from .world import (
    ANN,
    AUTHORITY,
    BEN,
    COMPANY,
    DAY,
    FACTS,
    HANDLER_A,
    HANDLER_A2,
    HANDLER_B,
    LAW,
    NOW,
    OPERATOR,
    PERSON,
    STRANGER,
    SYSTEM,
    A,
    B,
    Case,
    at,
    company,
    content,
    profile,
    rules,
    two,
    wanted,
)


def no(do: Any, match: str) -> Refused:
    with pytest.raises(Refused, match=match) as caught:
        do()
    return caught.value


def jilin(**site: Any) -> Case:
    return Case(rules(**site))


def test_from_submission_to_grant() -> None:
    case = jilin()
    case.submit()
    case.accept()
    assert [e.type for e in case.decide()] == ["application.decided", "application.approved"]
    assert grants_of(case.state, A) == []  # type: ignore[arg-type]
    assert [e.type for e in case.sign()] == ["agreement.signed", "application.granted"]
    [given] = grants_of(case.state, A)  # type: ignore[arg-type]
    assert given.holder == grants.Holder("person", frozenset({"ann"}))
    assert (given.package_id, given.organization, given.application) == ("a1", A, "app-1")
    assert given.delivery == {"interface"}
    assert given.valid_from == NOW
    assert given.valid_to.isoformat() == "2027-09-20T00:00:00+08:00"
    assert given.purpose == "研究公共交通"
    [event] = grant_change.from_application(
        None, given, OpenClass.CONDITIONAL, NOW, profile("jilin")
    )
    assert grants.apply(None, event) == given
    assert (
        grant_change.from_application(given, given, OpenClass.CONDITIONAL, NOW, profile("jilin"))
        == []
    )
    assert fold(case.events) == case.state


def test_a_grant_of_an_application_needs_the_class_still() -> None:
    case = at("granted", rules())
    [given] = grants_of(case.state, A)  # type: ignore[arg-type]
    with pytest.raises(Refused, match="conditional"):
        grant_change.from_application(None, given, OpenClass.NON_OPEN, NOW, profile("jilin"))
    with pytest.raises(ValueError, match="without an actor"):
        by_hand = replace(given, application="")
        grant_change.from_application(None, by_hand, OpenClass.CONDITIONAL, NOW, profile("jilin"))


def test_without_agreement_it_is_granted_at_once() -> None:
    case = jilin(agreement=False)
    case.submit()
    case.accept()
    assert [e.type for e in case.decide()][-1] == "application.granted"
    assert case.status == "granted"


def test_what_an_article_demands_cannot_be_switched_off() -> None:
    assert rules("haishu", agreement=False).agreement_required
    assert not rules("jilin", agreement=False).agreement_required
    assert rules("jilin").agreement_required
    assert not rules("jilin", "share").agreement_required


def test_parts_go_their_own_way() -> None:
    case = jilin()
    case.submit(what=two())
    no(lambda: case.accept(HANDLER_B, A), "for others")
    case.accept()
    case.return_(HANDLER_B, B)
    changed = replace(two(), fields={**two().fields, "purpose": "换一个用途"})
    case.submit(what=changed)
    assert (case.part(A).revision, case.part(B).revision) == (1, 2)
    assert (case.part(A).status, case.part(B).status) == ("accepted", "submitted")
    case.decide(HANDLER_A)
    case.accept(HANDLER_B, B)
    case.decide(HANDLER_B, False, B)
    case.sign()
    assert (case.part(A).status, case.part(B).status) == ("granted", "refused")
    assert {g.purpose for g in grants_of(case.state, A)} == {"研究公共交通"}  # type: ignore[arg-type]
    assert grants_of(case.state, B) == []  # type: ignore[arg-type]


def test_handing_in_again() -> None:
    case = jilin()
    case.submit(what=two())
    case.accept()
    case.return_(HANDLER_B, B)
    a, b = two().parts
    no(lambda: case.submit(BEN, two()), "for others")
    no(lambda: case.submit(what=replace(two(), parts=(a,))), "returned is missing")
    other = WantedPart("org-c", (wanted("c1"),))
    no(lambda: case.submit(what=replace(two(), parts=(a, b, other))), "of its own")
    less = replace(a, datasets=a.datasets[:1])
    no(lambda: case.submit(what=replace(two(), parts=(less, b))), "leave it as it is")
    no(lambda: case.submit(what=replace(two(), renews="g1")), "new application")
    no(lambda: case.submit(what=replace(company(), parts=(a, b))), "new application")
    case.submit(what=replace(two(), parts=(b,)))
    assert case.part(B).revision == 2
    assert case.part(B).returned == ((NOW, NOW),)
    no(lambda: case.submit(what=two()), "state “Accepted, being decided”")


def test_limits_do_not_hold_for_handing_in_again() -> None:
    case = jilin(max_open_cases=1, max_per_day=1)
    case.submit(counts=c.Counts(0, 0))
    case.return_()
    case.submit(counts=c.Counts(1, 1))
    again = jilin(max_open_cases=1)
    no(lambda: again.submit(counts=c.Counts(1, 0)), "open applications")
    no(lambda: jilin(max_per_day=3).submit(counts=c.Counts(0, 3)), "a day")


def test_only_who_was_checked_is_accepted() -> None:
    case = jilin()
    case.submit()
    cases = [
        None,
        replace(PERSON, withdrawn=True),
        replace(PERSON, valid_until=NOW),
        COMPANY,
    ]
    for identity in cases:
        case.identity = identity
        no(case.accept, "identity was checked")
    case.identity = replace(PERSON, valid_until=NOW + DAY)
    case.accept()
    firm = jilin()
    firm.submit(what=company())
    no(firm.accept, "identity was checked")
    firm.identity = replace(COMPANY, code="91440300708461136T")
    no(firm.accept, "identity was checked")
    firm.identity = COMPANY
    firm.accept()
    assert firm.state is not None
    assert firm.state.concerned == {"ann", "carl"}


def test_a_company_holds_the_grant_with_its_persons() -> None:
    case = jilin(agreement=False)
    case.identity = COMPANY
    case.submit(what=company())
    case.accept()
    case.decide()
    [given] = grants_of(case.state, A)  # type: ignore[arg-type]
    assert given.holder.persons == {"ann", "carl"}
    assert given.holder.organisation == "某公司"


def test_a_decision_names_what_was_read() -> None:
    case = jilin()
    case.submit()
    stale = case.read()
    case.return_()
    case.submit(what=content(fields={**content().fields, "purpose": "别的用途"}))
    case.accept()
    no(lambda: case.decide(**stale), "changed since")
    no(lambda: case.decide(revision=2, sha256=stale["sha256"]), "changed since")
    case.decide()


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ({"reason": " "}, "Say why"),
        ({"reason": "长" * 5001}, "5000"),
        ({"approve": False, "conditions": ("x",)}, "no conditions"),
        ({"conditions": ("",)}, "filled in"),
        ({"conditions": ("条件",) * 31}, "At most 30"),
        ({"scopes": (Scope("other"),)}, "no such dataset"),
        ({"scopes": (Scope("a1"), Scope("a1"))}, "twice"),
        ({"scopes": (Scope("a1", delivery=("download",)),)}, "wider"),
        ({"scopes": (Scope("a1", delivery=()),)}, "wider"),
        ({"scopes": (Scope("a1", items=()),)}, "applied for"),
        ({"scopes": (Scope("a1", valid_to=NOW.date() + 900 * DAY),)}, "outside"),
        ({"scopes": (Scope("a1", valid_from=NOW.date() - DAY),)}, "outside"),
        ({"scopes": (Scope("a1", quota=grants.Quota(0)),)}, "from 1 on"),
        ({"scopes": (Scope("a1", granted=False, reason="涉及隐私"),)}, "Refuse instead"),
        ({"party": "authority@authority"}, "not the turn"),
    ],
)
def test_decisions_that_do_not_count(more: dict[str, Any], match: str) -> None:
    case = at("accepted", rules())
    no(lambda: case.decide(**more), match)
    assert case.status == "accepted"


def test_a_narrower_scope_and_conditions_are_carried() -> None:
    case = jilin()
    case.submit(what=two())
    case.accept()
    scopes = (
        Scope("a1", items=("名称",), delivery=("on_platform",), quota=grants.Quota(None, 100, 5)),
        Scope("a2", granted=False, reason="涉及个人隐私"),
    )
    no(lambda: case.decide(scopes=(scopes[0], replace(scopes[1], reason=" "))), "filled in")
    case.decide(scopes=scopes, conditions=(" 不得转让 ",))
    case.sign()
    [given] = grants_of(case.state, A)  # type: ignore[arg-type]
    assert (given.items, given.delivery) == ({"名称"}, {"on_platform"})
    assert given.quota == grants.Quota(None, 100, 5)
    assert given.conditions == ("不得转让",)
    assert case.part().grants.keys() == {"a1"}


def test_datasets_are_looked_at_again_before_each_step() -> None:
    case = at("accepted", rules())
    for gone in (
        {},
        {"a1": replace(FACTS["a1"], conditional=False)},
        {"a1": replace(FACTS["a1"], live=False)},
    ):
        case.facts = gone
        no(case.decide, "cannot be applied for any longer")
    case.facts = dict(FACTS)
    case.decide()
    case.facts = {}
    no(case.sign, "not available")
    assert case.status == "approved"


def test_what_is_gone_leaves_the_part() -> None:
    case = jilin()
    case.submit(what=two())
    case.accept()
    case.decide()
    before = case.text()
    case.do(c.Drop(SYSTEM, A, ["a2", "other"], "non_open"))
    assert [w.dataset for w in case.part().datasets] == ["a1"]
    no(lambda: case.sign(text_sha256=None), "changed")
    no(lambda: case.sign(text_sha256=digest(before)), "changed")
    case.do(c.Drop(SYSTEM, A, ["a1"], "unconditional"))
    assert (case.status, case.part().cause) == ("lapsed", "unconditional")
    assert case.part(B).status == "submitted"


def test_assigned_to_a_colleague() -> None:
    case = jilin()
    case.submit()
    no(lambda: case.do(c.Assign(HANDLER_A, A, "stan", False)), "does not handle")
    no(lambda: case.do(c.Assign(HANDLER_A, A, "ann", True)), "his own")
    no(lambda: case.do(c.Assign(HANDLER_B, A, "hugo", True)), "for others")
    case.do(c.Assign(HANDLER_A, A, "hank", True))
    no(lambda: case.do(c.Assign(HANDLER_A2, A, "hank", True, "x")), "already")
    no(lambda: case.accept(HANDLER_A2), "Take it over")
    no(lambda: case.do(c.Assign(HANDLER_A2, A, "hedy", True)), "filled in")
    case.do(c.Assign(HANDLER_A2, A, "hedy", True, "同事休假"))
    no(case.accept, "Take it over")
    case.accept(HANDLER_A2)
    no(case.decide, "Take it over")
    case.decide(HANDLER_A2)
    assert case.status == "approved"


def test_a_consultation_is_closed_before_the_decision() -> None:
    case = at("accepted", rules())
    ask = c.Consult(HANDLER_A, A, "third_party_consultation", "某公司", "是否同意公开？")
    no(lambda: case.do(replace(ask, kind="oracle")), "no such consultation")
    no(lambda: case.do(replace(ask, until=NOW.date() - DAY)), "past")
    case.do(ask)
    no(lambda: case.do(ask), "already")
    no(case.decide, "stands out")
    no(lambda: case.decide(approve=False), "stands out")
    closing = c.CloseConsultation(HANDLER_A, A, 1, "consent", "同意")
    no(lambda: case.do(replace(closing, consultation=2)), "no such consultation")
    no(lambda: case.do(replace(closing, answer="")), "filled in")
    no(lambda: case.do(replace(closing, outcome="maybe")), "how the consultation ended")  # type: ignore[arg-type]
    case.do(closing)
    no(lambda: case.do(closing), "no such consultation")
    case.decide()


def test_withdrawing_one_part_or_all() -> None:
    case = jilin()
    case.submit(what=two())
    no(lambda: case.do(c.Withdraw(BEN)), "for others")
    case.do(c.Withdraw(ANN, A, "不需要了"))
    assert (case.part(A).status, case.part(B).status) == ("withdrawn", "submitted")
    case.do(c.Withdraw(ANN))
    assert case.part(B).status == "withdrawn"
    no(lambda: case.do(c.Withdraw(ANN)), "state “Withdrawn by the applicant”")
    no(lambda: case.submit(what=two()), "state “Withdrawn by the applicant”")


def test_lapsing_only_where_the_site_sets_a_limit() -> None:
    case = at("approved", rules())
    case.now = NOW + 900 * DAY
    no(lambda: case.do(c.Lapse(SYSTEM, A)), "not over")
    limited = at("approved", rules(sign_within_days=5))
    limited.now = NOW + 5 * DAY
    no(lambda: limited.do(c.Lapse(SYSTEM, A)), "not over")
    limited.now = NOW + 6 * DAY
    limited.do(c.Lapse(SYSTEM, A))
    assert limited.status == "lapsed"
    no(limited.sign, "state “Lapsed”")


def test_no_signature_no_grant() -> None:
    case = at("approved", rules())
    late = datetime.timedelta(minutes=11)
    changes: list[tuple[dict[str, Any], str]] = [
        ({"text_sha256": "0" * 64}, "has changed"),
        ({"template_version": 2}, "has changed"),
        ({"current_version": 2}, "has changed"),
        ({"text": "另一份协议\n", "text_sha256": digest(case.text())}, "has changed"),
        ({"typed_name": "安妮娜"}, "not the one"),
        ({"typed_name": ""}, "not the one"),
        ({"proof": Proof("password", NOW - late)}, "Prove once more"),
        ({"proof": Proof("password", NOW + late)}, "Prove once more"),
        ({"identity": None}, "identity was checked"),
        ({"identity": COMPANY}, "identity was checked"),
    ]
    for change, match in changes:
        no(lambda change=change: case.sign(**change), match)
    no(lambda: case.sign(BEN), "for others")
    no(lambda: case.sign(OPERATOR), "for others")
    assert case.status == "approved"
    case.now = NOW + 301 * DAY
    no(case.sign, "is over")


def test_the_period_is_over_before_the_decision() -> None:
    case = at("accepted", rules())
    case.now = NOW + 301 * DAY
    no(case.decide, "is over")
    case.decide(approve=False)
    assert case.status == "refused"


def test_renewal_runs_the_same_way() -> None:
    case = jilin()
    case.facts["a1"] = replace(FACTS["a1"], granted=True)
    no(case.submit, "covers this already")
    case.submit(what=content(renews="grant-1"))
    case.accept()
    case.decide()
    case.sign()
    assert case.state is not None and case.state.renews == "grant-1"
    assert case.status == "granted"


def test_declining_needs_what_a_refusal_needs() -> None:
    case = Case(rules("shandong"))
    case.submit()
    no(lambda: case.do(c.Decline(HANDLER_A, A, "", (LAW,))), "filled in")
    no(lambda: case.do(c.Decline(HANDLER_A, A, "不属于本机关")), "legal basis")
    case.do(c.Decline(HANDLER_A, A, "不属于本机关", (LAW,)))
    assert (case.status, case.part().cause) == ("refused", "declined")


def test_the_operator_stands_in_and_is_seen() -> None:
    case = at("accepted", rules())
    no(lambda: case.decide(OPERATOR), "emergency")
    [event, _] = case.decide(OPERATOR, party="handler@provider", break_glass="系统故障")
    assert event.payload["break_glass"] == "系统故障"
    assert "break_glass" not in case.events[-1][0].payload


@pytest.mark.parametrize("actor", [STRANGER, HANDLER_B, AUTHORITY, SYSTEM, ANN])
def test_others_decide_nothing(actor: Actor) -> None:
    case = at("accepted", rules())
    no(lambda: case.decide(actor), "for others")


def test_letters_are_numbered_once_and_delivered_once() -> None:
    case = at("refused", rules())
    issue = c.IssueLetter(SYSTEM, A, "告〔2026〕1", "refused", "0" * 64)
    case.do(issue)
    no(lambda: case.do(issue), "with this number")
    no(lambda: case.do(c.DeliverLetter(ANN, A, "告〔2026〕2", "page")), "no such letter")
    no(lambda: case.do(c.DeliverLetter(BEN, A, "告〔2026〕1", "page")), "for others")
    case.now = NOW + DAY
    assert case.do(c.DeliverLetter(ANN, A, "告〔2026〕1", "page"))
    assert case.do(c.DeliverLetter(SYSTEM, A, "告〔2026〕1", "mail")) == []
    assert case.state is not None
    assert case.state.letters[0].delivered_at == NOW + DAY
