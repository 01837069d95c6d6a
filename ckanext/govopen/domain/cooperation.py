"""Cooperation of a department with citizens or organisations on public data (AGR-3).

Two gates in this order where the regulation asks for it: the data authority consents, then the
written agreement is signed. The paper is the department's; here stands that it exists, its day and
its SHA-256, so that it can be told from another one. A cooperation opens no data by itself.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from ckanext.govopen.domain import state_words
from ckanext.govopen.domain.duty import Actor, Duty
from ckanext.govopen.domain.event import Event
from ckanext.govopen.domain.profile import Profile
from ckanext.govopen.domain.refusal import N_, Refusal, Refused, refuse
from ckanext.govopen.domain.terms import Provision

RULE = "AGR-3"
Status = Literal["proposed", "consented", "refused", "signed", "ended"]
STATUSES: tuple[Status, ...] = ("proposed", "consented", "refused", "signed", "ended")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Cooperation:
    """One cooperation. ``code`` is the partner's credit code if it has one; ``datasets`` are ids;
    ``until`` the last day, None for none; ``proposer`` who handed it in."""

    id: str
    organization: str
    partner: str
    subject: str
    code: str = ""
    datasets: tuple[str, ...] = ()
    until: datetime.date | None = None
    status: Status = "proposed"
    proposer: str = ""
    reason: str = ""
    signed_on: datetime.date | None = None
    sha256: str = ""


@dataclass(frozen=True)
class Propose:
    """Ask for the authority's consent."""

    actor: Actor
    cooperation: Cooperation


@dataclass(frozen=True)
class Decide:
    """The authority consents or does not."""

    actor: Actor
    consent: bool
    reason: str = ""
    break_glass: str = ""


@dataclass(frozen=True)
class Sign:
    """Record that the written agreement was signed on ``signed_on``."""

    actor: Actor
    signed_on: datetime.date
    sha256: str


@dataclass(frozen=True)
class End:
    """End it, or take back what was proposed."""

    actor: Actor
    reason: str


Command = Propose | Decide | Sign | End
#: The states in which a command is taken.
_WANTED: Mapping[type, tuple[Status, ...]] = {
    Decide: ("proposed",),
    Sign: ("consented",),
    End: ("proposed", "consented", "signed"),
}


def acts_for(actor: Actor, organization: str) -> bool:
    """Does he act for the department in this? Its editors and its handlers do."""
    return organization in actor.edits or actor.has(organization, Duty.HANDLER)


def decide(
    state: Cooperation | None, command: Command, today: datetime.date, profile: Profile
) -> list[Event]:
    """Events of a command; raises :class:`~.refusal.Refused`. ``state`` None: not proposed yet."""
    rule = profile.provision("cooperation")
    if rule is None:
        raise refuse(RULE, None, N_("This regulation knows no agreements on cooperation."))
    if isinstance(command, Propose):
        if state is not None:
            raise refuse(RULE, None, N_("This was proposed already."))
        return _propose(command, today, rule)
    if state is None:
        raise refuse(RULE, None, N_("There is no such cooperation."))
    _who(state, command, rule.article)
    if state.status not in _WANTED[type(command)]:
        message = N_("A cooperation in the state “%(state)s” does not take this command.")
        if isinstance(command, Sign) and state.status == "proposed":
            message = N_("It is signed after the data authority has consented, not before.")
        raise refuse(
            RULE,
            rule.article,
            message,
            state=state_words.word(state_words.COOPERATION, state.status),
        )
    place = {"cooperation": state.id, "organization": state.organization}
    if isinstance(command, Decide):
        if not command.consent and not command.reason.strip():
            raise refuse(RULE, rule.article, N_("Say why."), field="reason")
        kind = "cooperation.consented" if command.consent else "cooperation.refused"
        glass = {"break_glass": command.break_glass} if command.break_glass else {}
        return [Event(kind, {**place, "reason": command.reason.strip(), **glass})]
    if isinstance(command, Sign):
        if command.signed_on > today:
            raise refuse(RULE, rule.article, N_("This day lies ahead."), field="signed_on")
        if not _SHA256.fullmatch(command.sha256):
            raise refuse(
                RULE, None, N_("A SHA-256 has 64 digits from 0 to 9 and a to f."), field="sha256"
            )
        day = command.signed_on.isoformat()
        payload = {**place, "signed_on": day, "sha256": command.sha256}
        return [Event("cooperation.signed", payload)]
    if not command.reason.strip():
        raise refuse(RULE, None, N_("Say why."), field="reason")
    return [Event("cooperation.ended", {**place, "reason": command.reason.strip()})]


def _who(state: Cooperation, command: Decide | Sign | End, article: str | None) -> None:
    actor = command.actor
    if isinstance(command, Decide):
        here = actor.is_authority_of(state.organization)
        if not (here or (actor.operator and command.break_glass.strip())):
            raise refuse(RULE, article, N_("The data authority consents, and nobody else."))
        if actor.user_id and actor.user_id == state.proposer:
            raise refuse(RULE, article, N_("Nobody decides on what he has proposed."))
    elif isinstance(command, Sign):
        if not acts_for(actor, state.organization):
            raise refuse(RULE, article, N_("This is for the department to do."))
    elif not (actor.is_authority_of(state.organization) or acts_for(actor, state.organization)):
        raise refuse(RULE, article, N_("This is for the department or the authority to do."))


def _propose(command: Propose, today: datetime.date, rule: Provision) -> list[Event]:
    wanted, refusals = command.cooperation, list[Refusal]()
    if not acts_for(command.actor, wanted.organization):
        raise refuse(RULE, rule.article, N_("This is for the department to do."))
    if not wanted.partner.strip():
        refusals.append(Refusal(RULE, rule.article, N_("Say with whom."), {"field": "partner"}))
    if not wanted.subject.strip():
        refusals.append(Refusal(RULE, rule.article, N_("Say what about."), {"field": "subject"}))
    if wanted.until is not None and wanted.until < today:
        refusals.append(Refusal(RULE, None, N_("This day has passed."), {"field": "until"}))
    if refusals:
        raise Refused(refusals)
    payload = {
        "cooperation": wanted.id,
        "organization": wanted.organization,
        "partner": wanted.partner.strip(),
        "code": wanted.code,
        "subject": wanted.subject.strip(),
        "datasets": list(wanted.datasets),
        "until": wanted.until.isoformat() if wanted.until else None,
        "proposer": command.actor.user_id,
    }
    return [Event("cooperation.proposed", payload)]


def may(state: Cooperation, actor: Actor) -> list[str]:
    """The commands that the state and his duties leave him: ``decide``, ``sign``, ``end``."""
    found: list[str] = []
    for name, order in (
        ("decide", Decide(actor, True, break_glass="-")),
        ("sign", Sign(actor, datetime.date.min, "")),
        ("end", End(actor, "-")),
    ):
        if state.status not in _WANTED[type(order)]:
            continue
        try:
            _who(state, order, None)
        except Refused:
            continue
        found.append(name)
    return found


def apply(state: Cooperation | None, kind: str, payload: Mapping[str, Any]) -> Cooperation:
    """The cooperation after an event. Erased fields are empty."""
    if kind == "cooperation.proposed":
        until = payload.get("until")
        return Cooperation(
            id=payload["cooperation"],
            organization=payload["organization"],
            partner=payload.get("partner", ""),
            subject=payload.get("subject", ""),
            code=payload.get("code", ""),
            datasets=tuple(payload.get("datasets", ())),
            until=datetime.date.fromisoformat(until) if until else None,
            proposer=payload.get("proposer", ""),
        )
    if state is None:
        raise ValueError("A cooperation begins with the event cooperation.proposed.")
    after = cast(Status, kind.partition(".")[2])
    if after == "signed":
        signed_on = datetime.date.fromisoformat(payload["signed_on"])
        return replace(state, status=after, signed_on=signed_on, sha256=payload["sha256"])
    return replace(state, status=after, reason=payload.get("reason", ""))


def fold(events: Iterable[tuple[str, Mapping[str, Any]]]) -> Cooperation | None:
    """The cooperation from (type, payload) of its stream; None without any."""
    state: Cooperation | None = None
    for kind, payload in events:
        state = apply(state, kind, payload)
    return state
