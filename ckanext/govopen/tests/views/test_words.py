"""Words and forms of values on pages. No services."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.govopen.views import catalogue, words


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("**按日**更新", "按日更新"),
        ("见[说明](https://example.org)。", "见说明。"),
        ("![图](x.png)之后", "图之后"),
        ("# 标题\n- 第一\n- 第二", "标题 第一 第二"),
        ("<script>alert(1)</script>文字", "alert(1)文字"),
        (None, ""),
        ("", ""),
    ],
)
def test_excerpt_is_plain(text, plain):
    assert words.excerpt(text) == plain


@given(st.text(max_size=2000), st.integers(min_value=1, max_value=200))
def test_excerpt_is_never_longer_than_asked(text, length):
    assert len(words.excerpt(text, length)) <= length + 1


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("2026-07-01T09:30:00", "2026-07-01"),
        ("2026-07", "2026-07"),
        (dt.date(2026, 7, 1), "2026-07-01"),
        ("", ""),
        (None, ""),
        ("每年七月", "每年七月"),
    ],
)
def test_day(value, shown):
    assert words.day(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("2026-07-01T20:30:00", "2026-07-02 04:30"),  # no offset: UTC
        ("2026-07-01T20:30:00Z", "2026-07-02 04:30"),
        ("2026-07-01T20:30:00+08:00", "2026-07-01 20:30"),
        ("soon", "soon"),
        (None, ""),
    ],
)
def test_moment_is_shown_in_china(value, shown):
    assert words.moment(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0 B"), (1023, "1023 B"), (2048, "2 KB"), (3_565_158, "3.4 MB"), ("x", ""), (None, "")],
)
def test_size(value, shown):
    assert words.size(value) == shown


TEXTS = {"zh_Hans": "数据", "zh_Hant": "資料", "en": "data"}


@pytest.mark.parametrize(
    ("texts", "locale", "shown"),
    [
        (TEXTS, "zh_Hans_CN", "数据"),
        (TEXTS, "zh_Hant_TW", "資料"),
        (TEXTS, "en", "data"),
        (TEXTS, "fr", "数据"),
        ({"zh_Hans": "数据", "en": ""}, "en", "数据"),
        ("plain", "en", "plain"),
        (None, "en", ""),
    ],
)
def test_pick(texts, locale, shown):
    assert words.pick(texts, locale) == shown


def test_path_leaves_ids_for_the_caller_to_see():
    parts = words.path("resources/3f2f0a9e-0000-4000-8000-000000000000/name")
    assert parts[0] == "resources" and parts[-1] == "name"
    assert [words.is_identifier(p) for p in parts] == [False, True, False]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1"])
def test_formulas_are_guarded(text):
    assert catalogue.guarded(text) == "'" + text


@pytest.mark.parametrize("text", ["", "停车场", "2026", "a=1"])
def test_other_text_stays(text):
    assert catalogue.guarded(text) == text
