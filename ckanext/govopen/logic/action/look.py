"""Who has looked at the personal data in applications and grants: for the person concerned, the
authority."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ckan import model
from ckan.plugins import toolkit as tk

from ckanext.govopen.access.ledger import oversees
from ckanext.govopen.access.sight import sights
from ckanext.govopen.access.viewer import person
from ckanext.govopen.logic.action import grant as grant_actions
from ckanext.govopen.logic.application_names import Names, account
from ckanext.govopen.logic.schema import look as schema
from ckanext.govopen.logic.schema import values
from ckanext.govopen.logic.schema.table import takes
from ckanext.govopen.model import application as stored
from ckanext.govopen.model import ledger, look
from ckanext.govopen.model.grant import GrantRow

__all__ = ["govopen_look_list"]

#: No account has this number.
NOBODY = -1


@tk.side_effect_free
@takes(schema.LIST)
def govopen_look_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Looks at the personal data in applications and grants: at the caller's own data, those that
    he made himself, and all for the authority and its auditors.

    :param application: only in this case, by id or number (optional)
    :param user: only by this account (optional; counts for those who oversee)
    :param since: ISO 8601, from then on (optional)
    :param until: ISO 8601, before then; a bare day is included (optional)
    :param limit: at most this many, 100 by default
    :param offset: leave out the first
    :returns: ``{"count", "results": [{"at", "last_at", "times", "application": {"id", "number",
        "readable": bool}, "grant": None or {"id", "dataset": {"id", "name", "title"}}, of which
        was read who uses it, "what": ``case``, ``files``, ``identity``, ``letter``, ``agreement``,
        ``record``, ``grant`` (who uses it) or ``uses`` (its access log), "capacity":
        ``handler``, ``reviewer``, ``authority``, ``auditor``, ``operator`` or ``decides``,
        "organization": {"id", "name", "title"} or None, "status", "actor": number,
        "by": {"id", "name", "fullname"} for those who oversee and for himself, else None,
        "mine": bool}]}``, newest first. The applicant names a reader by his department and number.
    """
    tk.check_access("govopen_look_list", context, data_dict)
    given = schema.LIST.read(data_dict)
    who, session = person(context), model.Session
    everything = oversees(who)
    reference = given["application"]
    case = stored.get(session, reference) if reference else None
    # Somebody without a number has read nothing yet.
    own = ledger.number_of(session, who.user_id) if who.user_id else None
    count, rows = look.find(
        session,
        everything=everything,
        subject=who.user_id,
        actor=own if own is not None else NOBODY,
        application=(case.id if case else "") if reference else None,
        by=_reader(given["user"], everything, own),
        since=given["since"],
        until=given["until"],
        limit=given["limit"],
        offset=given["offset"],
    )
    return {"count": count, "results": _dictize(context, rows, everything, own)}


def _reader(name: str, everything: bool, own: int | None) -> int | None:
    """The number of the account that is asked for; only who oversees may ask about others."""
    if not name:
        return None
    user = model.User.get(name)
    number = ledger.number_of(model.Session, user.id) if user is not None else None
    return number if number is not None and (everything or number == own) else NOBODY


def _dictize(
    context: Any, rows: Iterable[look.LookRow], everything: bool, own: int | None
) -> list[dict[str, Any]]:
    rows = list(rows)
    names, who = Names(context), person(context)
    known = ledger.accounts(model.Session, {str(row.actor) for row in rows})
    found = grant_actions.by_id(stored.ApplicationRow, {row.application_id for row in rows})
    grants = grant_actions.by_id(GrantRow, {row.grant_id for row in rows if row.grant_id})
    ids = {grant.package_id for grant in grants.values()}
    seen, packages = sights(context, ids), grant_actions.by_id(model.Package, ids)

    def application(row: look.LookRow) -> dict[str, Any]:
        case = found.get(row.application_id)
        # Whom an organisation has named for its grant knows the case, and does not read it.
        own = case is not None and who.user_id == case.user_id
        readable = case is not None and (everything or own or row.subject_id != who.user_id)
        number = case.number if case is not None else ""
        return {"id": row.application_id, "number": number, "readable": readable}

    def grant(row: look.LookRow) -> dict[str, Any] | None:
        if not row.grant_id:
            return None
        known = grants.get(row.grant_id)
        package_id = known.package_id if known is not None else ""
        dataset = grant_actions.named_dataset(package_id, packages.get(package_id), seen)
        return {"id": row.grant_id, "dataset": dataset}

    return [
        {
            "at": values.iso(row.at),
            "last_at": values.iso(row.last_at),
            "times": row.times,
            "application": application(row),
            "grant": grant(row),
            "what": row.what,
            "capacity": row.capacity,
            "organization": (
                names.organization(row.organization_id) if row.organization_id else None
            ),
            "status": row.status,
            "actor": row.actor,
            "by": (account(known.get(str(row.actor))) if everything or row.actor == own else None),
            "mine": who.user_id is not None and row.subject_id == who.user_id,
        }
        for row in rows
    ]
