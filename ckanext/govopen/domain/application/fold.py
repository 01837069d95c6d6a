"""The state of an application is the fold of its events; erased fields are simply empty."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from ckanext.govopen.domain.application.scope import Basis, Scope, Wanted
from ckanext.govopen.domain.application.state import (
    Application,
    Consultation,
    Forwarding,
    Lengthened,
    Letter,
    OutsideLetter,
    Part,
    Revision,
    Signature,
    Vote,
)
from ckanext.govopen.domain.event import Event

Payload = Mapping[str, Any]
Moment = datetime.datetime


def fold(events: Iterable[tuple[Event, Moment]]) -> Application | None:
    """The state after all events of a stream, each with its time; None without any."""
    state: Application | None = None
    for event, at in events:
        state = apply(state, event, at)
    return state


def apply(state: Application | None, event: Event, at: Moment) -> Application:
    """The application after an event of ``at``."""
    payload = event.payload
    if event.type == "application.submitted":
        return _submitted(state, payload, at)
    if state is None:
        raise ValueError("An application begins with the event application.submitted.")
    if event.type == "application.letter_issued":
        letter = Letter(payload["number"], payload["kind"], payload["organization"], at)
        return replace(state, letters=(*state.letters, letter))
    if event.type == "application.letter_delivered":
        letters = (
            replace(item, delivered_at=at)
            if item.number == payload["number"] and item.delivered_at is None
            else item
            for item in state.letters
        )
        return replace(state, letters=tuple(letters))
    change = _CHANGES.get(event.type)
    if change is None:
        raise ValueError(f"{event.type!r} is no event of an application.")
    parts = (
        change(part, payload, at) if part.organization == payload["organization"] else part
        for part in state.parts
    )
    return replace(state, parts=tuple(parts))


def _submitted(state: Application | None, payload: Payload, at: Moment) -> Application:
    persons = frozenset(payload.get("persons", ()))
    revision = Revision(
        payload["revision"], payload["sha256"], at, payload.get("content", {}), persons
    )
    handed_in = [
        (row["organization"], tuple(Wanted.from_dict(item) for item in row["datasets"]))
        for row in payload["parts"]
    ]
    if state is None:
        return Application(
            id=payload["application"],
            rules=payload["rules"],
            applicant=payload.get("applicant", ""),
            persons=persons,
            revisions=(revision,),
            parts=tuple(
                Part(organization, "submitted", datasets, revision.number, at, at)
                for organization, datasets in handed_in
            ),
            renews=payload["renews"],
            edition=payload.get("edition", ""),
        )
    again = dict(handed_in)
    parts = (
        replace(
            part,
            status="submitted",
            datasets=again[part.organization],
            revision=revision.number,
            received_at=at,
            returned=(*part.returned[:-1], (part.returned[-1][0], at)),
            remarks={},
            message="",
        )
        if part.organization in again
        else part
        for part in state.parts
    )
    return replace(
        state,
        persons=state.persons | persons,
        revisions=(*state.revisions, revision),
        parts=tuple(parts),
    )


def _withdrawn(part: Part, payload: Payload, at: Moment) -> Part:
    return replace(part, status="withdrawn", ended_at=at, cause="withdrawn")


def _returned(part: Part, payload: Payload, at: Moment) -> Part:
    return replace(
        part,
        status="returned",
        returned=(*part.returned, (at, None)),
        remarks=dict(payload.get("remarks", {})),
        message=payload.get("message", ""),
    )


def _declined(part: Part, payload: Payload, at: Moment) -> Part:
    reason = payload.get("reason", "")
    return replace(
        part, status="refused", declined=reason, decided_at=at, ended_at=at, cause="declined"
    )


def _accepted(part: Part, payload: Payload, at: Moment) -> Part:
    return replace(part, status="accepted", accepted_at=at)


def _outside(payload: Payload) -> OutsideLetter | None:
    if not payload.get("letter_number"):
        return None
    date = datetime.date.fromisoformat(payload["letter_date"])
    return OutsideLetter(payload["letter_number"], date)


def _forwarded(part: Part, payload: Payload, at: Moment) -> Part:
    letter = _outside(payload)
    assert letter is not None
    return replace(part, forwarding=Forwarding(payload["body"], letter, at))


def _answered(part: Part, payload: Payload, at: Moment) -> Part:
    assert part.forwarding is not None
    forwarding = replace(part.forwarding, answer=_outside(payload), answered_at=at)
    return replace(part, forwarding=forwarding)


def _consulted(part: Part, payload: Payload, at: Moment) -> Part:
    until = payload["until"]
    consultation = Consultation(
        id=payload["consultation"],
        kind=payload["kind"],
        whom=payload.get("whom", ""),
        at=at,
        until=datetime.date.fromisoformat(until) if until else None,
    )
    return replace(part, consultations=(*part.consultations, consultation))


def _consultation_closed(part: Part, payload: Payload, at: Moment) -> Part:
    return replace(
        part,
        consultations=tuple(
            replace(item, closed_at=at, outcome=payload["outcome"])
            if item.id == payload["consultation"]
            else item
            for item in part.consultations
        ),
    )


def _extended(part: Part, payload: Payload, at: Moment) -> Part:
    lengthened = Lengthened(payload["clock"], payload["units"], at)
    return replace(part, extensions=(*part.extensions, lengthened))


def _assigned(part: Part, payload: Payload, at: Moment) -> Part:
    return replace(part, handler=payload.get("handler") or None)


def _decided(part: Part, payload: Payload, at: Moment) -> Part:
    vote = Vote(
        step=payload["step"],
        party=payload["party"],
        approve=payload["approve"],
        reason=payload.get("reason", ""),
        at=at,
        by=payload.get("by", ""),
        basis=tuple(Basis(**row) for row in payload["basis"]),
        conditions=tuple(payload.get("conditions", ())),
        scopes=tuple(Scope.from_dict(row) for row in payload["scopes"]),
        silent=payload["silent"],
        letter=_outside(payload),
    )
    return replace(part, votes=(*part.votes, vote))


def _approved(part: Part, payload: Payload, at: Moment) -> Part:
    return replace(
        part,
        status="approved",
        decided_at=at,
        scopes=tuple(Scope.from_dict(row) for row in payload["scopes"]),
        conditions=tuple(payload.get("conditions", ())),
    )


def _refused(part: Part, payload: Payload, at: Moment) -> Part:
    return replace(part, status="refused", decided_at=at, ended_at=at, cause="refused")


def _signed(part: Part, payload: Payload, at: Moment) -> Part:
    signature = Signature(
        payload["template"], payload["template_version"], payload["text_sha256"], at
    )
    return replace(part, signature=signature)


def _granted(part: Part, payload: Payload, at: Moment) -> Part:
    grants = {row["dataset"]: row["grant"] for row in payload["grants"]}
    return replace(part, status="granted", grants=grants, ended_at=at, cause="granted")


def _lapsed(part: Part, payload: Payload, at: Moment) -> Part:
    return replace(part, status="lapsed", ended_at=at, cause=payload["cause"])


def _datasets_ended(part: Part, payload: Payload, at: Moment) -> Part:
    gone = set(payload["datasets"])
    left = replace(
        part,
        datasets=tuple(item for item in part.datasets if item.dataset not in gone),
        scopes=tuple(item for item in part.scopes if item.dataset not in gone),
    )
    granted = left.status != "approved" or any(scope.granted for scope in left.scopes)
    if left.datasets and granted:
        return left
    return replace(left, status="lapsed", ended_at=at, cause=payload["cause"])


_CHANGES: Mapping[str, Callable[[Part, Payload, Moment], Part]] = {
    "application.withdrawn": _withdrawn,
    "application.returned": _returned,
    "application.declined": _declined,
    "application.accepted": _accepted,
    "application.forwarded": _forwarded,
    "application.answered": _answered,
    "application.consulted": _consulted,
    "application.consultation_closed": _consultation_closed,
    "application.extended": _extended,
    "application.assigned": _assigned,
    "application.decided": _decided,
    "application.approved": _approved,
    "application.refused": _refused,
    "application.granted": _granted,
    "application.lapsed": _lapsed,
    "application.datasets_ended": _datasets_ended,
    "agreement.signed": _signed,
}
