"""Parameters that are words out of a list, or lists of texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ckan.plugins import toolkit as tk

from ckanext.govopen.logic.schema import values
from ckanext.govopen.logic.schema.base import UNKNOWN, Parameter
from ckanext.govopen.logic.schema.values import Errors


@dataclass(frozen=True)
class Choice(Parameter):
    """One word out of ``known``; empty when left out."""

    known: tuple[str, ...] = ()
    unknown: str = UNKNOWN

    def read(self, data: Mapping[str, Any], errors: Errors) -> Any:
        value = values.text(data, self.name, errors, self.required)
        if value and value not in self.known:
            errors.add(
                self.name,
                tk._(self.unknown) % {"name": value[:100], "known": ", ".join(self.known)},
            )
            return ""
        return value

    def shape(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.known)}


@dataclass(frozen=True)
class Choices(Parameter):
    """Words out of ``known``, separated by commas; a list, empty when left out."""

    known: tuple[str, ...] = ()
    unknown: str = UNKNOWN

    def read(self, data: Mapping[str, Any], errors: Errors) -> list[str]:
        found = [one.strip() for one in str(data.get(self.name) or "").split(",") if one.strip()]
        if any(one not in self.known for one in found):
            errors.add(self.name, tk._(self.unknown))
            return []
        return found

    def shape(self) -> dict[str, Any]:
        one = "|".join(self.known)
        return {"type": "string", "pattern": f"^({one})(,({one}))*$"}


@dataclass(frozen=True)
class Texts(Parameter):
    """A list of texts, or one text; empty when left out, with ``or_none`` None then.

    With ``known`` they are words out of it.
    """

    known: tuple[str, ...] = ()
    or_none: bool = False
    unknown: str = UNKNOWN
    check: bool = True

    flat: ClassVar[bool] = False

    def read(self, data: Mapping[str, Any], errors: Errors) -> list[str] | None:
        if self.or_none and data.get(self.name) is None:
            return None
        found = values.texts(data, self.name, errors)
        if self.known and self.check and not set(found) <= set(self.known):
            errors.add(
                self.name,
                tk._(self.unknown)
                % {"name": ", ".join(found)[:100], "known": ", ".join(self.known)},
            )
            return None if self.or_none else []
        return found

    def shape(self) -> dict[str, Any]:
        item: dict[str, Any] = {"type": "string"}
        if self.known:
            item["enum"] = list(self.known)
        return {"type": "array", "items": item}
