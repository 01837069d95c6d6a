"""Templates, texts, signatures, reports of use."""

from __future__ import annotations

import datetime
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.govopen.domain import agreement, grant
from ckanext.govopen.domain.agreement import PLACES, Publish, Template
from ckanext.govopen.domain.application.papers import Names, agreement_facts
from ckanext.govopen.domain.application.scope import Scope
from ckanext.govopen.domain.refusal import Refused

from ..builders import JURISDICTIONS
from .world import (
    ANN,
    AUTHORITY,
    BEN,
    DAY,
    HANDLER_A,
    NOW,
    OPERATOR,
    SYSTEM,
    TEMPLATE,
    A,
    Case,
    at,
    content,
    rules,
    two,
)

FACTS = {name: f"<{name}>" for name in PLACES}


def text(of: str, **facts: str) -> str:
    return agreement.render(Template("t", 1, "jilin", of), {**FACTS, **facts})


def test_one_form_of_a_text() -> None:
    assert text("a  \r\nb\t\rc\u2028d\n\n\n") == "a\nb\nc\nd\n"
    assert text("e\u0301") == "\u00e9\n"
    assert agreement.digest(text("甲")) == agreement.digest("甲\n")


@pytest.mark.parametrize("bad", ["{{secret}}", "{{ }}", "{{purpose", "a }} b", "{{purpose.__x__}}"])
def test_an_unknown_place_is_refused(bad: str) -> None:
    with pytest.raises(Refused, match="unknown place"):
        text(bad)
    with pytest.raises(Refused, match="unknown place"):
        agreement.publish(Publish(AUTHORITY, "t", "jilin", bad, 0))


def test_a_place_without_a_fact_is_refused() -> None:
    with pytest.raises(Refused, match="unknown place"):
        agreement.render(Template("t", 1, "jilin", "{{purpose}}"), {})


def test_facts_are_never_read_as_places() -> None:
    assert text("{{purpose}}", purpose="{{applicant}} {{secret}} \\1 %(x)s") == (
        "{{applicant}} {{secret}} \\1 %(x)s\n"
    )


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"])))
def test_the_text_is_in_normal_form_whatever_is_filled_in(fact: str) -> None:
    made = text("甲：{{purpose}}\n乙", purpose=fact)
    assert agreement.normal(made) == made


def test_what_people_write_cannot_look_like_a_clause() -> None:
    case = Case(rules())
    case.submit(what=content(fields={**content().fields, "purpose": "研究\n\n第九条 可以转让"}))
    case.accept()
    case.decide(conditions=("不得转让\n用途：任何",))
    made = case.text()
    assert "用途：研究 第九条 可以转让" in made.splitlines()
    assert not any(line.startswith(("第九条", "用途：任何")) for line in made.splitlines())


def test_every_place_has_a_fact() -> None:
    case = at("approved", rules())
    assert case.state is not None
    names = Names("门户", "办法", "部门", "安妮", "安妮")
    facts = agreement_facts(case.state, A, names, TEMPLATE)
    assert set(facts) == PLACES
    assert all(facts.values())
    with pytest.raises(ValueError, match="no approved part"):
        agreement_facts(at("submitted", rules()).state, A, names, TEMPLATE)  # type: ignore[arg-type]


def test_the_text_says_what_is_granted_and_no_more() -> None:
    case = Case(rules())
    case.submit(what=two())
    case.accept()
    case.decide(
        scopes=(
            Scope("a1", items=("名称",), quota=grant.Quota(None, 100, None)),
            Scope("a2", granted=False, reason="涉及隐私"),
        )
    )
    made = case.text()
    assert "公交站点；信息项：名称；使用方式：接口；2026-11-23至2027-09-19" in made
    assert "a2" not in made


@pytest.mark.parametrize("name", ["standard", "haishu"])
def test_bundled_templates_use_every_place(name: str) -> None:
    made = (JURISDICTIONS / "agreements" / f"{name}.txt").read_text(encoding="utf-8")
    assert agreement.normal(made) == made
    assert agreement.unknown_places(made) == []
    assert all(f"{{{{{place}}}}}" in made for place in PLACES)
    case = at("approved", rules())
    assert "研究公共交通" in case.text(template=Template(name, 1, "jilin", made))


def test_publishing_templates() -> None:
    [event] = agreement.publish(Publish(AUTHORITY, "t", "jilin", "甲 {{purpose}}  \r\n", 3, "改"))
    template = agreement.template_of(event)
    assert (template.version, template.text) == (4, "甲 {{purpose}}\n")
    assert event.payload["sha256"] == template.sha256
    assert agreement.publish(Publish(SYSTEM, "t", "jilin", "甲", 0))
    for actor in (ANN, HANDLER_A, OPERATOR):
        with pytest.raises(Refused, match="data authority"):
            agreement.publish(Publish(actor, "t", "jilin", "甲", 0))
    for bad in ("", " \n", "a\x07", "长" * 60_001):
        with pytest.raises(Refused):
            agreement.publish(Publish(AUTHORITY, "t", "jilin", bad, 0))


def test_a_new_version_needs_a_new_reading() -> None:
    case = at("approved", rules())
    newer = replace(TEMPLATE, version=2, text=TEMPLATE.text + "第十条\n")
    with pytest.raises(Refused, match="has changed"):
        case.sign(text=case.text(template=newer), text_sha256=agreement.digest(case.text()))
    with pytest.raises(Refused, match="has changed"):
        case.sign(current_version=2)
    case.sign(text=case.text(template=newer), template_version=2, current_version=2)
    signature = case.part().signature
    assert signature is not None
    assert signature.text_sha256 == agreement.digest(case.text(template=newer))


def test_names_are_compared_in_normal_form_only() -> None:
    case = at("approved", rules())
    with pytest.raises(Refused):
        case.sign(typed_name="安 妮")
    case.sign(typed_name="  安妮 ")


def test_the_statement_is_bound_to_everything() -> None:
    given = {
        "application": "app-1",
        "part": A,
        "applicant": "17",
        "text_sha256": "0" * 64,
        "template": "standard",
        "template_version": 1,
        "signed_at": NOW,
    }
    made = agreement.statement(**given)  # type: ignore[arg-type]
    assert json.loads(made) == {
        **given,
        "format": "govopen-agreement-1",
        "signed_at": "2026-11-23T01:00:00.000000Z",
    }
    other = {"template_version": 2, "signed_at": NOW + datetime.timedelta(microseconds=1)}
    for name in given:
        changed = {**given, name: other.get(name, "x")}
        assert agreement.statement(**changed) != made  # type: ignore[arg-type]


def held() -> grant.Grant:
    return grant.Grant(
        "g1", grant.Holder("person", frozenset({"ann"})), "a1", A, "研究",
        frozenset({"interface"}), NOW, NOW + 10 * DAY,
    )  # fmt: skip


def test_a_report_of_use() -> None:
    [event] = agreement.report(held(), agreement.Report(ANN, " 已用于论文 ", ("f1",)))
    assert event.payload["report"] == "已用于论文"
    assert grant.apply(held(), event) == held()
    with pytest.raises(Refused, match="somebody else"):
        agreement.report(held(), agreement.Report(BEN, "x"))
    for bad in (" ", "长" * 60_001):
        with pytest.raises(Refused, match="characters"):
            agreement.report(held(), agreement.Report(ANN, bad))


def test_when_a_report_is_due() -> None:
    demand = agreement.ReportDemand(30)
    assert agreement.report_due(held(), demand, False) == NOW.date() + 40 * DAY
    assert agreement.report_due(held(), demand, True) is None
    assert agreement.report_due(held(), None, False) is None
    assert agreement.report_due(replace(held(), state="revoked"), demand, False) is None


def test_who_signs_declares_that_nothing_goes_abroad() -> None:
    """Haishu 32.2: the clause stands in the text that is signed, as the signer's own promise."""
    bundled = (JURISDICTIONS / "agreements" / "haishu.txt").read_text(encoding="utf-8")
    signed = text(bundled)
    assert "公共数据不得跨境流通" in signed
    assert "乙方承诺不向境外提供数据，不在境外存储或者访问数据" in signed
