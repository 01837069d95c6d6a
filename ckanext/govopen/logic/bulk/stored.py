"""Datasets as they are stored, many at once and locked, for whoever is going to change them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from ckan import model

from ckanext.govopen.logic.bulk.shown import Row
from ckanext.govopen.model import file, location


@dataclass
class Stored:
    """One dataset. ``resources`` are the active ones in their order, ``tags`` rows of package_tag
    with the tag's name, of any state.

    ``plain`` is False where more hangs on it than is known here: groups, relationships, tags of a
    vocabulary, more than one department.
    """

    package: Any
    resources: list[Any] = field(default_factory=list)
    tags: list[dict[str, Any]] = field(default_factory=list)
    removed: bool = False
    plain: bool = True
    sources: dict[str, str] = field(default_factory=dict)
    loaded: set[str] = field(default_factory=set)

    def rows(self) -> tuple[Row, list[Row], list[Row]]:
        """Dataset, resources and tags by column name, as the session has them now."""
        tags: list[Row] = [
            {"id": tag["tag_id"], "name": tag["name"], "vocabulary_id": None}
            for tag in self.tags
            if tag["state"] == "active"
        ]
        resources = [row_of(model.resource_table, one) for one in self.resources]
        return row_of(model.package_table, self.package), resources, tags


def row_of(table: sa.Table, one: Any) -> Row:
    """The columns of an object of CKAN's."""
    return {column.name: getattr(one, column.name) for column in table.c}


def read(package_ids: Sequence[str]) -> dict[str, Stored]:
    """These datasets by id, each locked until the end of the transaction.

    A fixed number of statements. The locks are taken in the order of the ids.
    """
    session, package, resource = model.Session, model.package_table, model.resource_table
    found = {
        one.id: Stored(one)
        for one in session.query(model.Package)
        .filter(package.c.id.in_(package_ids))
        .order_by(package.c.id)
        .populate_existing()
        .with_for_update()
    }
    ids = list(found)
    for one in (
        session.query(model.Resource)
        .filter(resource.c.package_id.in_(ids))
        .order_by(resource.c.position)
        .populate_existing()
    ):
        at = found[str(one.package_id)]
        if one.state == "active":
            at.resources.append(one)
        else:
            at.removed = True
    _tags(found)
    _more(found)
    for resource_id, url in location.current_many(session, ids).items():
        owner: Any = session.get(model.Resource, resource_id)
        found[owner.package_id].sources[resource_id] = url
    owners = {one.id: stored for stored in found.values() for one in stored.resources}
    for resource_id, row in file.loaded(session, owners).items():
        if not row.problem:
            owners[resource_id].loaded.add(resource_id)
    return found


def _tags(found: dict[str, Stored]) -> None:
    of, tag = model.package_tag_table, model.tag_table
    rows = model.Session.execute(
        sa.select(
            of.c.id, of.c.package_id, of.c.state, of.c.tag_id, tag.c.name, tag.c.vocabulary_id
        )
        .join(tag, tag.c.id == of.c.tag_id)
        .where(of.c.package_id.in_(list(found)))
    )
    for row in rows:
        stored = found[row.package_id]
        stored.tags.append(dict(row._mapping))
        if row.vocabulary_id is not None:
            stored.plain = False
    for stored in found.values():
        names = [tag["name"] for tag in stored.tags]
        if len(set(names)) != len(names):
            stored.plain = False


def _more(found: dict[str, Stored]) -> None:
    """Notes what else hangs on a dataset."""
    member, relation = model.member_table, model.package_relationship_table
    departments: dict[str, list[Any]] = {}
    for row in model.Session.execute(
        sa.select(member.c.table_id, member.c.capacity, member.c.group_id).where(
            member.c.table_id.in_(list(found))
        )
    ):
        if row.capacity == "organization":
            departments.setdefault(row.table_id, []).append(row.group_id)
        else:
            found[row.table_id].plain = False
    for package_id, stored in found.items():
        if departments.get(package_id) != [stored.package.owner_org]:
            stored.plain = False
    for side in (relation.c.subject_package_id, relation.c.object_package_id):
        for package_id in model.Session.scalars(sa.select(side).where(side.in_(list(found)))):
            found[package_id].plain = False
