"""What differs between two texts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ckanext.govopen.views.marking import marked, shortened


def alone(pieces: list[tuple[str, bool]]) -> list[str]:
    return [text for text, mark in pieces if mark]


def test_the_changed_words_are_marked() -> None:
    before, after = marked("全市停车场，按月更新。", "全市公共停车场，按日更新。")
    assert alone(before) == ["月"]
    assert alone(after) == ["公共", "日"]
    before, after = marked("Updated monthly by us", "Updated daily by us")
    assert (alone(before), alone(after)) == (["monthly"], ["daily"])


def test_different_texts_are_not_marked() -> None:
    assert marked("甲乙丙丁", "戊己庚辛") == ([("甲乙丙丁", False)], [("戊己庚辛", False)])


@given(st.text(max_size=60), st.text(max_size=60))
def test_nothing_is_lost(before: str, after: str) -> None:
    left, right = marked(before, after)
    assert "".join(text for text, _mark in left) == before
    assert "".join(text for text, _mark in right) == after
    if before == after:
        assert not alone(left) and not alone(right)


def test_long_texts_take_no_long_time() -> None:
    before = "甲" * 50_000 + "一" * 20_000 + "乙" * 50_000
    after = before.replace("一", "二")
    left, right = marked(before, after)
    assert alone(left) == ["一" * 20_000] and alone(right) == ["二" * 20_000]
    short = shortened(left)
    assert len(short[0][0]) < 200 and short[0][0].endswith("甲…") is False
    assert len("".join(text for text, _mark in short)) < 21_000


def test_a_text_without_a_mark_stays_whole() -> None:
    assert shortened([("甲" * 5000, False)]) == [("甲" * 5000, False)]
