"""Grants: giving (operator's tool), seeing, suspending, resuming, revoking."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Iterable
from typing import Any

from ckan import model
from ckan.plugins import toolkit as tk

from ckanext.govopen.access.ledger import knows_names
from ckanext.govopen.access.policy import Person, Sight
from ckanext.govopen.access.sight import sights
from ckanext.govopen.access.viewer import person
from ckanext.govopen.domain import agreement, grant_change
from ckanext.govopen.domain import grant as rules
from ckanext.govopen.domain import grant_persons as naming
from ckanext.govopen.domain import usage as using
from ckanext.govopen.domain.terms import OpenClass
from ckanext.govopen.logic import actor as actors
from ckanext.govopen.logic import command, grant_end, look
from ckanext.govopen.logic.schema import grant as schema
from ckanext.govopen.logic.schema import values
from ckanext.govopen.logic.schema.table import Given, takes
from ckanext.govopen.model import grant as grants
from ckanext.govopen.model import jurisdiction, ledger, settings, usage
from ckanext.govopen.model import release as releases

__all__ = [
    "govopen_grant_give",
    "govopen_grant_list",
    "govopen_grant_resume",
    "govopen_grant_revoke",
    "govopen_grant_show",
    "govopen_grant_suspend",
]


@command.decision()
@takes(schema.GIVE)
def govopen_grant_give(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Give a grant for a conditional dataset without an application.

    :param package_id: id or name of the dataset
    :param persons: accounts that may use it: one for a person, any number for an organisation
    :param holder: name of the holding organisation (optional; without it the grant is a person's)
    :param holder_code: its unified social credit code (optional)
    :param purpose: what the data is used for
    :param delivery: ``download``, ``interface``, ``on_platform``; the default is ``download``
    :param items: information items the grant covers; left out: the whole dataset
    :param valid_from: ISO 8601; left out: now
    :param valid_to: ISO 8601; a bare day is included
    :param quota: ``{"downloads", "rows_per_day", "requests_per_day"}``, each a number (optional)
    :param authorised_use: with the right to the income of re-use, where the regulation knows that:
        given by the data authority to an organisation
    :param break_glass: the operator's reason, kept in the ledger
    :returns: the grant as in :func:`govopen_grant_show`
    :raises ValidationError: a parameter is wrong, or ``refusal`` when a rule says no
    """
    tk.check_access("govopen_grant_give", context, data_dict)
    now = command.now()
    given = schema.GIVE.read(data_dict, first=("package_id", "persons"))
    package = _dataset(context, given["package_id"], given.errors)
    persons = schema.PERSONS.found(given["persons"], given.errors)
    given.check()
    assert package is not None
    holder = given["holder"]
    live = releases.live(package.id)
    grant = rules.Grant(
        id=str(uuid.uuid4()),
        holder=rules.Holder(
            kind="organisation" if holder else "person",
            persons=frozenset(user.id for user in persons),
            organisation=holder,
            code=given["holder_code"],
        ),
        package_id=package.id,
        organization=package.owner_org or "",
        purpose=given["purpose"],
        delivery=frozenset(given["delivery"] or ["download"]),
        valid_from=given["valid_from"] or now,
        valid_to=given["valid_to"],
        items=frozenset(given["items"]) if given["items"] else None,
        quota=rules.Quota(**given["quota"]),
        authorised_use=given["authorised_use"],
    )
    grant = rules.with_daily_rows(grant, settings.grants_on_platform_rows())
    actor = actors.of(person(context), command.actor(context))
    open_class = OpenClass.of(live.open_class) if live else None
    give = grant_change.Give(grant, actor, open_class, given["break_glass"])
    with command.refusals():
        events = grant_change.decide(None, give, now, jurisdiction.profile())
    return _write(context, grant.id, events)


@command.decision()
@takes(schema.SUSPEND)
def govopen_grant_suspend(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Stop a grant for the time being: from the next request on it gives nothing.

    :param id: the grant
    :param reason: why
    :param code: what is examined meanwhile: ``misuse``, ``data_problem``, ``other`` (the default)
    :param break_glass: the operator's reason, kept in the ledger (optional)
    :returns: the grant as in :func:`govopen_grant_show`
    :raises ObjectNotFound: there is none, or it does not concern the caller
    :raises ValidationError: a parameter is wrong, or ``refusal`` when a rule says no
    """
    tk.check_access("govopen_grant_suspend", context, data_dict)
    given = schema.SUSPEND.read(data_dict, first=("id",))
    return _change(context, given, grant_change.Suspend, "reason", "break_glass", "code")


@command.decision()
@takes(schema.RESUME)
def govopen_grant_resume(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Let a suspended grant work again. Parameters as in :func:`govopen_grant_suspend`."""
    tk.check_access("govopen_grant_resume", context, data_dict)
    given = schema.RESUME.read(data_dict, first=("id",))
    return _change(context, given, grant_change.Resume, "reason", "break_glass")


@command.decision()
@takes(schema.REVOKE)
def govopen_grant_revoke(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """End a grant for good. Parameters as in :func:`govopen_grant_suspend`."""
    tk.check_access("govopen_grant_revoke", context, data_dict)
    given = schema.REVOKE.read(data_dict, first=("id",))
    return _change(context, given, grant_change.Revoke, "reason", "break_glass")


@tk.side_effect_free
@takes(schema.SHOW)
def govopen_grant_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """One grant.

    :param id: the grant
    :returns: ``{"id", "dataset": {"id", "name", "title"}, "organization": {…}, "holder", "kind",
        "purpose", "delivery": […], "items": […] or None, "valid_from", "valid_to", "quota",
        "usage": {"downloads", "rows_today", "requests_today"}, "conditions": […],
        "authorised_use": bool, "application", "state", "cause", "works": bool, "reason_code",
        "reason", "report": {"text", "reported_at", "due"}, "may": [commands]}``; for staff also
        ``person_count`` and ``created_at``; for who has a duty there ``persons``, ``holder_code``
        and ``created_by``, which is written down for each person; for who acts for the holding
        organisation ``persons`` by the names of their accounts
    :raises ObjectNotFound: there is none, or it does not concern the caller
    """
    tk.check_access("govopen_grant_show", context, data_dict)
    return dictize(context, [visible(context, schema.SHOW.read(data_dict)["id"])])[0]


@tk.side_effect_free
@takes(schema.LIST)
def govopen_grant_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Grants that concern the caller: his own, those of his departments, all for the authority.

    :param package_id: only those for this dataset (optional)
    :param user: only those that name this account, where the caller reads who it is (optional)
    :param state: only those in this state (optional)
    :param limit: at most this many, 100 by default
    :param offset: leave out the first
    :returns: ``{"count", "results": [as in govopen_grant_show]}``, newest first
    """
    tk.check_access("govopen_grant_list", context, data_dict)
    given = schema.LIST.read(data_dict)
    reference, user = given["package_id"], given["user"]
    who = person(context)
    package = model.Package.get(reference) if reference else None
    count, rows = grants.find(
        model.Session,
        package_id=(package.id if package else "") if reference else None,
        organization_ids=None if who.sees_everything else departments(who),
        person=user.id if user else None,
        or_person=who.user_id,
        known=knows_names(who) if user else None,
        state=given["state"] or None,
        limit=given["limit"],
        offset=given["offset"],
    )
    return {"count": count, "results": dictize(context, rows)}


def departments(who: Person) -> set[str]:
    """The organisations that somebody works for."""
    return set(who.departments)


def _concerns(who: Person, row: grants.GrantRow) -> bool:
    return (
        who.sees_everything
        or who.works_for(row.organization_id)
        or who.sees_everything
        or (who.user_id is not None and who.user_id in {*row.persons, row.authorised})
    )


def visible(context: Any, grant_id: str, lock: bool = False) -> grants.GrantRow:
    """The grant of an id.

    :raises ObjectNotFound: there is none, or it does not concern the caller
    """
    row = grants.get(model.Session, grant_id, lock)
    if row is None or not _concerns(person(context), row):
        raise tk.ObjectNotFound(tk._("There is no such grant."))
    return row


def _change(
    context: Any,
    given: Given,
    order: type[grant_change.Suspend] | type[grant_change.Resume] | type[grant_change.Revoke],
    *names: str,
) -> dict[str, Any]:
    row = visible(context, given["id"], lock=True)
    actor = actors.of(person(context), command.actor(context))
    command_given = order(actor, **given.some(*names))
    with command.refusals():
        events = grant_change.decide(
            grants.to_rule(row),
            command_given,
            command.now(),
            jurisdiction.profile(),
        )
    return _write(context, row.id, events)


def _write(context: Any, grant_id: str, events: list[Any]) -> dict[str, Any]:
    now = command.now()
    actor = command.actor(context)
    ledger.append(model.Session, f"grant/{grant_id}", events, actor, now)
    rows = [grants.project(model.Session, event, actor, now) for event in events]
    for event, row in zip(events, rows, strict=True):
        if event.type in _TOLD:
            grant_end.tell(_TOLD[event.type], row, now)
    # Before the end: what is done and who has read the answer is written down together.
    shown = dictize(context, rows[-1:], commit=False)[0]
    command.finish(context)
    return shown


#: What the holders are told of by mail.
_TOLD = {
    "grant.suspended": "grant-suspended",
    "grant.resumed": "grant-resumed",
    "grant.revoked": "grant-revoked",
}


def _dataset(context: Any, reference: str, errors: values.Errors) -> Any:
    package = model.Package.get(reference) if reference else None
    seen = sights(context, [package.id])[package.id] if package else None
    if reference and (package is None or seen is None or not seen.visible):
        errors.add("package_id", tk._("There is no dataset %(name)s.") % {"name": reference[:100]})
        return None
    return package


def dictize(
    context: Any, rows: Iterable[grants.GrantRow], *, commit: bool = True
) -> list[dict[str, Any]]:
    """Grants as :func:`govopen_grant_show` gives them.

    That somebody reads by his duty who uses them is written down; with ``commit`` False the
    command of whose answer it is part commits it.
    """
    rows = list(rows)
    who, now = person(context), command.now()
    known = knows_names(who)
    named = {row.id for row in rows if known is None or row.organization_id in known}
    look.grants(context, (row for row in rows if row.id in named), commit=commit)
    actor = actors.of(who, who.user_id)
    used = usage.of_many(model.Session, [row.id for row in rows], using.today(now))
    seen = sights(context, {row.package_id for row in rows})
    packages = by_id(model.Package, {row.package_id for row in rows})
    places = by_id(model.Group, {row.organization_id for row in rows})
    people = by_id(model.User, {i for row in rows for i in (*row.persons, row.created_by) if i})
    result = []
    for row in rows:
        grant = grants.to_rule(row)
        answer = rules.allows(grant, now)
        place = places.get(row.organization_id)
        entry: dict[str, Any] = {
            "id": row.id,
            "dataset": named_dataset(row.package_id, packages.get(row.package_id), seen),
            "organization": {
                "id": row.organization_id,
                "name": place.name if place else "",
                "title": (place.title or place.name) if place else "",
            },
            "kind": row.holder_kind,
            "holder": row.holder_name,
            "purpose": row.purpose,
            "delivery": row.delivery,
            "items": row.items,
            "valid_from": values.iso(row.valid_from),
            "valid_to": values.iso(row.valid_to),
            "quota": row.quota,
            "usage": dataclasses.asdict(used.get(row.id, rules.Usage())),
            "conditions": row.conditions or [],
            "authorised_use": row.authorised_use,
            "application": row.application,
            "state": row.state,
            "works": bool(answer),
            "reason_code": answer.code,
            "reason": answer.text(tk._) if answer.message else "",
            "cause": row.cause,
            "report": _report(row, grant, now),
            "may": _may(who, actor, grant, row, now),
        }
        if row.id in named:
            entry["persons"] = [named_person(people, user_id) for user_id in row.persons]
        elif "persons" in entry["may"]:
            # Who acts for the organisation names its persons, by the names of their accounts: whom
            # he names so, it may be anybody, tells him no more by that.
            entry["persons"] = [
                account_named(people, user_id, own=user_id == who.user_id)
                for user_id in row.persons
            ]
        if who.user_id in row.persons or who.user_id == row.authorised:
            entry["state_reason"] = row.reason
        if who.sees_everything or who.works_for(row.organization_id):
            entry["person_count"] = len(row.persons)
            entry["state_reason"] = row.reason
            entry["created_at"] = values.iso(row.created_at)
        if row.id in named:
            entry["holder_code"] = row.holder_code
            entry["created_by"] = named_person(people, row.created_by) if row.created_by else None
        result.append(entry)
    return result


def _report(row: grants.GrantRow, grant: rules.Grant, now: datetime.datetime) -> dict[str, Any]:
    """``{"text", "reported_at", "due"}``: due is the last day of a report that is still owed."""
    days = settings.grants_report_days()
    demand = agreement.ReportDemand(days) if days else None
    due = agreement.report_due(grant, demand, row.reported_at is not None)
    return {
        "text": row.report or "",
        "reported_at": values.iso(row.reported_at),
        "due": due.isoformat() if due else None,
    }


def _may(
    who: Person, actor: Any, grant: rules.Grant, row: grants.GrantRow, now: datetime.datetime
) -> list[str]:
    """What the caller may do with the grant now, by the names of the commands."""
    names: list[str] = []
    over = grant.state not in ("active", "suspended") or now >= grant.valid_to
    if not over and naming.names_persons(grant, actor):
        names.append("persons")
    if naming.may_leave(grant, who.user_id, now):
        names.append("leave")
    if who.user_id in row.persons:
        names.append("report")
        if row.application and grant.state == "active":
            names.append("renew")
    if rules.decides(actor, grant.organization):
        if grant.state == "active":
            names += ["suspend", "revoke"]
        elif grant.state == "suspended":
            names += ["resume", "revoke"]
    return names


def by_id(kind: Any, ids: set[str]) -> dict[str, Any]:
    """Rows of a table by their ids: one statement."""
    return {item.id: item for item in model.Session.query(kind).filter(kind.id.in_(ids))}


def named_person(people: dict[str, Any], user_id: str) -> dict[str, str]:
    """``{"id", "name", "fullname"}`` of an account out of ``people``, by ids."""
    user = people.get(user_id)
    name = user.name if user else user_id
    return {"id": user_id, "name": name, "fullname": (user.fullname or name) if user else name}


def account_named(people: dict[str, Any], user_id: str, *, own: bool) -> dict[str, str]:
    """As :func:`named_person`, for who knows the account by its name alone, unless it is his."""
    known = named_person(people, user_id)
    return known if own else {**known, "fullname": known["name"]}


def named_dataset(package_id: str, package: Any, seen: dict[str, Any]) -> dict[str, str]:
    """What the caller may know of the dataset: the working copy's title, the release's, or none."""
    access = seen.get(package_id)
    if package is None or access is None or not access.visible:
        return {"id": package_id, "name": "", "title": ""}
    name, title = package.name, package.title or package.name
    if access.sight is Sight.RELEASE:
        live = releases.live(package_id)
        released = live.data["shown"] if live else {}
        name = released.get("name", "")
        title = released.get("title") or name
    return {"id": package_id, "name": name, "title": title}
