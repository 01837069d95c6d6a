"""The catalogue of the demonstration as it is on each day: the same for the same seed, always.

Day 0 is the first load. Every later day changes a little of the day before: texts, classes,
records that are closed, deleted, restored or new.
"""

from __future__ import annotations

import copy
import csv
import datetime
import hashlib
import random
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from ckanext.govopen.domain.catalogue import RecordError
from ckanext.govopen.domain.sheet_columns import SheetConfig
from ckanext.govopen.domain.spreadsheet import rows_to_records

#: The list that the demonstration is made of.
LIST = Path(__file__).resolve().parents[1] / "demo" / "catalogue.csv"
FIRST_DAY = datetime.datetime(2026, 11, 1, 8, tzinfo=datetime.timezone(datetime.timedelta(hours=8)))
#: Part of the list that is not there on the first day, and comes little by little.
HELD_BACK = 0.05
#: What happens to how many of a day's records. Of those that are away, `back` return.
SHARES = {"text": 0.02, "condition": 0.004, "class": 0.002, "close": 0.004, "delete": 0.004}
BACK = 0.2
NEW = 3
CONDITION = "申請人須說明用途，僅得於該用途內使用。"


@lru_cache(maxsize=1)
def _list() -> tuple[dict[str, Any], ...]:
    config = SheetConfig.from_json({"defaults": {"acquired": "collected"}})
    with LIST.open(encoding="utf-8-sig", newline="") as text:
        found = rows_to_records(csv.reader(text), config)
        return tuple(dict(one.json) for one in found if not isinstance(one, RecordError))


def many(count: int | None = None, mark: str = "") -> Iterator[dict[str, Any]]:
    """``count`` records made from the list (None: it once), over and over with other codes; for
    large trials. With a ``mark`` behind each code they are none of those that the list has."""
    base = _list()
    for number in range(len(base) if count is None else count):
        record = copy.deepcopy(base[number % len(base)])
        if number >= len(base):
            record["code"] = f"{record['code']}-{number // len(base)}"
        if mark:
            record["code"] = f"{record['code']}-{mark}"
        yield record


def moment(day: int) -> str:
    """The time of a day's state, RFC 3339."""
    return (FIRST_DAY + datetime.timedelta(days=day)).isoformat()


def file_of(record: dict[str, Any]) -> bytes:
    """The table behind a record: its items as headings, and rows that depend on its version."""
    return _file(*_drawn_from(record))


def facts_of(record: dict[str, Any]) -> tuple[int, str]:
    """Size in bytes and SHA-256 of that table, which a catalogue has at hand and need not find out
    whenever it is read."""
    return _facts(*_drawn_from(record))


def _drawn_from(record: dict[str, Any]) -> tuple[str, int, tuple[str, ...]]:
    names = tuple(item["name"] for item in record.get("items") or []) or ("值",)
    return record["code"], record.get("data_version", 1), names


def _file(code: str, version: int, names: tuple[str, ...]) -> bytes:
    lines = [",".join(names)]
    for row in range(20):
        digest = hashlib.sha256(f"{code}:{version}:{row}".encode()).hexdigest()
        lines.append(",".join(digest[at * 4 : at * 4 + 4] for at in range(len(names))))
    return ("\n".join(lines) + "\n").encode()


@lru_cache(maxsize=200_000)
def _facts(code: str, version: int, names: tuple[str, ...]) -> tuple[int, str]:
    content = _file(code, version, names)
    return len(content), hashlib.sha256(content).hexdigest()


class Days:
    """The states of a catalogue, day by day."""

    def __init__(
        self,
        seed: str = "demo",
        base: Iterable[dict[str, Any]] | None = None,
        held_back: float = HELD_BACK,
    ) -> None:
        base = _list() if base is None else base
        self.seed = seed
        self._day = 0
        self._state = 0
        self._sorted: tuple[int, list[str]] = (-1, [])
        self._waiting: list[dict[str, Any]] = []
        #: Code -> record, to be read; what was deleted stays as a tombstone.
        self.records: dict[str, dict[str, Any]] = {}
        chance = random.Random(f"{seed}:first")  # noqa: S311 (repeatable, no secret)
        for record in base:
            fresh = {**copy.deepcopy(record), "version": 1, "updated": moment(0), "deleted": False}
            if chance.random() < held_back:
                self._waiting.append(fresh)
            else:
                self.records[fresh["code"]] = fresh

    @property
    def day(self) -> int:
        """The day that is served."""
        return self._day

    @property
    def state(self) -> int:
        """A number that is another one after every change."""
        return self._state

    def serve(self, records: Iterable[dict[str, Any]]) -> None:
        """These records and no others, from now on."""
        self.records = {one["code"]: one for one in records}
        self._state += 1

    def alter(self, code: str, **fields: Any) -> None:
        """Other values in a record, whose version and time stay unless they are among them."""
        self.records[code].update(fields)
        self._state += 1

    def to(self, day: int) -> None:
        """Goes on to a day. Raises ValueError for one that is over."""
        if day < self._day:
            raise ValueError(f"Day {day} is over; today is day {self._day}.")
        while self._day < day:
            self._next()

    def _next(self) -> None:
        self._day += 1
        self._state += 1
        chance = random.Random(f"{self.seed}:{self._day}")  # noqa: S311
        for record in list(self.records.values()):
            if record["deleted"] or not record["open"]["open"]:
                if chance.random() < BACK:
                    self._touch(record, deleted=False, open={**record["open"], "open": True})
                continue
            for kind, share in SHARES.items():
                if chance.random() < share:
                    self._change(record, kind)
        for _ in range(min(NEW, len(self._waiting))):
            record = self._waiting.pop()
            record["updated"] = moment(self._day)
            self.records[record["code"]] = record

    def _change(self, record: dict[str, Any], kind: str) -> None:
        opening = record["open"]
        if kind == "text":
            summary = f"{record.get('summary', '')}（第{self._day}日更新）"[-2000:]
            self._touch(record, summary=summary, data_version=self._day + 1)
        elif kind == "condition":
            condition = "" if opening.get("condition") else CONDITION
            self._touch(record, open={**opening, "condition": condition})
        elif kind == "class":
            named = None if opening.get("class") else "conditional"
            self._touch(record, open={**opening, "class": named})
        elif kind == "close":
            self._touch(record, open={**opening, "open": False})
        else:
            self._touch(record, deleted=True)

    def _touch(self, record: dict[str, Any], **fields: Any) -> None:
        record.update(fields, version=record["version"] + 1, updated=moment(self._day))

    def since(self, start: str | None) -> Iterable[dict[str, Any]]:
        """The records by code: all that are there, or what changed at or after ``start``."""
        if self._sorted[0] != self._state:
            self._sorted = (self._state, sorted(self.records))
        for code in self._sorted[1]:
            record = self.records[code]
            if start is None and record["deleted"]:
                continue
            if start is not None and record["updated"] < start:
                continue
            yield record
