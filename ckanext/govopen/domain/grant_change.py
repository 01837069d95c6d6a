"""Grants given, suspended, resumed and revoked: by those who decide, or by an application.

What a grant is, and when it may be used, is in ``grant.py``.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from ckanext.govopen.domain import state_words
from ckanext.govopen.domain.duty import Actor, Duty
from ckanext.govopen.domain.event import Event
from ckanext.govopen.domain.grant import DELIVERIES, Grant, State, decides
from ckanext.govopen.domain.profile import Profile
from ckanext.govopen.domain.refusal import N_, Refusal, Refused, refuse
from ckanext.govopen.domain.terms import OpenClass


@dataclass(frozen=True)
class Give:
    """Give a grant for a dataset that is in ``open_class``."""

    grant: Grant
    actor: Actor
    open_class: OpenClass | None
    break_glass: str = ""


@dataclass(frozen=True)
class Suspend:
    """Stop a grant for the time being; ``code`` says what is examined meanwhile."""

    actor: Actor
    reason: str
    break_glass: str = ""
    code: str = ""


@dataclass(frozen=True)
class Resume:
    """Let a suspended grant work again."""

    actor: Actor
    reason: str
    break_glass: str = ""


@dataclass(frozen=True)
class Revoke:
    """End a grant for good."""

    actor: Actor
    reason: str
    break_glass: str = ""


Command = Give | Suspend | Resume | Revoke

#: Why a grant is suspended: a misuse or a problem of the data is examined, or something else.
SUSPEND_CODES = ("misuse", "data_problem", "other")


def decide(
    state: Grant | None, command: Command, now: datetime.datetime, profile: Profile
) -> list[Event]:
    """Events of a command on one grant; raises :class:`~.refusal.Refused`.

    ``state`` is the grant as it is, None before it is given.
    """
    grant = command.grant if isinstance(command, Give) else state
    if grant is None:
        raise refuse("GRT-1", None, N_("There is no such grant."))
    _check_actor(grant, command, profile)
    if isinstance(command, Give):
        if state is not None:
            raise refuse("GRT-1", None, N_("This grant was given already."))
        return _give(command, now, profile)
    refusals = []
    wanted: dict[type, tuple[State, ...]] = {
        Suspend: ("active",),
        Resume: ("suspended",),
        Revoke: ("active", "suspended"),
    }
    if grant.state not in wanted[type(command)]:
        refusals.append(
            Refusal(
                "GRT-1",
                None,
                N_("A grant in the state “%(state)s” does not take this command."),
                {"state": state_words.word(state_words.GRANT, grant.state)},
            )
        )
    if not command.reason.strip():
        refusals.append(Refusal("GRT-1", None, N_("Say why.")))
    if isinstance(command, Suspend) and command.code not in ("", *SUSPEND_CODES):
        refusals.append(
            Refusal("GRT-1", None, N_("Say what is examined: a misuse or a problem of the data."))
        )
    if isinstance(command, Resume) and now >= grant.valid_to:
        refusals.append(Refusal("GRT-1", None, N_("The grant has expired.")))
    if refusals:
        raise Refused(refusals)
    payload: dict[str, Any] = {
        "grant": grant.id,
        "dataset": grant.package_id,
        "reason": command.reason.strip(),
    }
    if command.break_glass:
        payload["break_glass"] = command.break_glass
    if isinstance(command, Suspend):
        payload["code"] = command.code or "other"
    names = {Suspend: "grant.suspended", Resume: "grant.resumed", Revoke: "grant.revoked"}
    return [Event(names[type(command)], payload)]


def _check_actor(grant: Grant, command: Command, profile: Profile) -> None:
    """The department's handlers and the authority decide; the operator only with a reason."""
    actor = command.actor
    article = profile.open.steps[0].article if profile.open.steps else None
    if not decides(actor, grant.organization):
        raise refuse(
            "GRT-1", article, N_("Grants are decided by the department or the data authority.")
        )
    by_duty = actor.is_authority_of(grant.organization) or actor.has(
        grant.organization, Duty.HANDLER
    )
    if not by_duty and not command.break_glass.strip():
        raise refuse(
            "GRT-1",
            article,
            N_("The operator decides nothing; in an emergency he states why he has to."),
        )
    # To end one's own right needs no second person; to get or regain it does.
    if actor.user_id in grant.holder.persons and isinstance(command, (Give, Resume)):
        raise refuse("GRT-1", article, N_("Nobody gives a grant to himself."))


def _give(command: Give, now: datetime.datetime, profile: Profile) -> list[Event]:
    grant = command.grant
    refusals: list[Refusal] = []

    def no(article: str | None, message: str) -> None:
        refusals.append(Refusal("GRT-1", article, message))

    if command.open_class is not OpenClass.CONDITIONAL:
        info = profile.class_info(OpenClass.CONDITIONAL)
        no(info.article if info else None, N_("Grants are for conditional datasets only."))
    if not grant.holder.persons:
        no(None, N_("A grant names at least one person."))
    if grant.holder.kind == "organisation" and not grant.holder.organisation.strip():
        no(None, N_("A grant to an organisation names the organisation."))
    if grant.authorised_use:
        refusals += _authorised_use(command, profile)
    if not grant.purpose.strip():
        no(None, N_("A grant states its purpose."))
    if not grant.delivery or not grant.delivery <= set(DELIVERIES):
        no(None, N_("A grant names how the data is delivered."))
    if grant.valid_to <= grant.valid_from or grant.valid_to <= now:
        no(None, N_("The end lies before the beginning or in the past."))
    if grant.items is not None and (not grant.items or "download" in grant.delivery):
        no(
            None,
            N_("A grant for some information items cannot be delivered as a download of the file."),
        )
    limits = (grant.quota.downloads, grant.quota.rows_per_day, grant.quota.requests_per_day)
    if any(limit is not None and limit < 1 for limit in limits):
        no(None, N_("A quota is a number from 1 on, or none."))
    if grant.state != "active":
        no(None, N_("A new grant is active."))
    if refusals:
        raise Refused(refusals)
    return [Event("grant.given", _payload(grant, command.break_glass))]


def _authorised_use(command: Give, profile: Profile) -> list[Refusal]:
    """What stands against a right to use data and to the income of its re-use (GRT-3).

    The data authority gives it, not the department, and to enterprises and units. The text that
    knows it names no period and no conditions: both are what is given.
    """
    rule = profile.provision("authorised_use")
    if rule is None:
        return [Refusal("GRT-3", None, N_("This regulation knows no authorised use."))]
    found: list[Refusal] = []
    actor = command.actor
    here = actor.is_authority_of(command.grant.organization)
    if not here and not (actor.operator and command.break_glass.strip()):
        found.append(
            Refusal("GRT-3", rule.article, N_("Authorised use is given by the data authority."))
        )
    if command.grant.holder.kind != "organisation":
        found.append(
            Refusal("GRT-3", rule.article, N_("Authorised use is given to an organisation."))
        )
    return found


def from_application(
    state: Grant | None,
    grant: Grant,
    open_class: OpenClass | None,
    now: datetime.datetime,
    profile: Profile,
) -> list[Event]:
    """Events of a grant that an application has led to; raises :class:`~.refusal.Refused`.

    Nobody gives it by hand: all decisions and the signature stand in the application's stream.
    Nothing when it was given already.
    """
    if not grant.application:
        raise ValueError("Only a grant that comes from an application is given without an actor.")
    if state is not None:
        return []
    return _give(Give(grant, Actor("", system=True), open_class), now, profile)


def _payload(grant: Grant, break_glass: str) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "grant": grant.id,
        "dataset": grant.package_id,
        "organization": grant.organization,
        "holder": {
            "kind": grant.holder.kind,
            "persons": sorted(grant.holder.persons),
            "organisation": grant.holder.organisation,
            "code": grant.holder.code,
            **({"authorised": grant.holder.authorised} if grant.holder.authorised else {}),
        },
        "items": sorted(grant.items) if grant.items is not None else None,
        "purpose": grant.purpose,
        "delivery": sorted(grant.delivery),
        "valid_from": grant.valid_from.isoformat(),
        "valid_to": grant.valid_to.isoformat(),
        "quota": {
            "downloads": grant.quota.downloads,
            "rows_per_day": grant.quota.rows_per_day,
            "requests_per_day": grant.quota.requests_per_day,
        },
    }
    if grant.application:
        payload["application"] = grant.application
    if grant.authorised_use:
        payload["authorised_use"] = True
    if grant.conditions:
        payload["conditions"] = list(grant.conditions)
    if break_glass:
        payload["break_glass"] = break_glass
    return payload
