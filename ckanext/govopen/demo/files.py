"""Real files for the demonstration, made from the catalogue itself when they are asked for.

Download, preview and DataStore work with them without a network: slices of the catalogue as CSV in
UTF-8 and GB 18030, as a workbook, as JSON, and a small picture.
"""

from __future__ import annotations

import csv
import io
import json
import struct
import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import openpyxl

CATALOGUE = Path(__file__).with_name("catalogue.csv")
COLUMNS = (
    "信息资源代码",
    "信息资源名称",
    "信息资源提供方",
    "更新周期",
    "信息资源格式类型",
    "更新日期",
)
HEADINGS = ("資源代碼", "資料名稱", "提供機關", "更新頻率", "格式", "更新日期", "資訊項數")


@dataclass(frozen=True)
class Row:
    """One resource of the catalogue: the shown columns, its theme and the number of its items."""

    cells: tuple[str, ...]
    department: str
    theme: str
    items: int


@lru_cache(maxsize=1)
def rows() -> tuple[Row, ...]:
    """All resources of the demonstration catalogue."""
    found: list[dict[str, str]] = []
    items: list[int] = []
    with CATALOGUE.open(encoding="utf-8", newline="") as read:
        for line in csv.DictReader(read):
            if line["信息资源代码"]:
                found.append(line)
                items.append(0)
            items[-1] += bool(line["信息项名称"])
    return tuple(
        Row(
            tuple(line[column] for column in COLUMNS),
            line["信息资源提供方代码"],
            line["目"],
            count,
        )
        for line, count in zip(found, items, strict=True)
    )


def of_department(code: str) -> list[list[str | int]]:
    """The resources of one department as rows under :data:`HEADINGS`."""
    return [[*row.cells, row.items] for row in rows() if row.department == code]


def as_csv(lines: Iterable[Iterable[object]], encoding: str) -> bytes:
    """A CSV file. GB 18030 holds every character, so nothing is lost in either encoding."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(HEADINGS)
    writer.writerows(lines)
    return text.getvalue().encode(encoding)


def as_workbook(lines: Iterable[Iterable[object]]) -> bytes:
    """A workbook with one sheet."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("目錄")
    sheet.append(HEADINGS)
    for line in lines:
        sheet.append(list(line))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def themes_json() -> bytes:
    """How many resources each theme has."""
    counts = Counter(row.theme for row in rows())
    data = {"主題": [{"名稱": name, "資料集數": count} for name, count in counts.most_common()]}
    return json.dumps(data, ensure_ascii=False, indent=2).encode()


def themes_picture(width: int = 640, bar: int = 22, gap: int = 10) -> bytes:
    """The same as a bar chart without words: a PNG file of one colour on white."""
    counts = [count for _, count in Counter(row.theme for row in rows()).most_common(12)]
    height = gap + len(counts) * (bar + gap)
    lines = [bytearray(b"\xff\xff\xff" * width) for _ in range(height)]
    for index, count in enumerate(counts):
        length = max(4, round((width - 2 * gap) * count / counts[0]))
        top = gap + index * (bar + gap)
        for line in lines[top : top + bar]:
            line[3 * gap : 3 * (gap + length)] = b"\x1f\x4e\x79" * length
    pixels = zlib.compress(b"".join(b"\0" + bytes(line) for line in lines), 9)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )


#: Name of a file -> what makes it for a department's code.
FILES: dict[str, Callable[[str], bytes]] = {
    "catalogue-utf8.csv": lambda code: as_csv(of_department(code), "utf-8-sig"),
    "catalogue-gb18030.csv": lambda code: as_csv(of_department(code), "gb18030"),
    "catalogue.xlsx": lambda code: as_workbook(of_department(code)),
    "themes.json": lambda code: themes_json(),
    "themes.png": lambda code: themes_picture(),
}
