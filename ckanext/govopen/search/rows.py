"""A filter of the DataStore for rows that contain a text, wherever it stands.

CKAN's ``q`` knows words and their beginnings. Chinese has no spaces between words, so a whole cell
is one word to it and 南关 does not find 长春市南关区. ``govopen_contains`` looks at the text of the
cells instead, in every row: it costs reading the table, and no index has to be kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ckan.plugins import toolkit

#: A filter of this name looks at all columns, ``govopen_contains:<column>`` at one.
CONTAINS = "govopen_contains"
#: Texts that one filter may name, and the characters of each.
MOST_TEXTS = 10
LONGEST = 200


def texts(typed: str) -> list[str]:
    """What somebody typed as the texts that a row must contain: those between the spaces."""
    return [text[:LONGEST] for text in typed.split()][:MOST_TEXTS]


def accept(data: dict[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    """Takes the filters of this module out of a query that the DataStore checks.

    What stays in is refused by CKAN: more texts than there may be, or a column that there is not.
    """
    filters = data.get("filters") or {}
    for name, value in list(filters.items()):
        if _looks_at(name, columns) and _are_texts(value):
            del filters[name]
    return data


def restrict(
    data: Mapping[str, Any], columns: Mapping[str, str], query: dict[str, Any]
) -> dict[str, Any]:
    """Adds the conditions of the filters to the ``where`` of a query that reads or deletes rows.

    Each text has to be in some cell of the row, or in the cell of the named column.

    :raises ValidationError: such a filter stands below ``$or``, where CKAN would leave it out
    """
    operation = data.get("filterops")
    if operation is None:
        return query
    alternatives = operation.op != "$and" and operation.field is None
    parts = operation.value if operation.op == "$and" else [operation]
    number = 0
    for part in parts:
        names = _looks_at(part.field or "", columns)
        if not names:
            if part.field is None and any(_named(part, columns)):
                alternatives = True
                break
            continue
        for text in part.value:
            place = f"{CONTAINS}_{number}"
            number += 1
            condition = " OR ".join(
                f"CAST({_quoted(name)} AS text) ILIKE :{place}" for name in names
            )
            query["where"].append((condition, {place: f"%{_literal(text)}%"}))
    if alternatives and any(_named(operation, columns)):
        raise toolkit.ValidationError(
            {"filters": [toolkit._("“{name}” cannot stand below “$or”.").format(name=CONTAINS)]}
        )
    return query


def _looks_at(name: str, columns: Mapping[str, str]) -> list[str]:
    """The columns that a filter of this name looks at; none when it is not of this module."""
    if name in columns:  # a table may have a column of this name
        return []
    # ``float`` is no type of PostgreSQL: CKAN puts ranks of a full-text search among the columns.
    seen = [key for key, kind in columns.items() if not key.startswith("_") and kind != "float"]
    if name == CONTAINS:
        return seen
    start, _, column = name.partition(":")
    return [column] if start == CONTAINS and column in seen else []


def _are_texts(value: Any) -> bool:
    return (
        isinstance(value, list)
        and 0 < len(value) <= MOST_TEXTS
        and all(isinstance(text, str) and 0 < len(text) <= LONGEST for text in value)
    )


def _named(operation: Any, columns: Mapping[str, str]) -> Iterator[str]:
    """The filters of this module anywhere within a filter."""
    if operation.field is not None:
        if _looks_at(operation.field, columns):
            yield operation.field
        return
    for part in operation.value:
        yield from _named(part, columns)


def _quoted(column: str) -> str:
    """The column's name for a statement; a colon would begin a parameter."""
    return '"' + column.replace('"', '""').replace(":", "\\:") + '"'


def _literal(text: str) -> str:
    """The text for ILIKE, in which nothing stands for something else."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
