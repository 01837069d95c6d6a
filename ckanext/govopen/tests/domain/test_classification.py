from __future__ import annotations

import itertools
from typing import Any

import pytest

from ckanext.govopen.domain.classification import (
    OpenClass,
    check_basis,
    check_requirements,
    class_from_answers,
    default_class,
    is_stricter,
    reclassify,
    stricter,
    strictness,
    transition,
)
from ckanext.govopen.domain.refusal import Refused

from .builders import changed, complete_dataset, jilin

U, C, N = OpenClass.UNCONDITIONAL, OpenClass.CONDITIONAL, OpenClass.NON_OPEN
LAW = [{"instrument": "政府信息公开条例", "article": "15", "kind": "regulation"}]


def test_order() -> None:
    assert strictness(U) < strictness(C) < strictness(N)
    for a, b in itertools.product(OpenClass, repeat=2):
        assert stricter(a, b) is stricter(b, a)
        assert not (is_stricter(a, b) and is_stricter(b, a))
    assert transition(None, N) == "new"
    assert (transition(U, C), transition(N, C), transition(C, C)) == ("stricter", "looser", "same")


@pytest.mark.parametrize(
    ("before", "after", "type"),
    [
        (U, C, "dataset.class_tightened"),
        (U, N, "dataset.class_tightened"),
        (C, N, "dataset.class_tightened"),
        (N, C, "dataset.class_loosening_requested"),
        (C, U, "dataset.class_loosening_requested"),
        (None, U, "dataset.class_loosening_requested"),
        (None, N, "dataset.class_loosening_requested"),
    ],
)
def test_only_a_stricter_class_takes_effect_at_once(
    before: OpenClass | None, after: OpenClass, type: str
) -> None:
    [event] = reclassify(before, after, "理由", LAW, jilin(), "u1", dataset="d")
    assert event.type == type
    assert event.payload["after"] == after.value


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"wanted": "secret"}, "CLS-1"),
        ({"wanted": U}, "CLS-1"),
        ({"reason": "  "}, "CLS-3"),
        ({"actor": ""}, "ID-2"),
        ({"wanted": C, "answers": {"privacy": True}}, "CLS-4"),
    ],
)
def test_refused(change: dict[str, Any], rule: str) -> None:
    answers = change.pop("answers", None)
    values = {
        "current": U, "wanted": N, "reason": "理由", "legal_basis": LAW, "profile": jilin(),
        "actor": "u1", **change,
    }  # fmt: skip
    with pytest.raises(Refused) as caught:
        reclassify(**values, answers=answers)
    assert rule in {refusal.rule for refusal in caught.value.refusals}


def test_criteria_that_demand_a_class_cannot_be_passed_by() -> None:
    with pytest.raises(Refused) as caught:
        reclassify(N, U, "理由", LAW, jilin(), "u1", answers={"continuous": True})
    [refusal] = caught.value.refusals
    assert (refusal.rule, refusal.article) == ("CLS-3", "28.1")
    assert "only on conditions" in refusal.text()


def test_a_basis_is_asked_for_where_the_profile_asks() -> None:
    def demand(data: dict[str, Any]) -> None:
        data["requirements"].append(
            {**data["requirements"][7], "when": {"open_class": ["non_open"]}}
        )

    profile = changed(demand)
    for basis in ([], [{"instrument": "内部文件", "kind": "document"}], [{"kind": "law"}]):
        with pytest.raises(Refused) as caught:
            reclassify(U, N, "理由", basis, profile, "u1")
        assert caught.value.refusals[0].article == "25.1"
    assert reclassify(U, N, "理由", LAW, profile, "u1")
    assert reclassify(U, C, "理由", [], profile, "u1")


def test_basis_kinds() -> None:
    assert check_basis(LAW, ["law", "regulation"], "CLS-6", "25.1") == []
    assert check_basis(LAW, [], "CLS-6", "25.1") == []
    [refusal] = check_basis(LAW, ["law"], "CLS-6", "25.1")
    assert "law" in refusal.text()


def test_answers_lead_to_a_class() -> None:
    every = {c.id: False for c in jilin().classes.criteria}
    assert class_from_answers(every, jilin()) == (U, ["28.1"])
    assert class_from_answers({**every, "timeliness": True}, jilin())[0] is C
    found, articles = class_from_answers(
        {**every, "timeliness": True, "state_secret": True}, jilin()
    )
    assert (found, articles) == (N, ["2.2"])
    assert class_from_answers({"privacy": False}, jilin()) == (None, [])
    assert default_class(jilin()) is U


def test_a_complete_dataset_lacks_nothing() -> None:
    assert check_requirements(complete_dataset(), jilin()) == []


@pytest.mark.parametrize(
    ("fields", "field", "rule", "article"),
    [
        ({"notes": " "}, "notes", "CAT-3", "15.1"),
        ({"owner_org": None}, "owner_org", "CAT-3", "15.1"),
        ({"share_class": ""}, "share_class", "CAT-3", "15.1"),
        ({"open_class": ""}, "open_class", "CLS-1", "28.1"),
        ({"open_class": "secret"}, "open_class", "CLS-1", "28.1"),
        ({"acquired_by": None}, "acquired_by", "CAT-11", "29.1"),
        ({"acquired_by": "shared"}, "acquired_by", "GRT-4", "29.1"),
        ({"acquired_by": "negotiated"}, "acquired_by", "OPL-2", "29.1"),
        ({"open_class": "conditional"}, "open_condition", "CLS-1", "28.2"),
        (
            {"share_class": "none", "legal_basis": LAW}, "class_reason", "CLS-6", "25.1",
        ),
        (
            {"share_class": "conditional", "class_reason": "x"}, "legal_basis", "CLS-6", "25.1",
        ),
        ({"open_class": "non_open"}, "class_reason", "CLS-4", "28.1"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(
    fields: dict[str, Any], field: str, rule: str, article: str
) -> None:
    missing = check_requirements(complete_dataset(**fields), jilin())
    assert [(m.field, m.rule, m.article) for m in missing] == [(field, rule, article)]
    assert missing[0].as_dict()["message"]


def test_shared_data_that_is_not_open_stays_in_the_catalogue() -> None:
    dataset = complete_dataset(open_class="non_open", acquired_by="shared", class_reason="共享获取")
    assert check_requirements(dataset, jilin()) == []


def test_odd_values_are_missing_not_errors() -> None:
    for basis in (None, "", "text", [1, None], {}):
        dataset = complete_dataset(share_class="none", class_reason="x", legal_basis=basis)
        assert [m.field for m in check_requirements(dataset, jilin())] == ["legal_basis"]
