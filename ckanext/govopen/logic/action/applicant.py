"""Identities of applicants: recording that somebody was checked, and taking that back."""

from __future__ import annotations

import datetime
from typing import Any

from ckan import model
from ckan.plugins import toolkit as tk

from ckanext.govopen.domain import applicant as rules
from ckanext.govopen.domain.application.acting import wanted_identity
from ckanext.govopen.domain.application.state import Application, Part
from ckanext.govopen.logic import application as cases
from ckanext.govopen.logic import command, look
from ckanext.govopen.logic.schema import account as schema
from ckanext.govopen.logic.schema import values
from ckanext.govopen.logic.schema.table import Given, takes
from ckanext.govopen.model import applicant as applicants
from ckanext.govopen.model import ledger, settings

__all__ = ["govopen_applicant_check", "govopen_applicant_show", "govopen_applicant_withdraw"]


@command.decision()
@takes(schema.CHECK)
def govopen_applicant_check(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Record that an applicant was checked; it counts for all his applications of that kind.

    :param application: a case of his that the caller decides on, by id or number
    :param organization: id or name of the department whose part it is (optional)
    :param kind: ``person`` or ``organisation``; left out: as he applies
    :param name: of the person or the organisation, as shown
    :param document: the kind of document that was seen
    :param document_tail: at most its last four characters (optional)
    :param person: who acts for the organisation
    :param code: its unified social credit code; left out: as stated in the case
    :param authority: on what ground he acts for it
    :param valid_until: until when it counts (ISO 8601; a bare day is included); left out: as long
        as the site says
    :param break_glass: the operator's reason, kept in the ledger (optional)
    :returns: as in :func:`govopen_applicant_show`
    :raises ObjectNotFound: there is no such case, or it does not concern the caller
    :raises ValidationError: a parameter is wrong, or ``refusal`` when a rule says no
    """
    tk.check_access("govopen_applicant_check", context, data_dict)
    given = schema.CHECK.read(data_dict, first=("application", "organization"))
    state, part = _case(context, given)
    now = command.now()
    kind, code = wanted_identity(state, part)
    texts = given.some("name", "document", "document_tail", "person", "authority", "break_glass")
    lasts = datetime.timedelta(days=settings.application_identity_days())
    order = rules.Check(
        actor=cases.actor(context),
        user=state.applicant,
        valid_until=given["valid_until"] or now + lasts,
        kind=given["kind"] or kind,
        code=given["code"] or code,
        **texts,
    )
    return _carry_out(context, state, part, order)


@command.decision()
@takes(schema.WITHDRAW_CHECK)
def govopen_applicant_withdraw(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Take back that an applicant was checked.

    :param application: a case of his that the caller decides on, by id or number
    :param organization: id or name of the department whose part it is (optional)
    :param kind: ``person`` or ``organisation``; left out: as he applies
    :param code: the organisation's code; left out: as stated in the case
    :param reason: why
    :param break_glass: the operator's reason, kept in the ledger (optional)
    :returns: as in :func:`govopen_applicant_show`
    :raises ObjectNotFound: there is no such case, or it does not concern the caller
    :raises ValidationError: a parameter is wrong, or ``refusal`` when a rule says no
    """
    tk.check_access("govopen_applicant_withdraw", context, data_dict)
    given = schema.WITHDRAW_CHECK.read(data_dict, first=("application", "organization"))
    state, part = _case(context, given)
    kind, code = wanted_identity(state, part)
    order = rules.WithdrawCheck(
        actor=cases.actor(context),
        user=state.applicant,
        kind=given["kind"] or kind,
        code=given["code"] or code,
        **given.some("reason", "break_glass"),
    )
    return _carry_out(context, state, part, order)


@tk.side_effect_free
@takes(schema.SHOW_CHECK)
def govopen_applicant_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Was the applicant of a case checked as the one he applies as?

    :param application: the case, by id or number
    :param organization: id or name of the department whose part it is (optional)
    :returns: ``{"user", "kind", "code", "in_force": bool, "name", "person", "document",
        "document_tail", "authority", "checked_at", "valid_until"}``; empty where it is not in force
    :raises ObjectNotFound: there is no such case, or its applicant does not concern the caller
    """
    tk.check_access("govopen_applicant_show", context, data_dict)
    state, part = _case(context, schema.SHOW_CHECK.read(data_dict))
    look.note(context, state, "identity", part)
    return _shown(state, part)


def _case(context: Any, given: Given) -> tuple[Application, Part]:
    """A case and its part that the caller decides on.

    :raises ObjectNotFound: there is none, or it does not concern the caller
    """
    place = given["organization"]
    _row, state = cases.found(context, given["application"])
    if state is None or not state.revisions[-1].content:
        raise cases.not_found()
    found = cases.rules_for(state)
    group = model.Group.get(place) if place else None
    for part in state.parts:
        if place and (group is None or part.organization != group.id):
            continue
        if cases.reads_all(context) or cases.decides(context, state, part, found):
            return state, part
    raise cases.not_found()


def _carry_out(
    context: Any, state: Application, part: Part, order: rules.Check | rules.WithdrawCheck
) -> dict[str, Any]:
    session, now = model.Session, command.now()
    stream = f"applicant/{state.applicant}"
    ledger.lock(session, stream)
    checks = applicants.state(session, state.applicant)
    with command.refusals():
        events = rules.decide(checks, order, now)
    ledger.append(session, stream, events, command.actor(context), now)
    for event in events:
        checks = rules.apply(checks, event, now)
    applicants.project(session, state.applicant, checks)
    # The answer says who he is. Before the end, so that both are written down together.
    look.note(context, state, "identity", part, commit=False)
    command.finish(context)
    return _shown(state, part)


def _shown(state: Application, part: Part) -> dict[str, Any]:
    kind, code = wanted_identity(state, part)
    checked = cases.identity(state, part)
    return {
        "user": state.applicant,
        "kind": kind,
        "code": code,
        "in_force": checked is not None,
        "name": checked.name if checked else "",
        "person": checked.person if checked else "",
        "document": checked.document if checked else "",
        "document_tail": checked.document_tail if checked else "",
        "authority": checked.authority if checked else "",
        "checked_at": values.iso(checked.checked_at) if checked else None,
        "valid_until": values.iso(checked.valid_until) if checked else None,
    }
