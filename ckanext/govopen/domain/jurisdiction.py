"""From the text of a profile file to a :class:`Profile`, or to precise errors.

The file itself is read by the caller. The shape is checked with the JSON Schema that ships in
``jurisdictions/profile.schema.json``, then what a schema cannot say is checked in
 ``profile_sense``.
"""

from __future__ import annotations

import datetime
import enum
import functools
import importlib.resources
import json
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

import jsonschema

from ckanext.govopen.domain.profile import Profile
from ckanext.govopen.domain.profile_sense import sense_problems
from ckanext.govopen.domain.profile_text import Document, Path, Problem, ProfileError, read, show
from ckanext.govopen.domain.terms import OpenClass, ShareClass, Text, Way

__all__ = ["OpenClass", "Profile", "ProfileError", "ShareClass", "Text", "Way", "load", "schema"]


@functools.lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    """The JSON Schema of profile files (package data, not configuration)."""
    folder = importlib.resources.files("ckanext.govopen").joinpath("jurisdictions")
    return json.loads(folder.joinpath("profile.schema.json").read_text(encoding="utf-8"))


def load(text: str, filename: str) -> Profile:
    """Build a profile from the text of its file.

    Raises :class:`ProfileError`, which lists every problem with file, line, place and reason.
    ``filename`` is used in messages only.
    """
    document = read(text, filename)
    problems = list(_schema_problems(document))
    if not problems:
        problems = list(sense_problems(document))
    if problems:
        raise ProfileError(filename, problems)
    return _build(Profile, document.value)


def _schema_problems(document: Document) -> Iterator[Problem]:
    validator = jsonschema.Draft202012Validator(
        schema(), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    for error in validator.iter_errors(document.value):
        path: Path = tuple(error.absolute_path)
        if error.validator == "additionalProperties" and isinstance(error.instance, Mapping):
            known = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
            for key in error.instance:
                if key not in known:
                    place = (*path, key)
                    yield Problem(document.line(place), show(place), "unknown key")
        else:
            yield Problem(document.line(path), show(path), error.message)


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _build(kind: Any, value: Any) -> Any:
    """A value of type ``kind`` from plain data that has passed the schema."""
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        if value is None:
            return None
        return _build(next(k for k in typing.get_args(kind) if k is not type(None)), value)
    if origin is tuple:
        return tuple(_build(typing.get_args(kind)[0], item) for item in value)
    if origin is typing.Literal:
        return value
    if is_dataclass(kind) and isinstance(kind, type):
        given = {}
        for item in fields(kind):
            if item.name in value:
                given[item.name] = _build(_hints(kind)[item.name], value[item.name])
            elif item.default is MISSING and item.default_factory is MISSING:
                given[item.name] = None
        return kind(**given)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind(value)
    if kind is datetime.date:
        return datetime.date.fromisoformat(value)
    return value
