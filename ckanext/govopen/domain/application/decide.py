"""Commands on applications: who may, in which state, and what comes of it.

``decide`` checks the table and the person, then hands over to the command's own rule. A refused
command changes nothing; all reasons that can be known at once are named at once.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any

from ckanext.govopen.domain import state_words
from ckanext.govopen.domain.application import ending, handle, vote
from ckanext.govopen.domain.application.acting import Acting
from ckanext.govopen.domain.application.commands import (
    Accept,
    Assign,
    CloseConsultation,
    Command,
    Consult,
    Decide,
    Decline,
    DeliverLetter,
    Drop,
    Extend,
    Forward,
    IssueLetter,
    Lapse,
    RecordForwardAnswer,
    Return,
    Sign,
    Silence,
    Submit,
    Withdraw,
)
from ckanext.govopen.domain.application.roles import roles
from ckanext.govopen.domain.application.rules import Rules
from ckanext.govopen.domain.application.state import Application, Part
from ckanext.govopen.domain.application.submit import submit
from ckanext.govopen.domain.application.table import NAMES, OFFICIAL, TABLE, State
from ckanext.govopen.domain.duty import Actor
from ckanext.govopen.domain.event import Event
from ckanext.govopen.domain.refusal import N_, refuse

RULE = "APP-3"

_RULES: Mapping[type, Callable[[Acting, Any], list[Event]]] = {
    Return: handle.return_,
    Decline: handle.decline,
    Accept: handle.accept,
    Forward: handle.forward,
    Consult: handle.consult,
    CloseConsultation: handle.close_consultation,
    Extend: handle.extend,
    Assign: handle.assign,
    Decide: vote.decide,
    RecordForwardAnswer: vote.record_answer,
    Silence: vote.silence,
    Sign: ending.sign,
    Lapse: ending.lapse,
    Drop: ending.drop,
    IssueLetter: ending.issue_letter,
    DeliverLetter: ending.deliver_letter,
}


def decide(
    state: Application | None, command: Command, now: datetime.datetime, rules: Rules
) -> list[Event]:
    """Events of a command, for the stream ``application/<id>``; raises Refused.

    ``rules`` are those under which the case began; others are the caller's mistake (ValueError).
    """
    if state is not None and state.rules != rules.id:
        raise ValueError(f"The case runs under {state.rules}, not under {rules.id}.")
    if isinstance(command, Submit):
        return _submit(state, command, now, rules)
    if state is None:
        raise refuse(RULE, None, N_("There is no such application."))
    if isinstance(command, Withdraw) and command.organization is None:
        return _withdraw_all(state, command, now, rules)
    part = state.part(command.organization or "")
    if part is None:
        raise refuse(RULE, None, N_("This application has no part for that department."))
    acting = _admit(state, part, command, now, rules)
    if isinstance(command, Withdraw):
        return ending.withdraw(acting, command)
    return _RULES[type(command)](acting, command)


def may(
    state: Application | None, organization: str | None, actor: Actor, rules: Rules
) -> list[str]:
    """Names of the commands that he may give now, for buttons; the rules themselves check all."""
    part = state.part(organization) if state is not None and organization else None
    if state is not None and part is None:
        return []
    status: State = part.status if part is not None else "none"
    mine = roles(actor, state, part, rules)
    own = state is not None and actor.user_id in state.concerned
    return [
        name
        for (at, name), who in TABLE.items()
        if at == status
        and who & mine
        and not (own and name in OFFICIAL)
        and not (name == "forward" and part is not None and part.forwarding is not None)
    ]


def _submit(
    state: Application | None, command: Submit, now: datetime.datetime, rules: Rules
) -> list[Event]:
    returned = state is not None and any(part.status == "returned" for part in state.parts)
    status: State = "none" if state is None else "returned" if returned else state.parts[0].status
    _check_table(status, "submit", roles(command.actor, state, None, rules))
    return submit(state, command, now, rules)


def _withdraw_all(
    state: Application, command: Withdraw, now: datetime.datetime, rules: Rules
) -> list[Event]:
    parts = [part for part in state.parts if part.is_open] or list(state.parts[:1])
    return [
        event
        for part in parts
        for event in ending.withdraw(_admit(state, part, command, now, rules), command)
    ]


def _check_table(status: State, name: str, mine: frozenset[Any]) -> None:
    who = TABLE.get((status, name))
    if who is None:
        raise refuse(
            RULE,
            None,
            N_("An application in the state “%(state)s” does not take this command."),
            state=state_words.word(state_words.APPLICATION, status),
        )
    if not who & mine:
        raise refuse(RULE, None, N_("This is for others to do."))


def _admit(
    state: Application, part: Part, command: Any, now: datetime.datetime, rules: Rules
) -> Acting:
    """Lets somebody through to a command's rule, or refuses."""
    name = NAMES[type(command)]
    actor: Actor = command.actor
    mine = roles(actor, state, part, rules)
    _check_table(part.status, name, mine)
    if name in OFFICIAL and actor.user_id in state.concerned:
        raise refuse(RULE, None, N_("Nobody decides on his own application."))
    by_duty = TABLE[(part.status, name)] & mine - {"operator"}
    glass = ""
    if not by_duty:
        glass = command.break_glass.strip()
        if not glass:
            raise refuse(
                RULE,
                None,
                N_("The operator decides nothing; in an emergency he states why he has to."),
            )
    return Acting(state, part, actor, now, rules, glass)
