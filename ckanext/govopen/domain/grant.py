"""Grants: who may use which conditional data, for what, how, from when to when.

A grant is checked at the moment of each request. Its end is computed, not an event: expiry needs
nobody to notice it. How it is given, suspended and revoked is in ``grant_change.py``; which persons
of an organisation use it in ``grant_persons.py``.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from ckanext.govopen.domain.duty import Actor, Duty
from ckanext.govopen.domain.event import Event
from ckanext.govopen.domain.refusal import ALLOWED, N_, Answer

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
    one that was given by hand; ``authorised_use``: given by the data authority with the right to
    the income of re-use, where the regulation knows that."""

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
    authorised_use: bool = False


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


def with_daily_rows(grant: Grant, rows: int) -> Grant:
    """The grant with a daily limit of rows, where it is for use within the portal alone and nobody
    has set one; ``rows`` 0 sets none. A page by page reading of everything is not looking at it."""
    if not rows or grant.delivery != {"on_platform"} or grant.quota.rows_per_day is not None:
        return grant
    return replace(grant, quota=replace(grant.quota, rows_per_day=rows))


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


def decides(actor: Actor, organization: str) -> bool:
    """Could he decide about grants for data of ``organization``? The operator only in need."""
    return (
        actor.is_authority_of(organization)
        or actor.operator
        or actor.has(organization, Duty.HANDLER)
    )


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
            authorised_use=payload.get("authorised_use", False),
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
