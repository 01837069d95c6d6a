"""What holders do with their grants: name an organisation's persons, leave, report the use."""

from __future__ import annotations

from typing import Any

from ckan import model
from ckan.plugins import toolkit as tk

from ckanext.govopen.access.viewer import person
from ckanext.govopen.domain import agreement
from ckanext.govopen.domain import grant_persons as rules
from ckanext.govopen.logic import actor as actors
from ckanext.govopen.logic import command, grant_end, post
from ckanext.govopen.logic.action import grant as showing
from ckanext.govopen.logic.schema import grant as schema
from ckanext.govopen.logic.schema.table import takes
from ckanext.govopen.model import duty as duties
from ckanext.govopen.model import grant as grants
from ckanext.govopen.model import ledger, settings

__all__ = ["govopen_grant_leave", "govopen_grant_persons_set", "govopen_grant_report"]


@command.decision()
@takes(schema.PERSONS_SET)
def govopen_grant_persons_set(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Say which persons of the holding organisation may use a grant: these and no others.

    Who is taken off cannot use it at his next request. Done by the person who acts for the
    organisation, by the department's handlers or by the authority.

    :param id: the grant
    :param persons: names or ids of accounts, at least one
    :param break_glass: the operator's reason, kept in the ledger (optional)
    Whoever comes in or is taken off is told by mail.

    :returns: the grant as in ``govopen_grant_show``
    :raises ObjectNotFound: there is none, or it does not concern the caller
    :raises ValidationError: a parameter is wrong, or ``refusal`` when a rule says no
    """
    tk.check_access("govopen_grant_persons_set", context, data_dict)
    given = schema.PERSONS_SET.read(data_dict, first=("id", "persons"))
    row = showing.visible(context, given["id"], lock=True)
    names, errors = given["persons"], given.errors
    most = settings.grants_persons_most()
    if len(names) > most:
        errors.add("persons", tk._("A grant names at most %(most)s persons.") % {"most": most})
        names = []
    known = schema.PERSONS.found(names, errors)
    given.check()
    actor = actors.of(person(context), command.actor(context))
    wanted = frozenset(user.id for user in known)
    order = rules.SetPersons(actor, wanted, most, given["break_glass"])
    with command.refusals():
        events = rules.set_persons(grants.to_rule(row), order, command.now())
    return _write(context, row, events)


@takes(schema.LEAVE)
def govopen_grant_leave(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Give up one's own use of an organisation's grant, or decline to be one of its persons.

    From the next request on it gives nothing; the others and whoever named them keep it.

    :param id: the grant
    :returns: ``{"id", "left": true}``
    :raises ObjectNotFound: there is none, or it does not concern the caller
    :raises ValidationError: a parameter is wrong, or ``refusal`` when a rule says no
    """
    tk.check_access("govopen_grant_leave", context, data_dict)
    given = schema.LEAVE.read(data_dict, first=("id",))
    row = showing.visible(context, given["id"], lock=True)
    order = rules.Leave(actors.of(person(context), command.actor(context)))
    with command.refusals():
        events = rules.leave(grants.to_rule(row), order, command.now())
    _write(context, row, events)
    return {"id": row.id, "left": True}


@takes(schema.REPORT)
def govopen_grant_report(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Report what was done with the data of a grant; a later report stands beside the first.

    :param id: the grant
    :param text: the report
    :returns: the grant as in ``govopen_grant_show``
    :raises ObjectNotFound: there is none, or it does not concern the caller
    :raises ValidationError: a parameter is wrong, or ``refusal`` when a rule says no
    """
    tk.check_access("govopen_grant_report", context, data_dict)
    given = schema.REPORT.read(data_dict, first=("id",))
    row = showing.visible(context, given["id"], lock=True)
    text = given["text"]
    actor = actors.of(person(context), command.actor(context))
    with command.refusals():
        events = agreement.report(grants.to_rule(row), agreement.Report(actor, text))
    handlers = [
        duty.user_id
        for duty in duties.find(model.Session, organization_id=row.organization_id)
        if duty.duty == "handler"
    ]
    case = row.application or row.id
    post.put("grant-reported", handlers, case, command.now(), grant=row.id)
    return _write(context, row, events)


def _write(context: Any, row: grants.GrantRow, events: list[Any]) -> dict[str, Any]:
    now, actor = command.now(), command.actor(context)
    ledger.append(model.Session, f"grant/{row.id}", events, actor, now)
    for event in events:
        grants.project(model.Session, event, actor, now)
        if event.type == "grant.persons_changed":
            grant_end.tell_persons(row, event.payload, now)
    shown = showing.dictize(context, [row], commit=False)[0]
    command.finish(context)
    return shown
