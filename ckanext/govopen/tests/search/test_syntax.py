"""The reader of queries: which names it sees, what it refuses, that it changes nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.govopen.search.syntax import (
    NOWHERE,
    Unreadable,
    filter_query,
    free_text,
    literal,
    quoted,
)


def allowed(name: str) -> bool:
    return name in {"title", "tags", "organization", "metadata_modified"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*:*",
        '+title:"消防 局" -tags:水質',
        "title:(消防 OR 警察) AND organization:fire-bureau",
        "metadata_modified:[2020-01-01T00:00:00Z TO NOW/DAY+1DAY]",
        "metadata_modified:{* TO NOW-1DAY]",
        'tags:["a" TO "b"]',
        'title:"有 \\" 引号 和 staff_text:x"',
        "title:a\\:b^2 tags:ab*~2",
        "title:a-b+c tags:x?y",
    ],
)
def test_proper_filters_stay_as_they_are(text: str) -> None:
    assert filter_query(text, allowed) == text


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("staff_text:x", f"{NOWHERE}:x"),
        ("-staff_text:x", f"-{NOWHERE}:x"),
        ("staff\\_text:x", f"{NOWHERE}:x"),
        ("staff\\u005ftext:x", f"{NOWHERE}:x"),
        ("staff*:x", f"{NOWHERE}:x"),
        ("*_text:x", f"{NOWHERE}:x"),
        ("*:x", f"{NOWHERE}:x"),
        ("title:(a staff_text:b)", f"title:(a {NOWHERE}:b)"),
        ("filter(staff_text:b)", f"filter({NOWHERE}:b)"),
        ("utm_source:mail", f"{NOWHERE}:mail"),
        ("_query_:x", f"{NOWHERE}:x"),
        ("||staff_text:x", f"{NOWHERE}:x"),
    ],
)
def test_other_names_match_nothing(text: str, read: str) -> None:
    assert filter_query(text, allowed) == read


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{!term f=staff_text}x", "range"),
        ("{!}x", "range"),
        ("title:[{!x} TO b]", "range"),
        ("(staff_text):x", "field"),
        ("staff_text :x", "field"),
        ("staff_text/**/:x", "slash"),
        ("staff_text\u3000:x", "field"),
        ('"staff_text":x', "field"),
        (":x", "field"),
        ("title::x", "field"),
        ("title:/.*x.*/", "slash"),
        ("/* */ title:x", "slash"),
        ('title:"x', "quote"),
        ("title:(x", "bracket"),
        ("x) OR (y", "bracket"),
        ("title:x]", "bracket"),
        ("title:[a b]", "range"),
        ("title:[a/* TO b]", "range"),
        ("title:x\\", "escape"),
    ],
)
def test_what_is_not_understood_is_refused(text: str, reason: str) -> None:
    with pytest.raises(Unreadable) as refused:
        filter_query(text, allowed)
    assert refused.value.reason == reason


def test_free_text_never_fails() -> None:
    assert free_text("title:消防", allowed) == "title:消防"
    assert free_text("staff_text:x", allowed) == "staff_text\\:x"
    assert free_text("a/b (c", allowed) == "a\\/b \\(c"
    assert free_text("{!term f=x}y", allowed) == "\\{\\!term f=x\\}y"


_PIECES = st.lists(
    st.sampled_from(
        [
            *("title", "staff_text", "staff", "_text", "x", "消防", "*", "?", ":", " ", "\u3000"),
            *('"', "\\", "(", ")", "[", "]", "{", "}", "{!", "/", "/*", "*/", "+", "-", "!", "^2"),
            *("~", "&&", "||", " TO ", "AND", "filter(", "\\u005f", "_query_", "\n", "\t", "\x0b"),
        ]
    ),
    max_size=12,
).map("".join)


@given(_PIECES)
def test_no_colon_follows_anything_but_a_listed_name(text: str) -> None:
    """Whatever is let through: outside quotes and ranges, a colon follows a listed name."""
    try:
        read = filter_query(text, allowed)
    except Unreadable:
        return
    bare = _without_quotes_and_ranges(read)
    for position, character in enumerate(bare):
        if character == ":" and bare[position - 1 : position + 2] != "*:*":
            before = bare[:position]
            assert before.endswith(("title", NOWHERE))
            assert not before.endswith(("_title", "\\title"))
    assert "/*" not in bare
    assert "{!" not in bare


@given(st.text(max_size=60))
def test_literal_and_quoted_hold_any_text(text: str) -> None:
    assert filter_query(quoted(text), allowed) == quoted(text)
    read = literal(text)
    assert read.replace("\\", "") == text.replace("\\", "")
    filter_query(read, allowed)


def _without_quotes_and_ranges(text: str) -> str:
    out, position = [], 0
    while position < len(text):
        character = text[position]
        if character == "\\":
            out.append("\\?")
            position += 2
        elif character == '"':
            position += 1
            while text[position] != '"':
                position += 2 if text[position] == "\\" else 1
            position += 1
            out.append("Q ")
        elif character in "[{" and text[position : position + 2] != "{!":
            position = min(
                end for end in (text.find("]", position), text.find("}", position)) if end > 0
            )
            position += 1
            out.append("R ")
        else:
            out.append(character)
            position += 1
    return "".join(out)
