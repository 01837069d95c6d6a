"""What the tables of applications should hold, as the ledger says it.

Drafts are not in the ledger, and neither is what only follows from the day (whose turn it is, which
clock ends next): the scheduler's round brings that up in every open case.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from ckanext.govopen.domain.application import fold
from ckanext.govopen.domain.application.state import Application, Part
from ckanext.govopen.domain.event import Event
from ckanext.govopen.domain.ledger import SealedEvent
from ckanext.govopen.model.application import CLOSED, OPENED
from ckanext.govopen.model.projection_folds import UNKNOWN, Facts, Key, Row


def _case(events: list[SealedEvent]) -> Application | None:
    return fold.fold(
        (Event(event.type, event.payload), datetime.datetime.fromisoformat(_zoned(event.at)))
        for event in events
    )


def _zoned(at: str) -> str:
    return at.replace("Z", "+00:00")


def applications(events: list[SealedEvent], facts: Facts) -> dict[Key, Row]:
    """One case that was handed in; its number and its draft are not in the ledger."""
    case = _case(events)
    if case is None:
        return {}
    content = case.revisions[-1].content
    return {
        (case.id,): {
            "user_id": case.applicant or UNKNOWN,
            "status": OPENED if case.is_open else CLOSED,
            "kind": content.get("applicant_kind", UNKNOWN),
            "rules": case.rules,
            "revision": len(case.revisions),
            "renews": case.renews,
            "submitted_at": case.revisions[0].at,
        }
    }


def parts(events: list[SealedEvent], facts: Facts) -> dict[Key, Row]:
    """The parts of one case."""
    return {
        (case.id, part.organization): {
            "status": part.status,
            "handler": UNKNOWN if _handler_erased(events, part) else part.handler,
            "revision": part.revision,
            "submitted_at": part.submitted_at,
            "received_at": part.received_at,
            "accepted_at": part.accepted_at,
            "decided_at": part.decided_at,
            "ended_at": part.ended_at,
            "cause": part.cause,
        }
        for case, part in _parts(events)
    }


def datasets(events: list[SealedEvent], facts: Facts) -> dict[Key, Row]:
    """The datasets that the parts of one case are about."""
    return {
        (case.id, part.organization, wanted.dataset): {}
        for case, part in _parts(events)
        for wanted in part.datasets
    }


def _parts(events: list[SealedEvent]) -> Iterator[tuple[Application, Part]]:
    case = _case(events)
    if case is not None:
        for part in case.parts:
            yield case, part


def _handler_erased(events: list[SealedEvent], part: Part) -> bool:
    given = (event.payload for event in events if event.type == "application.assigned")
    assigned = [payload for payload in given if payload["organization"] == part.organization]
    return bool(assigned) and "handler" not in assigned[-1]
