"""What is recorded of an application, and all that follows from it in the same transaction."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from ckan import model

from ckanext.govopen.domain import grant as grant_rules
from ckanext.govopen.domain import grant_change
from ckanext.govopen.domain.application import fold, letter, roles
from ckanext.govopen.domain.application import notice as notices
from ckanext.govopen.domain.application.commands import Drop, IssueLetter
from ckanext.govopen.domain.application.decide import decide
from ckanext.govopen.domain.application.grants import grants_of
from ckanext.govopen.domain.application.rules import Rules
from ckanext.govopen.domain.application.state import Application, Part
from ckanext.govopen.domain.deadline import local_date
from ckanext.govopen.domain.duty import Actor
from ckanext.govopen.domain.event import Event
from ckanext.govopen.domain.terms import OpenClass
from ckanext.govopen.logic import application as shared
from ckanext.govopen.logic import command, post
from ckanext.govopen.model import application as cases
from ckanext.govopen.model import application_list as lists
from ckanext.govopen.model import edition as editions
from ckanext.govopen.model import grant as grants
from ckanext.govopen.model import ledger, number, settings
from ckanext.govopen.model import letter as letters
from ckanext.govopen.model import release as releases
from ckanext.govopen.model.duty import DutyRow, in_force

#: The portal's own hand: letters, grants and what follows by itself.
SYSTEM = Actor("", system=True)


def record(
    context: Any, state: Application | None, application: str, events: Sequence[Event],
    now: datetime.datetime, by: str | None,
) -> Application:  # fmt: skip
    """Writes events and all that follows from them, in the caller's transaction.

    Letters get their numbers, grants are given, lists are brought up, mails are noted.
    """
    session = model.Session
    rules = None
    if state is None:
        editions.keep(session, shared.edition_of(None), now)
    ledger.append(session, f"application/{application}", events, by, now)
    after = state
    issued: list[Event] = []
    for event in events:
        after = fold.apply(after, event, now)
        rules = rules or shared.rules_for(after)
        if event.type == "application.granted":
            _give(after, event.payload["organization"], now)
        issued += _letter(after, event, rules, now)
    if after is None or rules is None:
        raise ValueError("Nothing has happened.")
    if issued:
        ledger.append(session, f"application/{application}", issued, None, now)
        for event in issued:
            after = fold.apply(after, event, now)
    cases.project(session, after, rules, now)
    _tell(after, events, rules, now)
    return after


def _letter(state: Application, event: Event, rules: Rules, now: datetime.datetime) -> list[Event]:
    part = state.part(event.payload.get("organization", ""))
    if part is None or letter.kind_of(event, part) is None:
        return []
    year = local_date(now).year
    taken = number.take(model.Session, "letter", year, settings.application_letter_prefix())
    made = letter.letter_of(state, event, taken, now, rules)
    model.Session.add(
        letters.LetterRow(
            number=taken,
            application_id=state.id,
            organization_id=part.organization,
            kind=made.kind,
            facts=made.as_dict(),
            sha256=made.sha256,
            issued_at=now,
        )
    )
    issue = IssueLetter(SYSTEM, part.organization, taken, made.kind, made.sha256)
    return decide(state, issue, now, rules)


def _give(state: Application, organization: str, now: datetime.datetime) -> None:
    profile = shared.profile_of(state)
    for agreed in grants_of(state, organization):
        grant = grant_rules.with_daily_rows(agreed, settings.grants_on_platform_rows())
        row = grants.get(model.Session, grant.id, lock=True)
        live = releases.live(grant.package_id)
        given = grant_change.from_application(
            grants.to_rule(row) if row else None,
            grant,
            OpenClass.of(live.open_class) if live else None,
            now,
            profile,
        )
        ledger.append(model.Session, f"grant/{grant.id}", given, None, now)
        for one in given:
            made = grants.project(model.Session, one, None, now)
            named = set(made.persons) - {state.applicant}
            post.put("grant-person-added", named, grant.id, now, grant=grant.id)


def holders(party: str, part: Part, rules: Rules) -> set[str]:
    """The accounts that hold the duty of a party (duty@body) for a part now."""
    duty, _, body = party.partition("@")
    organization = roles.organization_of(body, part, rules)
    if organization is None:
        return set()
    table = DutyRow.__table__
    return set(
        model.Session.scalars(
            sa.select(table.c.user_id).where(
                table.c.organization_id == organization,
                table.c.duty == duty,
                in_force(table, command.now()),
            )
        )
    )


def waiting_for(part: Part, rules: Rules) -> set[str]:
    """The accounts whose turn it is in a part, the applicant left out."""
    people: set[str] = set()
    accepted = part.status == "accepted"  # a mail asks for a decision, not for a letter
    for party in roles.waiting_parties(part, rules) if accepted else cases.waits_for(part, rules):
        if party == "handler@provider" and part.handler:
            people.add(part.handler)
        elif party != "applicant":
            people |= holders(party, part, rules)
    return people


def _tell(
    state: Application, events: Iterable[Event], rules: Rules, now: datetime.datetime
) -> None:
    for notice, organizations in notices.notices_of(events).items():
        people: set[str] = set()
        for part in filter(None, map(state.part, organizations)):
            people |= _recipients(notice.recipient, state, part, rules)
        if notice.recipient != "applicant":
            people -= state.concerned
        row = cases.get(model.Session, state.id)
        more = {"language": row.language} if row and notice.recipient == "applicant" else {}
        name = row.number if row is not None else state.id
        post.put(notice.template, people, name, now, application=state.id, **more)


def _recipients(recipient: str, state: Application, part: Part, rules: Rules) -> set[str]:
    if recipient == "applicant":
        return {state.applicant}
    if recipient == "handler":
        return {part.handler} if part.handler else set()
    if recipient == "provider":
        return {part.handler} if part.handler else holders("handler@provider", part, rules)
    return waiting_for(part, rules)


def drop(context: Any, package_id: str, cause: Any, now: datetime.datetime) -> Mapping[str, str]:
    """A dataset can no longer be applied for: it leaves every open part, in this transaction."""
    done: dict[str, str] = {}
    for application, organization in lists.open_about(model.Session, package_id):
        cases.get(model.Session, application, lock=True)
        state = cases.state(model.Session, application)
        part = state.part(organization) if state else None
        if state is None or part is None or not part.is_open:
            continue
        if package_id not in {item.dataset for item in part.datasets}:
            continue
        order = Drop(SYSTEM, organization, [package_id], cause)
        try:
            rules = shared.rules_for(state)
        except shared.TextMissing:
            # Nobody can decide this case, so nothing is given; what is taken away must not wait.
            continue
        events = decide(state, order, now, rules)
        record(context, state, application, events, now, None)
        done[application] = organization
    return done
