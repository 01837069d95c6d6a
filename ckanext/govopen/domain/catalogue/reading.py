"""Reading single fields of a record, each with its own complaint."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import Any

from ckanext.govopen.domain.refusal import N_, fill
from ckanext.govopen.domain.words import yes_or_no

#: Longest texts that are read; anything longer is a mistake in the source.
MAX_CODE = 200
MAX_LINE = 1_000
MAX_URL = 2_000
MAX_TEXT = 100_000
MAX_LIST = 5_000
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


class Wrong(Exception):
    """A field that cannot be read; its message goes into the report, translated for its reader."""

    def __init__(self, message: str, **params: str) -> None:
        super().__init__(fill(message, params))
        self.message = message
        self.params = params


def read_object(json: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A part of the record; empty when it is missing."""
    value = json.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise Wrong(N_("%(where)s is no object"), where=key)
    return value


def read_list(json: Mapping[str, Any], key: str, where: str = "") -> list[Any]:
    """A list; empty when it is missing."""
    value = json.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise Wrong(N_("%(where)s is no list"), where=where or key)
    if len(value) > MAX_LIST:
        raise Wrong(
            N_("%(where)s has more than %(most)s entries"), where=where or key, most=str(MAX_LIST)
        )
    return value


def lines(json: Mapping[str, Any], key: str, where: str = "") -> tuple[str, ...]:
    """A list of single lines, without blanks and repetitions."""
    wrapped = [
        line({"entry": value}, "entry", where=f"{where or key}[{at}]")
        for at, value in enumerate(read_list(json, key, where), 1)
    ]
    return tuple(dict.fromkeys(value for value in wrapped if value))


def text(json: Mapping[str, Any], key: str, where: str = "", longest: int = MAX_TEXT) -> str:
    """Text without surrounding blanks; numbers are read as text. Empty when it is missing."""
    value = json.get(key)
    if value is None:
        return ""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise Wrong(N_("%(where)s is no text"), where=where or key)
    if len(value) > longest:
        raise Wrong(
            N_("%(where)s is longer than %(most)s characters"),
            where=where or key,
            most=str(longest),
        )
    if _CONTROL.search(value):
        raise Wrong(N_("%(where)s contains control characters"), where=where or key)
    if _SURROGATE.search(value):
        raise Wrong(N_("%(where)s is not valid Unicode"), where=where or key)
    return value.strip()


def line(json: Mapping[str, Any], key: str, longest: int = MAX_LINE, where: str = "") -> str:
    """Text on one line, runs of blanks made one."""
    return " ".join(text(json, key, where, longest).split())


def flag(json: Mapping[str, Any], key: str, where: str = "") -> bool | None:
    """Yes or no, also as people write it; None when it is missing."""
    value = json.get(key)
    if value is None or isinstance(value, bool):
        return value
    said = yes_or_no(value) if isinstance(value, str) else None
    if said is None:
        raise Wrong(N_("%(where)s is neither yes nor no"), where=where or key)
    return said


def number(json: Mapping[str, Any], key: str, where: str = "") -> int | None:
    """A whole number from 0 on; None when it is missing."""
    value = json.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Wrong(N_("%(where)s is no whole number"), where=where or key)
    return value


def read_date(json: Mapping[str, Any], key: str, where: str = "") -> str:
    """A day as ``YYYY-MM-DD``; read are moments, ``2020/1/1``, ``2020年1月1日``, ``20200101``."""
    raw = line(json, key, where=where)
    if not raw:
        return ""
    plain = raw.replace("年", "-").replace("月", "-").replace("日", "").replace("/", "-")
    plain = plain.replace(".", "-").replace("T", " ").split(" ", 1)[0].strip("-")
    parts = plain.split("-") if "-" in plain else [plain[:4], plain[4:6], plain[6:8]]
    try:
        numbers = [int(part) for part in parts if part] + [1, 1]
        return datetime.date(*numbers[:3]).isoformat()
    except ValueError:
        message = N_("%(where)s is no date: %(value)s")
        raise Wrong(message, where=where or key, value=raw) from None


def moment(json: Mapping[str, Any], key: str) -> str:
    """A moment as ISO 8601; a day is read as its beginning, without a zone: Chinese time."""
    raw = line(json, key)
    if not raw:
        return ""
    try:
        moment = datetime.datetime.fromisoformat(raw.replace("Z", "+00:00").replace("/", "-"))
    except ValueError:
        return read_date(json, key)
    return moment.isoformat()
