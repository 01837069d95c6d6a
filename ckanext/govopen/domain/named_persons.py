"""The persons that a department names: its head, its leader in charge, its contact (GOV-4).

Which of them a department has to name is said by the regulation; where the text names none there
is no register. They need no account, and naming somebody gives him no right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ckanext.govopen.domain.duty import Actor
from ckanext.govopen.domain.event import Event
from ckanext.govopen.domain.profile import Profile
from ckanext.govopen.domain.refusal import N_, Refusal, Refused, refuse
from ckanext.govopen.domain.terms import Provision

RULE = "GOV-4"
#: Of these a department has one, who takes the place of the one before; of the others several.
SINGLE = frozenset({"head"})
#: Most persons that one department names.
MOST = 20


@dataclass(frozen=True)
class NamedPerson:
    """One person in one role. ``id`` is a number of the register, no account."""

    id: str
    role: str
    name: str
    post: str = ""
    phone: str = ""


@dataclass(frozen=True)
class Put:
    """Name a person, or correct what is written of one who is named (same ``person.id``).

    ``administers``: the actor administers the department.
    """

    actor: Actor
    organization: str
    person: NamedPerson
    administers: bool = False


@dataclass(frozen=True)
class Remove:
    """Take a person off."""

    actor: Actor
    organization: str
    id: str
    administers: bool = False


def roles(profile: Profile) -> tuple[str, ...]:
    """The roles that the regulation wants named; () where it names none."""
    rule = profile.provision("named_persons")
    return rule.values if rule is not None else ()


def may(actor: Actor, organization: str, administers: bool) -> bool:
    """May he keep the register of a department? Its administrators, the authority, the operator."""
    authority = actor.is_authority_of(organization)
    return administers or authority or actor.operator or actor.system


def decide(
    state: Mapping[str, NamedPerson], command: Put | Remove, profile: Profile
) -> list[Event]:
    """Events of a command on a department's register; raises :class:`~.refusal.Refused`.

    ``state`` are its persons by id. [] when nothing changes.
    """
    rule = profile.provision("named_persons")
    if rule is None:
        raise refuse(RULE, None, N_("This regulation asks no department to name persons."))
    if not may(command.actor, command.organization, command.administers):
        raise refuse(
            RULE,
            rule.article,
            N_("A department's own administrators, the authority or the operator do this."),
        )
    place = {"organization": command.organization}
    if isinstance(command, Remove):
        gone = state.get(command.id)
        if gone is None:
            raise refuse(RULE, rule.article, N_("Nobody is named under this number."))
        return [Event("department.person_removed", {**place, "id": gone.id, "role": gone.role})]
    _check(state, command.person, rule)
    if state.get(command.person.id) == command.person:
        return []
    person = command.person
    before = [
        Event("department.person_removed", {**place, "id": one.id, "role": one.role})
        for one in state.values()
        if person.role in SINGLE and one.role == person.role and one.id != person.id
    ]
    payload = {
        **place,
        "id": person.id,
        "role": person.role,
        "name": person.name,
        "post": person.post,
        "phone": person.phone,
    }
    return [*before, Event("department.person_named", payload)]


def _check(state: Mapping[str, NamedPerson], person: NamedPerson, rule: Provision) -> None:
    refusals: list[Refusal] = []
    if person.role not in rule.values:
        refusals.append(
            Refusal(
                RULE,
                rule.article,
                N_("The regulation knows these roles: %(known)s."),
                {"known": ", ".join(rule.values), "field": "role"},
            )
        )
    if not person.name.strip():
        refusals.append(Refusal(RULE, rule.article, N_("Say who it is."), {"field": "name"}))
    if person.id not in state and len(state) >= MOST:
        refusals.append(
            Refusal(RULE, None, N_("A department names at most %(most)s persons."), {"most": MOST})
        )
    if refusals:
        raise Refused(refusals)


def fold(events: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, NamedPerson]:
    """A department's persons by id, from (type, payload) in their order; others are passed over.

    Whose name was erased from the record is not named any more.
    """
    known: dict[str, NamedPerson] = {}
    for kind, payload in events:
        if kind == "department.person_removed":
            known.pop(payload["id"], None)
        elif kind == "department.person_named":
            known.pop(payload["id"], None)
            if payload.get("name"):
                known[payload["id"]] = NamedPerson(
                    payload["id"],
                    payload["role"],
                    payload["name"],
                    payload.get("post", ""),
                    payload.get("phone", ""),
                )
    return known


def missing(profile: Profile, state: Mapping[str, NamedPerson]) -> list[str]:
    """The roles in which a department has named nobody."""
    held = {one.role for one in state.values()}
    return [role for role in roles(profile) if role not in held]
