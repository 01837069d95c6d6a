"""Which clocks run for a part, from when, and when they run out. Overdue decides nothing.

A clock of the profile names the moment it starts at and the one that ends it; both are looked up
here. One that starts at a moment nobody has a word for here does not run: no date is invented.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ckanext.govopen.domain.application.roles import step_done, waiting_parties
from ckanext.govopen.domain.application.rules import Rules
from ckanext.govopen.domain.application.state import OPEN, Part
from ckanext.govopen.domain.deadline import Due, Pause, due, local_date
from ckanext.govopen.domain.procedure import Clock
from ckanext.govopen.domain.terms import Text

Moment = datetime.datetime
Start = Callable[[Part, Clock, Rules], Moment | None]


@dataclass(frozen=True)
class Running:
    """One clock that runs.

    ``due`` None: the text has no number, only the time that has passed is shown. ``internal``: a
    target of the site, no law. ``waits_for`` is who has to act next (the applicant while he has to
    correct or to sign). ``suspended``: a pause that the profile lists goes on.
    """

    id: str
    names: Text
    start: str
    started_at: Moment
    due: Due | None
    article: str | None
    actor: str
    waits_for: str
    internal: bool = False
    extended: bool = False
    suspended: bool = False

    def overdue(self, now: Moment) -> bool:
        """Is the limit over? It is reported, and decides nothing."""
        return self.due is not None and self.due.overdue(now)


def _received(part: Part, clock: Clock, rules: Rules) -> Moment | None:
    return part.submitted_at


def _turn(part: Part, clock: Clock, rules: Rules) -> Moment | None:
    """When it became the turn of the clock's actor to decide; None before."""
    begun = part.accepted_at
    for step in rules.procedure.steps:
        if any(party.partition("@")[2] == clock.actor for party in step.parties):
            return begun
        if not step_done(step, part):
            return None
        begun = max(vote.at for vote in part.votes if vote.step == step.id)
    return None


def _consent_of(body: str) -> Start:
    def at(part: Part, clock: Clock, rules: Rules) -> Moment | None:
        times = (v.at for v in part.votes if v.approve and v.party.partition("@")[2] == body)
        return next(times, None)

    return at


#: The moments that profiles let a clock start at.
STARTS: Mapping[str, Start] = {
    "application": _received,
    "receipt": _received,
    "submission": _received,
    "provider_receipt": _received,
    "acceptance": lambda part, *_: part.accepted_at,
    "forwarding": lambda part, *_: part.forwarding.at if part.forwarding else None,
    "receipt_of_opinion_request": _turn,
    "opinion_request": _turn,
    "provider_consent": _consent_of("provider"),
    "provider_approval": _consent_of("provider"),
    "authority_consent": _consent_of("authority"),
    "approval": lambda part, *_: part.decided_at if part.status == "approved" else None,
    "decision": lambda part, *_: part.decided_at,
}
#: The moments that end one; with none stated, the clock's own name if it is one of these, else
#: the decision.
ENDS: Mapping[str, Callable[[Part], bool]] = {
    "acceptance": lambda part: part.accepted_at is not None,
    "correction_request": lambda part: bool(part.returned) or part.accepted_at is not None,
    "forwarding": lambda part: part.forwarding is not None,
    "decision": lambda part: part.decided_at is not None,
    "reply": lambda part: part.decided_at is not None,
    "data_supplied": lambda part: part.status not in OPEN,
    "signature": lambda part: part.status not in OPEN,
}
#: What lets a clock begin anew, where the profile lists it.
_CORRECTED = "correction_received"


def clocks(part: Part, rules: Rules, now: Moment) -> list[Running]:
    """The clocks that run at ``now``, in the order of the profile."""
    if part.status not in OPEN:
        return []
    of_consultations = {c.clock: c.id for c in rules.procedure.consultations if c.clock}
    found: list[Running] = []
    for clock in rules.procedure.clocks:
        if clock.id in of_consultations:
            found += _consulted(part, clock, of_consultations[clock.id], rules)
            continue
        started = _started(part, clock, rules)
        if started is None or started > now or _ended(part, clock, rules):
            continue
        found.append(_running(part, clock, started, rules))
    return found


def running(part: Part, clock_id: str, rules: Rules, now: Moment) -> Running | None:
    """One clock by its id, None when it does not run."""
    return next((item for item in clocks(part, rules, now) if item.id == clock_id), None)


def silence_due(part: Part, rules: Rules) -> tuple[Clock, Due] | None:
    """When silence becomes consent; None where it never does.

    Counted from the last submission at the earliest: who had to correct his application has not
    met with silence.
    """
    if not rules.consent_by_silence or part.status not in ("submitted", "accepted"):
        return None
    wanted = rules.procedure.silence.clock
    clock = next((c for c in rules.procedure.clocks if c.id == wanted), None)
    if clock is None:
        return None
    started = _started(part, clock, rules)
    if started is None or _ended(part, clock, rules):
        return None
    until = _running(part, clock, max(started, part.received_at), rules).due
    return None if until is None else (clock, until)


def _started(part: Part, clock: Clock, rules: Rules) -> Moment | None:
    at = STARTS.get(clock.start)
    started = at(part, clock, rules) if at else None
    if started is not None and _CORRECTED in clock.restarted_by:
        return max(started, part.received_at)
    return started


def _ended(part: Part, clock: Clock, rules: Rules) -> bool:
    word = clock.until or (clock.id if clock.id in ENDS else "decision")
    if ENDS.get(word, ENDS["decision"])(part):
        return True
    if clock.until is not None:
        return False
    # A body whose decision is there already has done its part.
    voted = {vote.party.partition("@")[2] for vote in part.votes}
    waiting = {party.partition("@")[2] for party in waiting_parties(part, rules)}
    return clock.actor in voted and clock.actor not in waiting


def _running(part: Part, clock: Clock, started: Moment, rules: Rules) -> Running:
    target = rules.site.targets.get(clock.id)
    if clock.n is None and target is not None:
        clock = replace(clock, target=target)
    given = [item.units for item in part.extensions if item.clock == clock.id]
    extended: bool | int = False
    if given:
        extended = True if given[-1] is None else given[-1]
    pauses = [
        Pause(
            local_date(item.at),
            local_date(item.closed_at) if item.closed_at else None,
            cause=item.kind,
        )
        for item in part.consultations
    ]
    until = due(clock, started, rules.calendar, extended=extended, pauses=pauses)
    return _shown(clock, started, until, "applicant" if _his_turn(part) else clock.actor)


def _his_turn(part: Part) -> bool:
    """Is it the applicant who has to do something now?"""
    return part.status in ("returned", "approved")


def _shown(clock: Clock, started: Moment, until: Due | None, waits_for: str) -> Running:
    return Running(
        id=clock.id,
        names=clock.names,
        start=clock.start,
        started_at=started,
        due=until,
        article=clock.article,
        actor=clock.actor,
        waits_for=waits_for,
        internal=until is not None and until.internal,
        extended=until is not None and until.extended,
        suspended=until is not None and until.paused,
    )


def _consulted(part: Part, clock: Clock, kind: str, rules: Rules) -> list[Running]:
    """The clocks of those who were asked and have not answered."""
    return [
        _shown(clock, item.at, due(clock, item.at, rules.calendar), clock.actor)
        for item in part.consultations
        if item.kind == kind and item.closed_at is None
    ]
