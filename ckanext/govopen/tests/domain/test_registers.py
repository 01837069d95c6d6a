"""What departments register: the persons they name, and their cooperation with others."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

import pytest

from ckanext.govopen.domain import cooperation, named_persons
from ckanext.govopen.domain.cooperation import Cooperation, Decide, End, Propose, Sign
from ckanext.govopen.domain.duty import Actor
from ckanext.govopen.domain.named_persons import NamedPerson, Put, Remove
from ckanext.govopen.domain.refusal import Refused

from .builders import AUTHORITY, EDITOR, HANDLER, OPERATOR, ORG, STRANGER, bundled

TODAY = datetime.date(2026, 11, 23)
SHA = "a" * 64


@pytest.mark.parametrize(
    ("regulation", "roles"),
    [
        ("panzhihua", ("head", "leader", "contact")),
        ("chaohu", ("head",)),
        ("shandong", ("staff",)),
        ("jilin", ()),
        ("haishu", ()),
        ("xian", ()),
    ],
)
def test_who_is_to_be_named_is_as_the_text_has_it(regulation: str, roles: tuple[str, ...]) -> None:
    text = bundled(regulation)
    assert named_persons.roles(text) == roles == tuple(named_persons.missing(text, {}))
    for role in ("head", "leader", "contact", "staff"):
        order = Put(AUTHORITY, ORG, NamedPerson("1", role, "王五"))
        if role in roles:
            assert named_persons.decide({}, order, text)
        else:
            with pytest.raises(Refused):
                named_persons.decide({}, order, text)


def persons(*orders: Put | Remove) -> Mapping[str, NamedPerson]:
    events: list[tuple[str, Mapping[str, Any]]] = []
    for order in orders:
        made = named_persons.decide(named_persons.fold(events), order, bundled("panzhihua"))
        events += [(one.type, one.payload) for one in made]
    return named_persons.fold(events)


def test_one_head_several_contacts() -> None:
    first, second = NamedPerson("1", "head", "王五"), NamedPerson("2", "head", "赵六", "局长")
    contacts = [NamedPerson(str(n), "contact", f"联系人{n}") for n in (3, 4)]
    orders = [Put(AUTHORITY, ORG, one) for one in (first, *contacts, second)]
    state = persons(*orders)
    assert set(state.values()) == {second, *contacts}, "a new head takes the old one's place"
    assert named_persons.missing(bundled("panzhihua"), state) == ["leader"]
    assert persons(*orders, Remove(AUTHORITY, ORG, "2")).keys() == {"3", "4"}
    again = named_persons.decide(state, Put(AUTHORITY, ORG, second), bundled("panzhihua"))
    assert again == [], "nothing changes"
    erased = [("department.person_named", {"id": "9", "role": "head", "organization": ORG})]
    assert named_persons.fold(erased) == {}, "whose name was erased is not named any more"


def test_who_keeps_the_register() -> None:
    order = {"organization": ORG, "person": NamedPerson("99", "head", "王五")}
    text = bundled("panzhihua")
    for actor in (AUTHORITY, OPERATOR):
        assert named_persons.decide({}, Put(actor, **order), text)
    assert named_persons.decide({}, Put(EDITOR, administers=True, **order), text)
    for actor in (EDITOR, HANDLER, STRANGER):
        with pytest.raises(Refused):
            named_persons.decide({}, Put(actor, **order), text)
    with pytest.raises(Refused, match="Say who"):
        named_persons.decide({}, Put(AUTHORITY, ORG, NamedPerson("1", "head", " ")), text)
    with pytest.raises(Refused, match="Nobody"):
        named_persons.decide({}, Remove(AUTHORITY, ORG, "1"), text)
    many = {str(n): NamedPerson(str(n), "contact", "某") for n in range(named_persons.MOST)}
    with pytest.raises(Refused, match="at most"):
        named_persons.decide(many, Put(AUTHORITY, **order), text)


WANTED = Cooperation("c1", ORG, "某大学", "交通研究", datasets=("p1",))


def after(*orders: Any, text: str = "haishu") -> Cooperation:
    state: Cooperation | None = None
    for order in orders:
        for event in cooperation.decide(state, order, TODAY, bundled(text)):
            state = cooperation.apply(state, event.type, event.payload)
    assert state is not None
    return state


def refused(*orders: Any, text: str = "haishu") -> Refused:
    state = after(*orders[:-1], text=text) if orders[:-1] else None
    with pytest.raises(Refused) as caught:
        cooperation.decide(state, orders[-1], TODAY, bundled(text))
    return caught.value


PROPOSE, CONSENT = Propose(HANDLER, WANTED), Decide(AUTHORITY, True)


def test_consent_comes_before_the_signature() -> None:
    assert after(PROPOSE).status == "proposed"
    early = refused(PROPOSE, Sign(HANDLER, TODAY, SHA))
    assert early.refusals[0].article == "23.2" and "consented" in str(early)
    signed = after(PROPOSE, CONSENT, Sign(HANDLER, TODAY, SHA))
    assert (signed.status, signed.signed_on, signed.sha256) == ("signed", TODAY, SHA)
    assert signed.datasets == ("p1",)
    assert after(PROPOSE, CONSENT, Sign(EDITOR, TODAY, SHA), End(HANDLER, "完成")).status == "ended"
    no = after(PROPOSE, Decide(AUTHORITY, False, "用途不明"))
    assert (no.status, no.reason) == ("refused", "用途不明")
    refused(PROPOSE, Decide(AUTHORITY, False, "用途不明"), Sign(HANDLER, TODAY, SHA))
    refused(PROPOSE, CONSENT, CONSENT)
    refused(PROPOSE, End(HANDLER, "x"), CONSENT)


def test_who_does_what() -> None:
    for actor in (STRANGER, AUTHORITY, OPERATOR):
        refused(Propose(actor, WANTED))
    for actor in (HANDLER, EDITOR, STRANGER, OPERATOR):
        refused(PROPOSE, Decide(actor, True))
    assert after(PROPOSE, Decide(OPERATOR, True, break_glass="主管机构空缺")).status == "consented"
    both = Actor("both", duties=frozenset({(ORG, "handler")}), authority=True)
    refused(Propose(both, WANTED), Decide(both, True))
    refused(PROPOSE, CONSENT, Sign(AUTHORITY, TODAY, SHA))
    refused(PROPOSE, End(STRANGER, "x"))
    assert cooperation.may(after(PROPOSE), AUTHORITY) == ["decide", "end"]
    assert cooperation.may(after(PROPOSE, CONSENT), HANDLER) == ["sign", "end"]
    assert cooperation.may(after(PROPOSE), STRANGER) == []


def test_what_is_missing_or_wrong() -> None:
    for change in ({"partner": " "}, {"subject": ""}, {"until": TODAY - datetime.timedelta(1)}):
        refused(Propose(HANDLER, Cooperation(**{**vars(WANTED), **change})))
    refused(PROPOSE, Decide(AUTHORITY, False, " "))
    for day, digest in ((TODAY + datetime.timedelta(1), SHA), (TODAY, "x" * 64), (TODAY, "")):
        refused(PROPOSE, CONSENT, Sign(HANDLER, day, digest))
    refused(PROPOSE, End(HANDLER, " "))
    refused(CONSENT)
    refused(PROPOSE, PROPOSE)


@pytest.mark.parametrize("regulation", ["jilin", "xian", "shandong", "panzhihua", "chaohu"])
def test_other_texts_know_no_cooperation(regulation: str) -> None:
    refused(PROPOSE, text=regulation)
