"""Kinds of parameters: each reads what a caller sent, and describes itself as JSON Schema.

Those that are words out of a list are in ``choice``, and are had here too.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ckan.plugins import toolkit as tk

from ckanext.govopen.domain.number import whole
from ckanext.govopen.domain.refusal import N_
from ckanext.govopen.logic.schema import values
from ckanext.govopen.logic.schema.base import MISSING, Parameter
from ckanext.govopen.logic.schema.choice import Choice, Choices, Texts
from ckanext.govopen.logic.schema.values import Errors

__all__ = [
    "NO_FLAG",
    "NO_OBJECT",
    "Account",
    "Accounts",
    "Choice",
    "Choices",
    "Day",
    "File",
    "Flag",
    "Id",
    "Moment",
    "Number",
    "Organization",
    "Parameter",
    "Secret",
    "Text",
    "Texts",
]

#: Longest identifier, in characters.
LONGEST = 100_000
#: Highest number: it fits every column and every LIMIT.
HIGHEST = 2**31 - 1
NOT_A_TEXT = N_("Must be a text.")
NO_FLAG = N_("Must be true or false.")
NO_DAY = N_("Not a date: %(value)s. Write it as 2026-11-22.")
NO_OBJECT = N_("Must be an object with %(known)s.")


@dataclass(frozen=True)
class Text(Parameter):
    """A text; without blanks around it unless ``strip`` is off. Empty when left out."""

    most: int | None = None
    too_long: str = N_("At most {most} characters.")
    strip: bool = True

    def read(self, data: Mapping[str, Any], errors: Errors) -> str:
        value = values.text(data, self.name, errors, self.required)
        if self.most is not None and len(value) > self.most:
            errors.add(self.name, tk._(self.too_long).replace("{most}", str(self.most)))
        return value if self.strip or not value else str(data[self.name])

    def shape(self) -> dict[str, Any]:
        shape: dict[str, Any] = {"type": "string"}
        if self.required:
            shape["minLength"] = 1
        if self.most is not None:
            shape["maxLength"] = self.most
        return shape


@dataclass(frozen=True)
class Id(Parameter):
    """What the action is about: always needed, and missing when it is no text."""

    required: bool = True

    def read(self, data: Mapping[str, Any], errors: Errors) -> str:
        value = data.get(self.name)
        if not isinstance(value, str) or not value.strip():
            errors.add(self.name, tk._(MISSING))
            return ""
        if len(value) > LONGEST or "\x00" in value:
            errors.add(
                self.name,
                tk._("This value is too long or holds characters that no text has."),
            )
            return ""
        return value.strip()

    def shape(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": LONGEST}


@dataclass(frozen=True)
class Secret(Parameter):
    """A password: taken as it was typed, and never said back."""

    most: int = 1000
    wrong: str = N_("The password is wrong.")

    def read(self, data: Mapping[str, Any], errors: Errors) -> str:
        value = data.get(self.name) or ""
        if not isinstance(value, str) or len(value) > self.most:
            errors.add(self.name, tk._(self.wrong))
            return ""
        return value

    def shape(self) -> dict[str, Any]:
        return {"type": "string", "format": "password", "maxLength": self.most, "writeOnly": True}


@dataclass(frozen=True)
class Account(Parameter):
    """An active account, by id or name; read as the account, None when left out."""

    def read(self, data: Mapping[str, Any], errors: Errors) -> Any:
        return values.user(data, self.name, errors, self.required)

    def shape(self) -> dict[str, Any]:
        return {"type": "string", **({"minLength": 1} if self.required else {})}


@dataclass(frozen=True)
class Accounts(Parameter):
    """Several active accounts; with more than ``most`` none is looked up."""

    flat: ClassVar[bool] = False

    def read(self, data: Mapping[str, Any], errors: Errors) -> list[str]:
        return values.texts(data, self.name, errors)

    def shape(self) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "string"}}

    def found(self, names: Sequence[str], errors: Errors) -> list[Any]:
        """The accounts of these names; None for one that is unknown, noted in ``errors``."""
        return [values.user({self.name: name}, self.name, errors) for name in names]


@dataclass(frozen=True)
class Organization(Parameter):
    """An active organisation, by id or name; read as the organisation, None when left out."""

    def read(self, data: Mapping[str, Any], errors: Errors) -> Any:
        return values.organization(data, self.name, errors, self.required)

    def shape(self) -> dict[str, Any]:
        return {"type": "string", **({"minLength": 1} if self.required else {})}


@dataclass(frozen=True)
class Moment(Parameter):
    """A point in time; of a bare day its beginning in China, with ``end`` its end."""

    end: bool = False
    example: Any = "2026-11-22"

    def read(self, data: Mapping[str, Any], errors: Errors) -> datetime.datetime | None:
        value = values.moment(data, self.name, errors, end=self.end)
        if value is None:
            self._missing(errors)
        return value

    def shape(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "string", "format": kind} for kind in ("date", "date-time")]}


@dataclass(frozen=True)
class Day(Parameter):
    """A day as 2026-11-22; None when left out."""

    example: Any = "2026-11-22"

    def read(self, data: Mapping[str, Any], errors: Errors) -> datetime.date | None:
        text = values.text(data, self.name, errors)
        if not text:
            self._missing(errors)
            return None
        try:
            return datetime.date.fromisoformat(text)
        except ValueError:
            errors.add(self.name, tk._(NO_DAY) % {"value": text[:40]})
            return None

    def shape(self) -> dict[str, Any]:
        return {"type": "string", "format": "date"}


@dataclass(frozen=True)
class Number(Parameter):
    """A whole number from 0 on; ``default`` when left out.

    Above ``highest`` it is refused, above ``cap`` it counts as ``cap``; with ``any_sign`` a
    negative one counts as 0.
    """

    default: int | None = None
    highest: int = HIGHEST
    cap: int | None = None
    any_sign: bool = False
    wrong: str = N_("Must be a number from 0 on.")

    def read(self, data: Mapping[str, Any], errors: Errors) -> Any:
        value = data.get(self.name)
        if value is None or value == "":
            self._missing(errors)
            return self.default
        try:
            number = whole(
                value,
                lowest=None if self.any_sign else 0,
                highest=None if self.any_sign else self.highest,
            )
        except ValueError:
            errors.add(self.name, tk._(self.wrong))
            return self.default
        return max(0, number if self.cap is None else min(number, self.cap))

    def shape(self) -> dict[str, Any]:
        shape: dict[str, Any] = {"type": "integer", "minimum": 0, "maximum": self.highest}
        if self.cap is not None:
            shape["maximum"] = self.cap
        if self.default is not None:
            shape["default"] = self.default
        return shape


@dataclass(frozen=True)
class Flag(Parameter):
    """True or false; words such as ``yes`` count unless ``strict``. ``default`` when left out."""

    default: bool = False
    strict: bool = False
    wrong: str = NO_FLAG

    def read(self, data: Mapping[str, Any], errors: Errors) -> bool:
        value = data.get(self.name)
        if self.strict:
            if value is None and not self.required and self.name not in data:
                return self.default
            if not isinstance(value, bool):
                errors.add(self.name, tk._(self.wrong))
            return value is True
        try:
            return tk.asbool(value or False)
        except ValueError:
            errors.add(self.name, tk._(self.wrong))
            return self.default

    def shape(self) -> dict[str, Any]:
        shape: dict[str, Any] = {"type": "boolean"}
        return shape if self.required else {**shape, "default": self.default}


@dataclass(frozen=True)
class File(Parameter):
    """A file of a multipart form; read as it was received."""

    required: bool = True
    wrong: str = N_("Choose a file first.")

    flat: ClassVar[bool] = False

    def read(self, data: Mapping[str, Any], errors: Errors) -> Any:
        given = data.get(self.name)
        if not getattr(given, "filename", None) or not hasattr(given, "stream"):
            # A form that nobody chose a file in sends one without a name.
            if self.required or (given and not hasattr(given, "stream")):
                errors.add(self.name, tk._(self.wrong))
            return None
        return given

    def shape(self) -> dict[str, Any]:
        return {"type": "string", "format": "binary"}
