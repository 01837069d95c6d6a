"""The PDF papers: what they say, in Chinese that can be read out of them, always the same bytes."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
from typing import Any

import pypdfium2
import pytest

from ckanext.govopen.logic.paper import agreement, letter

NOON = datetime.datetime(2026, 3, 2, 4, 0, 5, tzinfo=datetime.timezone.utc)
TEXT = "公共数据利用协议\n\n甲方：某局\n乙方：李四\n" + "\n".join(
    f"第{number}条　乙方应当落实安全保障措施，防止数据泄露、毁损、丢失。" for number in range(90)
)
SIGNED = agreement.Signed(
    text=TEXT,
    text_sha256=hashlib.sha256(TEXT.encode()).hexdigest(),
    template="jilin/1",
    typed_name="李四",
    method="password",
    signed_at=NOON,
    key_id="ab" * 8,
    signature="cd" * 64,
    verify_url="https://data.example.org/open/verify",
)
FACTS: dict[str, Any] = {
    "number": "开放告字〔2026〕7号",
    "kind": "partly_approved",
    "application": "app-1",
    "organization": "org-a",
    "rules": "jilin/1/open",
    "article": "28.2",
    "submitted_at": "2026-02-27T17:00:00.000000Z",
    "issued_at": "2026-03-02T04:00:05.000000Z",
    "datasets": ["a1", "a2"],
    "scopes": [
        {
            "dataset": "a1",
            "granted": True,
            "items": ["名称", "地址"],
            "delivery": ["interface"],
            "valid_from": "2026-03-02",
            "valid_to": "2026-12-31",
            "quota": {"downloads": None, "rows_per_day": 5000, "requests_per_day": None},
            "reason": "",
        },
        {"dataset": "a2", "granted": False, "reason": "涉及商业秘密"},
    ],
    "reasons": [{"party": "handler@provider", "text": "符合开放条件"}],
    "basis": [{"instrument": "中华人民共和国数据安全法", "article": "21", "kind": "law"}],
    "conditions": ["注明来源"],
    "remarks": None,
    "message": "",
    "extended": None,
    "remedies": [{"text": {"zh_Hans": "可以申请行政复议"}, "article": None, "local": True}],
    "to_sign": True,
}
NAMES = letter.Names("公共数据开放平台", "吉林省办法", "某局", "李四", {"a1": "公交站点"})


def read(pdf: bytes) -> str:
    """The text of all pages, without its line ends."""
    document = pypdfium2.PdfDocument(pdf)
    pages = [page.get_textpage().get_text_range() for page in document]
    return "".join("".join(pages).split())


def test_the_copy_says_what_was_signed_by_whom_and_when() -> None:
    said = read(agreement.draw(SIGNED))
    for text in ("公共数据利用协议", "甲方：某局", "第89条", "签署人李四", "平台登录口令"):
        assert text in said
    assert "2026年03月02日12:00:05" in said
    assert SIGNED.text_sha256 in said and SIGNED.signature in said and SIGNED.key_id in said
    assert "https://data.example.org/open/verify" in said


def test_the_same_facts_give_the_same_bytes() -> None:
    once = agreement.draw(SIGNED)
    assert agreement.draw(SIGNED) == once
    assert agreement.draw(dataclasses.replace(SIGNED, typed_name="王五")) != once
    facts = letter.draw(FACTS, NAMES, None)
    assert letter.draw(FACTS, NAMES, None) == facts != letter.draw(FACTS, NAMES, NOON)


def test_only_the_characters_used_are_embedded() -> None:
    assert len(agreement.draw(SIGNED)) < 200_000


def test_a_character_without_a_glyph_is_marked() -> None:
    said = read(agreement.draw(dataclasses.replace(SIGNED, typed_name="李\U0001f600四")))
    assert "签署人李□四" in said


def test_a_letter_says_all_it_must() -> None:
    said = read(letter.draw(FACTS, NAMES, NOON))
    for text in (
        "公共数据开放申请部分同意告知书",
        "开放告字〔2026〕7号",
        "2026年2月28日提交",
        "《吉林省办法》第28条第2款",
        "公交站点；同意提供；信息项：名称、地址；使用方式：接口；期限：2026年3月2日至2026年12月31日",
        "每日数据行数不超过5000",
        "名称不公开的数据集）；不予提供；理由：涉及商业秘密",
        "理由符合开放条件",
        "《中华人民共和国数据安全法》第21条",
        "注明来源",
        "可以申请行政复议",
        "签署公共数据利用协议",
        "作出单位某局",
        "送达日期2026年3月2日",
    ):
        assert text in said, text


def test_a_letter_that_was_not_delivered_says_so() -> None:
    assert "送达日期尚未送达" in read(letter.draw(FACTS, NAMES, None))


@pytest.mark.parametrize("kind", sorted(letter.TITLES))
def test_every_kind_of_letter(kind: str) -> None:
    bare = {
        **FACTS,
        "kind": kind,
        "scopes": [],
        "article": None,
        "remarks": {"purpose": "请写明"},
        "message": "请补充材料",
        "extended": {"clock": "reply", "article": "28", "until": "2026-04-01"},
        "to_sign": False,
    }
    said = read(letter.draw(bare, dataclasses.replace(NAMES, remarks={"purpose": "用途"}), None))
    assert letter.TITLES[kind] in said
    assert "用途：请写明请补充材料" in said and "延长至2026年4月1日" in said


@pytest.mark.parametrize(
    ("place", "words"),
    [("28", "第28条"), ("28.2", "第28条第2款"), ("28.2.3", "第28条第2款第3项"), (None, "")],
)
def test_places_in_a_regulation(place: str | None, words: str) -> None:
    assert letter.article(place) == words
    assert letter.article("第二十八条") == "第二十八条"
