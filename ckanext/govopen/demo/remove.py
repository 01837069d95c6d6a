"""Takes the demonstration away: datasets, departments, accounts, files, source, index.

What the ledger holds stays: it records what was decided on this site, and names nobody. Purging
one by one would take a Solr commit each, so the rows go in a few statements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import sqlalchemy as sa
from ckan import model
from ckan.plugins import plugin_loaded
from ckanext.harvest.model import HarvestJob, HarvestObject

from ckanext.govopen.demo import load
from ckanext.govopen.logic import command, file_upkeep
from ckanext.govopen.model import catalogue, copying
from ckanext.govopen.search import document

#: Tables of the extension with a column ``package_id`` that go with a dataset.
OWN = (
    "govopen_release",
    "govopen_dataset",
    "govopen_review",
    "govopen_file",
    "govopen_loaded",
    "govopen_location",
    "govopen_standing",
    "govopen_grant",
)


def remove(accounts_file: Path, say: Callable[[str], None]) -> None:
    """Takes away what was made; harmless when there is nothing, or only a part of it."""
    made = load.made()
    if made is None:
        say("There is no demonstration on this site.")
    else:
        datasets = _datasets(made)
        _drop_tables(datasets)
        _delete_datasets(datasets)
        _delete_organizations(made["organizations"])
        _delete_users(made["users"])
        if made["source"]:
            catalogue.forget(model.Session, made["source"])
            copying.forget(model.Session, made["source"])
        model.delete_system_info(load.NOTED)
        model.repo.commit()
        for chunk in _chunks(datasets, 200):
            document.remove_many(chunk)
        file_upkeep.collect(model.Session, command.now())
        say(
            f"Removed {len(datasets)} datasets, {len(made['organizations'])} organisations and "
            f"{len(made['users'])} accounts. The ledger keeps its events."
        )
    accounts_file.unlink(missing_ok=True)


def _datasets(made: dict) -> list[str]:
    """Ids of all datasets: harvested, published by departments, made by demo accounts since, the
    source.
    """
    session = model.Session
    harvested = session.query(HarvestObject.package_id).filter(
        HarvestObject.harvest_source_id == made["source"], HarvestObject.package_id.isnot(None)
    )
    in_departments = session.query(model.Package.id).filter(
        sa.or_(
            model.Package.owner_org.in_(made["organizations"]),
            model.Package.creator_user_id.in_(made["users"]),
        )
    )
    found = {row[0] for row in harvested} | {row[0] for row in in_departments}
    return sorted(found | set(made["datasets"]) | ({made["source"]} if made["source"] else set()))


def _chunks(ids: list[str], size: int = 1000) -> Iterable[list[str]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))


def _delete(table: str, column: str, ids: list[str]) -> None:
    """Deletes the rows of a table whose column names one of these ids."""
    rows = sa.table(table, sa.column(column))
    for chunk in _chunks(ids):
        model.Session.execute(sa.delete(rows).where(rows.c[column].in_(chunk)))


def _drop_tables(datasets: list[str]) -> None:
    """The DataStore's tables of the datasets' resources."""
    if not plugin_loaded("datastore"):
        return
    from ckanext.datastore.backend import DatastoreBackend

    backend = DatastoreBackend.get_active_backend()
    resources = model.Session.query(model.Resource.id).filter(
        model.Resource.package_id.in_(datasets)
    )
    for (resource_id,) in resources:
        if backend.resource_exists(resource_id):
            backend.delete({}, {"resource_id": resource_id, "filters": None})


def _delete_datasets(ids: list[str]) -> None:
    session = model.Session
    objects = [
        row[0]
        for row in session.query(HarvestObject.id).filter(
            sa.or_(HarvestObject.package_id.in_(ids), HarvestObject.harvest_source_id.in_(ids))
        )
    ]
    jobs = [row[0] for row in session.query(HarvestJob.id).filter(HarvestJob.source_id.in_(ids))]
    resources = [
        row[0]
        for row in session.query(model.Resource.id).filter(model.Resource.package_id.in_(ids))
    ]
    _delete("harvest_object_error", "harvest_object_id", objects)
    _delete("harvest_object_extra", "harvest_object_id", objects)
    _delete("harvest_object", "id", objects)
    _delete("harvest_gather_error", "harvest_job_id", jobs)
    _delete("harvest_job", "id", jobs)
    _delete("harvest_source", "id", ids)
    _delete("resource_view", "resource_id", resources)
    _delete("resource", "package_id", ids)
    _delete("package_tag", "package_id", ids)
    _delete("package_member", "package_id", ids)
    _delete("package_relationship", "subject_package_id", ids)
    _delete("package_relationship", "object_package_id", ids)
    _delete("user_following_dataset", "object_id", ids)
    _delete("member", "table_id", ids)
    _activities(ids)
    for table in OWN:
        _delete(table, "package_id", ids)
    _delete("package", "id", ids)
    # Words that only these datasets used would still be suggested.
    session.execute(
        sa.text(
            "DELETE FROM tag WHERE NOT EXISTS (SELECT 1 FROM package_tag WHERE tag_id = tag.id)"
        )
    )


def _delete_organizations(ids: list[str]) -> None:
    _delete("member", "group_id", ids)
    _delete("member", "table_id", ids)
    _delete("user_following_group", "object_id", ids)
    _delete("govopen_duty", "organization_id", ids)
    _activities(ids)
    _delete("group", "id", ids)


def _delete_users(ids: list[str]) -> None:
    _activities(ids)
    for table in ("user_following_dataset", "user_following_group", "user_following_user"):
        _delete(table, "follower_id", ids)
    _delete("user_following_user", "object_id", ids)
    _delete("api_token", "user_id", ids)
    _delete("dashboard", "user_id", ids)
    _delete("package_member", "user_id", ids)
    _delete("member", "table_id", ids)
    _delete("govopen_duty", "user_id", ids)
    _delete("user", "id", ids)


def _activities(ids: list[str]) -> None:
    if plugin_loaded("activity"):
        _delete("activity", "object_id", ids)
        _delete("activity", "user_id", ids)
