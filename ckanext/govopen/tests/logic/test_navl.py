"""A schema that was taken apart once validates as CKAN's own function does."""

from __future__ import annotations

import copy
from typing import Any

from ckan.lib.navl.dictization_functions import DataError, Invalid, StopOnError, missing, validate
from hypothesis import given, settings
from hypothesis import strategies as st

from ckanext.govopen.logic.bulk.navl import Compiled


def upper(value: Any) -> Any:
    if value is missing:
        return value
    if not isinstance(value, str):
        raise Invalid("no text")
    return value.upper()


def needed(key: Any, data: Any, errors: Any, context: Any) -> None:
    if data.get(key) in (missing, None, ""):
        errors[key].append("missing")
        raise StopOnError


def optional(key: Any, data: Any, errors: Any, context: Any) -> None:
    if data.get(key) in (missing, None):
        data.pop(key, None)
        raise StopOnError


def marked(value: Any, context: Any) -> Any:
    return [value, sorted(context["schema_keys"])] if value != "stop" else value


def counted(key: Any, data: Any, errors: Any, context: Any) -> None:
    data[("count",)] = len(data)


def spread(key: Any, data: Any, errors: Any, context: Any) -> None:
    for name, value in data.pop(key, {}).items():
        data[(*key[:-1], f"x_{name}")] = value


def dropped(key: Any, data: Any, errors: Any, context: Any) -> None:
    data.pop(key, None)


SCHEMA: dict[str, Any] = {
    "__before": [counted],
    "name": [needed, upper],
    "title": [optional, upper, marked],
    "plain": [],
    "rows": {
        "a": [needed, upper],
        "b": [optional],
        "deep": {"c": [optional, upper], "__extras": [dropped]},
        "__extras": [spread],
    },
    "tags": {"name": [needed], "__extras": [dropped]},
    "__extras": [spread],
    "__after": [counted],
    "__junk": [dropped],
}
values = st.one_of(st.none(), st.integers(0, 2), st.sampled_from(["", "a", "stop"]))
deep = st.dictionaries(st.sampled_from(["c", "other"]), values, max_size=2)
row = st.fixed_dictionaries(
    {}, optional={"a": values, "b": values, "z": values, "deep": st.lists(deep, max_size=2)}
)
dicts = st.fixed_dictionaries(
    {},
    optional={
        "name": values,
        "title": values,
        "plain": values | st.just([]),
        "unknown": values | st.just([]),
        "rows": st.lists(row, max_size=3) | st.just("no list"),
        "tags": st.lists(st.dictionaries(st.sampled_from(["name", "x"]), values), max_size=2),
        "strange": st.lists(row, max_size=1),
    },
)


def outcome(function: Any, data: Any) -> Any:
    try:
        return function(copy.deepcopy(data))
    except DataError:
        return "no list"


@settings(max_examples=300, deadline=None)
@given(data=dicts)
def test_results_and_errors_are_the_same(data: dict[str, Any]) -> None:
    compiled = Compiled(SCHEMA)
    theirs = outcome(lambda given: validate(given, SCHEMA, {}), data)  # pyright: ignore[reportArgumentType]
    assert outcome(lambda given: compiled(given, {}), data) == theirs


def test_another_validator_is_called_instead() -> None:
    compiled = Compiled({"name": [upper]}, {upper: marked})
    assert compiled({"name": "a"}, {})[0] == {"name": ["a", ["name"]]}
