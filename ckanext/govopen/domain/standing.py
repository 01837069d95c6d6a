"""Standing approval of live data: a source and a schema approved in advance, until a certain day.

Data that changes every minute cannot wait for a review of each change. Instead the reviewer
approves once what may come, from where, and until when; each delivery is checked against that.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import urlsplit

from ckanext.govopen.domain.duty import Actor
from ckanext.govopen.domain.event import Event
from ckanext.govopen.domain.profile import Profile
from ckanext.govopen.domain.refusal import ALLOWED, N_, Answer, Refusal, Refused, refuse

#: Longest time a standing approval may last without being renewed.
LONGEST = datetime.timedelta(days=366)


@dataclass(frozen=True)
class Column:
    """A column of live data: its name, and its type as the DataStore calls it."""

    name: str
    type: str


@dataclass(frozen=True)
class Standing:
    """One standing approval. ``until`` is the first moment after it."""

    dataset: str
    organization: str
    resource: str
    columns: tuple[Column, ...]
    source: str
    since: datetime.datetime
    until: datetime.datetime
    state: Literal["active", "taken"] = "active"


@dataclass(frozen=True)
class Give:
    """Approve in advance. ``submitters`` asked for it and cannot give it themselves."""

    standing: Standing
    actor: Actor
    reason: str
    submitters: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Take:
    """End a standing approval at once."""

    actor: Actor
    reason: str


@dataclass(frozen=True)
class Delivery:
    """What arrives: its columns, where it came from, its bytes, and open findings of a scan."""

    columns: Sequence[Column]
    source: str
    sha256: str
    size: int
    rows: int = 0
    findings: int = 0


def check(approval: Standing | None, delivery: Delivery, now: datetime.datetime) -> Answer:
    """May this delivery go out without a review of its own? True only when it may.

    The columns have to be the approved ones, all of them or fewer, with the approved types: a
    column more could be one that nobody has reviewed.
    """
    if approval is None:
        return Answer(False, "none", N_("There is no standing approval for this resource."))
    if approval.state != "active":
        return Answer(False, "taken", N_("The standing approval has been taken back."))
    if now < approval.since:
        return Answer(False, "not_yet_valid", N_("The standing approval is not valid yet."))
    if now >= approval.until:
        return Answer(False, "expired", N_("The standing approval has expired."))
    if not same_source(approval.source, delivery.source):
        return Answer(False, "source", N_("The data comes from another source than approved."))
    approved = {column.name: column.type for column in approval.columns}
    for column in delivery.columns:
        if column.name not in approved:
            return Answer(
                False,
                "columns",
                N_("The column %(column)s is not part of the standing approval."),
                params={"column": column.name},
            )
        if approved[column.name] != column.type:
            return Answer(
                False,
                "types",
                N_("The column %(column)s has another type than approved."),
                params={"column": column.name},
            )
    if delivery.findings:
        return Answer(False, "findings", N_("The scan of this delivery has open findings."))
    return ALLOWED


def same_source(approved: str, actual: str) -> bool:
    """Is it the approved source? For addresses scheme, host, port and path count, for anything
    else the whole text."""
    one, two = urlsplit(approved), urlsplit(actual)
    if one.scheme and one.netloc:
        return (one.scheme, one.netloc.lower(), one.path) == (
            two.scheme,
            two.netloc.lower(),
            two.path,
        )
    return approved == actual


def may(actor: Actor, organization: str, profile: Profile) -> list[str]:
    """Which of ``standing_give`` and ``standing_take`` are his for data of ``organization``."""
    reviews = (organization, profile.review.reviewer) in actor.duties
    if reviews or actor.is_authority_of(organization):
        return ["standing_give", "standing_take"]
    # The operator may take away in an emergency; giving is a review, which he does not do.
    return ["standing_take"] if actor.operator else []


def decide(
    state: Standing | None, command: Give | Take, now: datetime.datetime, profile: Profile
) -> list[Event]:
    """Events of giving or taking a standing approval; raises :class:`~.refusal.Refused`."""
    article = profile.review.article
    standing = command.standing if isinstance(command, Give) else state
    if standing is None:
        raise refuse("REV-2", None, N_("There is no standing approval for this resource."))
    actor = command.actor
    wanted = "standing_give" if isinstance(command, Give) else "standing_take"
    if wanted not in may(actor, standing.organization, profile):
        raise refuse(
            "REV-2", article, N_("The disclosure office of the department decides on this.")
        )
    refusals: list[Refusal] = []

    def no(message: str) -> None:
        refusals.append(Refusal("REV-2", article, message))

    if not command.reason.strip():
        no(N_("Say why."))
    place = {
        "dataset": standing.dataset,
        "organization": standing.organization,
        "resource": standing.resource,
        "reason": command.reason.strip(),
    }
    if isinstance(command, Take):
        if standing.state != "active":
            no(N_("The standing approval has been taken back."))
        if refusals:
            raise Refused(refusals)
        return [Event("standing.taken", place)]
    if actor.user_id in command.submitters:
        no(N_("Nobody reviews what he submitted himself."))
    if not standing.columns or len({c.name for c in standing.columns}) < len(standing.columns):
        no(N_("A standing approval names each column once."))
    if not standing.source.strip():
        no(N_("A standing approval names the source of the data."))
    if standing.until <= max(now, standing.since):
        no(N_("The end lies before the beginning or in the past."))
    elif standing.until - standing.since > LONGEST:
        no(N_("A standing approval lasts one year at most; then it is renewed."))
    if refusals:
        raise Refused(refusals)
    return [
        Event(
            "standing.given",
            {
                **place,
                "columns": [[column.name, column.type] for column in standing.columns],
                "source": standing.source,
                "since": standing.since.isoformat(),
                "until": standing.until.isoformat(),
            },
        )
    ]


def deliver(approval: Standing, delivery: Delivery, now: datetime.datetime) -> list[Event]:
    """What is recorded of a delivery: that it went out, or that it was held back and why."""
    answer = check(approval, delivery, now)
    payload = {
        "dataset": approval.dataset,
        "organization": approval.organization,
        "resource": approval.resource,
        "sha256": delivery.sha256,
        "size": delivery.size,
    }
    if not answer:
        return [Event("standing.held", {**payload, "code": answer.code})]
    more = {"rows": delivery.rows, "source": delivery.source}
    return [Event("standing.delivered", {**payload, **more})]


def apply(state: Standing | None, event: Event) -> Standing | None:
    """The standing approval after an event."""
    payload = event.payload
    if event.type == "standing.given":
        return Standing(
            dataset=payload["dataset"],
            organization=payload["organization"],
            resource=payload["resource"],
            columns=tuple(Column(name, type) for name, type in payload["columns"]),
            source=payload["source"],
            since=datetime.datetime.fromisoformat(payload["since"]),
            until=datetime.datetime.fromisoformat(payload["until"]),
        )
    if event.type == "standing.taken" and state is not None:
        return replace(state, state="taken")
    return state
