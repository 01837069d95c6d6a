"""What all commands on applications share: facts, and who sees what. The rules of a case, from
``application_rules``, are had here too."""

from __future__ import annotations

import datetime
from collections.abc import Collection
from typing import Any

from ckan import model
from ckan.plugins import toolkit as tk

from ckanext.govopen.access import facts as dataset_facts
from ckanext.govopen.access import policy
from ckanext.govopen.access.viewer import person
from ckanext.govopen.domain.applicant import Identity
from ckanext.govopen.domain.application import roles
from ckanext.govopen.domain.application.acting import wanted_identity
from ckanext.govopen.domain.application.commands import Counts, DatasetFacts
from ckanext.govopen.domain.application.content import Content
from ckanext.govopen.domain.application.rules import Rules
from ckanext.govopen.domain.application.state import Application, Part
from ckanext.govopen.domain.deadline import local_date
from ckanext.govopen.domain.duty import Actor, Duty
from ckanext.govopen.domain.terms import OpenClass
from ckanext.govopen.logic import actor as actors
from ckanext.govopen.logic import command
from ckanext.govopen.logic.application_rules import (
    TextMissing,
    authority_id,
    bodies_of,
    edition_of,
    profile_of,
    rules_for,
    site,
)
from ckanext.govopen.model import applicant as applicants
from ckanext.govopen.model import application as cases
from ckanext.govopen.model import application_list as lists
from ckanext.govopen.model import grant as grants
from ckanext.govopen.model import release as releases

__all__ = [
    "TextMissing",
    "actor",
    "authority_id",
    "bodies_of",
    "counts",
    "decides",
    "due_before",
    "edition_of",
    "facts",
    "facts_of",
    "found",
    "identity",
    "not_found",
    "places",
    "profile_of",
    "reads_all",
    "rules_for",
    "sees_part",
    "site",
]


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
    waiting = lists.waiting_datasets(model.Session, user_id, ids, but) if ids else set()
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
    return Counts(*lists.counts(model.Session, user_id, command.now()))


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
    return set(person(context).departments)


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
    try:
        rules = rules_for(state)
    except TextMissing:
        # Who has a say cannot be asked without the text; who works there is told what is wrong.
        return any(who.works_for(part.organization) for part in state.parts)
    return any(sees_part(context, state, part, rules) for part in state.parts)
