"""Parameters that are lists and objects of others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ckan.plugins import toolkit as tk

from ckanext.govopen.domain.refusal import N_
from ckanext.govopen.logic.schema.parameter import NO_FLAG, NO_OBJECT, Parameter
from ckanext.govopen.logic.schema.values import Errors


def described(parameter: Parameter) -> dict[str, Any]:
    """JSON Schema of a parameter with its description in the reader's language."""
    shape = {**parameter.shape(), "description": tk._(parameter.text)}
    if parameter.example is not None:
        shape["examples"] = [parameter.example]
    return shape


def object_shape(parameters: Sequence[Parameter], more: bool = True) -> dict[str, Any]:
    """JSON Schema of an object; with ``more`` other keys do no harm."""
    shape: dict[str, Any] = {"type": "object"}
    if parameters:
        shape["properties"] = {one.name: described(one) for one in parameters}
    required = [one.name for one in parameters if one.required]
    if required:
        shape["required"] = required
    if not more:
        shape["additionalProperties"] = False
    return shape


@dataclass(frozen=True)
class Object(Parameter):
    """An object with these keys and no others; what is wrong in it is told under its own name."""

    of: tuple[Parameter, ...] = ()
    wrong: str = NO_OBJECT

    flat: ClassVar[bool] = False

    def read(self, data: Mapping[str, Any], errors: Errors) -> dict[str, Any]:
        value, names = data.get(self.name), [one.name for one in self.of]
        if value is None or value == "":
            self._missing(errors)
            value = {}
        if not isinstance(value, dict) or set(value) - set(names):
            errors.add(self.name, tk._(self.wrong) % {"known": ", ".join(names)})
            value = {}
        inner = Errors()
        found = {one.name: one.read(value, inner) for one in self.of}
        for messages in inner.values():
            for message in messages:
                errors.add(self.name, message)
        return found

    def shape(self) -> dict[str, Any]:
        return object_shape(self.of, more=False)


@dataclass(frozen=True)
class Rows(Parameter):
    """A list of objects with these keys.

    ``more``: other keys do no harm. ``whole``: whatever is wrong in a row is told as the list's
    own ``wrong``, not under the name of the row's key.
    """

    of: tuple[Parameter, ...] = ()
    wrong: str = N_("Must be a list of objects, one for a dataset.")
    most: int | None = None
    more: bool = False
    whole: bool = False

    flat: ClassVar[bool] = False

    def read(self, data: Mapping[str, Any], errors: Errors) -> list[dict[str, Any]]:
        rows, names = data.get(self.name), {one.name for one in self.of}
        # An empty list says that there are none; other empty values are what forms send.
        if rows is None or (self.whole and not rows):
            rows = []
        if (
            not isinstance(rows, list)
            or (self.most is not None and len(rows) > self.most)
            or (self.required and not rows)
            or not all(isinstance(row, dict) and (self.more or set(row) <= names) for row in rows)
        ):
            errors.add(self.name, tk._(self.wrong))
            return []
        inner = Errors() if self.whole else errors
        found = [{one.name: one.read(row, inner) for one in self.of} for row in rows]
        if self.whole and inner:
            errors.add(self.name, tk._(self.wrong))
            return []
        return found

    def shape(self) -> dict[str, Any]:
        shape: dict[str, Any] = {"type": "array", "items": object_shape(self.of, self.more)}
        if self.required:
            shape["minItems"] = 1
        if self.most is not None:
            shape["maxItems"] = self.most
        return shape


@dataclass(frozen=True)
class Records(Parameter):
    """A list of objects that are read one by one later; None when left out and not needed."""

    of: tuple[Parameter, ...] = ()
    wrong: str = N_("Must be a list of records.")
    most: int | None = None
    too_many: str = N_("At most %(most)s records.")

    flat: ClassVar[bool] = False

    def read(self, data: Mapping[str, Any], errors: Errors) -> list[dict[str, Any]] | None:
        rows = data.get(self.name)
        if rows is None and not self.required:
            return None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            errors.add(self.name, tk._(self.wrong))
            return None
        if self.most is not None and len(rows) > self.most:
            message = tk._(self.too_many) % {"most": self.most}
            errors.add(self.name, message.replace("{number}", str(self.most)))
        return rows

    def shape(self) -> dict[str, Any]:
        shape: dict[str, Any] = {"type": "array", "items": object_shape(self.of)}
        return shape if self.most is None else {**shape, "maxItems": self.most}


@dataclass(frozen=True)
class TextsByName(Parameter):
    """An object whose values are texts."""

    wrong: str = N_("Must be an object of texts.")

    flat: ClassVar[bool] = False

    def read(self, data: Mapping[str, Any], errors: Errors) -> dict[str, str]:
        value = data.get(self.name) or {}
        if not isinstance(value, dict) or not all(
            isinstance(text, str) and "\x00" not in name + text for name, text in value.items()
        ):
            errors.add(self.name, tk._(self.wrong))
            return {}
        return value

    def shape(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": {"type": "string"}}


@dataclass(frozen=True)
class FlagsByName(Parameter):
    """An object whose values are true or false; words such as ``yes`` count."""

    wrong: str = N_("Yes or no per question.")

    flat: ClassVar[bool] = False

    def read(self, data: Mapping[str, Any], errors: Errors) -> dict[str, bool]:
        value = data.get(self.name) or {}
        if not isinstance(value, dict):
            errors.add(self.name, tk._(self.wrong))
            return {}
        try:
            return {str(name): tk.asbool(one) for name, one in value.items()}
        except ValueError:
            errors.add(self.name, tk._(NO_FLAG))
            return {}

    def shape(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": {"type": "boolean"}}


@dataclass(frozen=True)
class Document(Parameter):
    """An object that has a reader of its own, in the rules; here it is only described.

    Left out it is None, with ``empty`` an object without anything.
    """

    of: tuple[Parameter, ...] = ()
    empty: bool = False

    flat: ClassVar[bool] = False

    def read(self, data: Mapping[str, Any], errors: Errors) -> Any:
        return data.get(self.name, {} if self.empty else None)

    def shape(self) -> dict[str, Any]:
        return object_shape(self.of)
