"""Makes ``catalogue.csv`` from a city's published list of open data.

    python -m ckanext.govopen.demo.make LIST.csv ckanext/govopen/demo/catalogue.csv

Taken over are facts only: title, department with its code, update cycle, formats, names of the
columns, theme, dates, keywords, the link. Descriptions are written anew from those facts
(:func:`summary`). The result has the headings of the template of 发改高技〔2017〕1272号, one line
per information item, the cells of a resource on its first line only.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from ckanext.govopen.demo import rule

HEADINGS = (
    "类",
    "项",
    "目",
    "信息资源代码",
    "信息资源名称",
    "信息资源提供方",
    "信息资源提供方代码",
    "信息资源摘要",
    "信息资源格式分类",
    "信息资源格式类型",
    "关键字",
    "共享类型",
    "是否向社会开放",
    "开放条件",
    "更新周期",
    "发布日期",
    "更新日期",
    "资源链接",
    "信息项名称",
    "数据类型",
)
#: How many of those describe the resource; the rest belongs to the information item.
OF_RESOURCE = len(HEADINGS) - 2
MOST_ITEMS = 60

_DEPARTMENT = re.compile(r"^\s*(\S+)\s*【(.+)】\s*$")
_THEME = re.compile(r"\s*\(\d+\)\s*$")
_OID = re.compile(r"oid=([0-9a-f]{8})")
_PARENTHESES = re.compile(r"\([^()]*\)")
_BETWEEN = re.compile(r"[、,，;；\t\r\n]+|\s{2,}")
_KINDS = (
    (re.compile("^(PDF|DOC|DOCX|ODT|TXT)$"), "电子文件"),
    (re.compile("^(CSV|XLS|XLSX|ODS)$"), "电子表格"),
    (re.compile("^(JPG|PNG|GIF)$"), "图形图像"),
    (re.compile("^(SHP|SHX|KML|KMZ|GEOJSON|ARCGIS|SHAPEFILE|DBF)$"), "自描述领域"),
    (re.compile("^(JSON|XML|URL|WEB|HTML|ASHX)$"), "其他"),
)
_NUMBER = re.compile("數$|數量|金額|人數|件數|面積|比率|百分比|合計|總計|_元|_件|_人|_次")
_DATE = re.compile("日期|年月日")


def items(text: str) -> list[str]:
    """The names of the columns in the list's free text: explanations in parentheses are dropped."""
    text = text.replace("（", "(").replace("）", ")")
    while (shorter := _PARENTHESES.sub("", text)) != text:
        text = shorter
    names: list[str] = []
    for part in _BETWEEN.split(text):
        name = re.sub(r"\s+", " ", part).strip(" 。:：()")
        if name and len(name) <= 40 and name not in names:
            names.append(name)
    return names[:MOST_ITEMS]


def item_type(name: str) -> str:
    """The template's letter for an item, guessed from its name: N number, D date, else C text."""
    if _DATE.search(name):
        return "D"
    return "N" if _NUMBER.search(name) else "C"


def summary(
    title: str, department: str, theme: str, cycle: str, formats: str, names: Sequence[str]
) -> str:
    """A description written from the facts alone, with the line of attribution that the licence
    asks for.
    """
    first = (
        f"「{title}」由桃園市{department}提供"
        if "桃園" not in department
        else f"「{title}」由{department}提供"
    )
    parts = [f"{first}，主題為{theme}，更新頻率：{cycle}。"]
    if names:
        shown = "、".join(names[:8])
        parts.append(f"共{len(names)}個資訊項，包括{shown}{'等' if len(names) > 8 else ''}。")
    if formats:
        parts.append(f"提供格式：{formats}。")
    parts.append(
        "依桃園市政府公布之資料清單（2018年）整理，原始資料採政府資料開放授權條款－第1版。"
    )
    return "".join(parts)


def kind(formats: str) -> str:
    """The template's class of formats (信息资源格式分类) of the first format named."""
    first = formats.split(",")[0].strip().upper()
    return next((name for pattern, name in _KINDS if pattern.match(first)), "其他")


def lines(row: dict[str, str]) -> Iterator[list[str]]:
    """One row of the published list as the lines of the template."""
    department = _DEPARTMENT.match(row["資料來源"])
    oid = _OID.search(row["資料連結網址"])
    if department is None or oid is None:
        raise ValueError(f"row {row['編號']}: no department or no oid")
    code, name = department.groups()
    title = row["資料名稱"].strip()
    theme = _THEME.sub("", row["分類及編號"])
    formats = ", ".join(part.strip() for part in row["檔案格式"].split(",") if part.strip())
    names = items(row["主要欄位"])
    condition = rule.condition(title, names)
    resource = [
        "部门信息资源",
        name,
        theme,
        f"{code}/{oid.group(1)}",
        title,
        name,
        code,
        summary(title, name, theme, row["更新頻率"], formats, names),
        kind(formats),
        formats.split(",")[0].strip(),
        "、".join(part.strip() for part in re.split("[,，、]", row["標籤/關鍵字"]) if part.strip()),
        "无条件共享",
        "是",
        condition,
        row["更新頻率"],
        row["建立日期"][:10],
        row["最後更新時間"][:10],
        # Content of conditional data is held by the portal; a page elsewhere is none of it.
        "" if condition else row["資料連結網址"].replace("tw//", "tw/"),
    ]
    blank = [""] * OF_RESOURCE
    for index, item in enumerate(names or [""]):
        yield [*(blank if index else resource), item, item_type(item) if item else ""]


def main(source: Path, target: Path) -> int:
    """Writes the catalogue; returns the number of records."""
    with source.open(encoding="utf-8-sig", newline="") as read:
        rows = list(csv.DictReader(read))
    with target.open("w", encoding="utf-8", newline="") as write:
        writer = csv.writer(write, lineterminator="\n")
        writer.writerow(HEADINGS)
        for row in rows:
            writer.writerows(lines(row))
    return len(rows)


if __name__ == "__main__":
    sys.stderr.write(f"{main(Path(sys.argv[1]), Path(sys.argv[2]))} records\n")
