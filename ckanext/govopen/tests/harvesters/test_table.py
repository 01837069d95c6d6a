"""Tables as people save them: encodings, merged cells, what is no table. No services."""

from __future__ import annotations

import datetime
import io
import zipfile
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

from ckanext.govopen.domain.catalogue import RecordError
from ckanext.govopen.domain.sheet_columns import SheetConfig
from ckanext.govopen.domain.spreadsheet import rows_to_records
from ckanext.govopen.harvesters import table, workbook
from ckanext.govopen.tests.harvesters.conftest import TRADITIONAL, Row, as_csv, as_workbook

CONFIG = SheetConfig.from_json({"defaults": {"acquired": "collected"}})
ROWS = [
    Row("A/1", "財政收入統計", "財政局", items=(("年度", "N"), ("金額", "Y"), ("備註", "C"))),
    Row("A/2", "學校名錄", "教育局", condition="僅供研究", items=(("校名", "C"),)),
    Row("A/3", "違建名冊", "都市發展局", open="否", items=()),
]


def file(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "table"
    path.write_bytes(content)
    return path


def records(path: Path) -> list[dict]:
    found = list(rows_to_records(table.rows(path), CONFIG))
    assert not [one for one in found if isinstance(one, RecordError)], found
    return [one.json for one in found]  # type: ignore[union-attr]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "big5hkscs", "utf-16"])
def test_csv_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    rows = [replace(row, share="無條件共享", summary="摘要", condition="") for row in ROWS]
    found = records(file(tmp_path, as_csv(rows, encoding, TRADITIONAL)))
    assert [one["title"] for one in found] == [row.title for row in ROWS]
    assert [item["name"] for item in found[0]["items"]] == ["年度", "金額", "備註"]


@pytest.mark.parametrize("merge", [True, False])
def test_a_workbook_with_a_title_line_and_merged_or_blank_cells(
    tmp_path: Path, merge: bool
) -> None:
    path = file(tmp_path, as_workbook(ROWS, merge))
    assert records(path) == records(file(tmp_path, as_csv(ROWS)))


def test_cells_merged_over_several_resources_hold_for_each(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["信息资源提供方", "信息资源代码", "信息资源名称", "是否向社会开放"])
    sheet.append(["財政局", "A/1", "甲", "是"])
    sheet.append([None, "A/2", "乙", "是"])
    sheet.merge_cells("A2:A3")
    out = io.BytesIO()
    book.save(out)
    found = records(file(tmp_path, out.getvalue()))
    assert [one["provider"]["name"] for one in found] == ["財政局", "財政局"]


def test_cells_are_text() -> None:
    assert workbook.cell(380120000123.0) == "380120000123"
    assert workbook.cell(-5.5) == "-5.5"
    assert workbook.cell(True) == "是"
    assert workbook.cell(datetime.datetime(2020, 1, 2)) == "2020-01-02"  # noqa: DTZ001
    assert workbook.cell(datetime.date(2020, 1, 2)) == "2020-01-02"
    assert workbook.cell(None) == ""


def test_another_sheet_by_its_name(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.create_sheet("目录").append(["甲"])
    out = io.BytesIO()
    book.save(out)
    path = file(tmp_path, out.getvalue())
    assert list(table.rows(path, "目录")) == [["甲"]]
    with pytest.raises(table.TableError, match="目录"):
        list(table.rows(path, "Sheet9"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", "xls"),
        (b"PK\x03\x04 broken", "xlsx"),
        (b"\xff\x81\x30\xfe\xff\xff", "UTF-8"),
        (b"\xff\xfea\x00,", "UTF-8"),
        (b'a,"b\nc', "CSV|headings"),
    ],
)
def test_what_is_no_table_is_said_so(tmp_path: Path, content: bytes, said: str) -> None:
    path = file(tmp_path, content)
    try:
        found = list(rows_to_records(table.rows(path), CONFIG))
    except table.TableError as error:
        assert any(word in str(error) for word in said.split("|"))
    else:
        assert isinstance(found[0], RecordError)
        assert any(word in found[0].reason for word in said.split("|"))


def test_a_workbook_that_unpacks_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bomb"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 2_000_000)
    monkeypatch.setattr(table, "UNPACKED_LIMIT", 1_000_000)
    with pytest.raises(table.TableError, match="unpacks"):
        list(table.rows(path))


def test_a_workbook_that_asks_for_too_much_ends_its_reader_alone(tmp_path: Path) -> None:
    """A cell in the last corner: the rectangle would be half a terabyte."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.cell(1, 1, "信息资源名称")
    sheet.cell(1_048_576, 16_384, "x")
    path = tmp_path / "corner"
    book.save(path)
    with pytest.raises(table.TableError, match="memory or time"):
        list(table.rows(path))


def test_merged_cells_without_end_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "MEMORY", 300 * 1024**2)
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.cell(1, 1, "信息资源名称")
    path = tmp_path / "merged"
    book.save(path)
    whole = "".join(f'<mergeCell ref="{name}1:{name}1048576"/>' for name in "ABCDEFGHIJKLMNOPQRST")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "bomb", "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name.startswith("xl/worksheets/"):
                cells = f"</sheetData><mergeCells>{whole}</mergeCells>"
                content = content.replace(b"</sheetData>", cells.encode())
            new.writestr(name, content)
    with pytest.raises(table.TableError, match="memory or time"):
        list(table.rows(tmp_path / "bomb"))


def test_a_reader_that_is_left_in_the_middle_ends(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for number in range(20_000):
        book.worksheets[0].append([f"row {number}"])
    path = tmp_path / "long"
    book.save(path)
    found = table.rows(path)
    assert next(iter(found)) == ["row 0"]
    found.close()  # pyright: ignore[reportAttributeAccessIssue]
