"""Released files into the DataStore.

Runs as a background job after a release, and again whenever it has to: it compares what the live
release names with what the DataStore holds, and does what is missing. Rows are made from the
released bytes alone, whose digest is checked. A table is replaced in one transaction, so that a
reader sees the old rows or the new ones; and while a table is replaced, outsiders see none.
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.plugins import plugin_loaded
from sqlalchemy.dialects.postgresql import JSONB

from ckanext.govopen.access import clock, files
from ckanext.govopen.domain.refusal import N_
from ckanext.govopen.domain.release import FileFact
from ckanext.govopen.logic import datastore_table
from ckanext.govopen.logic.table import TABULAR, Unreadable, read
from ckanext.govopen.model import file as file_model
from ckanext.govopen.model import outbox
from ckanext.govopen.model import release as releases

__all__ = ["concerned", "load"]

log = logging.getLogger(__name__)


def load(package_id: str) -> dict[str, str]:
    """Bring the DataStore in line with the live release of a dataset.

    May run at any time and any number of times; two runs for one dataset take turns. Gives what
    was done by resource id: ``loaded``, ``kept``, ``dropped`` or ``failed``.
    """
    if not plugin_loaded("datastore"):
        return {}
    with _turn(package_id):
        release = releases.live(package_id)
        items = _items(release)
        wanted = _wanted(release)
        held = file_model.loaded_of_package(model.Session, package_id)
        done: dict[str, str] = {}
        for resource_id, row in held.items():
            if resource_id not in wanted and not (row.written and _is_there(resource_id)):
                _forget(resource_id)
                datastore_table.drop(resource_id)
                done[resource_id] = "dropped"
        for resource_id, fact in wanted.items():
            row = held.get(resource_id)
            if row is not None and row.sha256 == fact.sha256:
                done[resource_id] = "kept"
            else:
                done[resource_id] = _load(package_id, resource_id, fact, items)
        return done


def concerned(package_ids: Iterable[str]) -> list[str]:
    """Those of the datasets that have released files or rows that were loaded: one statement.

    Most records of a catalogue have neither, and a job for each of them would do nothing.
    """
    ids = sorted(set(package_ids))
    release, loaded = releases.ReleaseRow.__table__, file_model.LoadedRow.__table__
    with_files = sa.select(release.c.package_id).where(
        release.c.status == releases.LIVE,
        release.c.package_id.in_(ids),
        release.c.files != sa.cast({}, JSONB),
    )
    with_rows = sa.select(loaded.c.package_id).where(loaded.c.package_id.in_(ids))
    return sorted(set(model.Session.execute(sa.union(with_files, with_rows)).scalars()))


@contextmanager
def _turn(package_id: str) -> Iterator[None]:
    """One run for a dataset at a time, over all its transactions."""
    engine: Any = model.meta.engine
    key = sa.func.hashtextextended(f"govopen-datastore/{package_id}", 0)
    with engine.connect() as connection:
        connection.execute(sa.select(sa.func.pg_advisory_lock(key)))
        try:
            model.Session.rollback()  # see what the run before has committed
            yield
        finally:
            connection.execute(sa.select(sa.func.pg_advisory_unlock(key)))
            model.Session.remove()


def _wanted(release: Any) -> dict[str, FileFact]:
    """The released files that are tables, by resource id."""
    if release is None:
        return {}
    facts = {resource_id: release.file(resource_id) for resource_id in release.files}
    return {
        resource_id: fact
        for resource_id, fact in facts.items()
        if fact is not None and fact.media_type in TABULAR and fact.size
    }


def _items(release: Any) -> dict[str, str]:
    """Types of the declared information items by name."""
    items = (release.data["shown"].get("info_items") if release is not None else None) or []
    if not isinstance(items, list):
        return {}
    return {
        str(item["name"]): str(item.get("type") or "")
        for item in items
        if isinstance(item, dict) and item.get("name")
    }


def _is_there(resource_id: str) -> bool:
    """Does the working copy still have this resource?"""
    resource = model.Session.get(model.Resource, resource_id)
    if resource is None or resource.state != "active":
        return False
    package = model.Session.get(model.Package, resource.package_id)
    return package is not None and package.state != "deleted"


def _forget(resource_id: str) -> None:
    """From this commit on the portal does not claim to know what the table holds."""
    file_model.forget_loaded(model.Session, resource_id)
    model.repo.commit()


def _load(package_id: str, resource_id: str, fact: FileFact, items: dict[str, str]) -> str:
    """Load one file; gives ``loaded`` or ``failed``."""
    problem, count = "", 0
    _forget(resource_id)
    try:
        with files.verified(fact) as source, tempfile.TemporaryFile() as flat:
            table = read(source, fact.media_type, items)
            count = datastore_table.flatten(table, flat)
            datastore_table.replace(resource_id, table.columns, flat, count)
    except Unreadable as error:
        problem = json.dumps({"message": error.message, "params": error.params})
    except files.BytesMissing:
        problem = json.dumps({"message": N_("The portal has lost this file."), "params": {}})
    if problem:
        log.warning("The rows of resource %s were not loaded: %s", resource_id, problem)
        datastore_table.drop(resource_id)
    file_model.set_loaded(
        model.Session,
        resource_id,
        package_id,
        fact.sha256,
        clock.now(),
        rows=0 if problem else count,
        problem=problem,
    )
    # Lists of datasets say as well whether a resource has rows.
    outbox.put(model.Session, "reindex", {"packages": [package_id]}, clock.now())
    model.repo.commit()
    return "failed" if problem else "loaded"
