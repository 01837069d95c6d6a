from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.govopen.domain.organization import (
    Known,
    check_code,
    detect_scheme,
    match,
    normalize_code,
    prefix_of,
)
from ckanext.govopen.domain.words import CYCLES, cycle, fold, item_type, way, yes_or_no

RIGHT = "91110000600037341L"


@pytest.mark.parametrize(
    ("code", "scheme", "answer"),
    [
        (RIGHT, None, "uscc"),
        ("11350200MB1234567U", "uscc", "uscc"),
        (" 9111 0000-600037341l ", None, "uscc"),
        ("９１１１００００６０００３７３４１Ｌ", None, "uscc"),
        ("91110000600037341M", None, "check"),
        ("91110000600037341O", None, "letters"),
        ("9111000060003734", "uscc", "length"),
        ("380120000J", None, "tw"),
        ("EB22380665", None, "tw"),
        ("380120000J", "uscc", "length"),
        ("dept-7", None, "other"),
        ("x" * 65, None, "length"),
        ("dept-7", "tw", "form"),
        ("", None, "empty"),
        ("a", "roman", "scheme"),
    ],
)
def test_codes(code: str, scheme: str | None, answer: str) -> None:
    found = check_code(code, scheme)
    assert found.code == answer
    assert bool(found) is (answer in ("uscc", "tw", "other"))


ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@given(st.integers(0, 17), st.sampled_from(ALPHABET))
def test_one_wrong_sign_is_found(at: int, sign: str) -> None:
    wrong = RIGHT[:at] + sign + RIGHT[at + 1 :]
    assert bool(check_code(wrong, "uscc")) is (wrong == RIGHT)


@given(st.text(max_size=30))
def test_any_text_is_answered(code: str) -> None:
    assert detect_scheme(code) in ("uscc", "tw", "other")
    check_code(code)
    assert normalize_code(normalize_code(code)) == normalize_code(code)


KNOWN = [
    Known("fin", RIGHT, ("财政局", "市财政局"), ("307010000000",)),
    Known("edu", "", ("教育局",), ("307020000000",)),
    Known("edu2", "", ("教育局", "體育局"), ()),
    Known("old", "", ("旧局",), ("307010000000",)),
]


@pytest.mark.parametrize(
    ("name", "code", "resource", "found", "by"),
    [
        ("别的名字", RIGHT, "x/1", "fin", "code"),
        ("财政局", "", "307010000000/1", None, "prefix"),
        ("x", "", "307020000000/1", "edu", "prefix"),
        ("市财政局", "", "abc", "fin", "name"),
        ("教育局", "", "abc", None, "name"),
        ("体育局", "", "", "edu2", "name"),
        ("财政局", "11350200MB1234567U", "abc", None, "nothing"),
        ("卫健委", "", "", None, "nothing"),
        ("", "", "", None, "nothing"),
    ],
)
def test_the_department_of_a_record(
    name: str, code: str, resource: str, found: str | None, by: str
) -> None:
    result = match(name, code, resource, KNOWN)
    assert (result.id, result.by) == (found, by)
    assert bool(result.ambiguous) is (found is None and by != "nothing")


def test_prefix() -> None:
    assert prefix_of("307010000000/000123") == "307010000000"
    assert prefix_of("0015aa2e-9b3c") == ""


@pytest.mark.parametrize(
    ("word", "answer"),
    [("是", True), ("Ｙ", True), ("全部開放", True), ("部分开放", True), ("否", False),
     ("不予開放", False), ("N", False), ("", None), ("待定", None)],
)  # fmt: skip
def test_yes_or_no(word: str, answer: bool | None) -> None:
    assert yes_or_no(word) is answer


@pytest.mark.parametrize(
    ("word", "code"),
    [("C", "C"), ("字符型", "C"), ("字符型C", "C"), ("C字符型", "C"), ("字元", "C"),
     ("數值型N", "N"), ("日期時間型", "T"), ("整型", "I"),
     ("字符型N", None), ("X", None), ("", None)],
)  # fmt: skip
def test_item_types(word: str, code: str | None) -> None:
    assert item_type(word) == code


def test_cycles_and_ways() -> None:
    published = ["不定期", "每年", "每月", "每季", "即時", "每半年", "每日", "每週"]
    assert all(cycle(word) in CYCLES for word in published)
    assert cycle("即時") == "realtime"
    assert cycle("偶尔") is None
    assert [way(word) for word in ("採集", "共享", "协商", "採購", "shared", "抢")] == [
        "collected", "shared", "negotiated", "purchased", "shared", None,
    ]  # fmt: skip


def test_folding_is_stable() -> None:
    assert fold("資料名稱") == fold("数据名称 ") == fold("＊数据名称：")
    assert fold(fold("信息資源提供方(代碼)")) == fold("信息資源提供方(代碼)")
