"""Does a table hold what its catalogue declares (CAT-13)? A warning for people, never a bar.

What is known of a file is its shape: the headings, and for each column how many of the values that
were looked at are of which kind. No value of it is kept. The declared information items may change
later; the comparison is made with those of the moment.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ckanext.govopen.domain.refusal import N_, NO_PARAMS, fill
from ckanext.govopen.domain.words import fold, yes_or_no

#: Types of information items (发改高技〔2017〕1272号) by the kind of value that they promise; text,
#: memo and general promise none.
KINDS: Mapping[str, str] = {
    **dict.fromkeys("NYBF", "number"),
    "I": "integer",
    "D": "date",
    "T": "moment",
    "L": "logical",
}
#: What is said of values that are not of the kind.
_NOT: Mapping[str, str] = {
    "number": N_("“%(column)s” is declared a number; %(wrong)s of %(of)s values are none."),
    "integer": N_("“%(column)s” is declared a whole number; %(wrong)s of %(of)s values are none."),
    "date": N_("“%(column)s” is declared a date; %(wrong)s of %(of)s values are none."),
    "moment": N_("“%(column)s” is declared date and time; %(wrong)s of %(of)s values are not."),
    "logical": N_("“%(column)s” is declared yes or no; %(wrong)s of %(of)s values are neither."),
}
#: Longest heading that is kept, and most names in one sentence.
HEADING, NAMED = 200, 10
#: Longer texts say neither yes nor no.
_LONGEST_WORD = 10

_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,130})(\.[0-9]{1,130})?")
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,130})(\.0+)?")
_DATE = re.compile(r"(\d{4})(?:[-/.年](\d{1,2})(?:[-/.月](\d{1,2})日?|月)?|(\d{2})(\d{2})|年)?")
_TIME = re.compile(r"[T ]?(\d{1,2}):(\d{2})(:(\d{2})([.,]\d+)?)?(Z|[+-]\d{2}:?\d{2})?")


@dataclass
class Column:
    """A column as far as it was looked at: ``unfit`` counts by kind the values that are not it."""

    heading: str
    filled: int = 0
    unfit: dict[str, int] = field(default_factory=dict)

    def see(self, value: str | None) -> None:
        """Takes note of a value."""
        if value is None:
            return
        self.filled += 1
        for kind in set(KINDS.values()):
            if not fits(kind, value):
                self.unfit[kind] = self.unfit.get(kind, 0) + 1


@dataclass(frozen=True)
class Shape:
    """What was found in a table: its columns, and how many rows were looked at."""

    columns: Sequence[Column]
    rows: int

    def as_json(self) -> dict[str, Any]:
        """As it is kept with the file."""
        columns = [
            {"heading": one.heading[:HEADING], "filled": one.filled, "unfit": one.unfit}
            for one in self.columns
        ]
        return {"rows": self.rows, "columns": columns}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Shape:
        """What :meth:`as_json` gave."""
        return cls([Column(**one) for one in kept["columns"]], kept["rows"])


@dataclass(frozen=True)
class Remark:
    """Something to look at. ``message`` is a msgid, ``params`` fill its places; ``names`` among
    them are columns or items, of which a sentence gives the first."""

    message: str
    params: Mapping[str, Any] = field(default_factory=lambda: NO_PARAMS)

    def text(self, translate: Callable[[str], str] = str) -> str:
        """The sentence in a reader's language."""
        params = dict(self.params)
        names = params.get("names")
        if names is not None:
            shown = translate(", ").join(names[:NAMED])
            params["names"] = shown if len(names) <= NAMED else f"{shown} … ({len(names)})"
        return fill(self.message, params, translate)


def fits(kind: str, value: str) -> bool:
    """Is a value of this kind, written so that a program can read it?"""
    if kind == "number":
        return _NUMBER.fullmatch(value) is not None
    if kind == "integer":
        return _INTEGER.fullmatch(value) is not None
    if kind == "logical":
        return len(value) <= _LONGEST_WORD and yes_or_no(value) is not None
    found = _DATE.match(value)
    if found is None or not _is_day(found):
        return False
    rest = value[found.end() :]
    return not rest or (kind == "moment" and _TIME.fullmatch(rest) is not None)


def _is_day(found: re.Match[str]) -> bool:
    """A day of the calendar; a month or a year stands for itself."""
    year, month, day = found[1], found[2] or found[4] or 1, found[3] or found[5] or 1
    try:
        datetime.date(int(year), int(month), int(day))
    except ValueError:
        return False
    return True


def compare(shape: Shape, items: Iterable[Mapping[str, Any]]) -> list[Remark]:
    """In what a table differs from the declared items; empty when it does not, or none is declared.

    ``items`` are ``{"name", "type", "open"}`` as the dataset has them.
    """
    declared = {fold(_name(item)): item for item in items if _name(item)}
    if not declared:
        return []
    found = {fold(column.heading): column for column in shape.columns}
    closed = {key for key, item in declared.items() if not _is_open(item)}
    lists = (
        (
            N_("Columns of items that are not open: %(names)s. They must not be published."),
            [one.heading for key, one in found.items() if key in closed],
        ),
        (
            N_("Declared items that are no column of the file: %(names)s."),
            [
                _name(item)
                for key, item in declared.items()
                if key not in closed and key not in found
            ],
        ),
        (
            N_("Columns that are not declared as items: %(names)s."),
            [one.heading for key, one in found.items() if key not in declared],
        ),
    )
    remarks = [Remark(message, {"names": names}) for message, names in lists if names]
    for key, column in found.items():
        kind = KINDS.get(str(declared[key].get("type") or "")) if key in declared else None
        wrong = column.unfit.get(kind, 0) if kind else 0
        if kind and wrong:
            params = {"column": column.heading, "wrong": wrong, "of": column.filled}
            remarks.append(Remark(_NOT[kind], params))
    return remarks


def _name(item: Mapping[str, Any]) -> str:
    return str(item.get("name") or "").strip()[:HEADING]


def _is_open(item: Mapping[str, Any]) -> bool:
    """As everywhere: an item is open unless it says no."""
    said = item.get("open")
    return yes_or_no(said) is not False if isinstance(said, str) else said is not False
