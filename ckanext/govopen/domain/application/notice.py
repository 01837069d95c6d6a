"""Who is told of what: all mail about applications is this one table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from ckanext.govopen.domain.event import Event

#: ``next`` are the parties whose turn it is now (:func:`~.roles.waiting_parties`), ``handler`` who
#: the part was assigned to, ``receiver`` the body that receives.
Recipient = Literal["applicant", "receiver", "provider", "next", "handler"]


@dataclass(frozen=True)
class Notice:
    """One message: whom, and which template. It carries the case number, never a title."""

    recipient: Recipient
    template: str


def _to(template: str, *recipients: Recipient) -> tuple[Notice, ...]:
    return tuple(Notice(recipient, template) for recipient in recipients)


NOTICES: Mapping[str, tuple[Notice, ...]] = {
    "application.submitted": (
        *_to("application-received", "applicant"),
        *_to("application-to-accept", "receiver"),
    ),
    "application.withdrawn": _to("application-withdrawn", "provider"),
    "application.returned": _to("application-returned", "applicant"),
    "application.declined": _to("application-not-accepted", "applicant"),
    "application.accepted": (
        *_to("application-accepted", "applicant"),
        *_to("application-to-decide", "next"),
    ),
    "application.forwarded": _to("application-forwarded", "applicant"),
    "application.extended": _to("application-extended", "applicant"),
    "application.assigned": _to("application-assigned", "handler"),
    "application.decided": _to("application-to-decide", "next"),
    "application.approved": _to("application-approved", "applicant"),
    "application.refused": _to("application-refused", "applicant"),
    "application.granted": _to("application-granted", "applicant", "provider"),
    "application.lapsed": _to("application-lapsed", "applicant", "provider"),
    "application.datasets_ended": _to("application-datasets-ended", "applicant", "provider"),
    "grant.reported": _to("grant-reported", "provider"),
}
#: What follows at once makes the message before it needless.
_REPLACED: Mapping[str, frozenset[str]] = {
    "application.refused": frozenset({"application.decided"}),
    "application.approved": frozenset({"application.decided"}),
    "application.granted": frozenset({"application.decided", "application.approved"}),
}


def notices(event: Event) -> tuple[Notice, ...]:
    """Who is told of one event."""
    return NOTICES.get(event.type, ())


def notices_of(events: Iterable[Event]) -> dict[Notice, list[str]]:
    """The messages about what happened in one case together, each with the departments whose
    parts it is about: one message to a person, however many parts have changed."""
    happened = list(events)
    needless = {
        (event.payload.get("organization"), name)
        for event in happened
        for name in _REPLACED.get(event.type, ())
    }
    found: dict[Notice, list[str]] = {}
    for event in happened:
        place = event.payload.get("organization")
        if (place, event.type) in needless:
            continue
        places = [place] if place else [p["organization"] for p in event.payload.get("parts", ())]
        for notice in notices(event):
            known = found.setdefault(notice, [])
            known += [item for item in places if item not in known]
    return found
