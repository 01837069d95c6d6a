"""Letters, notices, redaction and erasing."""

from __future__ import annotations

import pytest

from ckanext.govopen.domain import ledger
from ckanext.govopen.domain.application import commands as c
from ckanext.govopen.domain.application.fold import fold
from ckanext.govopen.domain.application.grants import grants_of
from ckanext.govopen.domain.application.letter import DecisionLetter, delivered, kind_of, letter_of
from ckanext.govopen.domain.application.notice import NOTICES, Notice, notices, notices_of
from ckanext.govopen.domain.application.scope import Scope
from ckanext.govopen.domain.event import EVENT_TYPES, Event
from ckanext.govopen.domain.verification import verify

from .world import (
    ANN,
    DAY,
    HANDLER_A,
    LAW,
    NOW,
    REVIEWER_A,
    SYSTEM,
    A,
    B,
    Case,
    at,
    rules,
    two,
)


def letter(case: Case, event: Event) -> DecisionLetter:
    assert case.state is not None
    made = letter_of(case.state, event, "告〔2026〕1号", case.now, case.rules)
    assert len(made.sha256) == 64
    return made


def under(name: str) -> Case:
    case = Case(rules(name))
    case.submit(what=two())
    return case


def test_a_refusal_says_why_and_what_can_be_done() -> None:
    case = under("shandong")
    case.accept()
    event = case.decide(approve=False, reason="涉及商业秘密")[-1]
    made = letter(case, event)
    assert (made.kind, made.article, made.organization) == ("refused", "25.3", A)
    assert [reason.text for reason in made.reasons] == ["涉及商业秘密"]
    assert made.basis == (LAW,)
    assert made.datasets == ("a1", "a2")
    assert {remedy.article for remedy in made.remedies} == {"25.3", None}
    assert not any(remedy.local for remedy in made.remedies)


def test_where_the_profile_names_no_remedy_the_local_one_is_marked() -> None:
    case = under("jilin")
    case.accept()
    made = letter(case, case.decide(approve=False)[-1])
    if not case.rules.procedure.refusal.remedies:
        [remedy] = made.remedies
        assert remedy.local
    assert made.remedies


def test_granted_in_part() -> None:
    case = under("jilin")
    case.accept()
    scopes = (Scope("a2", granted=False, reason="涉及隐私"),)
    events = case.decide(scopes=scopes, conditions=("不得转让",))
    made = letter(case, events[-1])
    assert (made.kind, made.conditions, made.to_sign) == ("partly_approved", ("不得转让",), True)
    refused = [(s.dataset, s.reason) for s in made.scopes if not s.granted]
    assert refused == [("a2", "涉及隐私")]
    assert made.remedies
    assert kind_of(events[0], case.part()) is None
    with pytest.raises(ValueError, match="no letter"):
        letter(case, events[0])


def test_approved_returned_declined_extended() -> None:
    whole = at("approved", rules())
    approved = next(e for e, _ in whole.events if e.type == "application.approved")
    assert letter(whole, approved).kind == "approved"
    assert letter(whole, approved).remedies == ()

    back = at("submitted", rules())
    made = letter(back, back.return_()[0])
    assert (made.kind, made.remarks, made.message) == ("returned", {"purpose": "请写明"}, "请补充")

    declined = under("shandong")
    [event] = declined.do(c.Decline(HANDLER_A, A, "不属于本机关", (LAW,)))
    made = letter(declined, event)
    assert (made.kind, made.basis, made.reasons[0].text) == ("not_accepted", (LAW,), "不属于本机关")

    longer = under("shandong")
    [event] = longer.do(c.Extend(REVIEWER_A, A, "open_reply", "数据量大"))
    made = letter(longer, event)
    assert made.kind == "extended"
    assert made.extended is not None and made.extended.due is not None
    assert made.as_dict()["extended"]["until"] == made.extended.due.day.isoformat()


def test_the_hash_does_not_depend_on_the_delivery() -> None:
    case = at("refused", rules())
    event = next(e for e, _ in case.events if e.type == "application.refused")
    made = letter(case, event)
    case.do(c.IssueLetter(SYSTEM, A, made.number, made.kind, made.sha256))
    case.now = NOW + DAY
    case.do(c.DeliverLetter(ANN, A, made.number, "page"))
    assert case.state is not None
    shown = delivered(made, case.state.letters[0])
    assert (shown.delivered_at, shown.sha256) == (NOW + DAY, made.sha256)


def test_notices_are_of_events_that_there_are() -> None:
    assert set(NOTICES) <= set(EVENT_TYPES)
    assert notices(Event("application.letter_issued", {"number": "1"})) == ()
    [note] = notices(Event("application.returned", {"organization": A}))
    assert note == Notice("applicant", "application-returned")


def test_no_flood() -> None:
    case = under("jilin")
    first = notices_of([event for event, _ in case.events])
    assert first[Notice("applicant", "application-received")] == [A, B]
    assert first[Notice("receiver", "application-to-accept")] == [A, B]
    both = notices_of(case.do(c.Withdraw(ANN)))
    assert both == {Notice("provider", "application-withdrawn"): [A, B]}
    at_once = Case(rules(agreement=False))
    at_once.submit()
    at_once.accept()
    assert set(notices_of(at_once.decide())) == {
        Notice("applicant", "application-granted"),
        Notice("provider", "application-granted"),
    }


def sealed(case: Case) -> list[ledger.SealedEvent]:
    rows: list[ledger.SealedEvent] = []
    for number, (event, at_) in enumerate(case.events, 1):
        previous = rows[-1].hash if rows else ledger.GENESIS
        salt = f"{number:032x}"
        rows.append(
            ledger.record(event, "application/app-1", number, previous, "17", at_, lambda s=salt: s)
        )
    return rows


def everything() -> Case:
    """A case that has had every kind of event but the other endings."""
    case = under("shandong")
    case.return_()
    case.submit(what=two())
    case.do(c.Assign(HANDLER_A, A, "hank", True))
    case.accept()
    case.do(c.Consult(HANDLER_A, A, "third_party_consultation", "王五", "是否同意？"))
    case.do(c.CloseConsultation(HANDLER_A, A, 1, "consent", "同意"))
    case.do(c.Extend(REVIEWER_A, A, "open_reply", "数据量大"))
    case.decide(conditions=("不得转让",))
    case.sign()
    case.do(c.Withdraw(ANN, B, "不需要"))
    return case


def test_erasing_leaves_the_chain_and_a_state_without_people() -> None:
    case = everything()
    rows = sealed(case)
    erased = [ledger.erase(row) for row in rows]
    assert verify(erased) == []
    left = str([row.payload for row in erased])
    for secret in ("安妮", "13800000000", "研究公共交通", "ann", "hank", "王五", "不得转让", "同意",
                   "数据量大", "不需要", "符合条件", "请补充"):  # fmt: skip
        assert secret not in left, secret
    state = fold(
        (Event(row.type, row.payload), at_)
        for row, (_, at_) in zip(erased, case.events, strict=True)
    )
    assert state is not None and case.state is not None
    assert [p.status for p in state.parts] == [p.status for p in case.state.parts]
    with pytest.raises(ValueError, match="erased"):
        grants_of(state, A)


def test_the_applicant_does_not_read_who_decided_and_the_public_reads_nothing() -> None:
    case = everything()
    for row in sealed(case):
        party = ledger.redact(row, "party")
        shown = str(party.payload)
        assert "hank" not in shown, row.type
        assert "是否同意" not in shown
        if row.type.startswith("application.") or row.type == "agreement.signed":
            assert not ledger.redact(row, "public").payload
    assert verify([ledger.redact(row, "party") for row in sealed(case)]) == []
