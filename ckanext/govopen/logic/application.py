"""What all commands on applications share: rules, facts, sight, and what is recorded."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.plugins import toolkit as tk

from ckanext.govopen.access import facts as dataset_facts
from ckanext.govopen.access import policy
from ckanext.govopen.access.viewer import person
from ckanext.govopen.domain import grant as grant_rules
from ckanext.govopen.domain.applicant import Identity
from ckanext.govopen.domain.application import fold, letter, roles
from ckanext.govopen.domain.application import notice as notices
from ckanext.govopen.domain.application.acting import wanted_identity
from ckanext.govopen.domain.application.commands import Counts, DatasetFacts, Drop, IssueLetter
from ckanext.govopen.domain.application.content import Content
from ckanext.govopen.domain.application.decide import decide
from ckanext.govopen.domain.application.grants import grants_of
from ckanext.govopen.domain.application.rules import Rules, Site, rules_of
from ckanext.govopen.domain.application.state import Application, Part
from ckanext.govopen.domain.deadline import local_date
from ckanext.govopen.domain.duty import Actor, Duty
from ckanext.govopen.domain.event import Event
from ckanext.govopen.domain.profile import Profile
from ckanext.govopen.domain.terms import OpenClass
from ckanext.govopen.logic import actor as actors
from ckanext.govopen.logic import command, post
from ckanext.govopen.model import applicant as applicants
from ckanext.govopen.model import application as cases
from ckanext.govopen.model import edition as editions
from ckanext.govopen.model import grant as grants
from ckanext.govopen.model import jurisdiction, ledger, number, settings, working_days
from ckanext.govopen.model import letter as letters
from ckanext.govopen.model import release as releases
from ckanext.govopen.model.duty import DutyRow, in_force

#: The portal's own hand: letters, grants and what follows by itself.
SYSTEM = Actor("", system=True)


# Rules


def edition_of(state: Application | None) -> jurisdiction.Edition:
    """The text of the law under which a case began, however the file has changed since; the site's
    present one for a new case."""
    if state is None or not state.edition:
        return jurisdiction.active()
    return editions.find(model.Session, state.edition)


def profile_of(state: Application | None) -> Profile:
    """The profile under which a case began."""
    return edition_of(state).profile


def site() -> Site:
    """What the site sets for applications."""
    bodies = {}
    for body, name in settings.application_bodies().items():
        group = model.Group.get(name)
        if group is not None and group.state == "active":
            bodies[body] = group.id
    return Site(
        authority=authority_id(),
        bodies=bodies,
        agreement=settings.agreement(),
        identity=settings.application_identity(),
        targets=settings.application_targets(),
        max_datasets=settings.application_datasets(),
        max_days=settings.application_max_days() or None,
        max_open_cases=settings.application_max_open() or None,
        max_per_day=settings.application_max_per_day() or None,
        sign_within_days=settings.application_sign_within_days() or None,
    )


def authority_id() -> str | None:
    """Id of the organisation that is the data authority; None when there is none."""
    group = model.Group.get(settings.authority()) if settings.authority() else None
    return group.id if group is not None else None


def bodies_of(content: Content) -> set[str]:
    """The organisations that have a say in a case: its departments, the authority, the bodies that
    the profile names."""
    here = site()
    places = {part.organization for part in content.parts} | set(here.bodies.values())
    return places | ({here.authority} if here.authority else set())


def rules_for(state: Application | None) -> Rules:
    """The rules of a case, those of the active profile for a new one."""
    edition = edition_of(state)
    return rules_of(
        edition.profile, working_days.calendar(), site(), edition=edition.sha256
    )  # fmt: skip


# Facts


def facts(
    user_id: str, package_ids: Collection[str], but: str, content: Content | None = None
) -> dict[str, DatasetFacts]:
    """Datasets as they are now for an applicant; what outsiders cannot see is left out.

    ``but`` is the case that is being asked for, ``content`` what it wants.
    """
    ids = [one for one in package_ids if one]
    known = dataset_facts.facts(ids) if ids else {}
    live = releases.live_many(model.Session, ids)
    waiting = cases.waiting_datasets(model.Session, user_id, ids, but) if ids else set()
    now = command.now()
    found: dict[str, DatasetFacts] = {}
    for package_id in ids:
        fact, release = known.get(package_id), live.get(package_id)
        if fact is None or release is None:
            continue
        if not policy.decide(policy.ANONYMOUS, fact, now).visible:
            continue
        shown = release.data["shown"]
        modes = shown.get("delivery") or []
        found[package_id] = DatasetFacts(
            organization=fact.owner_org or "",
            conditional=fact.open_class is OpenClass.CONDITIONAL,
            items=frozenset(
                row["name"]
                for row in shown.get("info_items") or []
                if row.get("name") and row.get("open", True) not in (False, "false", "False")
            ),
            delivery=frozenset([modes] if isinstance(modes, str) else modes),
            open_part=package_id in waiting,
            granted=_granted(user_id, package_id, content, now),
        )
    return found


def _granted(
    user_id: str, package_id: str, content: Content | None, now: datetime.datetime
) -> bool:
    """Does an active grant of his cover all that is wanted of the dataset?"""
    if content is None:
        return False
    wanted = [w for part in content.parts for w in part.datasets if w.dataset == package_id]
    for grant in grants.of_holder(model.Session, package_id, user_id):
        if grant.state != "active" or grant.valid_to <= now:
            continue
        for item in wanted:
            items = grant.items is None or (
                item.items is not None and set(item.items) <= grant.items
            )
            lasts = content.valid_to is not None and content.valid_to < local_date(grant.valid_to)
            if items and lasts and set(item.delivery) <= grant.delivery:
                return True
    return False


def facts_of(state: Application, part: Part) -> dict[str, DatasetFacts]:
    """The facts of a part's datasets."""
    return facts(state.applicant, [item.dataset for item in part.datasets], state.id)


def counts(user_id: str) -> Counts:
    """How much somebody has handed in."""
    return Counts(*cases.counts(model.Session, user_id, command.now()))


def identity(state: Application, part: Part) -> Identity | None:
    """The check of the applicant that fits the part, if one is in force."""
    checks = applicants.state(model.Session, state.applicant)
    return checks.in_force(command.now(), *wanted_identity(state, part))


# Who


def actor(context: Any) -> Actor:
    """The caller as the rules know him."""
    return actors.of(person(context), command.actor(context))


def reads_all(context: Any) -> bool:
    """The authority, its auditors, the operator, the portal itself."""
    who = person(context)
    return who.sees_everything or (authority_id(), Duty.AUDITOR.value) in who.duties


def places(context: Any) -> set[str]:
    """The departments whose parts the caller reads: his own, and those he decides for."""
    who = person(context)
    return {
        place
        for place in {*who.memberships, *(place for place, _duty in who.duties)}
        if who.works_for(place)
    }


def decides(context: Any, state: Application, part: Part, rules: Rules) -> bool:
    """Has he a duty in this part, so that he has to know who applies? Not on his own case."""
    who = actor(context)
    if who.user_id in state.concerned:
        return False
    found = roles.roles(who, state, part, rules) - {"applicant", "operator"}
    duties = (Duty.HANDLER, Duty.REVIEWER)
    return bool(found) or any(who.has(part.organization, duty) for duty in duties)


def sees_part(context: Any, state: Application, part: Part, rules: Rules) -> bool:
    """May he read what the part's department has to do with it?"""
    who = person(context)
    return (
        reads_all(context)
        or who.works_for(part.organization)
        or decides(context, state, part, rules)
    )


def due_before(word: str) -> datetime.datetime | None:
    """The moment that a filter of lists means: ``overdue`` is now, ``week`` in seven days."""
    if not word:
        return None
    return command.now() + datetime.timedelta(days=7 if word == "week" else 0)


# What is recorded


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
        editions.keep(session, edition_of(None), now)
    ledger.append(session, f"application/{application}", events, by, now)
    after = state
    issued: list[Event] = []
    for event in events:
        after = fold.apply(after, event, now)
        rules = rules or rules_for(after)
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
    profile = profile_of(state)
    for grant in grants_of(state, organization):
        row = grants.get(model.Session, grant.id, lock=True)
        live = releases.live(grant.package_id)
        given = grant_rules.from_application(
            grants.to_rule(row) if row else None,
            grant,
            OpenClass.of(live.open_class) if live else None,
            now,
            profile,
        )
        ledger.append(model.Session, f"grant/{grant.id}", given, None, now)
        for one in given:
            grants.project(model.Session, one, None, now)


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
    for party in cases.waits_for(part, rules):
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


# Finding


def not_found() -> tk.ObjectNotFound:
    """The one answer for what does not exist and for what does not concern the caller."""
    return tk.ObjectNotFound(tk._("There is no such application."))


def found(
    context: Any, reference: str, lock: bool = False
) -> tuple[cases.ApplicationRow, Application | None]:
    """A case that the caller may read; None as its state while it is a draft.

    :raises ObjectNotFound: alike for what does not exist and what does not concern him
    """
    row = cases.get(model.Session, reference)
    if row is None:
        raise not_found()
    state = cases.state(model.Session, row.id)
    if not _sees(context, row, state):
        raise not_found()
    if lock:
        row = cases.get(model.Session, row.id, lock=True)
        if row is None:
            raise not_found()
        state = cases.state(model.Session, row.id)
    return row, state


def _sees(context: Any, row: cases.ApplicationRow, state: Application | None) -> bool:
    who = person(context)
    if who.user_id is not None and who.user_id == row.user_id:
        return True
    if state is None:
        return who.internal
    if reads_all(context):
        return True
    rules = rules_for(state)
    return any(sees_part(context, state, part, rules) for part in state.parts)


def drop(context: Any, package_id: str, cause: Any, now: datetime.datetime) -> Mapping[str, str]:
    """A dataset can no longer be applied for: it leaves every open part, in this transaction."""
    done: dict[str, str] = {}
    for application, organization in cases.open_about(model.Session, package_id):
        cases.get(model.Session, application, lock=True)
        state = cases.state(model.Session, application)
        part = state.part(organization) if state else None
        if state is None or part is None or not part.is_open:
            continue
        if package_id not in {item.dataset for item in part.datasets}:
            continue
        order = Drop(SYSTEM, organization, [package_id], cause)
        events = decide(state, order, now, rules_for(state))
        record(context, state, application, events, now, None)
        done[application] = organization
    return done
