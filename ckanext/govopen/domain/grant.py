"""Grants: who may use which conditional data, for what, how, from when to when.

A grant is checked at the moment of each request. Its end is computed, not an event: expiry needs
nobody to notice it.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ckanext.govopen.domain.duty import Actor, Duty
from ckanext.govopen.domain.event import Event
from ckanext.govopen.domain.profile import Profile
from ckanext.govopen.domain.refusal import ALLOWED, N_, Answer, Refusal, Refused, refuse
from ckanext.govopen.domain.terms import OpenClass

Delivery = Literal["download", "interface", "on_platform"]
DELIVERIES: tuple[Delivery, ...] = ("download", "interface", "on_platform")
State = Literal["active", "suspended", "revoked", "ended"]


@dataclass(frozen=True)
class Holder:
    """A person, or an organisation with the persons it names; who is taken off loses access.

    ``authorised`` is the account that acts for the organisation and names its persons; empty
    where only the department does.
    """

    kind: Literal["person", "organisation"]
    persons: frozenset[str]
    organisation: str = ""
    code: str = ""
    authorised: str = ""


@dataclass(frozen=True)
class Quota:
    """Limits; None is no limit. Downloads in all, rows and requests each day (Asia/Shanghai)."""

    downloads: int | None = None
    rows_per_day: int | None = None
    requests_per_day: int | None = None


@dataclass(frozen=True)
class Usage:
    """What was used already, this request included: downloads in all, rows and requests today."""

    downloads: int = 0
    rows_today: int = 0
    requests_today: int = 0


@dataclass(frozen=True)
class Grant:
    """A right to use one dataset. ``items`` None is all of it; ``valid_to`` is the first moment
    after it; times are timezone-aware. ``application`` is the case that it comes from, empty for
    one that was given by hand."""

    id: str
    holder: Holder
    package_id: str
    organization: str
    purpose: str
    delivery: frozenset[Delivery]
    valid_from: datetime.datetime
    valid_to: datetime.datetime
    items: frozenset[str] | None = None
    quota: Quota = field(default_factory=Quota)
    state: State = "active"
    application: str = ""
    conditions: tuple[str, ...] = ()


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


def allows(
    grant: Grant,
    now: datetime.datetime,
    delivery: str | None = None,
    *,
    user_id: str | None = None,
    package_id: str | None = None,
    items: Iterable[str] | None = None,
    usage: Usage | None = None,
) -> Answer:
    """May the grant be used at ``now``? True in a condition only when it may.

    Facts that are None are not checked: the caller who looked the grants up by person and
    dataset knows them. ``delivery`` names the way of use; ``items`` the information items that
    are read, None with ``download`` meaning the whole file. ``usage`` counts this request in.
    """
    if user_id is not None and user_id not in grant.holder.persons:
        return Answer(False, "not_holder", N_("The grant belongs to somebody else."))
    if package_id is not None and package_id != grant.package_id:
        return Answer(False, "other_dataset", N_("The grant is for another dataset."))
    if grant.state != "active":
        return Answer(False, grant.state, _STATE_MESSAGES[grant.state])
    if now < grant.valid_from:
        return Answer(False, "not_yet_valid", N_("The grant is not valid yet."))
    if now >= grant.valid_to:
        return Answer(False, "expired", N_("The grant has expired."))
    if delivery is not None and delivery not in grant.delivery:
        return Answer(False, "delivery", N_("The grant does not cover this way of delivery."))
    if grant.items is not None:
        if delivery == "download" and items is None:
            return Answer(
                False,
                "items_only",
                N_("The grant covers some information items: a whole file is more than that."),
            )
        if items is not None and not set(items) <= grant.items:
            return Answer(False, "items", N_("The grant does not cover these information items."))
    return _within_quota(grant.quota, usage) if usage else ALLOWED


_STATE_MESSAGES = {
    "suspended": N_("The grant is suspended."),
    "revoked": N_("The grant was revoked."),
    "ended": N_("The grant has ended."),
}


def _within_quota(quota: Quota, usage: Usage) -> Answer:
    for used, limit, code in (
        (usage.downloads, quota.downloads, "quota_downloads"),
        (usage.rows_today, quota.rows_per_day, "quota_rows"),
        (usage.requests_today, quota.requests_per_day, "quota_requests"),
    ):
        if limit is not None and used > limit:
            return Answer(False, code, N_("The quota of the grant is used up."))
    return ALLOWED


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
                N_("A grant in the state %(state)s does not take this command."),
                {"state": grant.state},
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


def decides(actor: Actor, organization: str) -> bool:
    """Could he decide about grants for data of ``organization``? The operator only in need."""
    return actor.authority or actor.operator or actor.has(organization, Duty.HANDLER)


def _check_actor(grant: Grant, command: Command, profile: Profile) -> None:
    """The department's handlers and the authority decide; the operator only with a reason."""
    actor = command.actor
    article = profile.open.steps[0].article if profile.open.steps else None
    if not decides(actor, grant.organization):
        raise refuse(
            "GRT-1", article, N_("Grants are decided by the department or the data authority.")
        )
    by_duty = actor.authority or actor.has(grant.organization, Duty.HANDLER)
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
    if grant.conditions:
        payload["conditions"] = list(grant.conditions)
    if break_glass:
        payload["break_glass"] = break_glass
    return payload


_AFTER: Mapping[str, State] = {
    "grant.suspended": "suspended",
    "grant.resumed": "active",
    "grant.revoked": "revoked",
    "grant.ended": "ended",
}


def apply(state: Grant | None, event: Event) -> Grant:
    """The grant after an event; the state of a grant is the fold of its events."""
    payload = event.payload
    if event.type == "grant.given":
        holder = payload["holder"]
        return Grant(
            id=payload["grant"],
            holder=Holder(
                holder["kind"],
                frozenset(holder["persons"]),
                holder["organisation"],
                holder["code"],
                holder.get("authorised", ""),
            ),
            package_id=payload["dataset"],
            organization=payload["organization"],
            purpose=payload["purpose"],
            delivery=frozenset(payload["delivery"]),
            valid_from=datetime.datetime.fromisoformat(payload["valid_from"]),
            valid_to=datetime.datetime.fromisoformat(payload["valid_to"]),
            items=frozenset(payload["items"]) if payload["items"] is not None else None,
            quota=Quota(**payload["quota"]),
            application=payload.get("application", ""),
            conditions=tuple(payload.get("conditions", ())),
        )
    if state is None:
        raise ValueError("A grant begins with the event grant.given.")
    if event.type == "grant.persons_changed":
        persons = (state.holder.persons | set(payload.get("added", ()))) - set(
            payload.get("removed", ())
        )
        return replace(state, holder=replace(state.holder, persons=persons))
    return replace(state, state=_AFTER.get(event.type, state.state))


def ended(
    grant: Grant, cause: Literal["withdrawn", "non_open", "unconditional", "account_closed"]
) -> list[Event]:
    """The end of a grant because its dataset is gone or has become open to all, or because its
    holder has closed his account; [] if it is over."""
    if grant.state not in ("active", "suspended"):
        return []
    return [Event("grant.ended", {"grant": grant.id, "dataset": grant.package_id, "cause": cause})]
