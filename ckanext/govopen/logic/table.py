"""Rows out of released files: CSV, TSV and XLSX, as text, for the DataStore.

Nothing is guessed about types: a column is numeric where the catalogue says so and every value is
a number, and text everywhere else. Codes keep their leading zeros, long numbers their digits.
"""

from __future__ import annotations

import csv
import datetime
import io
import itertools
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any
from xml.etree import ElementTree

import openpyxl

from ckanext.govopen.domain.quality import KINDS, fits
from ckanext.govopen.domain.refusal import N_, fill
from ckanext.govopen.logic.encoding import Undecodable, detect

__all__ = ["Column", "Table", "Unreadable", "read"]

CSV, TSV = "text/csv", "text/tab-separated-values"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TABULAR = frozenset({CSV, TSV, XLSX})

SAMPLE_ROWS = 50
MAX_COLUMNS = 1000
#: PostgreSQL cuts names after 63 bytes.
MAX_NAME_BYTES = 63
MAX_UNPACKED = 2 * 1024**3
#: Of a workbook: what is not its sheets and is held in memory (texts, styles), unpacked; the rows
#: that a sheet can have at all; sheets that are looked at for rows.
MAX_HELD = 512 * 1024**2
MAX_ROWS = 1_048_576
MAX_SHEETS = 100
#: Types of information items (guideline 1272) that are numbers.
NUMERIC_ITEMS = frozenset(code for code, kind in KINDS.items() if kind in ("number", "integer"))

csv.field_size_limit(16 * 1024 * 1024)


class Unreadable(ValueError):
    """The file cannot be read as a table. ``message`` is a msgid, ``params`` fill its places."""

    def __init__(self, message: str, **params: Any) -> None:
        self.message = message
        self.params = params
        super().__init__(fill(message, params))


@dataclass
class Column:
    """One column: its name in the DataStore, its heading in the file."""

    name: str
    heading: str
    may_be_number: bool = False
    _numeric: bool = field(default=True, repr=False)
    _filled: bool = field(default=False, repr=False)

    def see(self, value: str | None) -> None:
        """Take note of a value, for the type."""
        if value is None or not self.may_be_number:
            return
        self._filled = True
        if self._numeric and not fits("number", value):
            self._numeric = False

    @property
    def type(self) -> str:
        """``numeric`` or ``text``; known when all rows were read."""
        return "numeric" if self.may_be_number and self._filled and self._numeric else "text"


@dataclass
class Table:
    """Columns and the rows below the heading, each as long as there are columns.

    ``rows`` can be read once; empty cells are None.
    """

    columns: list[Column]
    rows: Iterator[list[str | None]]


def read(
    file: IO[bytes],
    media_type: str,
    items: Mapping[str, str] | None = None,
    most: int | None = None,
) -> Table:
    """The table in a file, its first sheet that has rows for a workbook.

    :param items: types of the information items by their names, as declared in the catalogue
    :param most: lines of the file, blank ones counted, after which it ends; None: all of them
    :raises Unreadable: also while the rows are read
    """
    if media_type == XLSX:
        lines = _workbook_lines(file, most)
    else:
        lines = _text_lines(file, "\t" if media_type == TSV else None)
    lines = itertools.islice(lines, most)
    sample = list(itertools.islice(lines, SAMPLE_ROWS))
    at = _heading_row(sample)
    headings = sample[at]
    columns = _columns(headings, items or {})
    rest = enumerate(itertools.chain(sample[at + 1 :], lines), start=at + 2)
    return Table(columns, _rows(rest, columns))


def _text_lines(file: IO[bytes], delimiter: str | None) -> Iterator[list[str | None]]:
    try:
        encoding = detect(file)
    except Undecodable:
        raise Unreadable(N_("The text is neither UTF-8 nor GB 18030 nor Big5.")) from None
    text = io.TextIOWrapper(_Kept(file), encoding=encoding, newline="")  # pyright: ignore[reportArgumentType]
    try:
        if delimiter is None:
            begin = text.read(64 * 1024)
            text.seek(0)
            delimiter = _delimiter(begin)
        for cells in csv.reader(text, delimiter=delimiter):
            yield [_clean(cell) for cell in cells]
    except csv.Error as error:
        raise Unreadable(
            N_("The file is not well-formed CSV: %(reason)s."), reason=str(error)
        ) from None


class _Kept(io.RawIOBase):
    """A view of a file that does not close it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _delimiter(begin: str) -> str:
    """The one that divides the first lines into most columns of the same number."""
    best, most = ",", 1.0
    for delimiter in (",", ";", "\t", "|"):
        sample = csv.reader(io.StringIO(begin, newline=""), delimiter=delimiter)
        lines = list(itertools.islice(sample, 20))
        widths = [len(line) for line in lines[:-1] or lines if line]
        if widths and (same := max(widths, key=widths.count)) > 1:
            weight = same * widths.count(same) / len(widths)
            if weight > most:
                best, most = delimiter, weight
    return best


#: What a damaged workbook makes its readers raise.
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, ElementTree.ParseError, KeyError, ValueError, TypeError,
    IndexError, AttributeError, OSError, EOFError,
)  # fmt: skip


def _workbook_lines(file: IO[bytes], most: int | None) -> Iterator[list[str | None]]:
    # Rows and columns that a sheet leaves out are made up while it is read, thousands of millions
    # for one cell that says it is so far down: no more are asked for than a sheet can have, and
    # no more than that by whoever wants a part only.
    part = {"max_row": MAX_ROWS + 1} if most is None else {"max_row": most}
    if most is not None:
        part["max_col"] = MAX_COLUMNS + 1
    try:
        with zipfile.ZipFile(file) as archive:
            _limit(archive)
        file.seek(0)
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
        try:
            visible = [one for one in book.worksheets if one.sheet_state == "visible"]
            for sheet in visible[:MAX_SHEETS]:
                # What a sheet says of its own size is often wrong: rows would be made up or lost.
                sheet.reset_dimensions()  # pyright: ignore[reportAttributeAccessIssue]
                found = False
                for number, cells in enumerate(sheet.iter_rows(values_only=True, **part), start=1):
                    if number > MAX_ROWS:
                        raise Unreadable(
                            N_("The table has more than %(most)s rows."), most=MAX_ROWS
                        )
                    found = found or any(cell is not None for cell in cells)
                    if found:
                        yield [_cell(cell) for cell in cells]
                if found:
                    return
        finally:
            book.close()
    except Unreadable:
        raise
    except _DAMAGED:
        raise Unreadable(N_("The workbook cannot be opened.")) from None


def _limit(archive: zipfile.ZipFile) -> None:
    """Refuses a workbook that would fill the memory or keep its reader busy for hours."""
    held = whole = 0
    for entry in archive.infolist():
        whole += entry.file_size
        if not entry.filename.lower().startswith("xl/worksheets/"):
            held += entry.file_size
    if whole > MAX_UNPACKED or held > MAX_HELD:
        raise Unreadable(N_("The workbook is too large when unpacked."))


def _cell(value: Any) -> str | None:
    """A cell of a workbook as it reads, independent of how a sheet displays it."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime.datetime):
        midnight = value.time() == datetime.time()
        return value.date().isoformat() if midnight else value.isoformat(sep=" ")
    return _clean(str(value))


def _clean(text: str) -> str | None:
    """Without blanks around it and without the zero bytes that the database does not take."""
    return text.replace("\x00", "").strip() or None


def _heading_row(sample: list[list[str | None]]) -> int:
    """The first row that is at least half as wide as the widest: titles above it are narrow."""
    widths = [sum(cell is not None for cell in row) for row in sample]
    widest = max(widths, default=0)
    if not widest:
        raise Unreadable(N_("The file has no rows."))
    return next(at for at, width in enumerate(widths) if width * 2 >= widest)


def _columns(headings: list[str | None], items: Mapping[str, str]) -> list[Column]:
    while headings and headings[-1] is None:
        headings = headings[:-1]
    if len(headings) > MAX_COLUMNS:
        raise Unreadable(N_("The table has more than %(most)s columns."), most=MAX_COLUMNS)
    numeric = {_plain(name) for name, kind in items.items() if kind in NUMERIC_ITEMS}
    columns: list[Column] = []
    taken: set[str] = {"_id", "_full_text"}
    for number, heading in enumerate(headings, start=1):
        shown = _plain(heading or f"column {number}")
        name, copy = _name(shown), 1
        while name.lower() in taken:
            copy += 1
            name = _name(shown, f"_{copy}")
        taken.add(name.lower())
        columns.append(Column(name, shown, shown in numeric))
    return columns


def _plain(heading: str) -> str:
    """A heading on one line, in one form."""
    text = unicodedata.normalize("NFC", heading)
    text = "".join(" " if unicodedata.category(char).startswith("C") else char for char in text)
    return re.sub(r"\s+", " ", text).strip()


def _name(heading: str, suffix: str = "") -> str:
    """A heading as a column name of the DataStore: no quotes, no underscore at its beginning."""
    plain = heading.replace('"', "'").lstrip("_").strip() or "column"
    room = MAX_NAME_BYTES - len(suffix.encode())
    return plain.encode()[:room].decode(errors="ignore").strip() + suffix


def _rows(
    lines: Iterable[tuple[int, list[str | None]]], columns: list[Column]
) -> Iterator[list[str | None]]:
    width = len(columns)
    for number, cells in lines:
        if all(cell is None for cell in cells):
            continue
        if any(cell is not None for cell in cells[width:]):
            raise Unreadable(
                N_(
                    "Row %(row)s has more values than there are headings (%(headings)s). A value "
                    "that contains the delimiter has to stand in quotation marks."
                ),
                row=number,
                headings=width,
            )
        row = cells[:width] + [None] * (width - len(cells))
        for column, value in zip(columns, row, strict=True):
            column.see(value)
        yield row
