"""Handing in: a new application, or the returned parts of one again."""

from __future__ import annotations

import datetime
from typing import Any

from ckanext.govopen.domain.application.check import check
from ckanext.govopen.domain.application.commands import Counts, Submit
from ckanext.govopen.domain.application.content import RULE, Content, WantedPart, parse
from ckanext.govopen.domain.application.rules import Rules
from ckanext.govopen.domain.application.state import Application
from ckanext.govopen.domain.event import Event
from ckanext.govopen.domain.organization import normalize_code
from ckanext.govopen.domain.refusal import N_, Refusal, Refused, refuse


def submit(
    state: Application | None, command: Submit, now: datetime.datetime, rules: Rules
) -> list[Event]:
    """Events of handing in; all problems at once."""
    content = command.content
    if state is None:
        found = check(content, rules, command.datasets, command.counts, now)
        if found:
            raise Refused(found)
        return [_event(None, command, content.parts, rules)]
    again, found = _returned(state, content)
    places = {part.organization for part in again}
    found += check(content, rules, command.datasets, Counts(), now, places)
    if found:
        raise Refused(found)
    return [_event(state, command, again, rules)]


def _returned(state: Application, content: Content) -> tuple[list[WantedPart], list[Refusal]]:
    """The parts that are handed in again. What was not returned keeps what was received."""
    found: list[Refusal] = []
    again: list[WantedPart] = []

    def no(field: str, message: str, **params: Any) -> None:
        found.append(Refusal(RULE, None, message, {"field": field, **params}))

    for wanted in content.parts:
        part = state.part(wanted.organization)
        if part is None:
            no("parts", N_("Another department needs an application of its own."))
        elif part.status == "returned":
            again.append(wanted)
        elif part.is_open and part.datasets != wanted.datasets:
            no("parts", N_("This part was not returned to you: leave it as it is."))
    missing = {part.organization for part in state.parts if part.status == "returned"}
    if missing - {part.organization for part in again}:
        no("parts", N_("A part that was returned is missing. Hand it in again or withdraw it."))
    if content.renews != state.renews:
        no("renews", N_("This cannot be changed any more; make a new application."))
    if _who(content) != _who_first(state):
        no("applicant_kind", N_("This cannot be changed any more; make a new application."))
    return again, found


def _who(content: Content) -> tuple[str, str]:
    code = content.organisation.code if content.organisation else ""
    return content.applicant_kind, normalize_code(code)


def _who_first(state: Application) -> tuple[str, str]:
    first = state.revisions[0].content
    if not first:
        raise refuse(RULE, None, N_("The content of this application was erased."))
    return _who(parse(first))


def _event(
    state: Application | None,
    command: Submit,
    parts: tuple[WantedPart, ...] | list[WantedPart],
    rules: Rules,
) -> Event:
    content = command.content
    return Event(
        "application.submitted",
        {
            "application": state.id if state else command.application,
            "rules": rules.id,
            "edition": rules.edition,
            "applicant": state.applicant if state else command.actor.user_id,
            "persons": sorted(command.persons) if content.organisation else [],
            "revision": len(state.revisions) + 1 if state else 1,
            "sha256": content.sha256,
            "content": content.as_dict(),
            "parts": [
                {
                    "organization": part.organization,
                    "datasets": [wanted.as_dict() for wanted in part.datasets],
                }
                for part in parts
            ],
            "renews": content.renews,
        },
    )
