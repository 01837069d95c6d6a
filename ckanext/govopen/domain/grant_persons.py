"""Who of an organisation may use its grant: named by who acts for it, left by themselves."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from ckanext.govopen.domain.duty import Actor, Duty
from ckanext.govopen.domain.event import Event
from ckanext.govopen.domain.grant import Grant, decides
from ckanext.govopen.domain.refusal import N_, refuse


@dataclass(frozen=True)
class SetPersons:
    """An organisation names the persons who may use its grant: these and no others."""

    actor: Actor
    persons: frozenset[str]
    most: int
    break_glass: str = ""


@dataclass(frozen=True)
class Leave:
    """A person whom an organisation has named does not want to use its grant (any more)."""

    actor: Actor


def names_persons(grant: Grant, actor: Actor) -> bool:
    """May he say who uses the grant of an organisation? Who acts for it, or who decides on it."""
    return grant.holder.kind == "organisation" and (
        bool(actor.user_id and actor.user_id == grant.holder.authorised)
        or decides(actor, grant.organization)
    )


def set_persons(grant: Grant, command: SetPersons, now: datetime.datetime) -> list[Event]:
    """Events of naming the persons of an organisation's grant; [] when nothing changes.

    Raises :class:`~.refusal.Refused`. Who is taken off cannot use it at his next request.
    """
    actor = command.actor
    if not names_persons(grant, actor):
        raise refuse(
            "GRT-1",
            None,
            N_("Only the person who acts for the organisation, or the department, names persons."),
        )
    own = actor.user_id == grant.holder.authorised
    by_duty = actor.is_authority_of(grant.organization) or actor.has(
        grant.organization, Duty.HANDLER
    )
    if not (own or by_duty or command.break_glass.strip()):
        raise refuse(
            "GRT-1",
            None,
            N_("The operator decides nothing; in an emergency he states why he has to."),
        )
    added = command.persons - grant.holder.persons
    removed = grant.holder.persons - command.persons
    if grant.state not in ("active", "suspended") or now >= grant.valid_to:
        raise refuse("GRT-1", None, N_("The grant has ended."))
    if not command.persons:
        raise refuse("GRT-1", None, N_("A grant names at least one person."))
    if len(command.persons) > command.most:
        raise refuse(
            "GRT-1", None, N_("A grant names at most %(most)s persons."), most=command.most
        )
    if actor.user_id in added and not own:
        raise refuse("GRT-1", None, N_("Nobody gives a grant to himself."))
    if not added and not removed:
        return []
    payload: dict[str, Any] = {
        "grant": grant.id,
        "dataset": grant.package_id,
        "added": sorted(added),
        "removed": sorted(removed),
    }
    if command.break_glass:
        payload["break_glass"] = command.break_glass
    return [Event("grant.persons_changed", payload)]


def may_leave(grant: Grant, user_id: str | None, now: datetime.datetime) -> bool:
    """Is he one of those whom an organisation has named, and is there something to leave?"""
    return (
        grant.holder.kind == "organisation"
        and user_id in grant.holder.persons
        and grant.state in ("active", "suspended")
        and now < grant.valid_to
    )


def leave(grant: Grant, command: Leave, now: datetime.datetime) -> list[Event]:
    """Events of giving up one's own use; raises :class:`~.refusal.Refused`.

    From his next request on the grant gives him nothing. Nobody can make him stay, and it takes
    nobody's consent, also when he was the last one.
    """
    if not may_leave(grant, command.actor.user_id, now):
        raise refuse(
            "GRT-1", None, N_("Only a person whom an organisation has named leaves a grant.")
        )
    return without(grant, command.actor.user_id)


def without(grant: Grant, user_id: str) -> list[Event]:
    """Events of the end of one person's use, such as when his account is closed; [] when an
    organisation's grant does not name him or is over."""
    over = grant.state not in ("active", "suspended")
    if over or grant.holder.kind != "organisation" or user_id not in grant.holder.persons:
        return []
    payload = {"grant": grant.id, "dataset": grant.package_id, "added": [], "removed": [user_id]}
    return [Event("grant.persons_changed", payload)]
