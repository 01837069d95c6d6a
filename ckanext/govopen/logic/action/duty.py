"""Giving, taking and listing duties."""

from __future__ import annotations

from typing import Any

from ckan import model
from ckan.plugins import toolkit as tk

from ckanext.govopen.access.viewer import person
from ckanext.govopen.domain import duty as rules
from ckanext.govopen.logic import actor as actors
from ckanext.govopen.logic import command
from ckanext.govopen.logic.schema import duty as schema
from ckanext.govopen.logic.schema import values
from ckanext.govopen.logic.schema.table import takes
from ckanext.govopen.model import duty as duties
from ckanext.govopen.model import ledger, levels

__all__ = ["govopen_duty_give", "govopen_duty_list", "govopen_duty_take"]


@command.decision()
@takes(schema.GIVE)
def govopen_duty_give(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Give a duty in an organisation to a person.

    :param user: id or name of the account
    :param organization: id or name of the organisation
    :param duty: ``reviewer``, ``handler``, ``authority`` or ``auditor``
    :param deputy_for: account whose place is taken meanwhile (optional; needs ``until``)
    :param since: beginning, ISO 8601 (optional)
    :param until: end, ISO 8601; a bare day is included (optional)
    :param break_glass: the operator's reason, kept in the ledger (optional)
    :returns: the duty as in :func:`govopen_duty_list`
    :raises ValidationError: a parameter is wrong, or ``refusal`` when a rule says no
    """
    tk.check_access("govopen_duty_give", context, data_dict)
    given = schema.GIVE.read(data_dict)
    deputy_for = given["deputy_for"]
    give = rules.Give(
        user=given["user"].id,
        organization=given["organization"].id,
        deputy_for=deputy_for.id if deputy_for else None,
        **given.some("duty", "since", "until", "break_glass"),
    )
    rows = _carry_out(context, give)
    return _dictize(rows)[0]


@command.decision()
@takes(schema.TAKE)
def govopen_duty_take(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Take a duty away from a person, and from those who stand in for him.

    :param user: id or name of the account
    :param organization: id or name of the organisation
    :param duty: the duty
    :param break_glass: the operator's reason, kept in the ledger (optional)
    :returns: ``{"user", "organization", "duty", "taken": number of rows}``
    :raises ValidationError: a parameter is wrong, or ``refusal`` when a rule says no
    """
    tk.check_access("govopen_duty_take", context, data_dict)
    given = schema.TAKE.read(data_dict)
    user, organization = model.User.get(given["user"]), model.Group.get(given["organization"])
    take = rules.Take(
        user=user.id if user else given["user"],
        organization=organization.id if organization else given["organization"],
        **given.some("duty", "break_glass"),
    )
    before = len(duties.find(model.Session, organization_id=take.organization))
    _carry_out(context, take)
    after = len(duties.find(model.Session, organization_id=take.organization))
    return {
        "user": user.name if user else take.user,
        "organization": organization.name if organization else take.organization,
        "duty": take.duty,
        "taken": before - after,
    }


@tk.side_effect_free
@takes(schema.LIST)
def govopen_duty_list(context: Any, data_dict: dict[str, Any]) -> list[dict[str, Any]]:
    """Duties that the caller may know of: all for the authority and the operator, for others
    those of their own departments and their own.

    :param user: only those of this account (optional)
    :param organization: only those in this organisation (optional)
    :returns: ``[{"id", "user": {"id", "name", "fullname"}, "organization": {"id", "name",
        "title"}, "duty", "deputy_for": {…} or None, "since", "until", "given_by": {…} or None,
        "given_at", "in_force"}]``; times are ISO 8601 in UTC
    """
    tk.check_access("govopen_duty_list", context, data_dict)
    given = schema.LIST.read(data_dict)
    user, organization = given["user"], given["organization"]
    rows = duties.find(
        model.Session, user.id if user else None, organization.id if organization else None
    )
    who = person(context)
    if not who.sees_everything:
        own = who.departments | {place for place, _duty in who.duties}
        rows = [row for row in rows if row.organization_id in own or row.user_id == who.user_id]
    return _dictize(rows)


def _carry_out(context: Any, order: rules.Give | rules.Take) -> list[duties.DutyRow]:
    now = command.now()
    actor_id = command.actor(context)
    duties.lock(model.Session)
    concerned = [order.user]
    if isinstance(order, rules.Give) and order.deputy_for:
        concerned.append(order.deputy_for)
    rows = [duties.to_rule(row) for row in duties.concerned(model.Session, concerned)]
    here = levels.find(model.Session)
    with command.refusals():
        events = rules.decide(
            rows, order, actors.of(person(context), actor_id), here.top, now, here.seats
        )
    ledger.append(model.Session, f"duty/{order.organization}", events, actor_id, now)
    kept = [duties.project(model.Session, event, actor_id, now) for event in events]
    command.finish(context)
    return [row for row in kept if row is not None]


def _dictize(rows: list[duties.DutyRow]) -> list[dict[str, Any]]:
    now = command.now()
    ids = {i for row in rows for i in (row.user_id, row.deputy_for, row.given_by) if i}
    places = {row.organization_id for row in rows}
    people = {
        user.id: {"id": user.id, "name": user.name, "fullname": user.fullname or user.name}
        for user in model.Session.query(model.User).filter(model.User.id.in_(ids))
    }
    organizations = {
        group.id: {"id": group.id, "name": group.name, "title": group.title or group.name}
        for group in model.Session.query(model.Group).filter(model.Group.id.in_(places))
    }

    def someone(user_id: str | None) -> dict[str, Any] | None:
        if not user_id:
            return None
        return people.get(user_id) or {"id": user_id, "name": user_id, "fullname": user_id}

    result = []
    for row in rows:
        place = row.organization_id
        result.append(
            {
                "id": row.id,
                "user": someone(row.user_id),
                "organization": organizations.get(place)
                or {"id": place, "name": place, "title": place},
                "duty": row.duty,
                "deputy_for": someone(row.deputy_for),
                "since": values.iso(row.since),
                "until": values.iso(row.until),
                "given_by": someone(row.given_by),
                "given_at": values.iso(row.given_at),
                "in_force": duties.to_rule(row).in_force(now),
            }
        )
    return result
