"""The same engine under each regulation: steps, clocks, silence, refusals."""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Any, Literal

import pytest

from ckanext.govopen.domain.application import commands as c
from ckanext.govopen.domain.application.clock import ENDS, STARTS, Running, clocks, running
from ckanext.govopen.domain.application.content import Content, Organisation
from ckanext.govopen.domain.application.roles import approver_of, waiting_parties
from ckanext.govopen.domain.application.rules import Rules
from ckanext.govopen.domain.application.scope import Scope
from ckanext.govopen.domain.duty import Actor, Duty
from ckanext.govopen.domain.procedure import Silence, Target
from ckanext.govopen.domain.refusal import Refused

from .test_flow import no
from .world import (
    ANN,
    AUTHORITY,
    BUREAU,
    CODE,
    DAY,
    HANDLER_A,
    HANDLER_A2,
    LAW,
    NOW,
    OPERATOR,
    REVIEWER_A,
    SYSTEM,
    A,
    Case,
    at,
    content,
    profile,
    rules,
    wanted,
)
from .world import WantedPart as Part

NAMES = ("jilin", "shandong", "haishu", "chaohu", "panzhihua", "xian")
OFFICER = Actor("olga")


def asked(under: Rules) -> Content:
    """A content that states exactly what the procedure asks for."""
    texts = {"need", "purpose", "scenario", "security_measures", "capability", "business_flow"}
    known = {field.id for field in under.procedure.fields} & texts
    kind = under.procedure.applicants[0].id
    organisation = Organisation("公安局", CODE, "职责") if kind != "natural_person" else None
    modes = under.procedure.delivery.modes if under.procedure.delivery else ("interface",)
    return content(
        Part(A, (wanted("a1", modes[0]),)),
        applicant_kind=kind,
        organisation=organisation,
        fields=dict.fromkeys(known | {"purpose"}, "写明"),
    )


def case_of(name: str, towards: Literal["open", "share"] = "open", **site: Any) -> Case:
    """A submitted case; between departments nobody's identity is checked."""
    under = rules(name, towards, **{"identity": towards == "open", **site})
    case = Case(under)
    case.submit(what=asked(under))
    return case


def clock(case: Case, id: str) -> Running:
    found = running(case.part(), id, case.rules, case.now)
    assert found is not None
    return found


def day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


# every profile


@pytest.mark.parametrize("name", NAMES)
def test_every_moment_of_a_profile_is_known(name: str) -> None:
    for procedure in (profile(name).open, profile(name).share):
        for item in procedure.clocks:
            assert item.start in STARTS, item.id
            assert item.until is None or item.until in ENDS, item.id
            approver = approver_of(item)
            if approver is not None:
                assert Duty.of(approver.partition("@")[0]) is not None


@pytest.mark.parametrize("name", ["panzhihua", "xian"])
def test_nothing_is_applied_for_where_there_is_no_procedure(name: str) -> None:
    case = Case(rules(name))
    no(case.submit, "nothing can be applied for")


@pytest.mark.parametrize("name", ["jilin", "shandong", "haishu", "chaohu"])
def test_silence_never_opens_anything(name: str) -> None:
    """Not even under a profile that says so, should one ever get past the loader."""
    case = case_of(name)
    forged = replace(
        case.rules.procedure,
        silence=Silence("consent", "1", case.rules.procedure.clocks[-1].id),
        clocks=tuple(replace(item, n=1) for item in case.rules.procedure.clocks),
    )
    case.rules = replace(case.rules, procedure=forged)
    for _ in range(2):
        case.now += 700 * DAY
        no(lambda: case.do(c.Silence(SYSTEM, A, case.identity, case.facts)), "decides nothing")
        case.now = NOW
        case.accept(
            AUTHORITY if name == "haishu" else HANDLER_A
        ) if case.status == "submitted" else None


@pytest.mark.parametrize(
    ("name", "towards", "reason", "basis", "kind"),
    [
        ("jilin", "open", True, False, None),
        ("shandong", "open", True, True, "law"),
        ("chaohu", "open", True, True, None),
        ("shandong", "share", True, False, None),
        ("chaohu", "share", True, True, None),
    ],
)
def test_what_a_refusal_contains(
    name: str, towards: Literal["open", "share"], reason: bool, basis: bool, kind: str | None
) -> None:
    case = case_of(name, towards)
    case.accept()
    assert reason
    refused = no(lambda: case.decide(approve=False, reason=""), "Say why")
    article = case.rules.procedure.refusal.article
    assert refused.refusals[0].article == article
    if basis:
        refused = no(lambda: case.decide(approve=False, basis=()), "legal basis")
        assert refused.refusals[0].article == article
    if kind:
        odd = (replace(LAW, kind="opinion"),)
        no(lambda: case.decide(approve=False, basis=odd), "does not count")
    case.decide(approve=False, basis=(LAW,) if basis else ())
    assert case.status == "refused"


# jilin


def test_jilin_timely_has_no_due_date() -> None:
    case = case_of("jilin")
    acceptance = clock(case, "acceptance")
    assert (acceptance.due, acceptance.internal, acceptance.started_at) == (None, False, NOW)
    case.accept()
    assert [item.id for item in clocks(case.part(), case.rules, NOW)] == ["reply"]
    assert clock(case, "reply").due is None
    assert not clock(case, "reply").overdue(NOW + 9000 * DAY)


def test_a_local_target_is_marked() -> None:
    case = case_of("jilin", targets={"reply": Target(5, "wd")})
    case.accept()
    reply = clock(case, "reply")
    assert reply.due is not None and reply.due.day == day("2026-11-30")
    assert reply.internal
    assert reply.overdue(NOW + 30 * DAY)
    case.now = NOW + 30 * DAY
    case.decide()
    assert case.status == "approved", "overdue decides nothing and forbids nothing"


def test_jilin_share_is_audited_jointly() -> None:
    case = case_of("jilin", "share", bodies={"responsible_department": "org-resp"})
    resp = Actor("rob", duties=frozenset({("org-resp", "handler")}))
    no(lambda: case.accept(resp), "for others")
    case.accept(AUTHORITY)
    case.decide(resp)
    assert waiting_parties(case.part(), case.rules) == ("authority@authority",)
    case.decide(AUTHORITY)
    assert case.status == "granted"


# shandong


def accepted_shandong() -> Case:
    case = case_of("shandong")
    case.accept()
    return case


def test_shandong_twenty_working_days_from_receipt() -> None:
    case = case_of("shandong")
    reply = clock(case, "open_reply")
    assert reply.due is not None
    assert (reply.due.day, reply.article) == (day("2026-12-21"), "25.3")
    assert not reply.overdue(reply.due.at)
    assert reply.overdue(reply.due.at + datetime.timedelta(microseconds=1))


def test_shandong_a_correction_restarts_the_clock() -> None:
    case = case_of("shandong")
    case.now = NOW + 2 * DAY
    case.return_()
    assert clock(case, "open_reply").waits_for == "applicant"
    assert running(case.part(), "correction_request", case.rules, case.now) is None
    case.now = NOW + 7 * DAY
    case.submit(what=asked(case.rules))
    reply = clock(case, "open_reply")
    assert (reply.started_at, reply.due and reply.due.day) == (case.now, day("2026-12-28"))


def test_elsewhere_a_correction_restarts_nothing() -> None:
    case = case_of("chaohu", "share")
    case.now = NOW + 2 * DAY
    case.return_()
    case.now = NOW + 3 * DAY
    case.submit(what=asked(case.rules))
    assert clock(case, "share_reply").started_at == NOW


@pytest.mark.parametrize("kind", ["third_party_consultation", "other_organ_consultation"])
def test_shandong_consulting_stops_the_clock(kind: str) -> None:
    case = accepted_shandong()
    case.now = NOW + DAY
    case.do(c.Consult(HANDLER_A, A, kind, "某公司", "同意？"))
    assert clock(case, "open_reply").suspended
    case.now = NOW + 7 * DAY
    assert not clock(case, "open_reply").overdue(NOW + 300 * DAY)
    if kind == "third_party_consultation":
        reply = clock(case, "third_party_reply")
        assert (reply.actor, reply.due and reply.due.day) == ("right_holder", day("2026-12-15"))
    case.do(c.CloseConsultation(HANDLER_A, A, 1, "no_answer"))
    reply = clock(case, "open_reply")
    assert not reply.suspended
    assert reply.due is not None and reply.due.day == day("2026-12-28")
    assert running(case.part(), "third_party_reply", case.rules, case.now) is None


def test_shandong_extension() -> None:
    case = accepted_shandong()
    extend = c.Extend(REVIEWER_A, A, "open_reply", "数据量大")
    no(lambda: case.do(replace(extend, actor=HANDLER_A)), "for others")
    no(lambda: case.do(replace(extend, reason=" ")), "filled in")
    no(lambda: case.do(replace(extend, units=21)), "At most 20")
    no(lambda: case.do(replace(extend, units=0)), "At most 20")
    no(lambda: case.do(replace(extend, clock="third_party_reply")), "cannot be extended")
    no(lambda: case.do(replace(extend, clock="none")), "cannot be extended")
    before = case.now
    case.now = NOW + 29 * DAY
    no(lambda: case.do(extend), "is over")
    case.now = before
    case.do(replace(extend, units=5))
    reply = clock(case, "open_reply")
    assert (reply.due and reply.due.day, reply.extended) == (day("2026-12-28"), True)
    no(lambda: case.do(extend), "already")


# haishu


def haishu() -> Case:
    case = case_of("haishu")
    no(lambda: case.accept(HANDLER_A), "for others")
    case.accept(AUTHORITY)
    return case


@pytest.mark.parametrize("first", ["city", "provider"])
def test_haishu_is_decided_jointly_in_any_order(first: str) -> None:
    case = haishu()
    city = "authority@city_authority"
    no(lambda: case.answer(AUTHORITY, city), "passed on")
    case.forward()
    no(case.forward, "already")
    if first == "city":
        case.answer(AUTHORITY, city)
        no(lambda: case.answer(AUTHORITY, city), "waited for")
        no(lambda: case.decide(AUTHORITY), "for others")
        assert case.status == "accepted"
        case.decide(HANDLER_A)
    else:
        case.decide(HANDLER_A)
        no(lambda: case.decide(HANDLER_A), "for others")
        assert case.status == "accepted"
        case.answer(AUTHORITY, city)
    assert case.status == "approved"
    answered = case.part().forwarding
    assert answered is not None and answered.answer is not None
    case.sign()
    assert case.status == "granted"


def test_haishu_nobody_decides_for_the_city_by_himself() -> None:
    case = haishu()
    case.forward()
    no(
        lambda: case.decide(OPERATOR, party="authority@city_authority", break_glass="急"),
        "record its letter",
    )
    both = Actor("both", HANDLER_A.duties, authority=True)
    case.answer(both, "authority@city_authority")
    no(lambda: case.decide(both), "One person")
    case.decide(HANDLER_A2)


@pytest.mark.parametrize("who", ["city", "provider"])
def test_haishu_one_refusal_is_enough(who: str) -> None:
    case = haishu()
    case.forward()
    if who == "city":
        case.decide(HANDLER_A)
        case.answer(AUTHORITY, "authority@city_authority", approve=False)
    else:
        case.decide(HANDLER_A, False, basis=())
    assert case.status == "refused"


def test_haishu_has_no_numbers_for_opening() -> None:
    case = haishu()
    assert [(r.id, r.due) for r in clocks(case.part(), case.rules, NOW)] == [("forwarding", None)]
    case.forward()
    assert [r.id for r in clocks(case.part(), case.rules, NOW)] == ["reply"]


def test_haishu_share_provider_has_five_days_from_being_asked() -> None:
    case = case_of("haishu", "share", agreement=False)
    assert running(case.part(), "share_provider_reply", case.rules, case.now) is None
    case.accept(AUTHORITY)
    assert running(case.part(), "share_provider_reply", case.rules, case.now) is None
    no(lambda: case.decide(HANDLER_A), "for others")
    case.now = NOW + DAY
    case.decide(AUTHORITY)
    reply = clock(case, "share_provider_reply")
    assert (reply.started_at, reply.due and reply.due.day) == (case.now, day("2026-12-01"))
    case.now = NOW + 30 * DAY
    no(lambda: case.do(c.Silence(SYSTEM, A, None, case.facts)), "decides nothing")
    case.decide(HANDLER_A)
    assert case.status == "granted"


def test_without_an_answer_it_stays_closed_where_the_profile_says_so() -> None:
    case = case_of("chaohu")
    case.accept()
    case.do(c.Consult(HANDLER_A, A, "right_holder_consent", "张三", "同意公开？"))
    case.do(c.CloseConsultation(HANDLER_A, A, 1, "no_answer"))
    no(case.decide, "stays closed")
    case.decide(approve=False)
    assert case.status == "refused"


# chaohu


def test_chaohu_ten_calendar_days_from_acceptance_till_the_data_is_there() -> None:
    case = case_of("chaohu")
    assert running(case.part(), "open_provide", case.rules, NOW) is None
    case.now = NOW + 30 * DAY
    case.accept()
    provide = clock(case, "open_provide")
    assert provide.due is not None and provide.due.day == day("2027-01-04")
    assert provide.due.moved, "2027-01-02 is a Saturday"
    case.do(c.Consult(HANDLER_A, A, "other_organ_consultation", "网信办", "意见？"))
    assert not clock(case, "open_provide").suspended, "nothing suspends it"
    case.do(c.CloseConsultation(HANDLER_A, A, 1, "answered", "无意见"))
    case.decide()
    assert clock(case, "open_provide").waits_for == "applicant"
    case.sign()
    assert clocks(case.part(), case.rules, case.now) == []


def test_chaohu_share_silence_is_consent_after_the_fifth_working_day() -> None:
    case = case_of("chaohu", "share")
    silence = c.Silence(SYSTEM, A, None, case.facts)
    due = clock(case, "share_reply").due
    assert due is not None and due.day == day("2026-11-30")
    case.now = due.at
    no(lambda: case.do(silence), "not over")
    case.now = due.at + datetime.timedelta(microseconds=1)
    no(lambda: case.do(replace(silence, actor=AUTHORITY)), "for others")
    types = [event.type for event in case.do(silence)]
    assert types == ["application.decided", "application.approved", "application.granted"]
    vote = case.part().votes[0]
    assert (vote.silent, vote.by, vote.party) == (True, "", "handler@provider")


def test_chaohu_share_an_answer_breaks_the_silence() -> None:
    case = case_of("chaohu", "share")
    silence = c.Silence(SYSTEM, A, None, case.facts)
    case.now = NOW + 6 * DAY
    case.return_()
    case.now = NOW + 10 * DAY
    no(lambda: case.do(silence), "state “Returned to the applicant for correction”")
    case.submit(what=asked(case.rules))
    no(lambda: case.do(silence), "not over")
    case.now = NOW + 17 * DAY
    no(lambda: case.do(silence), "not over")
    case.now = NOW + 18 * DAY
    case.do(silence)
    assert case.status == "granted"


def test_chaohu_share_silence_counts_no_identity_away() -> None:
    case = case_of("chaohu", "share", identity=True)
    case.now = NOW + 30 * DAY
    no(lambda: case.do(c.Silence(SYSTEM, A, None, case.facts)), "identity was checked")


# panzhihua


def test_panzhihua_the_platform_approves_after_the_provider() -> None:
    case = case_of("panzhihua", "share", bodies={"platform_authority": BUREAU})
    case.accept()
    assert running(case.part(), "share_platform_approval", case.rules, case.now) is None
    no(lambda: case.decide(AUTHORITY), "for others")
    case.now = NOW + DAY
    case.decide(HANDLER_A)
    assert case.status == "accepted"
    approval = clock(case, "share_platform_approval")
    assert approval.due is not None and approval.due.day == day("2026-11-26")
    assert [r.id for r in clocks(case.part(), case.rules, case.now)] == ["share_platform_approval"]
    case.decide(AUTHORITY)
    assert case.status == "granted"


def test_panzhihua_a_platform_outside_answers_by_letter() -> None:
    case = case_of("panzhihua", "share")
    case.accept()
    no(lambda: case.answer(AUTHORITY, "authority@platform_authority"), "waited for")
    case.decide(HANDLER_A)
    no(lambda: case.decide(AUTHORITY), "for others")
    case.answer(AUTHORITY, "authority@platform_authority")
    assert case.status == "granted"


def test_approvals_meet_in_what_both_grant() -> None:
    case = case_of("panzhihua", "share", bodies={"platform_authority": BUREAU})
    case.accept()
    case.decide(HANDLER_A, scopes=(Scope("a1", items=("名称", "地址")),))
    no(
        lambda: case.decide(AUTHORITY, scopes=(Scope("a1", granted=False, reason="不宜"),)),
        "Refuse instead",
    )
    case.decide(AUTHORITY, scopes=(Scope("a1", items=("地址",)),), conditions=("只用于本案",))
    assert case.part().scopes[0].items == ("地址",)
    assert case.part().conditions == ("只用于本案",)


def test_the_applicant_of_another_department_is_not_its_handler() -> None:
    case = case_of("chaohu", "share")
    case.accept()
    with pytest.raises(Refused, match="for others"):
        case.decide(OFFICER)
    with pytest.raises(Refused, match="for others"):
        case.decide(ANN)


def test_a_case_of_jilin_needs_no_city() -> None:
    case = at("accepted", rules())
    no(case.forward, "for others")
    no(lambda: case.forward(HANDLER_A), "nothing is passed on")
    no(lambda: case.answer(AUTHORITY, "authority@city"), "waited for")
