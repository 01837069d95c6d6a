"""Datasets as ``package_show`` gives them to the portal itself, from rows that are at hand.

What is read back one by one elsewhere is known here: the rows, their department, whether there are
rows in the DataStore, that nobody has grouped or related them. Plugins take part as in CKAN's own
action.
"""

from __future__ import annotations

import datetime
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from ckan import model
from ckan.lib.dictization import table_dictize
from ckan.plugins import PluginImplementations, plugin_loaded
from ckan.plugins.interfaces import IPackageController, IResourceController

from ckanext.govopen.access.show import add_sources
from ckanext.govopen.logic.bulk.schemas import Schemas

#: A row of a table that is about to be inserted, by column name.
Row = Mapping[str, Any]
#: A dataset dict under CKAN's default show schema and under the site's.
Dicts = tuple[dict[str, Any], dict[str, Any]]

#: Plugins whose hooks' part is done by the bulk writer itself.
_OWN = frozenset({"govopen", "govopen_index"})


def own_methods(interface: Any, name: str) -> list[Any]:
    """The plugins that have a method of their own for a hook, in their order."""
    default = getattr(interface, name)
    return [
        plugin
        for plugin in PluginImplementations(interface)
        if getattr(type(plugin), name, default) is not default
    ]


def others(name: str) -> list[Any]:
    """The plugins of others that have a method of their own for a hook of datasets."""
    return [plugin for plugin in own_methods(IPackageController, name) if plugin.name not in _OWN]


class Shown:
    """Makes the dicts of the datasets of one batch."""

    def __init__(self, schemas: Schemas, organizations: Iterable[str]) -> None:
        self._schemas = schemas
        self._organizations = _organizations(organizations)
        self._licenses: dict[str | None, dict[str, Any]] = {}
        self._resource_hooks = own_methods(IResourceController, "before_resource_show")
        self._after = own_methods(IPackageController, "after_dataset_show")
        self._datastore = plugin_loaded("datastore")

    def of(
        self,
        package: Row,
        resources: Sequence[Row],
        tags: Sequence[Row],
        user: str,
        loaded: Container[str] = (),
    ) -> Dicts:
        """The two dicts of a dataset.

        :param tags: rows of the table of tags, in any order
        :param user: name of the account in whose name the portal writes
        :param loaded: ids of the resources whose rows are in the DataStore
        """
        data, context = self._before(package, resources, tags, user, loaded)
        default, shown = self._schemas.show(data, context)
        for plugin in self._after:
            plugin.after_dataset_show(context, shown)
        return default, shown

    def site(
        self,
        package: Row,
        resources: Sequence[Row],
        tags: Sequence[Row],
        user: str,
        loaded: Container[str],
    ) -> dict[str, Any]:
        """The second of the two: what an update is compared with."""
        data, context = self._before(package, resources, tags, user, loaded)
        shown = self._schemas.site(data, context)
        for plugin in self._after:
            plugin.after_dataset_show(context, shown)
        return shown

    def _before(
        self,
        package: Row,
        resources: Sequence[Row],
        tags: Sequence[Row],
        user: str,
        loaded: Container[str],
    ) -> tuple[dict[str, Any], Any]:
        """The dict before the schemas, and the context in which they are applied."""
        data = self._plain(package, resources, tags)
        for plugin in self._resource_hooks:
            for resource in data["resources"]:
                plugin.before_resource_show(resource)
        add_sources(data, shown=False)
        if self._datastore:
            for resource in data["resources"]:
                resource["datastore_active"] = resource["id"] in loaded
        context: Any = {"model": model, "session": model.Session, "user": user}
        context.update(ignore_auth=True, use_cache=False, validate=False)
        return data, context

    def _plain(self, package: Row, resources: Sequence[Row], tags: Sequence[Row]) -> dict[str, Any]:
        """As CKAN's ``package_dictize`` makes it."""
        data = {name: _value(value) for name, value in package.items() if name != "plugin_data"}
        if data.get("title"):
            data["title"] = data["title"].strip()
        data["resources"] = [_resource(row) for row in resources]
        data["num_resources"] = len(resources)
        data["tags"] = [
            {**tag, "display_name": tag["name"], "state": "active"}
            for tag in sorted(tags, key=_tag_order)
        ]
        data["num_tags"] = len(tags)
        extras = sorted((package["extras"] or {}).items(), key=_stored_order)
        data["extras"] = [{"key": key, "value": value} for key, value in extras]
        organization = self._organizations.get(package["owner_org"])
        data["organization"] = dict(organization) if organization else None
        data.update(groups=[], relationships_as_subject=[], relationships_as_object=[])
        data.update(self._license(package["license_id"]))
        return data

    def _license(self, license_id: str | None) -> dict[str, Any]:
        if license_id not in self._licenses:
            package: Any = model.Package(license_id=license_id)
            found: dict[str, Any] = {"isopen": package.isopen()}
            if package.license and package.license.url:
                found["license_url"] = package.license.url
                found["license_title"] = package.license.title.split("::")[-1]
            elif package.license:
                found["license_title"] = package.license.title
            else:
                found["license_title"] = license_id
            self._licenses[license_id] = found
        return self._licenses[license_id]


def _organizations(ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The departments as they stand in a dataset's dict, in one statement."""
    group = model.group_table
    found: dict[str, dict[str, Any]] = {}
    rows = model.Session.execute(
        sa.select(group).where(group.c.id.in_(set(ids)), group.c.state == "active")
    )
    for row in rows:
        found[row.id] = table_dictize(row, {})
        del found[row.id]["extras"]
    return found


def _value(value: Any) -> Any:
    if value is None or isinstance(value, (dict, int, list)):
        return value
    return value.isoformat() if isinstance(value, datetime.datetime) else str(value)


def _stored_order(extra: tuple[str, Any]) -> tuple[int, bytes]:
    """The order in which PostgreSQL keeps the keys of an object (jsonb)."""
    key = extra[0].encode()
    return len(key), key


def _tag_order(tag: Row) -> Any:
    return tag["name"]


def _resource(row: Row) -> dict[str, Any]:
    data = {name: _value(value) for name, value in row.items() if name != "extras"}
    data.update(row["extras"] or {})
    url = data["url"]
    # An address without a scheme is shown with one.
    if url and not urlsplit(url).scheme:
        data["url"] = f"http://{url.lstrip('/')}"
    return data
