"""The access log of grants: each reads his own uses, a department those of its data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ckan import model
from ckan.plugins import toolkit as tk

from ckanext.govopen.access.ledger import knows_names
from ckanext.govopen.access.sight import sights
from ckanext.govopen.access.viewer import person
from ckanext.govopen.logic import look
from ckanext.govopen.logic.action import grant as grant_actions
from ckanext.govopen.logic.schema import grant as schema
from ckanext.govopen.logic.schema import values
from ckanext.govopen.logic.schema.table import takes
from ckanext.govopen.model import access_log

__all__ = ["govopen_access_log_list"]


@tk.side_effect_free
@takes(schema.USES)
def govopen_access_log_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Uses of grants that concern the caller: his own, those of his departments' data, or all
    for the authority and its auditors.

    :param grant_id: only those under this grant (optional)
    :param package_id: only those of this dataset (optional)
    :param user: only those by this account, where the caller reads who it is (optional)
    :param kind: ``download``, ``rows`` or ``on_platform`` (optional)
    :param outcome: ``granted``, ``failed``, or the code of a refusal (optional)
    :param since: ISO 8601, from then on (optional)
    :param until: ISO 8601, before then; a bare day is included (optional)
    :param limit: at most this many, 100 by default
    :param offset: leave out the first
    :returns: ``{"count", "results": [{"at", "grant_id", "dataset": {"id", "name", "title"},
        "resource_id", "kind", "rows", "bytes", "columns": […] or None, "address", "outcome",
        "user": {"id", "name", "fullname"}}]}``, newest first. Who has no duty in the department
        gets None for ``user`` and ``address`` of others; who has is written down for each person.
    """
    tk.check_access("govopen_access_log_list", context, data_dict)
    given = schema.USES.read(data_dict)
    reference, name = given["package_id"], given["user"]
    who = person(context)
    known = knows_names(who)
    package = model.Package.get(reference) if reference else None
    user = model.User.get(name) if name else None
    count, rows = access_log.find(
        model.Session,
        mine=who.user_id,
        organization_ids=None if known is None else grant_actions.departments(who),
        known=known,
        limit=given["limit"],
        offset=given["offset"],
        since=given["since"],
        until=given["until"],
        grant_id=given["grant_id"] or None,
        package_id=(package.id if package else "") if reference else None,
        user_id=(user.id if user else "") if name else None,
        kind=given["kind"] or None,
        outcome=given["outcome"] or None,
    )
    return {"count": count, "results": _dictize(context, rows, known)}


def _dictize(
    context: Any, rows: Iterable[access_log.AccessRow], known: frozenset[str] | None
) -> list[dict[str, Any]]:
    rows, own = list(rows), person(context).user_id
    named = {row.id for row in rows if known is None or row.organization_id in known}
    look.uses(context, (row for row in rows if row.id in named))
    named |= {row.id for row in rows if own is not None and row.user_id == own}
    ids = {row.package_id for row in rows}
    seen = sights(context, ids)
    packages = grant_actions.by_id(model.Package, ids)
    people = grant_actions.by_id(model.User, {row.user_id for row in rows})
    return [
        {
            "at": values.iso(row.at),
            "grant_id": row.grant_id,
            "dataset": grant_actions.named_dataset(
                row.package_id, packages.get(row.package_id), seen
            ),
            "resource_id": row.resource_id,
            "kind": row.kind,
            "rows": row.rows,
            "bytes": row.bytes,
            "columns": row.columns,
            "address": row.address if row.id in named else None,
            "outcome": row.outcome,
            "user": (grant_actions.named_person(people, row.user_id) if row.id in named else None),
        }
        for row in rows
    ]
