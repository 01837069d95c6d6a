"""New datasets, set by set: one statement per table instead of fifty per dataset.

The datasets pass the validators of the site's schema, get their class and their content's place,
and come before the review, as ``package_create`` would do it; a test compares the two row by row.
What is done otherwise is only asked once for all: whether names and ids are free, which tags there
are. A dataset for which the answer is not the ordinary one is left to ``package_create``.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.lib.navl.dictization_functions import DataError
from ckan.plugins import PluginImplementations, toolkit
from ckan.plugins.interfaces import (
    IActions,
    IDomainObjectModification,
    IResourceUrlChange,
)

from ckanext.govopen.logic import gate_new, working_copy
from ckanext.govopen.logic.bulk.schemas import TYPE, Schemas
from ckanext.govopen.logic.bulk.shown import Dicts, Shown, others
from ckanext.govopen.model import file, location, settings

_ACTIONS = frozenset(
    {"package_create", "package_update", "package_show", "package_owner_org_update"}
)


@dataclass
class New:
    """A dataset to be made. ``data`` is what ``package_create`` would be called with."""

    code: str
    data: dict[str, Any]
    context: Any


@dataclass
class Made:
    """What became of it: a dataset with its dicts, errors of the validators, or nothing.

    Neither ``package_id`` nor ``errors``: it is a case for ``package_create``.
    """

    package_id: str = ""
    errors: dict[str, Any] = field(default_factory=dict)
    dicts: Dicts | None = None


@dataclass
class _Rows:
    """The rows of one dataset."""

    package: dict[str, Any]
    resources: list[dict[str, Any]]
    tags: list[dict[str, Any]]
    data: dict[str, Any]
    new: New


def allowed() -> bool:
    """Is nobody passed over when datasets are written in sets?

    Not where the review is off (each is released then), where a plugin takes part in CKAN's
    actions themselves, or watches every object that a session writes.
    """
    if not settings.review_on():
        return False
    if list(PluginImplementations(IDomainObjectModification)):
        return False
    if list(PluginImplementations(IResourceUrlChange)):
        return False
    return not any(
        name in _ACTIONS and not action.__module__.startswith("ckanext.govopen.")
        for plugin in PluginImplementations(IActions)
        for name, action in plugin.get_actions().items()
    )


class Creator:
    """Makes datasets for one writer; the schemas are put together once."""

    def __init__(self, user: Any, schemas: Schemas) -> None:
        self._user = user
        self._schemas = schemas
        self._hooks = {name: others(name) for name in ("create", "after_dataset_create", "read")}
        self._views = bool(toolkit.config.get("ckan.views.default_views"))

    def create(self, wanted: Sequence[New], now: datetime.datetime) -> dict[str, Made]:
        """Writes what can be written, in the caller's transaction; by code what became of each.

        :raises sqlalchemy.exc.DBAPIError: the database refuses something; nothing is usable then
        """
        made: dict[str, Made] = {}
        rows: list[_Rows] = []
        free = _free(wanted)
        for new in wanted:
            if new.code not in free or self._hooks["read"]:
                made[new.code] = Made()
                continue
            try:
                data, errors = self._validated(new)
            except (DataError, toolkit.ValidationError) as error:
                made[new.code] = Made(errors=dict(getattr(error, "error_dict", {})))
                continue
            if errors:
                made[new.code] = Made(errors=errors)
            else:
                rows.append(self._rows(new, data))
        tags = tag_ids({tag["name"] for one in rows for tag in one.tags})
        for one in [one for one in rows if any(tag["name"] not in tags for tag in one.tags)]:
            made[one.new.code] = Made()
            rows.remove(one)
        shown = Shown(self._schemas, {one.package["owner_org"] for one in rows})
        before: list[gate_new.Before] = []
        for one in rows:
            for tag in one.tags:
                tag.update(id=tags[tag["name"]], vocabulary_id=None)
            dicts = shown.of(one.package, one.resources, one.tags, self._user.name)
            made[one.new.code] = Made(package_id=one.package["id"], dicts=dicts)
            held = one.new.context.get(working_copy.LOCATIONS) or {}
            before.append(
                gate_new.Before(
                    one.new.context, one.package["id"], one.package["owner_org"], dicts[1], held
                )
            )
        _insert(rows)
        location.record_new(
            model.Session,
            [(rid, one.package_id, url) for one in before for rid, url in one.locations.items()],
            now,
        )
        gate_new.settle(before, now)
        for one in rows:
            self._tell(one)
        return made

    def _validated(self, new: New) -> tuple[dict[str, Any], dict[str, Any]]:
        context, data = new.context, new.data
        working_copy.prepare_new(context, data)
        return self._schemas.create(data, context)

    def _rows(self, new: New, data: dict[str, Any]) -> _Rows:
        """The rows that CKAN's ``package_dict_save`` and ``package_owner_org_update`` make."""
        moment = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
        data["creator_user_id"] = self._user.id
        extras = {extra["key"]: extra["value"] for extra in data.get("extras") or []}
        package = _row(model.package_table, {**data, "extras": extras}, moment)
        # Until it is released, nothing shows it to anybody outside its department.
        package.update(private=True, metadata_created=moment, plugin_data=None)
        data["id"] = package["id"]
        resources = []
        for position, resource in enumerate(data.get("resources") or []):
            resource.setdefault("package_id", package["id"])
            row = _resource_row(resource, position, moment)
            resource["id"] = row["id"]
            resources.append(row)
        tags = [{"name": name} for name in {tag["name"]: None for tag in data.get("tags") or []}]
        return _Rows(package, resources, tags, data, new)

    def _tell(self, one: _Rows) -> None:
        """Calls what other plugins have to say of a new dataset, and makes the default views."""
        context, package_id = one.new.context, one.package["id"]
        if self._hooks["create"]:
            package = model.Session.get(model.Package, package_id)
            for plugin in self._hooks["create"]:
                plugin.create(package)
        for plugin in self._hooks["after_dataset_create"]:
            plugin.after_dataset_create(context, one.data)
        if self._views and one.resources:
            asking: Any = {"ignore_auth": True, "user": context["user"], "defer_commit": True}
            toolkit.get_action("package_create_default_resource_views")(
                asking, {"package": one.data}
            )


def _free(wanted: Sequence[New]) -> set[str]:
    """Codes of the datasets whose name and resource ids nobody has, here or in the batch."""
    names = [str(new.data.get("name")) for new in wanted]
    resources = {
        new.code: [str(r["id"]) for r in new.data.get("resources") or [] if r.get("id")]
        for new in wanted
    }
    ids = [one for some in resources.values() for one in some]
    taken = _values(model.package_table.c.name, names) | _values(model.package_table.c.id, names)
    held = taken_resources(ids)
    found: set[str] = set()
    for new, name in zip(wanted, names, strict=True):
        own = resources[new.code]
        if (
            new.data.get("type") == TYPE
            and not new.data.get("id")
            and name not in taken
            and held.isdisjoint(own)
            and len(set(own)) == len(own)
        ):
            found.add(new.code)
            taken.add(name)
            held.update(own)
    return found


def taken_resources(ids: Collection[str]) -> set[str]:
    """Those of these ids that a resource has, or had when its rows were loaded."""
    return _values(model.resource_table.c.id, ids) | set(file.loaded(model.Session, ids))


def _values(column: Any, wanted: Iterable[str]) -> set[str]:
    return set(model.Session.scalars(sa.select(column).where(column.in_(list(wanted)))))


def _new_id() -> str:
    return str(uuid.uuid4())


def _row(table: sa.Table, data: Mapping[str, Any], moment: datetime.datetime) -> dict[str, Any]:
    """A row as CKAN's objects are saved: what is not given or None has the column's default."""
    row: dict[str, Any] = {}
    for column in table.c:
        value = data.get(column.name)
        if value is None and column.default is not None and not column.default.is_callable:
            value = column.default.arg  # pyright: ignore[reportAttributeAccessIssue]
        row[column.name] = value
    row["id"] = row["id"] or _new_id()
    row["metadata_modified"] = row["metadata_modified"] or moment
    return row


def _resource_row(
    resource: Mapping[str, Any], position: int, moment: datetime.datetime
) -> dict[str, Any]:
    known = {column.name for column in model.resource_table.c}
    row = _row(model.resource_table, resource, moment)
    row["extras"] = {
        name: value
        for name, value in resource.items()
        if name not in known and name not in ("revision_timestamp", "tracking_summary")
    }
    row.update(
        position=position, state="active", metadata_modified=moment,
        created=row["created"] or moment, url=row["url"] or "",
        format=row["format"] if row["format"] is not None else "",
        hash=row["hash"] if row["hash"] is not None else "",
    )  # fmt: skip
    return row


def tag_ids(names: Collection[str]) -> dict[str, str]:
    """Ids of the free tags by name; the writer has made those that were missing."""
    tag = model.tag_table
    return dict(
        model.Session.execute(
            sa.select(tag.c.name, tag.c.id)
            .where(tag.c.name.in_(names), tag.c.vocabulary_id.is_(None))
            .order_by(tag.c.id.desc())
        )
        .tuples()
        .all()
    )


def _insert(rows: Sequence[_Rows]) -> None:
    if not rows:
        return
    execute = model.Session.execute
    execute(sa.insert(model.package_table), [one.package for one in rows])
    resources = [resource for one in rows for resource in one.resources]
    if resources:
        execute(sa.insert(model.resource_table), resources)
    tags = [
        {"id": str(uuid.uuid4()), "package_id": one.package["id"], "tag_id": tag["id"],
         "state": "active"}
        for one in rows
        for tag in one.tags
    ]  # fmt: skip
    if tags:
        execute(sa.insert(model.package_tag_table), tags)
    members = [
        {"id": str(uuid.uuid4()), "table_name": "package", "table_id": one.package["id"],
         "capacity": "organization", "group_id": one.package["owner_org"], "state": "active"}
        for one in rows
    ]  # fmt: skip
    execute(sa.insert(model.member_table), members)
