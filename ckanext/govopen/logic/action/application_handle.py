"""What bodies do with an application before they decide: each of one department's part."""

from __future__ import annotations

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
from ckanext.govopen.logic import application_record as recording
from ckanext.govopen.logic import application_show as showing
from ckanext.govopen.logic import command
from ckanext.govopen.logic.schema import handling as schema
from ckanext.govopen.logic.schema.table import Given, Table, takes
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

#: What all orders of bodies have: the actor, the department, the operator's reason.
Who = dict[str, Any]
#: Makes the order from the case, its part, what all orders have, and the parameters.
Maker = Callable[[Application, Part, Who, Given], Any]


def on_part(table: Table) -> Callable[[Maker], command.Action]:
    """Makes an action out of a function that makes the order: one command on one part.

    The action has the function's name and documentation. All of them take ``id``,
    ``organization`` and ``break_glass`` beside their own, answer the case as
    :func:`govopen_application_show` does, and raise ObjectNotFound when there is none or it does
    not concern the caller, ValidationError for a wrong parameter, or with ``refusal`` when a rule
    says no.
    """

    def wrap(make: Maker) -> command.Action:
        name = make.__name__

        def action(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
            return _carry_out(context, data_dict, name, table, make)

        action.__name__, action.__doc__, action.__module__ = name, make.__doc__, make.__module__
        return command.decision()(takes(table)(action))

    return wrap


@on_part(schema.RETURN)
def govopen_application_return(state: Application, part: Part, who: Who, given: Given) -> Any:
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
    return orders.Return(**who, **given.some("remarks", "message"))


@on_part(schema.DECLINE)
def govopen_application_decline(state: Application, part: Part, who: Who, given: Given) -> Any:
    """Do not accept a part, for good.

    :param reason: why
    :param basis: ``[{"instrument", "article", "kind"}]``, as a refusal needs it

    The others as in :func:`govopen_application_return`.
    """
    return orders.Decline(**who, reason=given["reason"], basis=bases(given))


@on_part(schema.ACCEPT)
def govopen_application_accept(state: Application, part: Part, who: Who, given: Given) -> Any:
    """Accept a part for decision, once it is recorded that the applicant was checked.

    Parameters as in :func:`govopen_application_return`, without remarks.
    """
    return orders.Accept(**who, identity=cases.identity(state, part))


@on_part(schema.FORWARD)
def govopen_application_forward(state: Application, part: Part, who: Who, given: Given) -> Any:
    """Record that a part was passed on to the body that the profile names.

    :param letter_number: number of the letter that went with it
    :param letter_date: its day, as 2026-11-22

    The others as in :func:`govopen_application_return`.
    """
    return orders.Forward(**who, letter=outside_letter(given))


@on_part(schema.CONSULT)
def govopen_application_consult(state: Application, part: Part, who: Who, given: Given) -> Any:
    """Ask somebody else for an opinion.

    :param kind: a consultation of the profile, ``third_party_consultation`` or
        ``other_organ_consultation``
    :param whom: who is asked
    :param question: what
    :param until: the day by which the answer is wanted (optional)

    The others as in :func:`govopen_application_return`.
    """
    return orders.Consult(**who, **given.some("kind", "whom", "question", "until"))


@on_part(schema.CONSULT_CLOSE)
def govopen_application_consult_close(
    state: Application, part: Part, who: Who, given: Given
) -> Any:
    """Record the answer of who was asked, or that there was none.

    :param consultation: its number
    :param outcome: ``consent``, ``objection``, ``answered`` or ``no_answer``
    :param answer: what was answered

    The others as in :func:`govopen_application_return`.
    """
    return orders.CloseConsultation(
        **who, consultation=given["consultation"] or 0, **given.some("outcome", "answer")
    )


@on_part(schema.EXTEND)
def govopen_application_extend(state: Application, part: Part, who: Who, given: Given) -> Any:
    """Lengthen a time limit, as the profile allows.

    :param clock: its id
    :param units: by how many of its days; left out: by all that is allowed
    :param reason: why

    The others as in :func:`govopen_application_return`.
    """
    return orders.Extend(**who, **given.some("clock", "reason", "units"))


@on_part(schema.ASSIGN)
def govopen_application_assign(state: Application, part: Part, who: Who, given: Given) -> Any:
    """Name who handles a part for its department.

    :param handler: the account, by id or name
    :param reason: why; needed when somebody else handles it

    The others as in :func:`govopen_application_return`.
    """
    handler = given["handler"]
    held = duties.held_by(model.Session, handler.id, command.now())
    holds = (part.organization, Duty.HANDLER.value) in held
    return orders.Assign(**who, handler=handler.id, holds_duty=holds, reason=given["reason"])


def _carry_out(
    context: Any, data_dict: dict[str, Any], name: str, table: Table, make: Maker
) -> dict[str, Any]:
    """One command on a part, from the check of access to the commit.

    What is wrong with the command's own parameters is told to nobody who may not read the case.
    """
    tk.check_access(name, context, data_dict)
    given = table.read(data_dict, first=("id",))
    row, state = cases.found(context, given["id"])
    if state is None or not any(
        cases.sees_part(context, state, part, cases.rules_for(state)) for part in state.parts
    ):
        if state is not None:
            raise tk.NotAuthorized(tk._("Nobody decides on his own application."))
        raise cases.not_found()
    given.check()
    row, state = cases.found(context, row.id, lock=True)
    assert state is not None
    now = command.now()
    with command.refusals():
        part = _part(context, state, given["organization"])
        who = {
            "actor": cases.actor(context),
            "organization": part.organization,
            "break_glass": given["break_glass"],
        }
        events = decide(state, make(state, part, who, given), now, cases.rules_for(state))
        if name.endswith("_return"):
            row.draft = {
                key: one for key, one in state.revisions[-1].content.items()
                if key not in ("attachments", "salt")
            }  # fmt: skip
            row.writing += 1
        state = recording.record(context, state, row.id, events, now, command.actor(context))
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


def bases(given: Given) -> tuple[Basis, ...]:
    """The legal basis that a call names."""
    return tuple(Basis(**row) for row in given["basis"])


def outside_letter(given: Given) -> OutsideLetter:
    """The letter that a call names."""
    return OutsideLetter(given["letter_number"], given["letter_date"])
