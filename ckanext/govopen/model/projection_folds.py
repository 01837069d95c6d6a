"""What the rows of a table should hold, as the fold of the events of one stream.

A value that the ledger does not hold any more, because it was erased, is :data:`UNKNOWN`.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ckanext.govopen.domain import duty as duty_rules
from ckanext.govopen.domain import grant as grant_rules
from ckanext.govopen.domain import levels as level_rules
from ckanext.govopen.domain import review_state as review_rules
from ckanext.govopen.domain import standing as standing_rules
from ckanext.govopen.domain.event import EVENT_TYPES, Event
from ckanext.govopen.domain.ledger import SealedEvent
from ckanext.govopen.model.release import LIVE, SUPERSEDED, WITHDRAWN

#: A value that the ledger does not hold (any more).
UNKNOWN = object()
Key = tuple[Any, ...]
Row = dict[str, Any]


@dataclass(frozen=True)
class Facts:
    """What a fold needs beside the events: who is behind a number, and which datasets are gone."""

    people: Mapping[str, str]
    purged: frozenset[str]

    def person(self, number: str | None) -> Any:
        """The account of an actor; None for the portal, UNKNOWN when the link was erased."""
        return None if number is None else self.people.get(number, UNKNOWN)


def _at(event: SealedEvent) -> datetime.datetime:
    return datetime.datetime.fromisoformat(event.at.replace("Z", "+00:00"))


def duties(events: list[SealedEvent], facts: Facts) -> dict[Key, Row]:
    """Duties in force or still to come, of one organisation."""
    rows: list[duty_rules.DutyRow] = []
    given: dict[Key, SealedEvent] = {}
    for event in events:
        if "user" not in event.payload:
            continue  # erased, which happens to duties that are over only
        rows = duty_rules.apply(rows, Event(event.type, event.payload))
        payload = event.payload
        given[(payload["user"], payload["duty"], payload["deputy_for"])] = event
    result: dict[Key, Row] = {}
    for row in rows:
        event = given[(row.user, row.duty.value, row.deputy_for)]
        result[(row.user, row.organization, row.duty.value, row.deputy_for)] = {
            "since": row.since,
            "until": row.until,
            "given_by": facts.person(event.actor),
            "given_at": _at(event),
        }
    return result


def levels(events: list[SealedEvent], facts: Facts) -> dict[Key, Row]:
    """Under which authority a department stands."""
    found = level_rules.Levels()
    for event in events:
        found = level_rules.apply(found, Event(event.type, event.payload))
    last = events[-1]
    return {
        (place,): {
            "authority_id": found.under.get(place),
            "responsible_id": found.responsible.get(place),
            "placed_by": facts.person(last.actor),
            "placed_at": _at(last),
        }
        for place in {*found.under, *found.responsible}
    }


_NOBODY = {"kind": "person", "persons": [], "organisation": "", "code": ""}


def grants(events: list[SealedEvent], facts: Facts) -> dict[Key, Row]:
    """The grant of a stream; none once its dataset was purged."""
    state: grant_rules.Grant | None = None
    row: Row = {}
    for event in events:
        known = {"holder": _NOBODY, "purpose": "", **event.payload}
        given = event.type == "grant.given"
        payload = known if given else event.payload
        state = grant_rules.apply(state, Event(event.type, payload))
        if given:
            holder = state.holder if "holder" in event.payload else None
            row = {
                "package_id": state.package_id,
                "organization_id": state.organization,
                "holder_kind": holder.kind if holder else UNKNOWN,
                "persons": sorted(holder.persons) if holder else UNKNOWN,
                "holder_name": holder.organisation if holder else UNKNOWN,
                "holder_code": holder.code if holder else UNKNOWN,
                "authorised": holder.authorised if holder else UNKNOWN,
                "items": payload["items"],
                "purpose": event.payload.get("purpose", UNKNOWN),
                "delivery": sorted(state.delivery),
                "valid_from": state.valid_from,
                "valid_to": state.valid_to,
                "quota": dict(payload["quota"]),
                "reason": "",
                "cause": "",
                "application": state.application,
                "authorised_use": state.authorised_use,
                "conditions": event.payload.get("conditions", [])
                if "purpose" in event.payload
                else UNKNOWN,
                "report": "",
                "reported_at": None,
                "created_at": _at(event),
                "created_by": facts.person(event.actor),
                "revoked_at": None,
            }
        elif event.type == "grant.persons_changed":
            known = row["persons"] is not UNKNOWN and "added" in payload
            row["persons"] = sorted(state.holder.persons) if known else UNKNOWN
        elif event.type == "grant.reported":
            row["report"] = payload.get("report", UNKNOWN)
            row["reported_at"] = _at(event)
        else:
            row["reason"] = payload.get("reason", payload.get("cause", UNKNOWN))
            row["cause"] = payload.get("code", payload.get("cause", ""))
            if state.state in ("revoked", "ended"):
                row["revoked_at"] = _at(event)
        row["state"] = state.state
    if state is None or state.package_id in facts.purged:
        return {}
    return {(state.id,): row}


def standings(events: list[SealedEvent], facts: Facts) -> dict[Key, Row]:
    """The standing approvals of a resource, each ended by the next one."""
    result: dict[Key, Row] = {}
    current: Row | None = None
    state: standing_rules.Standing | None = None
    for event in events:
        state = standing_rules.apply(state, Event(event.type, event.payload))
        if event.type not in ("standing.given", "standing.taken"):
            continue
        if current is not None and current["ended_at"] is None:
            current["ended_at"] = _at(event)
        if event.type == "standing.given" and state is not None:
            current = {
                "package_id": state.dataset,
                "fields": [{"id": column.name, "type": column.type} for column in state.columns],
                "source": state.source,
                "until": state.until,
                "reason": event.payload.get("reason", UNKNOWN),
                "given_by": facts.person(event.actor),
                "ended_at": None,
            }
            result[(state.resource, _at(event))] = current
    return {} if state is None or state.dataset in facts.purged else result


def reviews(events: list[SealedEvent], facts: Facts) -> dict[Key, Row]:
    """The review of a stream."""
    state = review_rules.ReviewState()
    people: Any = None
    remarks: Any = ""
    for event in events:
        known = {"submitters": [], "remarks": "", **event.payload}
        state = review_rules.apply(
            state, Event(event.type, _declared(event.type, known)), _at(event)
        )
        if "submitters" in event.payload:
            people = sorted(state.submitters) if people is not UNKNOWN else UNKNOWN
        elif event.type in ("review.opened", "review.changed", "review.submitted"):
            people = UNKNOWN
        if event.type in ("review.approved", "review.returned"):
            remarks = event.payload.get("remarks", UNKNOWN)
        elif event.type == "review.submitted":
            remarks = ""
    if state.dataset in facts.purged:
        return {}
    row = {
        "package_id": state.dataset,
        "organization_id": state.organization,
        "status": state.status,
        "fingerprint": state.fingerprint,
        "submitters": people,
        "opened_at": state.opened_at,
        "changed_at": state.changed_at,
        "submitted_at": state.submitted_at,
        "submitted_fingerprint": state.submitted_fingerprint,
        "decided_at": state.decided_at,
        "approved_fingerprint": state.approved_fingerprint,
        "remarks": remarks,
    }
    return {(events[0].stream.partition("/")[2],): row}


def _declared(type: str, payload: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in payload.items() if name in EVENT_TYPES[type].fields}


def releases(events: list[SealedEvent], facts: Facts) -> dict[Key, Row]:
    """What the ledger knows of the releases of a dataset: all but their content."""
    result: dict[Key, Row] = {}
    live: Row | None = None
    for event in events:
        payload = event.payload
        if payload.get("dataset") in facts.purged:
            return {}
        if not event.type.startswith("release."):
            continue
        if live is not None:
            withdrawn = event.type == "release.withdrawn"
            live["status"] = WITHDRAWN if withdrawn else SUPERSEDED
            live["ended_at"] = _at(event)
            live = None
        if event.type != "release.withdrawn":
            published = event.type == "release.published"
            live = {
                "status": LIVE,
                "kind": payload["kind"] if published else "narrowed",
                "open_class": payload["open_class"],
                "fingerprint": payload["fingerprint"],
                "released_at": _at(event),
                "ended_at": None,
            }
            result[(payload["dataset"], payload["version"])] = live
    return result


_NOT_SUSPENDED: Row = {
    "suspended": False,
    "suspended_at": None,
    "suspended_reason": None,
    "suspended_by_authority": False,
    "suspended_by": None,
}


def datasets(events: list[SealedEvent], facts: Facts) -> dict[Key, Row]:
    """Whether a dataset is suspended."""
    row = _NOT_SUSPENDED
    for event in events:
        if event.payload.get("dataset") in facts.purged:
            return {}
        if event.type == "dataset.suspended":
            row = {
                "suspended": True,
                "suspended_at": _at(event),
                "suspended_reason": event.payload.get("reason", UNKNOWN),
                "suspended_by_authority": event.payload["by_authority"],
                "suspended_by": event.payload.get("authority"),
            }
        elif event.type == "dataset.restored":
            row = _NOT_SUSPENDED
    return {(events[0].stream.partition("/")[2],): row}
