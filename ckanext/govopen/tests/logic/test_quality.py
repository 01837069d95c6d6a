"""Looking at a table once: its shape against the declared items, and never a reason not to save."""

from __future__ import annotations

import hashlib
import io
import time
from typing import Any

import openpyxl
import pytest

from ckanext.govopen.domain.quality import NAMED, Shape, compare, fits
from ckanext.govopen.domain.release import FileFact
from ckanext.govopen.logic import quality
from ckanext.govopen.logic.table import CSV, XLSX

ITEMS = [
    {"name": "编号", "type": "I", "open": True},
    {"name": "日期", "type": "D", "open": True},
    {"name": "电话", "type": "C", "open": "False"},
    {"name": "备注", "type": "M", "open": True},
]


def looked(raw: bytes, media_type: str = CSV) -> dict[str, Any] | None:
    fact = FileFact(hashlib.sha256(raw).hexdigest(), len(raw), "a", media_type)
    file = io.BytesIO(raw)
    found = quality.look(file, fact)
    assert file.tell() == 0
    return found


def told(raw: bytes, items: list[dict[str, Any]] = ITEMS, media_type: str = CSV) -> list[str]:
    shape = looked(raw, media_type)
    assert shape is not None and "columns" in shape, shape
    return [one.text() for one in compare(Shape.from_json(shape), items)]


def workbook(*rows: list[Any]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_table_as_declared_leaves_nothing_to_say() -> None:
    text = "編號,日期,備註\r\n1,2026-03-02,好\r\n2,2026年3月2日,\r\n3,20260302,\r\n"
    for raw in (text.encode(), text.encode("utf-16"), text.encode("gb18030")):
        assert told(raw) == []
    assert told(workbook(["编号", "日期", "备注"], [1, "2026/3/2", "x"]), media_type=XLSX) == []
    assert told(b"a,b\n1,2\n", []) == []


def test_what_is_missing_undeclared_closed_or_of_another_type_is_told_without_its_values() -> None:
    raw = "编号,日期,电话,地址\n1,2026-13-01,0431-1,甲\nx1,昨天,0431-2,乙\n,,0431-3,\n".encode()
    assert told(raw) == [
        "Columns of items that are not open: 电话. They must not be published.",
        "Declared items that are no column of the file: 备注.",
        "Columns that are not declared as items: 地址.",
        "“编号” is declared a whole number; 1 of 2 values are none.",
        "“日期” is declared a date; 2 of 2 values are none.",
    ]
    assert "0431" not in str(looked(raw)) and "昨天" not in str(looked(raw))
    many = ",".join(f"c{n}" for n in range(NAMED + 5)).encode()
    assert told(many + b"\n1\n")[-1].endswith(f"c{NAMED - 1} … ({NAMED + 5}).")


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("number", ["0", "-1.5", "12"], ["1,234", "007", "5%", ""]),
        ("integer", ["3", "3.0"], ["3.5", "三"]),
        ("date", ["2026-1-2", "2026.1.2", "2026年1月", "2026"], ["2026-02-30", "2026-01-01 9:00"]),
        ("moment", ["2026-01-01", "2026-01-01 10:00", "2026-01-01T10:00:00+08:00"], ["10:00"]),
        ("logical", ["是", "N", "1"], ["也许", "是" * 50]),
    ],
)  # fmt: skip
def test_values_of_a_kind(kind: str, good: list[str], bad: list[str]) -> None:
    assert [value for value in good if not fits(kind, value)] == []
    assert [value for value in bad if fits(kind, value)] == []


def test_only_the_beginning_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = b"".join(b"%d,2026-01-01\n" % n for n in range(5000))
    shape = looked("编号,日期\n".encode() + rows)
    assert shape is not None and shape["rows"] == quality.ROWS
    wide = b",".join(b"c%d" % n for n in range(900))
    shape = looked(wide + b"\n" + (b",".join([b"1"] * 900) + b"\n") * 100)
    assert shape is not None and shape["rows"] == quality.CELLS // 900
    # What is cut off in the middle of a line, or of a character, is left out.
    monkeypatch.setattr(quality, "TEXT_BYTES", 31)
    for encoding in ("utf-8", "utf-16", "gb18030"):
        shape = looked("编号,甲\n1,乙\n2,丙丙丙丙丙丙丙丙丙丙丙\n".encode(encoding))
        assert shape is not None and shape["columns"][0]["unfit"].get("integer") is None
    # One cell far away makes no million rows.
    far = openpyxl.Workbook()
    sheet = far.active
    assert sheet is not None
    sheet["A1"], sheet["XFD1048576"] = "编号", "x"
    out = io.BytesIO()
    far.save(out)
    began = time.monotonic()
    assert looked(out.getvalue(), XLSX) is not None
    assert time.monotonic() - began < 20
    monkeypatch.setattr(quality, "WORKBOOK_BYTES", 10)
    assert looked(workbook(["a"], ["b"]), XLSX) is None


def test_what_cannot_be_read_is_told_and_never_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    for raw, media_type in ((b"PK\x03\x04", XLSX), (b"\xff\x80\xff", CSV), (b"\n\n", CSV)):
        shape = looked(raw, media_type)
        assert shape is not None and "message" in shape
    assert looked(b"a,b\n1,2,3\n") == {
        "message": "Row %(row)s has more values than there are headings (%(headings)s). A value "
        "that contains the delimiter has to stand in quotation marks.",
        "params": {"row": 2, "headings": 2},
    }
    assert looked(b"%PDF", "application/pdf") is None and looked(b"") is None

    def broken(*_: Any) -> Any:
        raise RuntimeError

    monkeypatch.setattr(quality, "read", broken)
    assert looked(b"a,b\n1,2\n") is None
