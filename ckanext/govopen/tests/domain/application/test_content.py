"""What may be handed in: forms, completeness, limits, differences."""

from __future__ import annotations

import datetime
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.govopen.domain.application import commands as c
from ckanext.govopen.domain.application.check import check
from ckanext.govopen.domain.application.content import (
    Attachment,
    Contact,
    Content,
    Organisation,
    WantedPart,
    differences,
    parse,
)
from ckanext.govopen.domain.refusal import Refused

from .world import CODE, DAY, FACTS, NOW, A, B, company, content, rules, two, wanted

TODAY = NOW.date()


def fields_of(what: Content, facts: Any = FACTS, counts: c.Counts | None = None) -> set[str]:
    found = check(what, rules(), facts, counts or c.Counts(), NOW)
    assert all(item.message for item in found)
    return {item.params["field"] for item in found}


def test_complete_contents_have_no_problems() -> None:
    for what in (content(), company(), two()):
        assert fields_of(what) == set()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"applicant_kind": "alien"}, "applicant_kind"),
        ({"applicant_kind": "legal_person"}, "organisation"),
        ({"contact": Contact("", "1")}, "contact.name"),
        ({"contact": Contact("安妮")}, "contact.phone"),
        ({"contact": Contact("安" * 201, "1")}, "contact.name"),
        ({"organisation": Organisation("某公司", CODE, "x")}, "organisation"),
        ({"fields": {}}, "purpose"),
        ({"fields": {**content().fields, "purpose": "长" * 5001}}, "purpose"),
        ({"fields": {**content().fields, "shoe_size": "44"}}, "shoe_size"),
        ({"fields": {**content().fields, "items": "x"}}, "items"),
        ({"valid_from": None}, "valid_from"),
        ({"valid_to": None}, "valid_to"),
        ({"valid_from": TODAY + 5 * DAY, "valid_to": TODAY}, "valid_to"),
        ({"valid_from": TODAY - 5 * DAY, "valid_to": TODAY - DAY}, "valid_to"),
        ({"valid_to": TODAY + 2000 * DAY}, "valid_to"),
        ({"valid_from": TODAY + 500 * DAY, "valid_to": TODAY + 501 * DAY}, "valid_from"),
        ({"attachments": (Attachment("1", "a", "0", 1),) * 2}, "attachments"),
        ({"parts": (WantedPart(A, ()),)}, "parts"),
        ({"parts": (WantedPart(A, (wanted("a1"), wanted("a1"))),)}, "parts"),
        ({"parts": (WantedPart(A, (wanted("a1"),)), WantedPart(A, (wanted("a2"),)))}, "parts"),
        ({"parts": (WantedPart(B, (wanted("a1"),)),)}, "parts"),
        ({"parts": (WantedPart(A, (wanted("secret"),)),)}, "parts"),
        ({"parts": (WantedPart(A, (wanted("a1", "fax"),)),)}, "delivery"),
        ({"parts": (WantedPart(A, (wanted("a1", items=("密码",)),)),)}, "items"),
        ({"parts": (WantedPart(A, (wanted("a1", items=()),)),)}, "items"),
        ({"parts": (WantedPart(A, (wanted("a1", "download", items=("名称",)),)),)}, "delivery"),
    ],
)
def test_each_problem_names_its_field(change: dict[str, Any], field: str) -> None:
    assert field in fields_of(replace(content(), **change))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "organisation.name"),
        ({"authority": ""}, "organisation.authority"),
        ({"code": ""}, "organisation.code"),
        ({"code": CODE[:-1] + "9"}, "organisation.code"),
        ({"code": CODE[:9]}, "organisation.code"),
        ({"code": "A-17"}, "organisation.code"),
        ({"persons": tuple(map(str, range(51)))}, "organisation.persons"),
    ],
)
def test_an_organisation_says_who_it_is(change: dict[str, Any], field: str) -> None:
    what = company()
    assert what.organisation is not None
    assert fields_of(replace(what, organisation=replace(what.organisation, **change))) == {field}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"live": False}, "There is no such dataset."),
        ({"organization": B}, "There is no such dataset."),
        ({"conditional": False}, "This dataset is not one to be applied for."),
        ({"open_part": True}, "You have applied for this dataset already."),
        ({"granted": True}, "You have a grant that covers this already."),
    ],
)
def test_facts_of_a_dataset(change: dict[str, Any], message: str) -> None:
    facts = {"a1": replace(FACTS["a1"], **change)}
    [problem] = check(content(), rules(), facts, c.Counts(), NOW)
    assert problem.message == message


def test_a_hidden_dataset_is_one_that_does_not_exist() -> None:
    unknown = check(content(), rules(), {}, c.Counts(), NOW)
    hidden = {"a1": replace(FACTS["a1"], live=False, conditional=False, open_part=True)}
    assert check(content(), rules(), hidden, c.Counts(), NOW) == unknown


def test_the_modes_are_those_of_profile_and_dataset() -> None:
    file = content(WantedPart(A, (wanted("a1", "download"),)))
    assert fields_of(file) == set()
    only = {"a1": replace(FACTS["a1"], delivery=frozenset({"interface"}))}
    assert fields_of(file, only) == {"delivery"}
    found = check(file, rules("haishu"), FACTS, c.Counts(), NOW)
    [refusal] = [item for item in found if item.params["field"] == "delivery"]
    assert refusal.article == rules("haishu").procedure.delivery.article  # type: ignore[union-attr]


def test_all_problems_at_once() -> None:
    empty = Content("", ())
    assert {"applicant_kind", "contact.name", "purpose", "valid_from", "valid_to", "parts"} <= (
        fields_of(empty)
    )
    assert "organisation" not in fields_of(empty)  # who applies has to be chosen first


def test_too_many_datasets() -> None:
    many = tuple(wanted(f"d{n}") for n in range(21))
    facts = {item.dataset: c.DatasetFacts(A) for item in many}
    assert fields_of(content(WantedPart(A, many)), facts) == {"parts"}
    assert fields_of(content(WantedPart(A, many[:20])), facts) == set()


def test_json_and_back() -> None:
    for what in (content(), company(attachments=(Attachment("1", "a.pdf", "0", 3),)), two()):
        again = parse(json.loads(json.dumps(what.as_dict())))
        assert again == what
        assert again.sha256 == what.sha256
    assert content(salt="t").sha256 != content().sha256


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (None, "content"),
        ([], "content"),
        ("x", "content"),
        ({"applicant_kind": 1}, "applicant_kind"),
        ({"parts": {}}, "parts"),
        ({"parts": [1]}, "parts"),
        ({"parts": [{"datasets": [None]}]}, "parts"),
        ({"parts": [{"datasets": [{"items": 3}]}]}, "items"),
        ({"parts": [{"datasets": [{"delivery": [{}]}]}]}, "delivery"),
        ({"fields": {"purpose": ["x"]}}, "purpose"),
        ({"fields": {"purpose": "a\x00b"}}, "purpose"),
        ({"fields": {"purpose": "\ud800"}}, "purpose"),
        ({"valid_from": "heute"}, "valid_from"),
        ({"valid_from": 20260101}, "valid_from"),
        ({"contact": "x"}, "contact"),
        ({"organisation": 7}, "organisation"),
        ({"organisation": {"persons": "ann"}}, "organisation.persons"),
        ({"attachments": [{"size": -1}]}, "attachments"),
        ({"attachments": [{"size": True}]}, "attachments"),
    ],
)
def test_wrong_forms_are_named(value: Any, field: str) -> None:
    with pytest.raises(Refused) as caught:
        parse(value)
    assert field in {item.params["field"] for item in caught.value.refusals}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["parts", "datasets", "fields", "contact", "organisation", "items", "valid_to", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(_JSON)
def test_whatever_comes_in_is_content_or_refused(value: Any) -> None:
    try:
        what = parse(value)
    except Refused:
        return
    assert parse(what.as_dict()) == what
    check(what, rules(), FACTS, c.Counts(), NOW)


def test_differences_between_two_revisions() -> None:
    before = two()
    after = replace(
        before,
        fields={**before.fields, "purpose": "教学"},
        parts=(WantedPart(A, (wanted("a2", "interface"),)), before.parts[1]),
        valid_to=datetime.date(2027, 1, 1),
        salt="other",
    )
    found = {d.path: (d.before, d.after) for d in differences(before.as_dict(), after.as_dict())}
    assert found == {
        "fields.purpose": ("研究公共交通", "教学"),
        "parts.org-a.a1.delivery": (["interface"], None),
        "parts.org-a.a2.delivery": (["download", "interface"], ["interface"]),
        "valid_to": ("2027-09-19", "2027-01-01"),
    }
    assert differences(before.as_dict(), before.as_dict()) == []
