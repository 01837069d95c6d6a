"""Writes that CKAN makes beside ``package_update``: resource views, owners, purges.

Each is followed by the gate in the transaction of its own, so that nothing of it is public before
it was reviewed.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.plugins import toolkit

from ckanext.govopen.access.facts import resource_package, view_resource
from ckanext.govopen.access.handler import Action, Handler
from ckanext.govopen.domain.event import Event
from ckanext.govopen.logic import command, gate, working_copy
from ckanext.govopen.model import ledger
from ckanext.govopen.model.file import FileRow, LoadedRow
from ckanext.govopen.model.grant import GrantRow
from ckanext.govopen.model.location import LocationRow
from ckanext.govopen.model.release import DatasetRow, ReleaseRow
from ckanext.govopen.model.review import ReviewRow
from ckanext.govopen.model.standing import StandingRow


def _then_settle(next_action: Action, context: Any, data: dict[str, Any], package_id: str | None):
    result = next_action(context, data)
    if package_id:
        gate.settle(context, package_id)
        command.finish(context)
    return result


def resource_view_create(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    reference = data_dict.get("resource_id")
    package_id = resource_package(reference) if isinstance(reference, str) else None
    return _then_settle(next_action, context, data_dict, package_id)


def resource_view_change(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    reference = data_dict.get("id")
    resource_id = view_resource(reference) if isinstance(reference, str) else None
    if reference and resource_id is None:
        raise toolkit.ObjectNotFound(toolkit._("Resource view was not found."))
    package_id = resource_package(resource_id) if resource_id else None
    # CKAN breaks without the resource, and would take a wrong one for granted.
    data_dict = {**data_dict, "resource_id": resource_id} if resource_id else data_dict
    return _then_settle(next_action, context, data_dict, package_id)


def resource_view_reorder(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    reference = data_dict.get("id")
    package_id = resource_package(reference) if isinstance(reference, str) else None
    return _then_settle(next_action, context, data_dict, package_id)


def package_owner_org_update(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """Called by CKAN inside every write (then the write's own hooks follow) and on its own."""
    inside = bool(context.get("defer_commit"))
    result = next_action(context, data_dict)
    package = model.Package.get(data_dict.get("id"))
    if not inside and package is not None:
        gate.settle(context, package.id)
        command.finish(context)
    return result


#: Tables whose rows say something of one dataset and go with it; the ledger stays.
_OF_A_DATASET = (
    ReleaseRow,
    DatasetRow,
    ReviewRow,
    GrantRow,
    FileRow,
    LoadedRow,
    LocationRow,
    StandingRow,
)


def dataset_purge(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """A purge takes releases, files and reviews along; their events stay in the ledger."""
    toolkit.check_access("dataset_purge", context, data_dict)
    package = model.Package.get(data_dict.get("id"))
    if package is None:
        return next_action(context, data_dict)
    package_id = package.id
    working_copy.lock(package_id)
    gate.deleted(context, package_id)
    place = {"dataset": package_id, "organization": package.owner_org or ""}
    ledger.append(
        model.Session,
        f"dataset/{package_id}",
        [Event("dataset.purged", place)],
        command.actor(context),
        command.now(),
    )
    for row in _OF_A_DATASET:
        table = row.__table__
        model.Session.execute(sa.delete(table).where(table.c.package_id == package_id))
    result = next_action(context, data_dict)
    command.delivered(context)
    return result


HANDLERS: dict[str, Handler] = {
    "package_create": working_copy.package_create,
    "package_update": working_copy.package_update,
    "package_delete": working_copy.package_delete,
    "package_owner_org_update": package_owner_org_update,
    "dataset_purge": dataset_purge,
    "resource_view_create": resource_view_create,
    "resource_view_update": resource_view_change,
    "resource_view_delete": resource_view_change,
    "resource_view_reorder": resource_view_reorder,
}
