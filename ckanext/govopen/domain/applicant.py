"""Applicants: who checked who they are, and how long that counts.

Stream ``applicant/<user id>``. Before a department decides, the receiving body records that it has
seen who applies: a person by a document, an organisation by its credit code and by the authority
of whoever acts for it. A right check digit is no identity. Of a document only its kind and at most
its last four characters are kept.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from ckanext.govopen.domain.duty import Actor, Duty
from ckanext.govopen.domain.event import Event
from ckanext.govopen.domain.organization import check_code, normalize_code
from ckanext.govopen.domain.refusal import N_, Refusal, Refused, refuse

Kind = Literal["person", "organisation"]
KINDS: tuple[Kind, ...] = ("person", "organisation")
TAIL = 4
NAME_MAX = 200
TEXT_MAX = 500


@dataclass(frozen=True)
class Identity:
    """One check. ``name`` is the person's or the organisation's, ``person`` the name of whoever
    acts (for a person the same), ``authority`` on what ground he acts for the organisation."""

    kind: Kind
    name: str
    person: str
    valid_until: datetime.datetime
    checked_at: datetime.datetime
    document: str = ""
    document_tail: str = ""
    code: str = ""
    authority: str = ""
    withdrawn: bool = False

    def in_force(self, now: datetime.datetime) -> bool:
        """Does it count at ``now``?"""
        return not self.withdrawn and self.checked_at <= now < self.valid_until


@dataclass(frozen=True)
class ApplicantState:
    """All checks of one user, the newest last."""

    user: str = ""
    checks: tuple[Identity, ...] = ()

    def in_force(
        self, now: datetime.datetime, kind: Kind = "person", code: str = ""
    ) -> Identity | None:
        """The check that counts now: as a person, or for the organisation with this code."""
        wanted = normalize_code(code) if kind == "organisation" else ""
        return next(
            (
                check
                for check in reversed(self.checks)
                if (check.kind, check.code) == (kind, wanted) and check.in_force(now)
            ),
            None,
        )


@dataclass(frozen=True)
class Check:
    """Record that somebody was checked. The name is written as it was shown."""

    actor: Actor
    user: str
    kind: str
    name: str
    document: str
    document_tail: str
    valid_until: datetime.datetime
    person: str = ""
    code: str = ""
    authority: str = ""
    break_glass: str = ""


@dataclass(frozen=True)
class WithdrawCheck:
    """A check does not count any longer."""

    actor: Actor
    user: str
    kind: str
    reason: str
    code: str = ""
    break_glass: str = ""


def decide(
    state: ApplicantState, command: Check | WithdrawCheck, now: datetime.datetime
) -> list[Event]:
    """Events of a check or its withdrawal; raises :class:`~.refusal.Refused`.

    Handlers of any department and the authority check; the operator only with a reason.
    """
    actor = command.actor
    official = (
        actor.authority
        or bool(actor.area)
        or any(duty == Duty.HANDLER.value for _, duty in actor.duties)
    )
    if not official and not (actor.operator and command.break_glass.strip()):
        raise refuse("ID-4", None, N_("Identities are checked by the bodies that receive."))
    if actor.user_id == command.user:
        raise refuse("ID-4", None, N_("Nobody checks his own identity."))
    if isinstance(command, WithdrawCheck):
        return _withdraw(state, command, now)
    refusals = _faults(command, now)
    if refusals:
        raise Refused(refusals)
    organisation = command.kind == "organisation"
    payload: dict[str, Any] = {
        "user": command.user,
        "kind": command.kind,
        "name": command.name.strip(),
        "person": (command.person if organisation else command.name).strip(),
        "document": command.document.strip(),
        "document_tail": command.document_tail.strip(),
        "code": normalize_code(command.code) if organisation else "",
        "authority": command.authority.strip() if organisation else "",
        "valid_until": command.valid_until.isoformat(),
        "by": actor.user_id,
    }
    if not official:
        payload["break_glass"] = command.break_glass.strip()
    return [Event("identity.checked", payload)]


def _faults(command: Check, now: datetime.datetime) -> list[Refusal]:
    found: list[Refusal] = []

    def no(field: str, message: str, **params: Any) -> None:
        found.append(Refusal("ID-4", None, message, {"field": field, **params}))

    organisation = command.kind == "organisation"
    if command.kind not in KINDS:
        no("kind", N_("A person or an organisation is checked."))
    wanted = ["name", "document"] + (["person", "authority"] if organisation else [])
    for name in wanted:
        if not getattr(command, name).strip():
            no(name, N_("This has to be filled in."))
    for name, most in (("name", NAME_MAX), ("person", NAME_MAX), ("authority", TEXT_MAX)):
        if len(getattr(command, name)) > most:
            no(name, N_("At most %(most)s characters."), most=most)
    if len(command.document) > NAME_MAX:
        no("document", N_("At most %(most)s characters."), most=NAME_MAX)
    if len(command.document_tail.strip()) > TAIL:
        no("document_tail", N_("At most the last four characters of a document are kept."))
    if organisation:
        answer = check_code(command.code, "uscc")  # what applicants are asked for
        if not answer:
            found.append(Refusal("ID-4", None, answer.message, {**answer.params, "field": "code"}))
    if command.valid_until.tzinfo is None or command.valid_until <= now:
        no("valid_until", N_("The check has to count until a later moment."))
    return found


def _withdraw(state: ApplicantState, command: WithdrawCheck, now: datetime.datetime) -> list[Event]:
    if not command.reason.strip():
        raise refuse("ID-4", None, N_("Say why."), field="reason")
    kind: Kind = "organisation" if command.kind == "organisation" else "person"
    if state.in_force(now, kind, command.code) is None:
        raise refuse("ID-4", None, N_("There is no such check in force."))
    payload: dict[str, Any] = {
        "user": command.user,
        "kind": kind,
        "code": normalize_code(command.code) if kind == "organisation" else "",
        "reason": command.reason.strip(),
        "by": command.actor.user_id,
    }
    if command.break_glass.strip():
        payload["break_glass"] = command.break_glass.strip()
    return [Event("identity.withdrawn", payload)]


def apply(state: ApplicantState, event: Event, at: datetime.datetime) -> ApplicantState:
    """The state after an event of ``at``. Erased fields are empty: such a check fits nobody."""
    payload = event.payload
    user = payload.get("user", state.user)
    if event.type == "identity.checked":
        check = Identity(
            kind=payload["kind"],
            name=payload.get("name", ""),
            person=payload.get("person", ""),
            valid_until=datetime.datetime.fromisoformat(payload["valid_until"]),
            checked_at=at,
            document=payload.get("document", ""),
            document_tail=payload.get("document_tail", ""),
            code=payload.get("code", ""),
            authority=payload.get("authority", ""),
            # Without its name it says nothing about anybody.
            withdrawn=not payload.get("name"),
        )
        return ApplicantState(user, (*state.checks, check))
    if event.type == "identity.withdrawn":
        place = (payload["kind"], payload.get("code", ""))
        checks = (
            replace(c, withdrawn=True) if (c.kind, c.code) == place else c for c in state.checks
        )
        return ApplicantState(user, tuple(checks))
    raise ValueError(f"{event.type!r} is no event of an applicant.")


def fold(events: Iterable[tuple[Event, datetime.datetime]]) -> ApplicantState:
    """The state after all events, each with its time."""
    state = ApplicantState()
    for event, at in events:
        state = apply(state, event, at)
    return state
