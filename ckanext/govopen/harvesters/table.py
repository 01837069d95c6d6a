"""A workbook or a CSV file as rows of text: which encoding, which sheet, what a merged cell says.

Cells are text: a formula counts as its stored result, a number as it is written, a date as ISO
8601. A cell merged over several rows has its value in each of them.
"""

from __future__ import annotations

import csv
import datetime
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from ckanext.govopen.harvesters.reading import SourceError
from ckanext.govopen.logic import encoding
from ckanext.govopen.logic.told import told as _

#: Longest cell, widest row and most rows that are read; a catalogue is far below, an attack is
#: above.
CELL_LIMIT = 32_767
COLUMN_LIMIT = 500
ROW_LIMIT = 2_000_000
#: What a workbook may unpack to, in bytes: it is a ZIP file, and those can pack anything into
#: little.
UNPACKED_LIMIT = 600 * 1024 * 1024


class TableError(SourceError):
    """The file cannot be read as a table; the message says why and what to do."""


def rows(path: Path, sheet: str | None = None) -> Iterator[list[str]]:
    """The rows of a file, blank ones too, so that their numbers are those a person sees.

    What it is, is read from its first bytes, not from its name. ``sheet`` names a workbook's sheet
    (default: its first). Raises :class:`TableError`.
    """
    with path.open("rb") as read:
        start = read.read(8)
    if start.startswith(b"PK\x03\x04"):
        return _workbook(path, sheet)
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise TableError(
            _("Old .xls workbooks are not read. Save the workbook as .xlsx or as CSV.")
        )
    return _csv(path)


def _csv(path: Path) -> Iterator[list[str]]:
    with path.open("rb") as raw:
        try:
            name = encoding.detect(raw)
        except encoding.Undecodable as error:
            raise TableError(
                _("The text is neither UTF-8 nor GB 18030 nor Big5. Save the file as “CSV UTF-8”.")
            ) from error
    with path.open(encoding=name, newline="") as text:
        first = text.readline()
        separator = "\t" if first.count("\t") > first.count(",") else ","
        text.seek(0)
        csv.field_size_limit(CELL_LIMIT * 4)
        reader = csv.reader(text, delimiter=separator)
        try:
            for cells in reader:
                if reader.line_num > ROW_LIMIT:
                    raise TableError(
                        _("The table has more than %(most)s rows.") % {"most": ROW_LIMIT}
                    )
                yield [cell.strip() for cell in cells[:COLUMN_LIMIT]]
        except csv.Error as error:
            raise TableError(
                _("Line %(line)s is not CSV: %(error)s.")
                % {"line": reader.line_num, "error": error}
            ) from error


def _workbook(path: Path, sheet: str | None) -> Iterator[list[str]]:
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(info.file_size for info in archive.infolist()) > UNPACKED_LIMIT:
                raise TableError(_("The workbook unpacks to more than 600 MB. Save it as CSV."))
        with CalamineWorkbook.from_path(str(path)) as book:
            names = book.sheet_names
            if not names:
                raise TableError(_("The workbook has no sheet."))
            if sheet is not None and sheet not in names:
                raise TableError(
                    _("The workbook has no sheet “%(name)s”; it has %(known)s.")
                    % {"name": sheet, "known": ", ".join(names)}
                )
            yield from _sheet(book.get_sheet_by_name(sheet or names[0]))
    except (zipfile.BadZipFile, CalamineError) as error:
        raise TableError(
            _("The file is not a readable .xlsx workbook: %(error)s.") % {"error": error}
        ) from error


def _sheet(page: Any) -> Iterator[list[str]]:
    # Over several columns only the first one counts: a heading above two others, a title line.
    origin: dict[tuple[int, int], tuple[int, int]] = {}
    for (top, left), (bottom, _right) in page.merged_cell_ranges or []:
        for row in range(top, min(bottom, ROW_LIMIT) + 1):
            origin[row, left] = (top, left)
    values: dict[tuple[int, int], str] = {}
    for index, cells in enumerate(page.iter_rows()):
        if index >= ROW_LIMIT:
            raise TableError(_("The table has more than %(most)s rows.") % {"most": ROW_LIMIT})
        out = [cell(value) for value in cells[:COLUMN_LIMIT]]
        for column in range(len(out)):
            first = origin.get((index, column))
            if first is not None and first == (index, column):
                values[first] = out[column]
            elif first is not None:
                out[column] = values.get(first, "")
        yield out


def cell(value: object) -> str:
    """One cell of a workbook as text: 3.0 is 3, midnight is a date, true is 是."""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime.datetime):
        midnight = value.time() == datetime.time.min
        return value.date().isoformat() if midnight else value.isoformat()
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return str(value if value is not None else "")[:CELL_LIMIT].strip()
