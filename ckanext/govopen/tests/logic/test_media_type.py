"""What kind of file an upload is, by its bytes against its name."""

from __future__ import annotations

import io

import openpyxl
import pytest

from ckanext.govopen.logic.media_type import Mismatch, media_type
from ckanext.govopen.logic.upload import file_name

PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489")
ELF = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\x3e\x00\x01" + bytes(60)
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
PAGE = b"\xef\xbb\xbf \n<!DOCTYPE html><html><script>alert(1)</script>"


def workbook() -> bytes:
    out = io.BytesIO()
    openpyxl.Workbook().save(out)
    return out.getvalue()[:8192]


@pytest.mark.parametrize(
    ("name", "sample", "expected"),
    [
        ("a.csv", "区县,人数\n南关区,3\n".encode(), "text/csv"),
        ("a.CSV", "区县,人数\n南关区,3\n".encode("gb18030"), "text/csv"),
        ("a.csv", "行政區,人數\n桃園區,3\n".encode("cp950"), "text/csv"),
        ("a.csv", "区县,人数\n".encode("utf-16"), "text/csv"),
        ("a.csv", b"", "text/csv"),
        ("a.tsv", b"a\tb\n", "text/tab-separated-values"),
        ("a.json", b'{"a": 1}', "application/json"),
        ("a.xlsx", workbook(), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("a.png", PNG, "image/png"),
        ("a.pdf", PDF, "application/pdf"),
        ("a.html", PAGE, "text/html"),
        ("a.shp", b"\x00\x00\x27\x0a" + bytes(96), None),
    ],
)
def test_kinds(name: str, sample: bytes, expected: str | None) -> None:
    found = media_type(name, sample)
    assert found == expected if expected else found


@pytest.mark.parametrize(
    ("name", "sample"),
    [
        ("a.csv", PNG),
        ("a.csv", PDF),
        ("a.csv", workbook()),
        ("a.csv", PAGE),
        ("a.json", PAGE),
        ("a.xlsx", b"a,b\n1,2\n"),
        ("a.xls", workbook()),
        ("a.png", PAGE),
        ("a.pdf", PAGE),
        ("a.csv", ELF),
        ("program", ELF),
        ("a.txt", ELF),
    ],
)
def test_what_contradicts_its_name(name: str, sample: bytes) -> None:
    with pytest.raises(Mismatch):
        media_type(name, sample)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("学校.csv", "学校.csv"),
        ("C:\\temp\\学校.csv", "学校.csv"),
        ("../../etc/passwd", "passwd"),
        ("a\r\nX-Header: 1.csv", "aX-Header 1.csv"),
        ('a"b<c>.csv', "abc.csv"),
        ("exe\u202ecsv.txt", "execsv.txt"),
        (".htaccess", "htaccess"),
        ("", "file"),
        (None, "file"),
        ("...", "file"),
    ],
)
def test_names(given: str | None, expected: str) -> None:
    assert file_name(given) == expected


def test_long_names_keep_their_extension() -> None:
    name = file_name("长" * 400 + ".csv")
    assert len(name) == 200
    assert name.endswith("长.csv")
