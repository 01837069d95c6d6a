"""Changed datasets, set by set: read, validated, written and brought before the gate together.

What ``package_update`` asks and reads back for each dataset is asked once for all; the validators,
CKAN's own way of putting a dict into its rows, and the rules of the review are the same. A test
compares the rows. A dataset of which more is to be known than is asked here is left to
``package_update``: one that leaves its department or loses a resource, or is grouped or related.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.lib import uploader
from ckan.lib.dictization.model_save import resource_dict_save
from ckan.lib.navl.dictization_functions import DataError
from ckan.lib.plugins import lookup_package_plugin
from ckan.plugins import toolkit

from ckanext.govopen.access.show import views_of_many
from ckanext.govopen.logic import gate_changed, preview, snapshot, working_copy
from ckanext.govopen.logic.bulk import stored
from ckanext.govopen.logic.bulk.create import Made, tag_ids, taken_resources
from ckanext.govopen.logic.bulk.merge import merged
from ckanext.govopen.logic.bulk.schemas import TYPE, Schemas
from ckanext.govopen.logic.bulk.shown import Shown, others
from ckanext.govopen.model import file, location


@dataclass
class Change:
    """A dataset to be changed. ``data`` is what the mapping made of its record; ``ours`` as
    :func:`.merge.merged` takes it.
    """

    code: str
    package_id: str
    data: dict[str, Any]
    context: Any
    ours: frozenset[str] = frozenset()


@dataclass
class _Ready:
    """A change that may be written: ``data`` are the fields as they are stored.

    ``same`` are the places of the resources that stay as they are, ``uploads`` what CKAN does
    with the files of the others.
    """

    change: Change
    at: stored.Stored
    before: dict[str, Any]
    data: dict[str, Any]
    same: dict[int, Any]
    uploads: dict[int, Any] = field(default_factory=dict)
    changed: bool = False


class Changer:
    """Changes datasets for one writer."""

    def __init__(self, user: Any, schemas: Schemas) -> None:
        self._user = user
        self._schemas = schemas
        self._hooks = {name: others(name) for name in ("edit", "after_dataset_update", "read")}
        plugin = lookup_package_plugin(TYPE)
        depends = getattr(plugin, "resource_validation_dependencies", lambda _: [])
        self._usable = not self._hooks["read"] and not depends(TYPE)

    def change(self, wanted: Sequence[Change], now: datetime.datetime) -> dict[str, Made]:
        """Writes what can be written, in the caller's transaction; by code what became of each.

        :raises sqlalchemy.exc.DBAPIError: the database refuses something; nothing is usable then
        """
        made = {one.code: Made() for one in wanted}
        if not self._usable:
            return made
        found = stored.read([one.package_id for one in wanted])
        shown = Shown(self._schemas, {one.package.owner_org for one in found.values()})
        candidates: list[_Ready] = []
        for one in wanted:
            at = found.pop(one.package_id, None)  # of two changes of one dataset only the first
            if at is None or not _ordinary(one, at):
                continue
            before = shown.site(*at.rows(), self._user.name, at.loaded)
            data = merged(before, one.data, at.package.name, one.ours)
            candidates.append(_Ready(one, at, before, data, {}))
        ready: list[_Ready] = []
        free = _free(candidates)
        for one in candidates:
            if not free.issuperset(_new_ids(one)) or not _keeps_all(one):
                continue
            try:
                errors = self._validated(one)
            except (DataError, toolkit.ValidationError) as error:
                made[one.change.code] = Made(errors=dict(getattr(error, "error_dict", {})))
                continue
            if not errors:
                ready.append(one)
            elif not one.same:
                made[one.change.code] = Made(errors=errors)
        known = tag_ids({tag["name"] for one in ready for tag in _tags(one)})
        ready = [one for one in ready if all(_is_free(tag, known) for tag in _tags(one))]
        self._write(ready, known)
        for one in ready:
            made[one.change.code] = Made(package_id=one.at.package.id)
        self._settle([one for one in ready if one.changed], shown, made, now)
        return made

    def _validated(self, one: _Ready) -> dict[str, Any]:
        """Prepares and validates the fields as ``package_update`` does; the errors."""
        context, data, package = one.change.context, one.data, one.at.package
        context.update(package=package, original_package=one.before)
        working_copy.prepare_change(context, data, one.before, one.at.sources)
        old = {resource["id"]: resource for resource in one.before["resources"]}
        objects = {resource.id: resource for resource in one.at.resources}
        given: list[Any] = []
        for place, resource in enumerate(data["resources"]):
            if resource == old.get(resource.get("id")):
                one.same[place] = objects[resource["id"]]
                continue
            upload: Any = uploader.get_resource_uploader(resource)
            if "mimetype" not in resource and hasattr(upload, "mimetype"):
                resource["mimetype"] = upload.mimetype
            if "url_type" in resource and hasattr(upload, "filesize"):
                resource["size"] = upload.filesize
            one.uploads[place] = upload
            given.append(resource)
        one.data, errors = self._schemas.update({**data, "resources": given}, context)
        return errors

    def _write(self, ready: Sequence[_Ready], tags: Mapping[str, str]) -> None:
        """Puts the fields into the rows, as CKAN's ``package_dict_save`` does."""
        moment = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
        for one in ready:
            one.changed = _saved(one)
        changed = _save_tags(ready, tags)
        for one in ready:
            one.changed = one.changed or one.at.package.id in changed
            if one.changed:
                one.at.package.metadata_modified = moment
        model.Session.flush()
        for one in ready:
            for place, upload in one.uploads.items() if one.changed else ():
                upload.upload(one.at.resources[place].id, uploader.get_max_resource_size())
            for plugin in self._hooks["edit"] if one.changed else ():
                plugin.edit(one.at.package)

    def _settle(
        self, ready: Sequence[_Ready], shown: Shown, made: dict[str, Made], now: datetime.datetime
    ) -> None:
        """What follows from a write: kept addresses, previews, the gate, dicts for the index."""
        if not ready:
            return
        session, ids = model.Session, [one.at.package.id for one in ready]
        kept: list[tuple[str, str, str]] = []
        for one in ready:
            alive = {resource.id for resource in one.at.resources}
            pending = one.change.context.pop(working_copy.LOCATIONS, None) or {}
            kept += [
                (name, one.at.package.id, url) for name, url in pending.items() if name in alive
            ]
            if _other_kinds(one):
                preview.offer(one.change.context, one.at.package.id)
        location.record_many(session, kept, now)
        files = file.current_many(session, ids)
        for name, url in location.current_many(session, ids).items():
            files[name] = location.fact(url)
        views = views_of_many(ids)
        gated: list[gate_changed.Changed] = []
        for one in ready:
            package = one.at.package
            dicts = shown.of(*one.at.rows(), self._user.name, one.at.loaded)
            made[one.change.code].dicts = dicts
            own = {r.id: files[r.id] for r in one.at.resources if r.id in files}
            read = snapshot.of_dicts(*dicts, own, views.get(package.id, []))
            gated.append(gate_changed.Changed(one.change.context, package, read))
        gate_changed.settle(gated, now)
        for one in ready:
            dicts = made[one.change.code].dicts
            for shape in dicts or ():
                shape["private"] = one.at.package.private
            for plugin in self._hooks["after_dataset_update"]:
                plugin.after_dataset_update(one.change.context, one.data)


def _ordinary(one: Change, at: stored.Stored) -> bool:
    package = at.package
    return (
        at.plain
        and package.state == "active"
        and package.type == TYPE
        and package.owner_org == one.data.get("owner_org")
    )


def _ids(one: _Ready) -> list[str]:
    return [str(resource.get("id") or "") for resource in one.data["resources"]]


def _new_ids(one: _Ready) -> list[str]:
    there = {resource.id for resource in one.at.resources}
    return [name for name in _ids(one) if name not in there]


def _keeps_all(one: _Ready) -> bool:
    """Does every resource stay? One that goes leaves a row behind which the next write removes."""
    ids, there = _ids(one), [resource.id for resource in one.at.resources]
    if len(set(ids)) != len(ids) or "" in ids or not set(ids).issuperset(there):
        return False
    return not one.at.removed or ids == there


def _free(candidates: Sequence[_Ready]) -> set[str]:
    """The new ids of resources that nobody has, here or in the batch."""
    ids = [name for one in candidates for name in _new_ids(one)]
    taken = taken_resources(ids)
    return {name for name in ids if name not in taken and ids.count(name) == 1}


def _saved(one: _Ready) -> bool:
    """Did the dataset or one of its resources change?"""
    data, package = one.data, one.at.package
    data.pop("metadata_created", None)
    data.pop("plugin_data", None)
    extras = {extra["key"]: extra["value"] for extra in data.get("extras") or []}
    fields, _ = package.from_dict({**data, "extras": extras})
    changed = bool(fields)
    before = one.at.resources
    given = iter(data.get("resources") or [])
    now: list[Any] = []
    for place in range(len(one.same) + len(one.uploads)):
        resource = one.same.get(place)
        if resource is None:
            row = next(given)
            row["package_id"] = row.get("package_id") or package.id
            resource, what = resource_dict_save(row, one.change.context)
            changed = changed or what is not None
        now.append(resource)
    if now != before:
        changed = True
        for place, resource in enumerate(now):
            resource.package_id, resource.position = package.id, place
            model.Session.add(resource)
        one.at.resources = now
    return changed


def _tags(one: _Ready) -> list[dict[str, Any]]:
    return one.data.get("tags") or []


def _is_free(tag: Mapping[str, Any], known: Mapping[str, str]) -> bool:
    return not tag.get("vocabulary_id") and tag["name"] in known


def _save_tags(ready: Sequence[_Ready], known: Mapping[str, str]) -> set[str]:
    """Writes which tags the datasets have; the ids of those for which that changed."""
    states: dict[str, list[str]] = {"active": [], "deleted": []}
    new: list[dict[str, Any]] = []
    changed: set[str] = set()
    for one in ready:
        package_id, there = one.at.package.id, {tag["name"] for tag in one.at.tags}
        wanted = {tag["name"] for tag in _tags(one)}
        for tag in one.at.tags:
            state = "active" if tag["name"] in wanted else "deleted"
            if tag["state"] != state:
                tag["state"] = state
                states[state].append(tag["id"])
                changed.add(package_id)
        for name in sorted(wanted - there):
            row = {"id": str(uuid.uuid4()), "package_id": package_id, "state": "active",
                   "tag_id": known[name]}  # fmt: skip
            new.append(row)
            one.at.tags.append({**row, "name": name, "vocabulary_id": None})
            changed.add(package_id)
    table = model.package_tag_table
    for state, ids in states.items():
        if ids:
            model.Session.execute(sa.update(table).where(table.c.id.in_(ids)).values(state=state))
    if new:
        model.Session.execute(sa.insert(table), new)
    return changed


def _other_kinds(one: _Ready) -> bool:
    """Is there a resource that may get a preview: a new one, or one of another kind than before?"""
    old = {resource["id"]: preview.kind(resource) for resource in one.before["resources"]}
    return any(
        old.get(resource.id)
        != preview.kind({"url_type": resource.url_type, "format": resource.format})
        for resource in one.at.resources
    )
