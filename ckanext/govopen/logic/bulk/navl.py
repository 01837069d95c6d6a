"""CKAN's validation of nested dicts, with the schema taken apart once instead of for every dict.

The order of validators, what they are given, what happens to unknown and missing keys and to
errors are those of ``ckan.lib.navl.dictization_functions.validate``: a test compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ckan.lib.navl.dictization_functions import (
    DataError,
    Invalid,
    StopOnError,
    flatten_dict,
    missing,
    unflatten,
)
from ckan.lib.navl.validators import ignore_missing

Validator = Callable[..., Any]
Key = tuple[Any, ...]
#: A validator and the number of its parameters: 1 (value), 2 (value, context) or 4.
Step = tuple[Validator, int]


@dataclass(frozen=True)
class _Group:
    """The validators of one place of the schema: the top, or the rows of a list."""

    names: frozenset[str]
    fields: tuple[tuple[str, tuple[Step, ...], bool], ...]
    special: Mapping[str, tuple[Step, ...]]


class Compiled:
    """A schema that is applied to many dicts.

    :param schema: as CKAN's ``validate`` takes it
    :param instead: validators by what is to be called in their place
    """

    def __init__(
        self, schema: dict[str, Any], instead: Mapping[Validator, Validator] | None = None
    ) -> None:
        self._schema = schema
        self._names = list(schema)
        self._instead = dict(instead or {})
        self._groups: dict[Key, _Group] = {}
        self._prefixes: set[Key] = set()
        self._collect(schema, ())

    def _collect(self, node: Mapping[str, Any], path: Key) -> None:
        lists: dict[str, tuple[Step, ...]] = {}
        for name, value in node.items():
            if isinstance(value, dict):
                self._collect(value, (*path, name))
                continue
            lists[name] = tuple(self._step(one) for one in value)
            whole = (*path, name)
            self._prefixes.update(whole[:length] for length in range(1, len(whole) + 1))
        if lists:
            fields = tuple(
                (name, steps, bool(steps) and steps[0][0] is ignore_missing)
                for name, steps in sorted(lists.items())
                if not name.startswith("__")
            )
            special = {name: steps for name, steps in lists.items() if name.startswith("__")}
            self._groups[path] = _Group(frozenset(lists), fields, special)

    def _step(self, validator: Validator) -> Step:
        try:
            called = self._instead.get(validator, validator)
        except TypeError:  # a validator need not be hashable
            called = validator
        return called, called.__code__.co_argcount

    def __call__(
        self, data: dict[str, Any], context: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The converted dict and the errors by field, as CKAN's ``validate`` gives them.

        :raises DataError: a list was expected somewhere and something else came
        """
        empty = [key for key, value in data.items() if value == []]
        flat = flatten_dict(data, schema=self._schema)
        groups = self._places(flat)
        converted = self._sorted_in(flat, groups)
        errors: dict[Key, list[str]] = {}
        order = sorted(groups, key=lambda place: (len(place), *place))
        for place in order:
            for name in groups[place].names:
                errors[(*place, name)] = []
        inner: dict[str, Any] = {**context, "schema_keys": self._names}
        self._special("__before", order, groups, converted, errors, inner)
        self._plain(order, groups, converted, errors, inner)
        self._special("__extras", order, groups, converted, errors, inner)
        self._special("__after", order[::-1], groups, converted, errors, inner)
        self._special("__junk", order[:1], groups, converted, errors, inner)
        result = unflatten(converted)
        for key in empty:
            if key not in result:
                result[key] = []
        return result, _told(errors)

    def _places(self, flat: Mapping[Key, Any]) -> dict[Key, _Group]:
        """The places of the schema that the dict has, rows of lists by their number."""
        groups = {(): self._groups[()]}
        deep = {key[:-1] for key in flat if len(key) > 1}
        for place in sorted(deep, key=len):
            group = self._groups.get(place[::2])
            if group is not None and place[:-2] in groups:
                groups[place] = group
        return groups

    def _sorted_in(self, flat: Mapping[Key, Any], groups: Mapping[Key, _Group]) -> dict[Key, Any]:
        """The dict with unknown keys under ``__extras`` and ``__junk`` and missing ones marked."""
        converted: dict[Key, Any] = {}
        apart: dict[Key, Any] = {}
        for key, value in flat.items():
            group = groups.get(key[:-1])
            if group is not None and key[-1] in group.names:
                converted[key] = value
                continue
            if key[::2] in self._prefixes and value != []:
                raise DataError(
                    f"Only lists of dicts can be placed against subschema {key}, not {type(value)}"
                )
            if group is not None:
                apart.setdefault((*key[:-1], "__extras"), {})[key[-1]] = value
            else:
                apart.setdefault(("__junk",), {})[key] = value
        converted.update(apart)
        for place, group in groups.items():
            for name, _, _ in group.fields:
                converted.setdefault((*place, name), missing)
        return converted

    @staticmethod
    def _plain(
        order: list[Key],
        groups: Mapping[Key, _Group],
        data: dict[Key, Any],
        errors: dict[Key, list[str]],
        context: dict[str, Any],
    ) -> None:
        for place in order:
            for name, steps, optional in groups[place].fields:
                key = (*place, name)
                if optional:
                    # What most fields of most dicts come to, without an exception for each.
                    value = data.get(key)
                    if value is missing or value is None:
                        data.pop(key, None)
                        continue
                _run(steps, key, data, errors, context)

    @staticmethod
    def _special(
        name: str,
        order: list[Key],
        groups: Mapping[Key, _Group],
        data: dict[Key, Any],
        errors: dict[Key, list[str]],
        context: dict[str, Any],
    ) -> None:
        for place in order:
            steps = groups[place].special.get(name)
            if steps:
                _run(steps, (*place, name), data, errors, context)


def _run(
    steps: tuple[Step, ...],
    key: Key,
    data: dict[Key, Any],
    errors: dict[Key, list[str]],
    context: dict[str, Any],
) -> None:
    for validator, parameters in steps:
        try:
            if parameters == 1:
                data[key] = validator(data.get(key))
            elif parameters == 4:
                validator(key, data, errors, context)
            else:
                data[key] = validator(data.get(key), context)
        except Invalid as invalid:
            errors[key].append(invalid.error)
        except StopOnError:
            return


def _told(errors: Mapping[Key, list[str]]) -> dict[str, Any]:
    """The errors as a nested dict, without the fields and lists that have none."""
    if not any(errors.values()):
        return {}
    nested = unflatten(dict(errors))
    _without_blanks(nested)
    return nested


def _without_blanks(node: dict[str, Any]) -> None:
    for name, value in list(node.items()):
        if value and isinstance(value[0], dict):
            for row in value:
                _without_blanks(row)
            value = [row for row in value if row] and value
        if not value:
            del node[name]
