"""The DataStore: rows only for those who may read the content, and only rows that were released.

Two things are held apart. *Reading*: an outsider reads the rows of a resource while the table
holds what the live release names, neither before a new release was loaded nor after a department
has written something else. *Writing*: rows that were released change with a review, or under a
standing approval, and in no other way. Where the review is switched off, only the first question
is left: may the content be read?
"""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg2
import sqlalchemy as sa
from ckan import model
from ckan.logic import fresh_context
from ckan.plugins import plugin_loaded, toolkit
from flask import has_request_context, request
from psycopg2 import errors as pg

from ckanext.govopen.access import clock, deliveries, granted, uses
from ckanext.govopen.access.handler import Action, Handler
from ckanext.govopen.access.policy import Sight
from ckanext.govopen.access.sight import resource_sight
from ckanext.govopen.access.viewer import person
from ckanext.govopen.domain.grant import Grant
from ckanext.govopen.domain.refusal import N_, Answer
from ckanext.govopen.model import file as file_model
from ckanext.govopen.model import settings

__all__ = ["ACTIONS", "AUTH", "Rows", "check_dump", "mark", "on_platform", "rows"]

_TABLES = "_table_metadata"


@dataclass(frozen=True)
class Rows:
    """What somebody may read of the rows of a resource; ``columns`` None means all of them.

    ``grants`` are those that he reads them under, each counted; empty for whoever needs none.
    ``refused`` says why he may not, where there is a grant that does not cover it.
    """

    readable: bool
    columns: frozenset[str] | None = None
    grants: tuple[Grant, ...] = ()
    package_id: str = ""
    refused: bool = False


_NONE = Rows(False)


def rows(context: Any, resource_id: str | None) -> Rows:
    """May the context's person read the rows of this resource, and which columns?"""
    if person(context).internal:
        return Rows(True)  # by an alias as well, which names no resource
    package_id, access = resource_sight(context, resource_id)
    if package_id is None or resource_id is None or not (access.visible and access.content):
        return _NONE
    if access.sight is Sight.WORKING:
        return Rows(True)
    if settings.review_on() and not file_model.rows_are_released(
        model.Session, package_id, resource_id
    ):
        return _NONE
    if access.reason == "grant":
        return _granted(context, package_id, resource_id)
    return Rows(True)


def _granted(context: Any, package_id: str, resource_id: str) -> Rows:
    """Rows by the interface; those of a resource that has no file are what its download gives."""
    usable = deliveries.by_way(context, package_id, "interface")
    if not usable and _is_dump() and _made_of_rows(resource_id):
        usable = [
            grant
            for grant in deliveries.by_way(context, package_id, "download")
            if grant.items is None
        ]
    if not usable:
        return Rows(False, package_id=package_id, refused=True)
    if any(grant.items is None for grant in usable):
        columns = None
    else:
        columns = frozenset[str]().union(*(grant.items or () for grant in usable))
    return Rows(True, columns, tuple(usable), package_id)


def on_platform(context: Any, grant_id: str, resource_id: str) -> Rows:
    """What somebody may look at on the portal's own page under this grant."""
    package_id, access = resource_sight(context, resource_id)
    if package_id is None or access.sight is not Sight.RELEASE or access.reason != "grant":
        return _NONE
    if settings.review_on() and not file_model.rows_are_released(
        model.Session, package_id, resource_id
    ):
        return _NONE
    for grant in deliveries.by_way(context, package_id, "on_platform"):
        if grant.id == grant_id:
            return Rows(True, grant.items, (grant,), package_id)
    return _NONE


def _is_dump() -> bool:
    return has_request_context() and request.endpoint == "datastore.dump"


def _made_of_rows(resource_id: str) -> bool:
    resource = model.Session.get(model.Resource, resource_id)
    return resource is not None and resource.url_type in file_model.ROWS_URL_TYPES


@dataclass(frozen=True)
class Held:
    """What the DataStore holds of some resources, read for all of them at once.

    :ivar rows: what the portal has loaded, by resource id
    :ivar active: those that CKAN has marked, where its word counts
    """

    rows: Mapping[str, file_model.LoadedRow]
    active: frozenset[str]


def held(resource_ids: Iterable[str], *, released: bool) -> Held:
    """Reads it: two statements at most, none for no resources."""
    ids = list(resource_ids)
    if not ids or not plugin_loaded("datastore"):
        return Held({}, frozenset())
    active = _active(ids) if released and not settings.review_on() else frozenset()
    return Held(file_model.loaded(model.Session, ids), active)


def mark(
    dataset: dict[str, Any], digests: Mapping[str, str] | None = None, known: Held | None = None
) -> None:
    """Say of every resource of a dataset dict whether the DataStore has its rows, in place.

    ``digests`` are those that a release names, by resource id: its rows count only when they were
    made from them. None for the working copy. ``known`` spares reading, where it is for many.
    """
    resources = dataset.get("resources") or []
    if not plugin_loaded("datastore"):
        return
    if known is None:
        known = held((resource["id"] for resource in resources), released=digests is not None)
    for resource in resources:
        row = known.rows.get(resource["id"])
        if row is None and not settings.review_on():
            # CKAN's own rows, with CKAN's own word, which it writes into the row beside all saves.
            if digests is not None:
                resource["datastore_active"] = resource["id"] in known.active
            continue
        there = row is not None and not row.problem
        if row is not None and digests is not None and settings.review_on():
            there = there and digests.get(resource["id"]) == row.sha256
        resource["datastore_active"] = there


def _active(resource_ids: list[str]) -> frozenset[str]:
    """Those of the resources that CKAN has marked as having rows."""
    table = model.resource_table
    found = model.Session.execute(
        sa.select(table.c.id, table.c.extras).where(table.c.id.in_(resource_ids))
    )
    return frozenset(key for key, extras in found if (extras or {}).get("datastore_active"))


def _missing(resource_id: Any) -> toolkit.ObjectNotFound:
    """CKAN's own answer for a table that is not there."""
    return toolkit.ObjectNotFound(
        toolkit._('Resource "{0}" was not found.').format(resource_id)  # CKAN's msgid
    )


_POOL = "ckan.datastore.sqlalchemy.pool_size"
_OVERFLOW = "ckan.datastore.sqlalchemy.max_overflow"


def keep_connections(config: Any) -> None:
    """Sets SQLAlchemy's limits for connections to the DataStore, where the site sets none.

    CKAN reads some answers of the DataStore after it gave the connection back. A connection above
    the size of the pool is closed then, its answer with it, and the sixth reader of a process gets
    a 500. As many connections as SQLAlchemy allows anyway, all of them kept, avoid that.
    """
    if _POOL not in config and _OVERFLOW not in config:
        config[_POOL], config[_OVERFLOW] = "15", "0"


_types = threading.Lock()


def _know_types() -> None:
    """CKAN reads the types of PostgreSQL at the first question for rows and keeps them; another
    thread that asks meanwhile finds half of them and fails, so they are read by one at a time.
    """
    from ckanext.datastore.backend import postgres

    with _types:
        postgres._cache_types(postgres.get_read_engine())


def datastore_search(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """Rows, cut to what a grant covers and counted. The list of all tables is nobody's business."""
    resource_id = data_dict.get("resource_id")
    if resource_id == _TABLES:
        raise _missing(resource_id)
    if not isinstance(resource_id, str):
        return next_action(context, data_dict)
    may = rows(context, resource_id)
    if may.refused:
        raise not_by_interface(context, may.package_id, resource_id)
    if not may.readable:
        raise _missing(resource_id)
    _know_types()
    with _understood(resource_id):
        if not may.grants:
            return next_action(context, data_dict)
        return granted.search(next_action, context, data_dict, may.package_id, may.grants)


@contextlib.contextmanager
def _understood(resource_id: str) -> Iterator[None]:
    """What the database cannot do with a question is a mistake of the question in every format.

    CKAN says so for rows in JSON only: as CSV or TSV, and so in every dump, a word in a column of
    numbers, a language that there is not or an order beside ``distinct`` end in a fault.

    :raises ValidationError: in place of the database's error
    """
    try:
        yield
    except pg.UndefinedTable:
        raise _missing(resource_id) from None
    except (psycopg2.DataError, psycopg2.ProgrammingError, pg.QueryCanceled) as error:
        if isinstance(error, pg.QueryCanceled):
            text = toolkit._("The search took too long. Ask for less at once.")
        else:
            text = toolkit._(
                "The rows cannot be searched like this: a value does not fit its column, the words"
                " or the language are none, or the order is not among the columns of “distinct”."
            )
        raise toolkit.ValidationError({"query": [text]}) from None


def not_by_interface(context: Any, package_id: str, resource_id: str) -> toolkit.NotAuthorized:
    """For who has a grant that covers another way of delivery only; the attempt is written down."""
    answer = Answer(False, "delivery", N_("The grant does not cover this way of delivery."))
    uses.refused(context, uses.Target(package_id, resource_id, "rows"), answer)
    return toolkit.NotAuthorized(answer.text(toolkit._))


def check_dump(context: Any, resource_id: str, asked: Mapping[str, str]) -> None:
    """Before a dump begins: refused where it is not covered, or would break off for want of rows.

    :raises NotAuthorized: the grant covers another way of delivery
    :raises UsedUp: it takes more rows than are left today
    """
    may = rows(context, resource_id)
    if may.refused:
        raise not_by_interface(context, may.package_id, resource_id)
    if may.grants:
        granted.check_dump(
            toolkit.get_action("datastore_search"), context, resource_id, may.grants, asked
        )


def datastore_info(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """The columns of a table, for those who may read its rows."""
    resource_id = data_dict.get("resource_id")
    if not isinstance(resource_id, str):
        return next_action(context, data_dict)
    may = rows(context, resource_id)
    if may.refused:
        raise not_by_interface(context, may.package_id, resource_id)
    if not may.readable:
        raise toolkit.ObjectNotFound(
            toolkit._('Resource/Alias "{0}" was not found.').format(resource_id)  # CKAN's msgid
        )
    info = next_action(context, data_dict)
    if may.columns is not None:
        info["fields"] = [field for field in info["fields"] if field["id"] in may.columns]
        # Sizes of table and indexes say something of the other columns.
        info["meta"] = {k: v for k, v in info.get("meta", {}).items() if k in ("id", "count")}
        info.pop("aliases", None)
    return info


def _writable(context: Any, action: str, data: dict[str, Any]) -> model.Resource | None:
    """The resource that is written to, locked with its dataset; None when CKAN shall answer."""
    resource_id = data.get("resource_id")
    resource = model.Session.get(model.Resource, resource_id) if resource_id else None
    if resource is None or resource.package_id is None:
        return None
    toolkit.check_access(action, context, dict(data))
    deliveries.lock(resource.package_id)
    return resource


def _note(context: Any, resource: Any, data: Mapping[str, Any]) -> None:
    """Note that rows were written which nobody has reviewed yet."""
    now = clock.now()
    if resource.url_type in file_model.ROWS_URL_TYPES:
        delivery = json.dumps(data, sort_keys=True, default=str).encode()
        digest = file_model.record_rows(
            model.Session, resource.id, resource.package_id, delivery, now
        )
    else:  # the rows of a file are those of the file: these stay with the department
        digest = secrets.token_hex(32)
    file_model.set_loaded(
        model.Session, resource.id, resource.package_id, digest, now, written=True
    )


def _touch(context: Any, resource_id: str) -> None:
    """Let the change pass through CKAN's own hooks, so that the review comes to know of it."""
    toolkit.get_action("resource_patch")(
        fresh_context(context),
        {"id": resource_id, "last_modified": clock.now().replace(tzinfo=None).isoformat()},
    )


def _write(
    action: str, next_action: Action, context: Any, data_dict: dict[str, Any], schema: bool
) -> Any:
    """One write: free before the release, by standing approval after it.

    The note is made before the write and once more after it: whatever happens in between, an
    approval that was given for other rows does not make these public.
    """
    resource = _writable(context, action, data_dict) if settings.review_on() else None
    if resource is None:
        return next_action(context, data_dict)
    resource_id, written = resource.id, _described(data_dict)
    if deliveries.is_released(resource):
        if schema:
            raise deliveries.refusal(
                N_("The columns of released data change with a review, not by a delivery.")
            )
        return deliveries.deliver(
            resource, data_dict, context, lambda: next_action(context, data_dict)
        )
    _note(context, resource, written)
    model.repo.commit()
    result = next_action(context, data_dict)
    resource = model.Session.get(model.Resource, resource_id)
    if resource is not None:
        _note(context, resource, written)
        _touch(context, resource_id)
    return result


def _described(data: Mapping[str, Any]) -> dict[str, Any]:
    """What a write consists of, for the digest of deliveries."""
    kept = ("fields", "records", "method", "filters", "delete_fields", "triggers")
    return {name: data[name] for name in kept if name in data}


_SCHEMA_KEYS = ("fields", "delete_fields", "aliases", "triggers", "primary_key", "indexes")


def datastore_create(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """A table for a resource, or a resource with its table."""
    new = data_dict.get("resource")
    # CKAN drops an empty one and writes to ``resource_id``; with both it refuses.
    if new and isinstance(new, Mapping) and "resource_id" not in data_dict and settings.review_on():
        written = _described(data_dict)
        result = next_action(context, data_dict)
        resource_id = (result or {}).get("resource_id")
        resource = model.Session.get(model.Resource, resource_id) if resource_id else None
        if resource is not None:
            _note(context, resource, written)
            _touch(context, resource.id)
        return result
    schema = any(data_dict.get(key) not in (None, [], "") for key in _SCHEMA_KEYS)
    return _write("datastore_create", next_action, context, data_dict, schema)


def datastore_upsert(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """Rows for a table."""
    if toolkit.asbool(data_dict.get("dry_run", False)):
        return next_action(context, data_dict)
    return _write("datastore_upsert", next_action, context, data_dict, schema=False)


def datastore_delete(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """Rows out of a table; without filters the whole table."""
    if data_dict.get("filters") is not None:
        return _write("datastore_delete", next_action, context, data_dict, schema=False)
    resource = _writable(context, "datastore_delete", data_dict)
    if resource is not None and settings.review_on() and deliveries.is_released(resource):
        raise deliveries.refusal(
            N_("Released rows go with their resource: delete it, or suspend the dataset.")
        )
    result = next_action(context, data_dict)
    if resource is not None:
        file_model.forget_loaded(model.Session, resource.id)
        model.repo.commit()
    return result


def datastore_run_triggers(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """Triggers may change rows, so they are a write."""
    return _write("datastore_run_triggers", next_action, context, data_dict, schema=True)


@toolkit.chained_auth_function
@toolkit.auth_allow_anonymous_access
def _reads(next_auth: Any, context: Any, data_dict: Any) -> Any:
    """For views that ask before they read, such as the dump."""
    data = data_dict or {}
    may = rows(context, data.get("resource_id") or data.get("id"))
    if not may.readable:
        return {"success": False, "msg": toolkit._("Not authorized to read resource.")}
    return {"success": True}


@toolkit.chained_auth_function
@toolkit.auth_allow_anonymous_access
def _reads_sql(next_auth: Any, context: Any, data_dict: Any) -> Any:
    """Every table of the statement has to be readable, in all its columns.

    CKAN hands the names over as a generator: read once, it would be empty for whoever comes next.
    """
    names = context["table_names"] = list(context.get("table_names") or ())
    for name in names:
        may = rows(context, name)
        if not may.readable or may.grants:  # what is read by SQL can be neither cut nor counted
            return {"success": False, "msg": toolkit._("Not authorized to read resource.")}
    return {"success": True}


#: For the guard of actions, when the plugin ``datastore`` is on. ``datastore_records_delete``
#: calls ``datastore_delete`` and is covered by it.
ACTIONS: dict[str, Handler] = {
    "datastore_search": datastore_search,
    "datastore_info": datastore_info,
    "datastore_create": datastore_create,
    "datastore_upsert": datastore_upsert,
    "datastore_delete": datastore_delete,
    "datastore_run_triggers": datastore_run_triggers,
}

#: Authorisation functions, when the plugin ``datastore`` is on.
AUTH: dict[str, Any] = {
    "datastore_search": _reads,
    "datastore_info": _reads,
    "datastore_search_sql": _reads_sql,
}
