from __future__ import annotations

import re
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ckanext.govopen.domain.catalogue import (
    Outcome,
    Record,
    RecordError,
    SourceTrust,
    classify,
    dataset_name,
    is_public_address,
    parse_record,
    record_hash,
    resource_id,
    to_dataset,
    trusted_review,
)
from ckanext.govopen.domain.classification import CONSENT, OpenClass, check_requirements
from ckanext.govopen.domain.ledger import sha256
from ckanext.govopen.domain.profile import Profile
from ckanext.govopen.domain.terms import ShareClass

from .builders import ORG, bundled, changed, complete_dataset, jilin, published_rows, record_json

U, C, N = OpenClass.UNCONDITIONAL, OpenClass.CONDITIONAL, OpenClass.NON_OPEN


def record(**fields: Any) -> Record:
    found = parse_record(record_json(**fields))
    assert isinstance(found, Record), found
    return found


def outcome(profile: Profile | None = None, **fields: Any) -> Outcome:
    return classify(record(**fields), profile or jilin())


def opening(**fields: Any) -> dict[str, Any]:
    return {"open": True, "condition": "", "class": None, **fields}


# Reading.


def test_a_record_is_read_whole() -> None:
    found = record()
    assert found.provider.code == "11350200MB1234567U"
    assert (found.cycle, found.acquired, found.issued) == ("monthly", "collected", "2020-01-01")
    assert found.category == ("部门", "卫生健康委", "医疗")
    assert record(unknown_field={"x": 1}) == found


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"title": ""}, "title"),
        ({"title": None}, "title"),
        ({"title": ["x"]}, "title is no text"),
        ({"title": "x" * 1001}, "longer"),
        ({"title": "a\x00b"}, "control characters"),
        ({"title": "a\ud800b"}, "Unicode"),
        ({"provider": {}}, "provider.name"),
        ({"provider": "局"}, "provider is no object"),
        ({"open": {}}, "open.open"),
        ({"open": {"open": "maybe"}}, "neither yes nor no"),
        ({"open": {"open": 1}}, "neither yes nor no"),
        ({"items": "名称"}, "no list"),
        ({"items": ["名称"]}, "items[1] is no object"),
        ({"items": [{"name": "a", "type": "Q"}]}, "no type"),
        ({"items": [{"type": "C"}]}, "items[1].name"),
        ({"acquired": "stolen"}, "stolen"),
        ({"issued": "2020-13-01"}, "no date"),
        ({"issued": "soon"}, "no date"),
        ({"version": "7"}, "whole number"),
        ({"version": True}, "whole number"),
        ({"distributions": [{"id": "1", "sha256": "xyz"}]}, "SHA-256"),
        ({"distributions": [{"id": "1", "size": -1}]}, "whole number"),
        ({"distributions": [{"id": "1"}, {}, {"id": "1"}]}, "distributions[3].id"),
        ({"deleted": "perhaps"}, "deleted"),
    ],
)
def test_wrong_records_are_refused_with_code_and_reason(
    fields: dict[str, Any], reason: str
) -> None:
    found = parse_record(record_json(**fields))
    assert isinstance(found, RecordError)
    assert found.code == "307010000000/000123"
    assert reason in found.reason


@pytest.mark.parametrize(
    ("ids", "named"),
    [
        ([None, None], ["1", "2"]),
        (["a", None, ""], ["a", "2", "3"]),
        (["2", None], ["2", "#2"]),
        ([None, "1"], ["#1", "1"]),
    ],
)
def test_each_distribution_has_an_id_of_its_own(ids: list[str | None], named: list[str]) -> None:
    rows = [{"url": "https://a.cn/x"} | ({"id": one} if one is not None else {}) for one in ids]
    found = parse_record(record_json(distributions=rows))
    assert isinstance(found, Record)
    assert [one.id for one in found.distributions] == named


@pytest.mark.parametrize("json", [None, [], "x", 1, {}, {"code": ""}, {"code": ["a"]}])
def test_what_has_no_code_is_refused_without_one(json: Any) -> None:
    found = parse_record(json)
    assert isinstance(found, RecordError)
    assert found.code == ""


@pytest.mark.parametrize(
    "json",
    [
        {"code": "a", "deleted": True},
        {"code": "a", "open": {"open": False}},
        {"code": "a", "open": {"open": "否"}, "title": ["broken"], "items": 7, "issued": "?"},
        {"code": "a", "deleted": True, "open": {"open": True}, "version": "x"},
    ],
)
def test_what_closes_never_fails_for_another_field(json: dict[str, Any]) -> None:
    found = parse_record(json)
    assert isinstance(found, Record)
    assert classify(found, jilin()).action == "withdraw"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted(record_json())), VALUES, max_size=6))
def test_any_json_is_a_record_or_an_error(fields: dict[str, Any]) -> None:
    found = parse_record(record_json(**fields))
    if isinstance(found, Record):
        result = classify(found, jilin())
        if result.action == "publish":
            assert to_dataset(found, result, jilin())["name"]
        assert len(record_hash(found)) == 64


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("2020/1/5", "2020-01-05"),
        ("2020年1月5日", "2020-01-05"),
        ("2020年1月", "2020-01-01"),
        ("20200105", "2020-01-05"),
        ("2018-03-02 18:40:48", "2018-03-02"),
        ("2020-01-05T08:00:00+08:00", "2020-01-05"),
        ("2020", "2020-01-01"),
        ("", ""),
    ],
)
def test_dates_as_people_write_them(raw: str, wanted: str) -> None:
    assert record(issued=raw).issued == wanted


# The rules of the mapping, row by row.


def test_open_without_a_condition_is_the_default_class() -> None:
    assert (outcome().action, outcome().open_class) == ("publish", U)
    none = changed(
        lambda data: data["classes"].update(
            default={"value": None, "article": None, "origin": "default"}
        )
    )
    kept = outcome(none)
    assert (kept.action, kept.reasons[0].rule, kept.forbidden) == ("keep_back", "CLS-2", False)


def test_open_with_a_condition_is_conditional() -> None:
    assert outcome(open=opening(condition="实名申请")).open_class is C


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("有条件开放", C), ("有條件開放", C), ("conditional", C), ("无条件开放", U),
        ("unconditional", U),
    ],
)  # fmt: skip
def test_a_named_class_wins(name: str, wanted: OpenClass) -> None:
    assert outcome(open=opening(**{"class": name, "condition": "x"})).open_class is wanted


def test_a_class_that_the_profile_does_not_know_is_kept_back() -> None:
    kept = outcome(open=opening(**{"class": "依申请开放"}))
    assert (kept.action, kept.reasons[0].article) == ("keep_back", "28.1")
    assert "依申请开放" in kept.reasons[0].text()
    shared = outcome(share={"class": "半共享"})
    assert (shared.action, shared.reasons[0].rule) == ("keep_back", "CLS-5")


@pytest.mark.parametrize("name", ["非开放", "non_open", "不开放"])
def test_a_class_that_is_not_open_is_withdrawn(name: str) -> None:
    assert outcome(open=opening(**{"class": name})).action == "withdraw"


def test_not_shared_but_open_is_looked_at_singly() -> None:
    found = outcome(share={"class": "不予共享"})
    assert (found.action, found.bulk, found.share_class) == ("publish", False, ShareClass.NONE)
    assert found.warnings
    assert outcome().bulk


@pytest.mark.parametrize(
    ("acquired", "rule", "article", "forbidden"),
    [
        ("shared", "GRT-4", "29.1", True),
        ("negotiated", "OPL-2", "29.1", True),
        ("purchased", "CAT-11", "29.1", False),
        (None, "CAT-11", None, False),
    ],
)
def test_acquired_in_another_way_is_kept_back(
    acquired: str | None, rule: str, article: str | None, forbidden: bool
) -> None:
    kept = outcome(acquired=acquired)
    assert kept.action == "keep_back"
    assert [(r.rule, r.article) for r in kept.reasons] == [(rule, article)]
    assert kept.forbidden is forbidden


def test_shared_data_is_never_published_whatever_a_profile_leaves_out() -> None:
    silent = changed(lambda data: data.update(acquired=[]))
    lax = changed(lambda data: data["acquired"][1].update(effect="allowed"))
    for profile in (silent, lax):
        assert outcome(profile, acquired="shared").action == "keep_back"
        shared = {**complete_dataset(), "acquired_by": "shared"}
        assert [m.rule for m in check_requirements(shared, profile)] == ["GRT-4"]
    assert outcome(silent, acquired="negotiated").action == "publish"
    assert outcome(silent, acquired="purchased").action == "keep_back"


def test_consent_lifts_only_where_the_profile_says_so() -> None:
    """Jilin keeps it back for good; Chaohu opens it, singly and with the consent in the dataset."""
    law = bundled("chaohu")
    given = {"number": "医保函〔2026〕7号", "on": "2026年3月2日", "by": "医疗保障局"}
    agreed = record(acquired="shared", consent=given, open=opening(**{"class": "无条件开放"}))
    assert (
        outcome(acquired="shared", consent=given).forbidden,
        classify(agreed, jilin()).action,
    ) == (
        True,
        "keep_back",
    )
    opened = classify(agreed, law)
    assert (opened.action, opened.bulk) == ("publish", False)
    assert [(w.rule, w.article) for w in opened.warnings] == [("GRT-4", "23")]
    trust = SourceTrust(True, True, True)
    assert not trusted_review(agreed, opened, trust, None).allowed
    dataset = to_dataset(agreed, opened, law)
    recorded = (given["number"], "2026-03-02", given["by"])
    assert tuple(dataset[name] for name in CONSENT) == recorded
    assert [m.field for m in check_requirements(dataset, jilin()) if m.rule == "GRT-4"]
    assert not [m for m in check_requirements(dataset, law) if m.rule == "GRT-4"]
    for lost in given:
        without = record(
            acquired="shared",
            consent={k: v for k, v in given.items() if k != lost},
            open=opening(**{"class": "无条件开放"}),
        )
        kept = classify(without, law)
        assert (kept.action, kept.forbidden) == ("keep_back", False)
    for name in CONSENT:
        [lack] = [m for m in check_requirements({**dataset, name: " "}, law) if m.rule == "GRT-4"]
        assert (lack.field, lack.article) == ("acquired_by", "23")
    # A consent says nothing about data that was got in another way.
    bought = record(acquired="negotiated", consent=given)
    assert classify(bought, jilin()).action == "keep_back"
    assert classify(record(consent=given), jilin()).bulk
    # A record that states none has the hash that it always had.
    assert record_hash(record(acquired="shared")) == record_hash(
        record(acquired="shared", consent={"number": "7"})
    )
    assert record_hash(agreed) != record_hash(replace(agreed, consent=None))


ITEMS = [
    {"name": "名称", "type": "C", "open": True},
    {"name": "手机号", "type": "C", "open": False},
]


def test_a_closed_item_is_not_published_and_holds_its_files_back() -> None:
    found = record(items=ITEMS)
    result = classify(found, jilin())
    assert result.kept_distributions == ("a",)
    dataset = to_dataset(found, result, jilin())
    assert dataset["resources"] == []
    assert "手机号" not in str(dataset)
    assert [item["name"] for item in dataset["info_items"]] == ["名称"]


@pytest.mark.parametrize(
    ("columns", "kept"),
    [(["名称"], ()), (["名称", "手机号"], ("a",)), (["手機號", "手机号 "], ("a",)), ([], ())],
)
def test_a_file_whose_columns_are_known(columns: list[str], kept: tuple[str, ...]) -> None:
    result = classify(record(items=ITEMS), jilin(), columns={"a": columns})
    assert result.kept_distributions == kept


def test_partly_open_needs_to_say_which_part() -> None:
    assert outcome(open=opening(open="部分开放")).action == "keep_back"
    assert outcome(open=opening(open="部分开放"), items=ITEMS).action == "publish"
    assert outcome(open=opening(open="全部开放")).action == "publish"


CLASSES = st.sampled_from(["", None, "有条件开放", "无条件开放", "非开放", "什么", "conditional"])
WAYS = st.sampled_from([None, "collected", "shared", "negotiated", "purchased"])


@given(
    st.booleans(), st.booleans(), CLASSES, st.sampled_from(["", "实名"]), WAYS, st.booleans(),
    st.sampled_from(["", "无条件共享", "不予共享", "授权共享", "什么"]),
)  # fmt: skip
def test_never_published_when_closed_deleted_or_shared(
    is_open: bool,
    deleted: bool,
    name: Any,
    condition: str,
    acquired: Any,
    consent: bool,
    share: str,
) -> None:
    found = record(
        deleted=deleted,
        open={"open": is_open, "class": name, "condition": condition},
        acquired=acquired,
        consent={"number": "7", "on": "2026-01-01", "by": "甲局"} if consent else None,
        share={"class": share},
    )
    result = classify(found, jilin())
    if deleted or not is_open:
        assert result.action == "withdraw"
    if acquired != "collected":
        assert result.action != "publish"
    if result.action == "publish":
        assert result.open_class in (U, C)
        if condition and not name:
            assert result.open_class is C
        assert not result.reasons
    else:
        assert result.reasons and all(reason.text() for reason in result.reasons)
        with pytest.raises(ValueError):
            to_dataset(found, result, jilin())


def test_changes_of_class() -> None:
    conditional = outcome(open=opening(condition="x"))
    assert conditional.change(U) == "stricter"
    assert conditional.change(C) == "same"
    assert conditional.change(N) == "looser"
    assert conditional.change(None) == "new"
    assert outcome(open={"open": False}).change(U) == "stricter"


# Reviews at the source.

TRUST = SourceTrust(True, True, True)
PASSED = {"result": "passed", "version": 7, "by": "x", "at": "2026-11-01T09:00:00+08:00"}
FILES = [{"id": "a", "url": "https://data.example.cn/a.csv", "sha256": "ab" * 32}]


@pytest.mark.parametrize(
    ("fields", "trust", "before", "restored", "code"),
    [
        ({}, TRUST, None, False, "allowed"),
        ({}, TRUST, U, False, "allowed"),
        ({}, TRUST, C, False, "looser"),
        ({}, TRUST, N, False, "looser"),
        ({}, TRUST, None, True, "restored"),
        ({}, replace(TRUST, trusted=False), None, False, "not_trusted"),
        ({}, replace(TRUST, secure=False), None, False, "not_trusted"),
        ({}, replace(TRUST, authenticated=False), None, False, "not_trusted"),
        ({"review": None}, TRUST, None, False, "no_review"),
        ({"review": {**PASSED, "result": "failed"}}, TRUST, None, False, "no_review"),
        ({"review": {**PASSED, "version": 6}}, TRUST, None, False, "version"),
        ({"version": None, "review": {"result": "passed"}}, TRUST, None, False, "version"),
        ({"distributions": [{**FILES[0], "sha256": ""}]}, TRUST, None, False, "digests"),
        ({"share": {"class": "不予共享"}}, TRUST, None, False, "outcome"),
        ({"open": {"open": False}}, TRUST, None, False, "no_review"),
    ],
)
def test_when_a_review_at_the_source_counts(
    fields: dict[str, Any], trust: SourceTrust, before: Any, restored: bool, code: str
) -> None:
    found = record(**{"review": PASSED, "distributions": FILES, **fields})
    answer = trusted_review(found, classify(found, jilin()), trust, before, restored)
    assert answer.code == code
    assert bool(answer) is (code == "allowed")


# The dataset.


def test_the_dataset_of_a_record() -> None:
    found = record()
    dataset = to_dataset(found, classify(found, jilin()), jilin(), ORG)
    assert check_requirements(dataset, jilin()) == []
    assert dataset["open_class"] == "unconditional"
    assert dataset["theme"] == "医疗"
    assert dataset["update_cycle"] == "monthly"
    assert dataset["data_updated"] == "2026-11-20"
    assert [tag["name"] for tag in dataset["tags"]] == ["医疗", "机构"]
    [resource] = dataset["resources"]
    assert resource["id"] == resource_id(found.code, "a")
    assert dataset == to_dataset(found, classify(found, jilin()), jilin(), ORG)


def test_a_conditional_dataset_states_a_condition_and_its_delivery() -> None:
    for fields, wanted in (
        ({"condition": "实名申请"}, "实名申请"),
        ({"class": "有条件开放"}, "审核"),
    ):
        found = record(open=opening(**fields))
        dataset = to_dataset(found, classify(found, jilin()), jilin(), ORG)
        assert wanted in dataset["open_condition"]
        assert dataset["delivery"] == ["interface"]
        assert check_requirements(dataset, jilin()) == []


def test_keywords_become_tags_that_ckan_takes() -> None:
    found = record(keywords=["個案, 登革熱", "A&B（试）", "x", "y" * 101, "医疗", "医疗", "PM2.5"])
    dataset = to_dataset(found, classify(found, jilin()), jilin())
    names = [tag["name"] for tag in dataset["tags"]]
    assert names == ["個案", "登革熱", "A B 试", "医疗", "PM2.5"]
    assert all(re.fullmatch(r"[\w \-.]{2,100}", name) for name in names)


# Names.

NAME = re.compile(r"^[a-z0-9_-]{2,100}$")


@given(st.text(min_size=1, max_size=200))
def test_every_code_gives_a_name_that_ckan_takes(code: str) -> None:
    assert NAME.match(dataset_name(code))


@given(st.sets(st.text("aA-_/. 字ａ1", min_size=1, max_size=8), min_size=2, max_size=20))
def test_codes_that_look_alike_have_different_names(codes: set[str]) -> None:
    assert len({dataset_name(code) for code in codes}) == len(codes)


def test_names_never_change() -> None:
    assert dataset_name("307010000000/000123") == "307010000000-000123-66bade30eb21"
    assert dataset_name("桃園").startswith("record-")


def test_names_of_a_published_list() -> None:
    rows = published_rows("taoyuan-open-data-list-2018.csv")
    links = [row[rows[0].index("資料連結網址")] for row in rows[1:]]
    codes = {link.rsplit("oid=", 1)[-1] for link in links}
    assert len(codes) == len(links) == 1429
    assert len({dataset_name(code) for code in codes}) == 1429


# Hash.


@given(st.text(max_size=20), st.lists(st.text(max_size=8), max_size=3), st.integers() | st.none())
@example("a\u0301", ["\n\u0301"], 1)
def test_the_hash_is_that_of_the_canonical_fields(
    summary: str, keywords: list[str], version: int | None
) -> None:
    found = parse_record(record_json(summary=summary, keywords=keywords, version=version))
    if isinstance(found, Record):
        said = asdict(found)
        fields = {k: v for k, v in said.items() if v or k not in ("identity", "consent")}
        assert record_hash(found) == sha256({"format": "govopen-record-1", **fields})


def test_the_hash_is_of_everything() -> None:
    assert record_hash(record()) == record_hash(record(unknown=1))
    for fields in (
        {"title": "新"}, {"version": 8}, {"items": []}, {"open": opening(condition="x")},
        {"distributions": []}, {"acquired": "purchased"}, {"keywords": ["机构", "医疗"]},
    ):  # fmt: skip
        assert record_hash(record(**fields)) != record_hash(record())


# Addresses.


@pytest.mark.parametrize(
    "url",
    ["https://data.example.cn/a.csv", "http://8.8.8.8/x", "https://[2001:4860:4860::8888]/x",
     "https://data.example.cn:8443/a?b=c", "HTTPS://DATA.EXAMPLE.CN/a", "https://数据.中国/a"],
)  # fmt: skip
def test_public_addresses(url: str) -> None:
    assert is_public_address(url)


@pytest.mark.parametrize(
    "url",
    ["", "ftp://data.example.cn/a", "file:///etc/passwd", "javascript:alert(1)", "//x", "/local",
     "http://localhost/a", "http://localhost./a", "http://127.0.0.1/", "http://127.1/",
     "http://2130706433/", "http://0x7f.1/", "http://0177.0.0.1/", "http://10.1.2.3/",
     "http://192.168.1.1/", "http://172.16.0.1/", "http://169.254.169.254/latest",
     "http://100.64.0.1/", "http://0.0.0.0/", "http://[::1]/", "http://[::ffff:10.0.0.1]/",
     "http://[fe80::1%25eth0]/", "http://[fd00::1]/", "http://[2002:7f00:1::]/", "http://224.0.0.1/",
     "http://intranet/a", "http://server.local/a", "http://oa.internal/x", "http://user@a.cn/",
     "http://user:pw@data.example.cn/", "http://a.cn:0/", "http://a.cn:99999/", "http://[::1/"],
)  # fmt: skip
def test_addresses_that_are_not_published(url: str) -> None:
    assert not is_public_address(url)
