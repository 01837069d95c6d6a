"""From the text of a profile file to a :class:`Profile`, or to precise errors.

The file itself is read by the caller. The shape is checked with the JSON Schema that ships in
``jurisdictions/profile.schema.json``, then what a schema cannot say is checked here.
"""

from __future__ import annotations

import datetime
import enum
import functools
import importlib.resources
import json
import re
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

import jsonschema

from ckanext.govopen.domain.profile import Profile
from ckanext.govopen.domain.profile_text import Document, Path, Problem, ProfileError, read, show
from ckanext.govopen.domain.terms import OpenClass, ShareClass, Text, Way

__all__ = ["OpenClass", "Profile", "ProfileError", "ShareClass", "Text", "Way", "load", "schema"]

_ARTICLE = re.compile(r"^(\d+)")


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
        problems = list(_sense_problems(document))
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


def _sense_problems(document: Document) -> Iterator[Problem]:
    """What a schema cannot say."""
    value = document.value

    def problem(path: Path, reason: str) -> Problem:
        return Problem(document.line(path), show(path), reason)

    numbers = [row["number"] for row in value["articles"]]
    if numbers != list(range(1, len(numbers) + 1)):
        yield problem(("articles",), "the articles are not numbered 1, 2, 3 … without a gap")
    count = value["instrument"]["articles"]
    if count is not None and count != len(numbers):
        yield problem(("articles",), f"{len(numbers)} articles are listed, the text has {count}")
    for path, article in _citations(value, ()):
        match = _ARTICLE.match(article)
        if match and int(match[1]) not in numbers:
            yield problem(path, f"article {article} is not in the table of articles")
    for key in ("classes.items", "share_classes"):
        path = tuple(key.split("."))
        items: Any = functools.reduce(lambda part, name: part[name], path, value)
        names = [item["canonical"] for item in items]
        for index, name in enumerate(names):
            if name in names[:index]:
                yield problem((*path, index), f"the class {name} stands twice")
    default = value["classes"]["default"]["value"]
    canonical = {item["canonical"] for item in value["classes"]["items"]}
    if default is not None and default not in canonical:
        yield problem(("classes", "default", "value"), f"there is no class {default}")
    if value["open"]["silence"]["means"] == "consent":
        # No text knows consent by silence in opening; it would publish without a decision.
        yield problem(("open", "silence", "means"), "silence never opens data to the public")
    yield from _clock_problems(document)
    basis = {kind["id"] for kind in value["basis_kinds"]}
    for path, kinds in _found(value, (), "basis_kinds"):
        for kind in kinds if len(path) > 1 else []:
            if kind not in basis:
                yield problem(path, f"there is no kind of legal basis {kind}")
    since, until = value["status"]["valid_from"], value["status"]["valid_to"]
    if since and until and until <= since:
        yield problem(("status", "valid_to"), "the end lies before the beginning")


def _clock_problems(document: Document) -> Iterator[Problem]:
    for path, clocks in [
        *_found(document.value, (), "clocks"),
        *_found(document.value, (), "catalogue_clocks"),
    ]:
        seen: set[str] = set()
        for index, clock in enumerate(clocks):
            place = (*path, index)
            if clock["id"] in seen:
                yield Problem(
                    document.line(place), show(place), f"the clock {clock['id']} stands twice"
                )
            seen.add(clock["id"])
            if clock["n"] is None and clock.get("extension"):
                yield Problem(
                    document.line(place), show(place), "a clock without a number is not extended"
                )


def _citations(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if (key == "article" or key.endswith("_article")) and isinstance(item, str):
                yield (*path, key), item
            else:
                yield from _citations(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _citations(item, (*path, index))


def _found(value: Any, path: Path, name: str) -> Iterator[tuple[Path, list[Any]]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == name and isinstance(item, list):
                yield (*path, key), item
            else:
                yield from _found(item, (*path, key), name)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _found(item, (*path, index), name)


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
