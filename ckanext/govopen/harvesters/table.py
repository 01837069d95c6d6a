"""A workbook or a CSV file as rows of text: which encoding, which sheet, what a merged cell says.

Cells are text: a formula counts as its stored result, a number as it is written, a date as ISO
8601. A cell merged over several rows has its value in each of them.
"""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterator
from pathlib import Path

from ckanext.govopen.harvesters import workbook
from ckanext.govopen.harvesters.reading import SourceError
from ckanext.govopen.harvesters.workbook import CELL_LIMIT, COLUMN_LIMIT, ROW_LIMIT
from ckanext.govopen.logic import encoding
from ckanext.govopen.logic.told import told as _

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
        yield from workbook.rows(path, sheet)
    except zipfile.BadZipFile as error:
        raise _damaged(error) from error
    except workbook.Wrong as wrong:
        raise _told(wrong, sheet) from wrong


def _told(wrong: workbook.Wrong, sheet: str | None) -> TableError:
    if wrong.kind == "empty":
        return TableError(_("The workbook has no sheet."))
    if wrong.kind == "sheet":
        return TableError(
            _("The workbook has no sheet “%(name)s”; it has %(known)s.")
            % {"name": sheet, **wrong.params}
        )
    if wrong.kind == "rows":
        return TableError(_("The table has more than %(most)s rows.") % {"most": ROW_LIMIT})
    if wrong.kind == "damaged":
        return _damaged(wrong.params["error"])
    return TableError(
        _("The workbook takes more memory or time to read than is allowed. Save it as CSV.")
    )


def _damaged(error: object) -> TableError:
    return TableError(_("The file is not a readable .xlsx workbook: %(error)s.") % {"error": error})
