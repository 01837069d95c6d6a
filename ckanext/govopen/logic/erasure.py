"""Erasing personal fields of the ledger: what may go, and that it went is itself recorded."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from ckan.types import AlchemySession

from ckanext.govopen.domain.event import EVENT_TYPES, Event
from ckanext.govopen.domain.profile import Profile
from ckanext.govopen.domain.refusal import N_, refuse
from ckanext.govopen.model import agreement, jurisdiction, ledger, settings
from ckanext.govopen.model.duty import DutyRow
from ckanext.govopen.model.grant import GrantRow
from ckanext.govopen.model.ledger import EventRow
from ckanext.govopen.model.review import WAITING, ReviewRow

STREAM = "ledger/erasures"
_DAYS = {"year": 366, "month": 31, "nd": 1, "wd": 2}


@dataclass(frozen=True)
class Order:
    """What to erase: the events of a stream, or those whose personal fields name a person."""

    stream: str | None
    user_id: str | None
    types: frozenset[str]
    reason: str
    force: bool = False
    unlink: bool = False


def carry_out(
    session: AlchemySession, order: Order, actor: str | None, now: datetime.datetime
) -> dict[str, Any]:
    """Erases in the caller's transaction; ``{"events": number, "before": ISO 8601}``.

    :raises Refused: a case is not over, or its record has to be kept and nothing forces
    """
    kept, article = keep(jurisdiction.profile())
    before = now - kept
    found = list(_found(session, order))
    alive = sorted({row.stream for row in found if _alive(session, row, now)})
    if alive:
        raise refuse(
            "LED-1",
            None,
            N_("%(stream)s is not over: what it needs cannot be erased."),
            stream=alive[0],
        )
    young = [row for row in found if row.at > before]
    if young and not order.force:
        raise refuse(
            "LED-1",
            article,
            N_("%(number)s events have to be kept still: only those before %(day)s may go."),
            number=len(young),
            day=before.date().isoformat(),
        )
    for row in found:
        ledger.erase(session, row.id, ledger.sealed(row))
        if row.type == "agreement.signed":
            case = row.stream.partition("/")[2]
            agreement.erase(session, case, row.payload["organization"])
    number = ledger.number_of(session, order.user_id) if order.user_id else None
    if order.unlink and order.user_id:
        ledger.unlink(session, order.user_id)
    if found or (order.unlink and number is not None):
        payload = {
            "scope": order.stream or (f"person/{number}" if number is not None else "person"),
            "events": len(found),
            "before": before.date().isoformat(),
            "forced": bool(young),
            "reason": order.reason,
        }
        ledger.append(session, STREAM, [Event("ledger.erased", payload)], actor, now)
    return {"events": len(found), "before": before.date().isoformat()}


def keep(profile: Profile) -> tuple[datetime.timedelta, str | None]:
    """How long records are kept at least, and the article; a rule of the site without a number."""
    numbers = [
        (datetime.timedelta(days=item.n * _DAYS[item.unit]), item.article)
        for item in profile.retention
        if item.n is not None
    ]
    if numbers:
        return max(numbers, key=lambda pair: pair[0])
    return datetime.timedelta(days=settings.ledger_keep_years() * _DAYS["year"]), None


def _found(session: AlchemySession, order: Order) -> Iterator[Any]:
    event = EventRow.__table__
    query = sa.select(event).order_by(event.c.stream, event.c.version).with_for_update()
    if order.stream is not None:
        query = query.where(event.c.stream == order.stream)
    else:
        text = sa.cast(event.c.payload, sa.Text)
        query = query.where(text.contains(f'"{order.user_id}"', autoescape=True))
    for row in session.execute(query):
        if order.types and row.type not in order.types:
            continue
        declared = EVENT_TYPES.get(row.type)
        if declared is None:
            continue
        personal = {name: row.payload[name] for name in declared.personal if name in row.payload}
        if personal and (order.user_id is None or _names(personal, order.user_id)):
            yield row


def _names(value: Any, user_id: str) -> bool:
    """Does a JSON value hold this id somewhere?"""
    if isinstance(value, dict):
        return any(_names(item, user_id) for item in value.values())
    if isinstance(value, list):
        return any(_names(item, user_id) for item in value)
    return bool(value == user_id)


def _alive(session: AlchemySession, row: Any, now: datetime.datetime) -> bool:
    """Does the portal still need these fields, because the case is not over?"""
    kind, _, name = row.stream.partition("/")
    if kind == "grant":
        query = sa.exists().where(
            GrantRow.id == name,
            GrantRow.state.in_(("active", "suspended")),
            GrantRow.valid_to > now,
        )
    elif kind == "review":
        query = sa.exists().where(ReviewRow.id == name, ReviewRow.status.in_(WAITING))
    elif kind == "duty":
        query = sa.exists().where(
            DutyRow.organization_id == name, DutyRow.user_id == row.payload.get("user")
        )
    else:
        return False
    return bool(session.scalar(sa.select(query)))
