"""Encodings of Chinese files, told apart by rule."""

from __future__ import annotations

import io

import pytest

from ckanext.govopen.logic.encoding import Undecodable, detect

SIMPLIFIED = "区县,学校名称,地址,电话\n南关区,东北师范大学附属小学,人民大街5268号,0431-85099999\n"
TRADITIONAL = "行政區,學校名稱,地址,電話\n桃園區,桃園國小,桃園市桃園區民權路67號,03-3322268\n"


@pytest.mark.parametrize(
    ("text", "encoding", "expected"),
    [
        (SIMPLIFIED, "utf-8", "utf-8"),
        (SIMPLIFIED, "utf-8-sig", "utf-8-sig"),
        (SIMPLIFIED, "gb18030", "gb18030"),
        (SIMPLIFIED, "gbk", "gb18030"),
        (SIMPLIFIED, "gb2312", "gb18030"),
        (SIMPLIFIED, "utf-16", "utf-16"),
        (TRADITIONAL, "utf-8", "utf-8"),
        (TRADITIONAL, "cp950", "cp950"),
        (TRADITIONAL, "big5", "cp950"),
        (TRADITIONAL, "gb18030", "gb18030"),
        ("㐀龦𠮷野家,生僻字\n", "gb18030", "gb18030"),
        ("a,b\n1,2\n", "ascii", "utf-8"),
        ("", "ascii", "utf-8"),
    ],
)
def test_detects(text: str, encoding: str, expected: str) -> None:
    raw = text.encode(encoding)
    found = detect(io.BytesIO(raw))
    assert found == expected
    assert raw.decode(found) == text


def test_one_character_at_the_very_end_decides() -> None:
    """No sample: a megabyte of figures, and a name in the last line."""
    raw = b"1,2,3\n" * 200_000 + "吉林省长春市".encode("gb18030") + b"\n"
    assert detect(io.BytesIO(raw)) == "gb18030"


def test_characters_across_pieces() -> None:
    """Double bytes that are cut by the size of a piece are put together again."""
    raw = b"," + SIMPLIFIED.encode("gb18030") * 20_000
    assert detect(io.BytesIO(raw)) == "gb18030"


def test_leaves_the_file_at_its_beginning() -> None:
    file = io.BytesIO(SIMPLIFIED.encode("gb18030"))
    file.seek(5)
    detect(file)
    assert file.tell() == 0


def test_refuses_what_is_no_text_it_knows() -> None:
    with pytest.raises(Undecodable):
        detect(io.BytesIO(b"\xff\xff\x80\x80\xff\xff" * 50))
