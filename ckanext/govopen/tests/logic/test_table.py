"""Rows out of CSV, TSV and XLSX files."""

from __future__ import annotations

import datetime
import io
import time
import zipfile
from collections.abc import Mapping

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckanext.govopen.logic import table
from ckanext.govopen.logic.table import CSV, TSV, XLSX, Unreadable, read


def rows_of(
    raw: bytes, media_type: str = CSV, items: Mapping[str, str] | None = None
) -> tuple[list[str], list[list[str | None]], list[str]]:
    """(column names, rows, types)"""
    found = read(io.BytesIO(raw), media_type, items)
    rows = list(found.rows)
    return [c.name for c in found.columns], rows, [c.type for c in found.columns]


def workbook(*sheets: list[list[object]], hidden: int = 0) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for number, sheet in enumerate(sheets):
        made = book.create_sheet(f"s{number}")
        for row in sheet:
            made.append(row)
        if number < hidden:
            made.sheet_state = "hidden"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_csv_in_chinese_encodings(encoding: str) -> None:
    names, rows, _ = rows_of("名称,电话\n第一小学,0431\n".encode(encoding))
    assert names == ["名称", "电话"]
    assert rows == [["第一小学", "0431"]]


def test_big5() -> None:
    raw = "機關名稱,電話\n桃園市政府衛生局,033322268\n".encode("cp950")
    assert rows_of(raw)[1] == [["桃園市政府衛生局", "033322268"]]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters(delimiter: str) -> None:
    raw = "\n".join(delimiter.join(row) for row in (["a", "b"], ["1", "x,y"[:1]])).encode()
    assert rows_of(raw)[0] == ["a", "b"]


def test_tsv_is_never_divided_by_commas() -> None:
    names, rows, _ = rows_of(b"a,b\tc\n1,2\t3\n", TSV)
    assert names == ["a,b", "c"]
    assert rows == [["1,2", "3"]]


def test_quotes_line_breaks_blank_lines_and_short_rows() -> None:
    raw = b'a,b,c\n"x\ny","1,2",""\n\n,,\nz\n'
    assert rows_of(raw)[1] == [["x\ny", "1,2", None], ["z", None, None]]


def test_title_above_the_headings() -> None:
    raw = "2025年学校名单,,\n,,\n区县,名称,人数\n南关区,一小,3\n".encode()
    names, rows, _ = rows_of(raw)
    assert names == ["区县", "名称", "人数"]
    assert rows == [["南关区", "一小", "3"]]


def test_more_values_than_headings_are_told_with_their_row() -> None:
    with pytest.raises(Unreadable, match="Row 3 "):
        rows_of(b"a,b\n1,2\n1,2,3\n")


def test_headings_become_column_names() -> None:
    raw = '名称,名称,_id,,"a""b",A'.encode() + b"\n1,2,3,4,5,6\n"
    names, rows, _ = rows_of(raw)
    assert names == ["名称", "名称_2", "id", "column 4", "a'b", "A"]
    assert len(rows[0]) == 6


def test_long_chinese_headings_fit_the_database_and_stay_apart() -> None:
    long = "企业" * 20
    names, _, _ = rows_of(f"{long}甲,{long}乙\n1,2\n".encode())
    assert all(len(name.encode()) <= 63 for name in names)
    assert len(set(names)) == 2
    columns = read(io.BytesIO(f"{long}甲\n1\n".encode()), CSV).columns
    assert columns[0].heading == long + "甲"


def test_types_are_declared_never_guessed() -> None:
    raw = "代码,人数,金额,备注\n0012,3,1.50,7\n0345,,-2,8\n".encode()
    assert rows_of(raw)[2] == ["text"] * 4
    declared = {"代码": "C", "人数": "N", "金额": "Y", "备注": "M"}
    assert rows_of(raw, items=declared)[2] == ["text", "numeric", "numeric", "text"]


@pytest.mark.parametrize("value", ["007", "1e5", "1,000", "约3", "3人", "NaN", "+3", "３", "--"])
def test_a_declared_number_that_is_none_stays_text(value: str) -> None:
    raw = f'人数,x\n3,1\n"{value}",1\n'.encode()
    _, rows, types = rows_of(raw, items={"人数": "N"})
    assert types[0] == "text"
    assert rows[1][0] == value


def test_workbook() -> None:
    day = datetime.datetime(2025, 1, 2)  # noqa: DTZ001 - a workbook knows no zones
    moment = datetime.datetime(2025, 1, 2, 3, 4)  # noqa: DTZ001
    raw = workbook(
        [["secret"], ["x"]],
        [],
        [
            ["区县", "人数", "率", "日期", "时间", "是否", "代码"],
            ["南关区", 3, 0.5, day, moment, True, "007"],
            [None, 4.0, None, None, None, False, 12345678901234567890],
        ],
        hidden=1,
    )  # fmt: skip
    names, rows, types = rows_of(raw, XLSX, {"人数": "N"})
    assert names == ["区县", "人数", "率", "日期", "时间", "是否", "代码"]
    assert rows[0] == ["南关区", "3", "0.5", "2025-01-02", "2025-01-02 03:04:00", "TRUE", "007"]
    assert rows[1][:3] == [None, "4", None]
    assert types[1] == "numeric"


@pytest.mark.parametrize("limit", ["MAX_UNPACKED", "MAX_HELD"])
def test_workbook_that_unpacks_too_large(monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setattr(table, limit, 100)
    with pytest.raises(Unreadable, match="too large"):
        rows_of(workbook([["a"], [1]]), XLSX)


def altered(raw: bytes, old: str, new: str) -> bytes:
    """A workbook whose first sheet says something else than it did."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as before, zipfile.ZipFile(out, "w") as after:
        for entry in before.namelist():
            content = before.read(entry)
            if entry.endswith("sheet1.xml"):
                assert old.encode() in content
                content = content.replace(old.encode(), new.encode())
            after.writestr(entry, content)
    return out.getvalue()


@pytest.mark.parametrize("row", [table.MAX_ROWS + 1, 2_000_000_000])
def test_a_row_that_no_sheet_can_have_keeps_nobody_busy(row: int) -> None:
    raw = workbook([["a", "b"], [1, 2], [3, 4]])
    raw = altered(raw, '<row r="3">', f'<row r="{row}">')
    begin = time.monotonic()
    with pytest.raises(Unreadable, match="1048576 rows"):
        rows_of(raw, XLSX)
    assert time.monotonic() - begin < 20
    # Whoever wants only its beginning gets that.
    found = read(io.BytesIO(raw), XLSX, most=1050)
    assert next(found.rows)[:2] == ["1", "2"]


def test_the_last_row_that_a_sheet_can_have_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MAX_ROWS", 5)
    assert len(rows_of(workbook([["a"], *([n] for n in range(4))]), XLSX)[1]) == 4
    with pytest.raises(Unreadable, match="more than 5 rows"):
        rows_of(workbook([["a"], *([n] for n in range(5))]), XLSX)


@pytest.mark.parametrize("said", ["A1", "A1:ZZZ2000000000", "A1:B2"])
def test_what_a_sheet_says_of_its_size_is_not_believed(said: str) -> None:
    raw = workbook([["a", "b"], [1, 2], [3, 4]])
    raw = altered(raw, '<dimension ref="A1:B3"', f'<dimension ref="{said}"')
    assert rows_of(raw, XLSX)[:2] == (["a", "b"], [["1", "2"], ["3", "4"]])


def test_blank_sheets_are_not_looked_through_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MAX_SHEETS", 2)
    assert rows_of(workbook([], [["a"], [1]]), XLSX)[0] == ["a"]
    with pytest.raises(Unreadable, match="no rows"):
        rows_of(workbook([], [], [["a"], [1]]), XLSX)


@pytest.mark.parametrize(
    ("raw", "media_type"),
    [
        (b"", CSV),
        (b"\n\n,,\n", CSV),
        (b"PK\x03\x04 no workbook", XLSX),
        (b"\xff\xff\x80\x80\xff\xff" * 50, CSV),
        (workbook([]), XLSX),
    ],
)
def test_what_is_no_table(raw: bytes, media_type: str) -> None:
    with pytest.raises(Unreadable):
        rows_of(raw, media_type)


def test_archive_that_is_no_workbook() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.txt", "x")
    with pytest.raises(Unreadable):
        rows_of(out.getvalue(), XLSX)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.sampled_from([CSV, TSV, XLSX]))
def test_any_bytes_are_a_table_or_are_told_not_to_be(raw: bytes, media_type: str) -> None:
    """Nothing but :class:`Unreadable` comes out, and rows are as wide as the heading."""
    try:
        names, rows, _ = rows_of(raw, media_type)
    except Unreadable:
        return
    assert all(len(row) == len(names) for row in rows)
    assert all("\x00" not in (cell or "") for row in rows for cell in row)
