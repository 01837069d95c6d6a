"""What bodies do with an application before they decide: each of one department's part."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

from ckan import model
from ckan.plugins import toolkit as tk

from ckanext.govopen.domain.application import commands as orders
from ckanext.govopen.domain.application.decide import decide
from ckanext.govopen.domain.application.scope import Basis
from ckanext.govopen.domain.application.state import Application, OutsideLetter, Part
from ckanext.govopen.domain.duty import Duty
from ckanext.govopen.logic import application as cases
from ckanext.govopen.logic import application_show as showing
from ckanext.govopen.logic import command
from ckanext.govopen.logic.schema import values
from ckanext.govopen.model import duty as duties

__all__ = [
    "govopen_application_accept",
    "govopen_application_assign",
    "govopen_application_consult",
    "govopen_application_consult_close",
    "govopen_application_decline",
    "govopen_application_extend",
    "govopen_application_forward",
    "govopen_application_return",
]

#: Makes the order from the case, its part and what else all orders of bodies have.
Maker = Callable[[Application, Part, dict[str, Any]], Any]


@command.decision()
def govopen_application_return(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Send a part back to the applicant, with what has to be changed.

    :param id: the case, by id or number
    :param organization: id or name of the department (optional where there is one part only)
    :param remarks: ``{field: text}``
    :param message: in general
    :param break_glass: the operator's reason, kept in the ledger (optional)
    :returns: the case as in :func:`govopen_application_show`
    :raises ObjectNotFound: there is none, or it does not concern the caller
    :raises ValidationError: a parameter is wrong, or ``refusal`` when a rule says no
    """
    errors = values.Errors()
    message = values.text(data_dict, "message", errors)
    remarks = data_dict.get("remarks") or {}
    if not isinstance(remarks, dict) or not all(
        isinstance(text, str) and "\x00" not in name + text for name, text in remarks.items()
    ):
        errors.add("remarks", tk._("Must be an object of texts."))
        remarks = {}
    return carry_out(
        context,
        data_dict,
        "govopen_application_return",
        errors,
        lambda state, part, who: orders.Return(**who, remarks=remarks, message=message),
    )


@command.decision()
def govopen_application_decline(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Do not accept a part, for good.

    :param reason: why
    :param basis: ``[{"instrument", "article", "kind"}]``, as a refusal needs it

    The others as in :func:`govopen_application_return`.
    """
    errors = values.Errors()
    reason = values.text(data_dict, "reason", errors, required=True)
    basis = bases(data_dict, errors)
    return carry_out(
        context,
        data_dict,
        "govopen_application_decline",
        errors,
        lambda state, part, who: orders.Decline(**who, reason=reason, basis=basis),
    )


@command.decision()
def govopen_application_accept(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Accept a part for decision, once it is recorded that the applicant was checked.

    Parameters as in :func:`govopen_application_return`, without remarks.
    """
    return carry_out(
        context,
        data_dict,
        "govopen_application_accept",
        values.Errors(),
        lambda state, part, who: orders.Accept(**who, identity=cases.identity(state, part)),
    )


@command.decision()
def govopen_application_forward(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Record that a part was passed on to the body that the profile names.

    :param letter_number: number of the letter that went with it
    :param letter_date: its day, as 2026-11-22

    The others as in :func:`govopen_application_return`.
    """
    errors = values.Errors()
    letter = outside_letter(data_dict, errors)
    return carry_out(
        context,
        data_dict,
        "govopen_application_forward",
        errors,
        lambda state, part, who: orders.Forward(**who, letter=letter),
    )


@command.decision()
def govopen_application_consult(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Ask somebody else for an opinion.

    :param kind: a consultation of the profile, ``third_party_consultation`` or
        ``other_organ_consultation``
    :param whom: who is asked
    :param question: what
    :param until: the day by which the answer is wanted (optional)

    The others as in :func:`govopen_application_return`.
    """
    errors = values.Errors()
    kind, whom, question = (
        values.text(data_dict, name, errors, required=True) for name in ("kind", "whom", "question")
    )
    until = day(data_dict, "until", errors)
    return carry_out(
        context,
        data_dict,
        "govopen_application_consult",
        errors,
        lambda state, part, who: orders.Consult(
            **who, kind=kind, whom=whom, question=question, until=until
        ),
    )


@command.decision()
def govopen_application_consult_close(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Record the answer of who was asked, or that there was none.

    :param consultation: its number
    :param outcome: ``consent``, ``objection``, ``answered`` or ``no_answer``
    :param answer: what was answered

    The others as in :func:`govopen_application_return`.
    """
    errors = values.Errors()
    asked = values.number(data_dict, "consultation", errors)
    outcome: Any = values.text(data_dict, "outcome", errors, required=True)
    answer = values.text(data_dict, "answer", errors)
    return carry_out(
        context,
        data_dict,
        "govopen_application_consult_close",
        errors,
        lambda state, part, who: orders.CloseConsultation(
            **who, consultation=asked or 0, outcome=outcome, answer=answer
        ),
    )


@command.decision()
def govopen_application_extend(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Lengthen a time limit, as the profile allows.

    :param clock: its id
    :param units: by how many of its days; left out: by all that is allowed
    :param reason: why

    The others as in :func:`govopen_application_return`.
    """
    errors = values.Errors()
    clock = values.text(data_dict, "clock", errors, required=True)
    reason = values.text(data_dict, "reason", errors, required=True)
    units = values.number(data_dict, "units", errors)
    return carry_out(
        context,
        data_dict,
        "govopen_application_extend",
        errors,
        lambda state, part, who: orders.Extend(**who, clock=clock, reason=reason, units=units),
    )


@command.decision()
def govopen_application_assign(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Name who handles a part for its department.

    :param handler: the account, by id or name
    :param reason: why; needed when somebody else handles it

    The others as in :func:`govopen_application_return`.
    """
    errors = values.Errors()
    handler = values.user(data_dict, "handler", errors, required=True)
    reason = values.text(data_dict, "reason", errors)

    def order(state: Application, part: Part, who: dict[str, Any]) -> Any:
        held = duties.held_by(model.Session, handler.id, command.now())
        holds = (part.organization, Duty.HANDLER.value) in held
        return orders.Assign(**who, handler=handler.id, holds_duty=holds, reason=reason)

    return carry_out(context, data_dict, "govopen_application_assign", errors, order)


def carry_out(
    context: Any, data_dict: dict[str, Any], name: str, errors: values.Errors, make: Maker
) -> dict[str, Any]:
    """One command on a part, from the check of access to the commit.

    ``errors`` are what is wrong with the command's own parameters: they are told to nobody who may
    not read the case.
    """
    tk.check_access(name, context, data_dict)
    (reference,) = command.required(data_dict, "id")
    row, state = cases.found(context, reference)
    if state is None or not any(
        cases.sees_part(context, state, part, cases.rules_for(state)) for part in state.parts
    ):
        if state is not None:
            raise tk.NotAuthorized(tk._("Nobody decides on his own application."))
        raise cases.not_found()
    place = values.text(data_dict, "organization", errors)
    glass = values.text(data_dict, "break_glass", errors)
    errors.stop()
    row, state = cases.found(context, row.id, lock=True)
    assert state is not None
    now = command.now()
    with command.refusals():
        part = _part(context, state, place)
        who = {
            "actor": cases.actor(context),
            "organization": part.organization,
            "break_glass": glass,
        }
        events = decide(state, make(state, part, who), now, cases.rules_for(state))
        if name.endswith("_return"):
            row.draft = {
                key: one for key, one in state.revisions[-1].content.items()
                if key not in ("attachments", "salt")
            }  # fmt: skip
            row.writing += 1
        state = cases.record(context, state, row.id, events, now, command.actor(context))
    command.finish(context)
    return showing.show(context, row, state)


def _part(context: Any, state: Application, reference: str) -> Part:
    """The part that is meant, among those that the caller reads.

    :raises ValidationError: there is none, or more than one and none was named
    """
    rules = cases.rules_for(state)
    seen = [part for part in state.parts if cases.sees_part(context, state, part, rules)]
    if reference:
        group = model.Group.get(reference)
        seen = [part for part in seen if group is not None and part.organization == group.id]
    if len(seen) == 1:
        return seen[0]
    model.Session.rollback()
    message = (
        tk._("This application has no part for that department.")
        if reference
        else tk._("Missing value")
    )
    raise tk.ValidationError({"organization": [message]})


def bases(data: dict[str, Any], errors: values.Errors) -> tuple[Basis, ...]:
    """``[{"instrument", "article", "kind"}]``"""
    rows = data.get("basis") or []
    keys = {"instrument", "article", "kind"}
    if not isinstance(rows, list) or not all(
        isinstance(row, dict)
        and set(row) <= keys
        and all(isinstance(text, str) and "\x00" not in text for text in row.values())
        for row in rows
    ):
        errors.add("basis", tk._("Must be a list of objects with instrument, article and kind."))
        return ()
    return tuple(
        Basis(
            row.get("instrument", "").strip(),
            row.get("article", "").strip(),
            row.get("kind", "").strip(),
        )
        for row in rows
    )


def day(data: dict[str, Any], field: str, errors: values.Errors) -> datetime.date | None:
    """A day as 2026-11-22; None when left out."""
    text = values.text(data, field, errors)
    if not text:
        return None
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        errors.add(
            field, tk._("Not a date: %(value)s. Write it as 2026-11-22.") % {"value": text[:40]}
        )
        return None


def outside_letter(data: dict[str, Any], errors: values.Errors) -> OutsideLetter:
    """``letter_number`` and ``letter_date``, both needed."""
    number = values.text(data, "letter_number", errors, required=True)
    date = day(data, "letter_date", errors)
    if date is None and "letter_date" not in errors:
        errors.add("letter_date", tk._("Missing value"))
    return OutsideLetter(number, date or datetime.date.min)
