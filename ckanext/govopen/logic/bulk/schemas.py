"""The dataset's schemas, put together once, and validators that need no statement per dataset.

What a validator asks the database is either known of the whole batch before (names, ids,
departments: see ``create``), or follows from the dict alone. Everything else is called as it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ckan.lib.navl.dictization_functions import missing, unflatten
from ckan.lib.plugins import lookup_package_plugin
from ckan.logic.converters import unicode_safe
from ckan.logic.schema import default_show_package_schema
from ckan.plugins import toolkit

from ckanext.govopen.logic.bulk.navl import Compiled, Key
from ckanext.govopen.logic.validators.links import link_problem
from ckanext.govopen.logic.validators.stored import is_blank

TYPE = "dataset"
_EXTRAS, _FREE = "govopen_extras_by_name", "govopen_free_extra"


class Schemas:
    """How a new or changed dataset is validated and how any is shown; made for the plugins loaded
    now.
    """

    def __init__(self) -> None:
        plugin = lookup_package_plugin(TYPE)
        default = default_show_package_schema()
        shown = _filled(plugin, plugin.show_package_schema(), "package_show")
        created = plugin.create_package_schema()
        fields = set(created)
        created = _filled(plugin, created, "package_create")
        self._rows = [
            name for name, node in created.items() if isinstance(node, dict) and name not in fields
        ]
        updated = _filled(plugin, plugin.update_package_schema(), "package_update")
        cheap = _by_validator(_CHEAP)
        of_shown = {**cheap, **_by_validator(_OF_SHOWN)}
        self._create = Compiled(self._kept(created), {**cheap, **_by_validator(_OF_NEW)})
        self._update = Compiled(self._kept(updated), {**cheap, **_by_validator(_OF_CHANGED)})
        self._default = Compiled(default, of_shown)
        self._shown = Compiled(shown, of_shown)

    def _kept(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The schema with lists of rows stored as scheming stores them."""
        if not self._rows:
            return schema
        return {**schema, "__after": [*schema.get("__after", []), _keeper(self._rows)]}

    def create(
        self, data: dict[str, Any], context: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """A new dataset as it is stored, and errors, as ``package_create`` has them."""
        return self._create(data, context)

    def update(
        self, data: dict[str, Any], context: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """A changed dataset as it is stored, and errors, as ``package_update`` has them.

        Its name and its department must be what they were.
        """
        return self._update(data, context)

    def site(self, data: dict[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
        """The dict under the site's show schema. Changes ``data``."""
        rows = [extra for extra in data.get("extras") or [] if extra["key"] in self._rows]
        for extra in rows:
            data[extra["key"]] = json.loads(extra["value"])
        data["extras"] = [extra for extra in data["extras"] if extra not in rows]
        return self._shown(data, context)[0]

    def show(
        self, data: dict[str, Any], context: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The dict under CKAN's default show schema and under the site's. Changes ``data``."""
        default, _ = self._default(data, context)
        return default, self.site(data, context)


def _keeper(names: list[str]) -> Any:
    """A validator that stores lists of rows as JSON in an extra, as scheming does after all."""

    def keep(key: Key, data: Any, errors: Any, context: Any) -> None:
        for name in names:
            part = {inner: value for inner, value in data.items() if inner[0] == name}
            if not part:
                continue
            data[(name,)] = json.dumps(unflatten(part)[name], default=_nothing)
            _to_extras((name,), data, errors, context)
            del data[(name,)]

    return keep


def _nothing(value: Any) -> Any:
    return None if value is missing else value


def _filled(plugin: Any, schema: dict[str, Any], action: str) -> dict[str, Any]:
    """The schema as the plugin that validates completes it: it does so in place, at each call."""
    if hasattr(plugin, "validate"):
        plugin.validate({}, {"type": TYPE, "title": "-", "resources": []}, schema, action)
    return schema


def _nothing_to_ask(key: Key, data: Any, errors: Any, context: Any) -> None:
    """The batch has asked already; what is not free does not come here."""


def _link_of_new(key: Key, data: Any, errors: Any, context: Any) -> None:
    """``govopen_link`` of a dataset that is not stored yet: no address can stay as it was."""
    value = data.get(key)
    if not is_blank(value) and (problem := link_problem(value)):
        errors[key].append(problem)
        raise toolkit.StopOnError


def _distinct_extras(key: Key, data: Any, errors: Any, context: Any) -> None:
    """CKAN's ``duplicate_extras_key`` without making a nested dict of the whole dataset."""
    names = [
        value
        for inner, value in data.items()
        if len(inner) == 3
        and inner[0] == "extras"
        and inner[2] == "key"
        and not data.get(("extras", inner[1], "deleted"))
    ]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        errors[("extras_validation",)] = [toolkit._('Duplicate key "%s"') % twice[0]]


def _stop_at_empty(key: Key, data: Any, errors: Any, context: Any) -> None:
    """CKAN's ``not_empty``: nought and no are values, too."""
    value = data.get(key)
    if value not in (False, 0) and (value is missing or not value):
        raise toolkit.StopOnError


def _to_extras(key: Key, data: Any, errors: Any, context: Any) -> None:
    """CKAN's ``convert_to_extras`` that remembers which number is free."""
    number = context.get(_FREE, 0)
    while ("extras", number, "key") in data:
        number += 1
    context[_FREE] = number + 1
    data[("extras", number, "key")] = key[-1]
    data[("extras", number, "value")] = unicode_safe(data[key])


def _from_extras(key: Key, data: Any, errors: Any, context: Any) -> None:
    """CKAN's ``convert_from_extras`` with the extras looked up by name."""
    index = context.get(_EXTRAS)
    if index is None:
        index = context[_EXTRAS] = {}
        for inner, value in data.items():
            if inner[0] == "extras" and inner[-1] == "key":
                index.setdefault(value, inner[1])
    number = index.pop(key[-1], None)
    if number is None:
        return
    data[key] = data[("extras", number, "value")]
    for part in [inner for inner in data if inner[:2] == ("extras", number)]:
        del data[part]


#: Validators that ask about each single dataset what is known of the whole batch.
_OF_NEW = {
    "package_name_validator": _nothing_to_ask,
    "owner_org_validator": _nothing_to_ask,
    "resource_id_does_not_exist": _nothing_to_ask,
    "govopen_link": _link_of_new,
}
#: A changed dataset keeps its name and its department: see ``change``.
_OF_CHANGED = {
    "package_name_validator": _nothing_to_ask,
    "owner_org_validator": _nothing_to_ask,
    "resource_id_does_not_exist": _nothing_to_ask,
}
#: The same for what is shown, where nobody looks at errors: that they stop is all that counts.
_OF_SHOWN = {"package_name_validator": _nothing_to_ask, "not_empty": _stop_at_empty}
_CHEAP = {
    "duplicate_extras_key": _distinct_extras,
    "convert_from_extras": _from_extras,
    "convert_to_extras": _to_extras,
}


def _by_validator(instead: Mapping[str, Any]) -> dict[Any, Any]:
    """The validators themselves: they can be looked up only once all plugins are loaded."""
    return {toolkit.get_validator(name): validator for name, validator in instead.items()}
