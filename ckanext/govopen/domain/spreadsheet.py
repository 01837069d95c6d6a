"""The exchange catalogue as a table: rows in, records out.

A resource may span several rows, one per information item, its own cells merged or left blank
after the first. Which column is what is known by heading (the template of 发改高技〔2017〕1272号,
Traditional or Simplified) or said in the source's configuration. Pure: cells come in as values,
whoever reads the workbook is elsewhere, and rows are never all in memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ckanext.govopen.domain.catalogue.record import RecordError
from ckanext.govopen.domain.refusal import N_
from ckanext.govopen.domain.sheet_columns import Columns, SheetConfig, cell_text, find_columns
from ckanext.govopen.domain.words import partly, yes_or_no

__all__ = ["Columns", "SheetConfig", "SheetRecord", "rows_to_records"]

#: So many rows at the top may be titles and remarks before the headings come.
_SEARCHED = 20
_IN_BRACKETS = re.compile(r"[（(][^（()）]*[)）]")


@dataclass(frozen=True)
class SheetRecord:
    """A record as the exchange interface would give it, and the row (from 1) where it begins."""

    row: int
    json: dict[str, Any]


@dataclass
class _Resource:
    """One resource while its rows are read."""

    row: int
    values: dict[str, str]
    categories: list[str] = field(default_factory=list)
    items: list[tuple[str, str, str]] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)


def rows_to_records(
    rows: Iterable[Sequence[Any]], config: SheetConfig
) -> Iterator[SheetRecord | RecordError]:
    """Records of a table, in its order; errors name the row.

    The headings are looked for in the first rows; without them one error comes and nothing else.
    A resource that comes again after another one is an error, unless the repetition closes it.
    """
    numbered = enumerate(rows, 1)
    top: list[tuple[int, Sequence[Any]]] = []
    columns = None
    for number, row in numbered:
        top.append((number, row))
        if number >= _SEARCHED:
            break
    for at, (_, row) in enumerate(top):
        below = top[at + 1][1] if at + 1 < len(top) else ()
        columns, used = find_columns(row, below, config)
        if columns is not None:
            top = top[at + used :]
            break
    if columns is None:
        yield RecordError("", N_("no row of headings was found"))
        return
    yield from _grouped(_chain(top, numbered), columns, config)


def _chain(
    top: list[tuple[int, Sequence[Any]]], rest: Iterator[tuple[int, Sequence[Any]]]
) -> Iterator[tuple[int, Sequence[Any]]]:
    yield from top
    yield from rest


def _grouped(
    rows: Iterator[tuple[int, Sequence[Any]]], columns: Columns, config: SheetConfig
) -> Iterator[SheetRecord | RecordError]:
    current: _Resource | None = None
    seen: set[str] = set()
    for number, row in rows:
        cells = [cell_text(value) for value in row]
        if not any(cells):
            continue
        try:
            values = columns.read(cells, config)
        except TimeoutError:
            yield RecordError(
                "", N_("row %(row)s: an extract rule took too long"), {"row": str(number)}
            )
            continue
        if current is not None and _continues(current, values):
            _add(current, values)
            continue
        if current is not None:
            yield from _finished(current, config, seen)
            current = None
        if not values.get("code") and not values.get("title"):
            yield RecordError(
                "", N_("row %(row)s: it belongs to no resource"), {"row": str(number)}
            )
            continue
        current = _Resource(number, values, columns.categories(cells))
        _add(current, values)
    if current is not None:
        yield from _finished(current, config, seen)


def _continues(current: _Resource, values: Mapping[str, str]) -> bool:
    code, title = values.get("code", ""), values.get("title", "")
    if code:
        return code == current.values.get("code") and title in ("", current.values.get("title"))
    return not title or (title == current.values.get("title") and not current.values.get("code"))


def _add(resource: _Resource, values: Mapping[str, str]) -> None:
    said = values.get("open.open", "")
    opened = said or (resource.opened[-1] if resource.opened else "")
    if said:
        resource.opened.append(said)
    for name in split_items(values.get("items", "")):
        resource.items.append((name, "", opened))
    if values.get("item.name"):
        own = values.get("item.open", "") or opened
        resource.items.append((values["item.name"], values.get("item.type", ""), own))
    for name, value in values.items():
        if value and not resource.values.get(name):
            resource.values[name] = value


def _finished(
    resource: _Resource, config: SheetConfig, seen: set[str]
) -> Iterator[SheetRecord | RecordError]:
    json = _json(resource, config)
    code = json.get("code", "")
    if not code:
        yield RecordError("", N_("row %(row)s: the code is missing"), {"row": str(resource.row)})
        return
    closes = _said(json["open"].get("open")) is False
    if code in seen and not closes:
        yield RecordError(
            code, N_("row %(row)s: this code stands in the table twice"), {"row": str(resource.row)}
        )
        return
    seen.add(code)
    yield SheetRecord(resource.row, json)


def _said(value: Any) -> bool | None:
    return value if isinstance(value, bool) else yes_or_no(str(value or ""))


def _json(resource: _Resource, config: SheetConfig) -> dict[str, Any]:
    values = {**config.defaults, **{k: v for k, v in resource.values.items() if v}}
    json: dict[str, Any] = {"open": {}}
    for name, value in values.items():
        if name in ("items", "item.name", "item.type", "item.open"):
            continue
        group, _, part = name.partition(".")
        if part and group != "distribution":
            json.setdefault(group, {})[part] = value
        elif not part:
            json[name] = split_list(value) if name in ("keywords", "related") else value
    if resource.categories:
        json["category"] = resource.categories
    elif isinstance(values.get("category"), str):
        json["category"] = [values["category"]]
    json["open"]["open"] = _opened(resource, values.get("open.open"))
    json["open"]["partly"] = any(partly(value) for value in resource.opened)
    items = [_item(name, type, opened) for name, type, opened in resource.items]
    if items:
        json["items"] = items
    if values.get("distribution.url"):
        json["distributions"] = [
            {
                "id": "1",
                "url": values["distribution.url"],
                "name": values.get("distribution.name", ""),
                "format": values.get("distribution.format", ""),
            }
        ]
    return json


def _opened(resource: _Resource, otherwise: Any) -> Any:
    """Is the resource open? Where each item says so for itself: if any of them is."""
    said = [_said(value) for value in resource.opened]
    if None in said:
        return next(value for value in resource.opened if _said(value) is None)
    return any(said) if said else otherwise


def _item(name: str, type: str, opened: str) -> dict[str, Any]:
    item: dict[str, Any] = {"name": name, "type": type}
    if opened:
        said = _said(opened)
        item["open"] = opened if said is None else said
    return item


def split_list(value: Any) -> Any:
    """Words of a cell, parted by commas and the like; a list stays as it is."""
    if not isinstance(value, str):
        return value
    return [word.strip() for word in re.split(r"[,，、;；\n]+", value) if word.strip()]


def split_items(cell: str) -> list[str]:
    """Names of information items in one cell; what stands in brackets explains and is left out."""
    flat = cell
    while True:
        shorter = _IN_BRACKETS.sub("", flat)
        if shorter == flat:
            break
        flat = shorter
    return list(dict.fromkeys(split_list(flat)))
