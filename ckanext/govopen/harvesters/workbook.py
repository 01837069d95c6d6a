"""Workbooks, read in a process of their own that has so much memory and time and no more.

The reader lays a sheet out as one rectangle of cells: a file of one kilobyte with a cell in the
last corner asks for half a terabyte, and the process that reads it is ended on the spot. Merged
cells and packed parts can be made so as well. Here that is the end of the reading process alone.

This file is also the program of that process. It imports nothing of the portal, so that it starts
at once; it writes each row as a line of JSON and at last a word that says how it ended.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

#: Longest cell, widest row and most rows that are read; a catalogue is far below, an attack is
#: above.
CELL_LIMIT = 32_767
COLUMN_LIMIT = 500
ROW_LIMIT = 2_000_000
#: What the reading process may use: bytes of memory, seconds of the processor.
MEMORY = 2 * 1024**3
SECONDS = 60


class Wrong(Exception):
    """A workbook cannot be read. ``kind`` says why: ``empty``, ``sheet`` (not among ``known``),
    ``rows``, ``damaged`` (with ``error``), or ``limit`` when the process came to its limits."""

    def __init__(self, kind: str, **params: str) -> None:
        super().__init__(kind)
        self.kind = kind
        self.params = params


def rows(path: Path, sheet: str | None) -> Iterator[list[str]]:
    """The rows of a sheet (default: the first) as text. Raises :class:`Wrong`."""
    program = str(Path(__file__).resolve())
    command = [_python(), "-I", program, str(path), json.dumps(sheet), str(MEMORY)]
    kept = ("PATH", "LD_LIBRARY_PATH", "TMPDIR")
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={name: os.environ[name] for name in kept if name in os.environ},
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            found = json.loads(line) if line.endswith(b"\n") else {"kind": "limit"}
            if isinstance(found, list):
                yield found
            elif found["kind"]:
                raise Wrong(**found)
            else:
                return
        raise Wrong("limit")
    finally:
        process.kill()
        process.stdout.close()
        process.wait()


def _python() -> str:
    """The interpreter of this environment, also where a server has it built in."""
    if Path(sys.executable or "").name.startswith("python"):
        return sys.executable
    return str(Path(sys.prefix) / "bin" / "python3")


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


def _read(path: str, sheet: str | None) -> Iterator[list[str]]:
    try:
        with CalamineWorkbook.from_path(path) as book:
            names = book.sheet_names
            if not names:
                raise Wrong("empty")
            if sheet is not None and sheet not in names:
                raise Wrong("sheet", known=", ".join(names))
            yield from _sheet(book.get_sheet_by_name(sheet or names[0]))
    except CalamineError as error:
        raise Wrong("damaged", error=str(error)) from error


def _sheet(page: Any) -> Iterator[list[str]]:
    # Over several columns only the first one counts: a heading above two others, a title line.
    origin: dict[tuple[int, int], tuple[int, int]] = {}
    for (top, left), (bottom, _right) in page.merged_cell_ranges or []:
        for row in range(top, min(bottom, ROW_LIMIT) + 1):
            origin[row, left] = (top, left)
    values: dict[tuple[int, int], str] = {}
    for index, cells in enumerate(page.iter_rows()):
        if index >= ROW_LIMIT:
            raise Wrong("rows")
        out = [cell(value) for value in cells[:COLUMN_LIMIT]]
        for column in range(len(out)):
            first = origin.get((index, column))
            if first is not None and first == (index, column):
                values[first] = out[column]
            elif first is not None:
                out[column] = values.get(first, "")
        yield out


def _main(path: str, sheet: str, memory: str) -> None:
    for kind, most in ((resource.RLIMIT_AS, int(memory)), (resource.RLIMIT_CPU, SECONDS)):
        # Not every system has both, and the process may be held shorter already.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (most, most))
    end: dict[str, str] = {"kind": ""}
    try:
        for row in _read(path, json.loads(sheet)):
            sys.stdout.write(json.dumps(row) + "\n")
    except Wrong as wrong:
        end = {"kind": wrong.kind, **wrong.params}
    sys.stdout.write(json.dumps(end) + "\n")


if __name__ == "__main__":
    _main(*sys.argv[1:])
