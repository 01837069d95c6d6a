"""What the portal does by itself with applications: report what is overdue, end what has lapsed."""

from __future__ import annotations

import datetime
import logging

import sqlalchemy as sa
from ckan import model

from ckanext.govopen.domain.application import clock
from ckanext.govopen.domain.application.commands import Lapse, Silence
from ckanext.govopen.domain.application.decide import decide
from ckanext.govopen.domain.application.ending import sign_until
from ckanext.govopen.domain.application.rules import Rules
from ckanext.govopen.domain.application.state import OPEN, Application, Part
from ckanext.govopen.domain.deadline import local_date, silence_consents
from ckanext.govopen.domain.event import Event
from ckanext.govopen.logic import application as cases
from ckanext.govopen.logic import application_record as recording
from ckanext.govopen.logic import post
from ckanext.govopen.model import application as stored

__all__ = ["run"]

log = logging.getLogger(__name__)


def run(now: datetime.datetime) -> int:
    """One round over all open cases, each in a transaction of its own; how much was done.

    A case that cannot be read stops no other; why is in the log.
    """
    part = stored.PartRow.__table__
    ids = model.Session.scalars(
        sa.select(part.c.application_id).distinct().where(part.c.status.in_(list(OPEN)))
    ).all()
    done = 0
    for application in ids:
        try:
            done += _case(application, now)
        except cases.TextMissing:
            model.Session.rollback()
        except Exception:
            log.exception("The application %s was left out of this round.", application)
            model.Session.rollback()
    return done


def _case(application: str, now: datetime.datetime) -> int:
    done = 0
    stored.get(model.Session, application, lock=True)
    state = stored.state(model.Session, application)
    if state is not None:
        rules = cases.rules_for(state)
        for part in state.parts:
            events = _ends(state, part, rules, now) if part.is_open else []
            if events:
                state = recording.record({}, state, application, events, now, None)
                done += 1
        # The calendar of another year may have been published since, or a target been set.
        stored.project(model.Session, state, rules, now, changed=False)
        done += sum(_report(state, part, rules, now) for part in state.parts if part.is_open)
    model.repo.commit()
    return done


def _ends(state: Application, part: Part, rules: Rules, now: datetime.datetime) -> list[Event]:
    """What comes of the time that has passed: nothing, unless the rules say so."""
    days = rules.site.sign_within_days
    decided = part.decided_at if part.status == "approved" else None
    if decided and days is not None and local_date(now) > sign_until(decided, days):
        return decide(state, Lapse(recording.SYSTEM, part.organization), now, rules)
    found = clock.silence_due(part, rules)
    if found is not None and silence_consents(
        rules.procedure.silence, found[0].id, found[1], now, answered=False
    ):
        identity, facts = cases.identity(state, part), cases.facts_of(state, part)
        if identity is not None:
            return decide(
                state, Silence(recording.SYSTEM, part.organization, identity, facts), now, rules
            )
    return []


def _report(state: Application, part: Part, rules: Rules, now: datetime.datetime) -> int:
    """Tells those whose turn it is, and the authority, once for each clock that has run out."""
    row = model.Session.get(stored.PartRow, (state.id, part.organization))
    over = [one for one in clock.clocks(part, rules, now) if one.overdue(now)]
    names = [f"{one.id}/{one.due.day}" for one in over if one.due is not None]
    if row is None or not set(names) - set(row.reminded):
        return 0
    people = recording.waiting_for(part, rules)
    people |= recording.holders("authority@authority", part, rules)
    case = stored.get(model.Session, state.id)
    number = case.number if case is not None else state.id
    post.put("application-overdue", people - state.concerned, number, now, application=state.id)
    row.reminded = [*row.reminded, *(name for name in names if name not in row.reminded)]
    return 1
