"""An application as each reader may see it: the applicant, a department, the authority.

The applicant reads his case without what departments do among themselves; a department its own
part and what is common; the authority, its auditors and the operator everything. Who applies, how
he is reached, and his files are for those who decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ckan import model

from ckanext.govopen.access.viewer import person
from ckanext.govopen.domain.application import clock, decide, roles
from ckanext.govopen.domain.application.content import differences
from ckanext.govopen.domain.application.rules import Rules
from ckanext.govopen.domain.application.state import Application, OutsideLetter, Part, Vote
from ckanext.govopen.logic import application as cases
from ckanext.govopen.logic import command, look
from ckanext.govopen.logic.application_names import Names, account, attachment, letter
from ckanext.govopen.logic.schema import values
from ckanext.govopen.model import application as stored
from ckanext.govopen.model import attachment as attachments
from ckanext.govopen.model import letter as letters

#: What of a content only those read who decide on it.
PERSONAL = ("contact", "organisation", "attachments", "salt")


def show(context: Any, row: stored.ApplicationRow, state: Application | None) -> dict[str, Any]:
    """The case for the reader of ``context``, who is one of those it concerns.

    That he reads who applies is written down.
    """
    shown = compose(context, row, state)
    if state is not None and not shown["mine"] and "applicant" in shown and shown["applicant"]:
        look.note(context, state, "case")
    return shown


def compose(context: Any, row: stored.ApplicationRow, state: Application | None) -> dict[str, Any]:
    """The same without a note, for what takes only a part of it that names nobody."""
    who = person(context)
    mine = who.user_id is not None and who.user_id == row.user_id
    rules = cases.rules_for(state)
    shown: dict[str, Any] = {
        "id": row.id,
        "number": row.number,
        "status": row.status,
        "mine": mine,
        "rules": rules.id,
        "created_at": values.iso(row.created_at),
        "changed_at": values.iso(row.changed_at),
        "submitted_at": values.iso(row.submitted_at),
        "renews": row.renews,
        "revision": row.revision,
        "agreement": rules.agreement_required,
        "applicant": account(row.user_id) if mine else None,
        "parts": [],
        "letters": [],
        "may": [],
    }
    if mine:
        shown["draft"] = row.draft
        shown["writing"] = row.writing
        shown["attachments"] = [
            attachment(one) for one in attachments.of_case(model.Session, row.id)
        ]
    if state is None:
        shown["may"] = ["update", "submit", "attach", "withdraw"] if mine else []
        shown["content"] = row.draft
        return shown
    return {**shown, **_handed_in(context, row, state, rules, mine, shown)}


def _handed_in(
    context: Any,
    row: stored.ApplicationRow,
    state: Application,
    rules: Rules,
    mine: bool,
    shown: Mapping[str, Any],
) -> dict[str, Any]:
    parts = [part for part in state.parts if mine or cases.sees_part(context, state, part, rules)]
    places = {part.organization for part in parts}
    personal = mine or cases.reads_all(context) or any(
        cases.decides(context, state, part, rules) for part in parts
    )  # fmt: skip
    content = redacted(state.revisions[-1].content, places, personal)
    names = Names(context)
    names.look_up(item.dataset for part in parts for item in part.datasets)
    issued = {
        one.number: one for one in letters.of_case(model.Session, row.id)
        if one.organization_id in places
    }  # fmt: skip
    rows = [_part(context, state, part, rules, names, mine, issued.values()) for part in parts]
    found: dict[str, Any] = {
        "content": content,
        "sha256": state.revisions[-1].sha256,
        "revisions": [
            {"number": one.number, "sha256": one.sha256, "at": values.iso(one.at)}
            for one in state.revisions
        ],
        "differences": _differences(state, places, personal),
        "parts": rows,
        "letters": [letter(one) for one in issued.values()],
    }
    if personal:
        found["applicant"] = account(state.applicant)
        if not mine:
            persons = sorted(state.revisions[-1].persons)
            found["persons"] = [one for one in map(account, persons) if one]
            found["attachments"] = [
                {key: one.get(key) for key in ("id", "name", "sha256", "size", "media_type")}
                for one in content.get("attachments") or []
            ]
    if mine:
        commands = {name for one in rows for name in one["may"]}
        found["may"] = [name for name in ("submit", "withdraw") if name in commands]
        if "submit" in commands:
            found["may"] += ["update", "attach"]
    return found


def redacted(content: Mapping[str, Any], places: set[str], personal: bool) -> dict[str, Any]:
    """A content with the parts of these departments only, and the person only where he counts."""
    left = {key: value for key, value in content.items() if personal or key not in PERSONAL}
    left.pop("salt", None)
    if "parts" in left:
        left["parts"] = [one for one in left["parts"] if one["organization"] in places]
    return left


def _differences(state: Application, places: set[str], personal: bool) -> list[dict[str, Any]]:
    if len(state.revisions) < 2:
        return []
    before, after = (redacted(one.content, places, personal) for one in state.revisions[-2:])
    return [vars(one) for one in differences(before, after)]


def _part(
    context: Any,
    state: Application,
    part: Part,
    rules: Rules,
    names: Names,
    mine: bool,
    issued: Iterable[letters.LetterRow],
) -> dict[str, Any]:
    now = command.now()
    staff = not mine
    decided = part.decided_at is not None
    waiting = list(roles.waiting_parties(part, rules)) if part.status == "accepted" else []
    step = roles.current_step(part, rules)
    shown: dict[str, Any] = {
        "organization": names.organization(part.organization),
        "status": part.status,
        "revision": part.revision,
        "sha256": state.revision(part.revision).sha256,
        "datasets": [
            {
                **names.datasets[item.dataset],
                "delivery": list(item.delivery),
                "items": None if item.items is None else list(item.items),
            }
            for item in part.datasets
        ],
        "submitted_at": values.iso(part.submitted_at),
        "received_at": values.iso(part.received_at),
        "accepted_at": values.iso(part.accepted_at),
        "decided_at": values.iso(part.decided_at),
        "ended_at": values.iso(part.ended_at),
        "cause": part.cause,
        "remarks": dict(part.remarks),
        "message": part.message,
        "declined": part.declined,
        "clocks": [clock_dict(one, now) for one in clock.clocks(part, rules, now)],
        "waits_for": stored.waits_for(part, rules),
        "waiting": waiting,
        "outside": [
            party for party in waiting
            if step is not None and roles.is_outside(party, step, part, rules)
        ],
        "forwarding": None,
        "consultations": [
            {
                "id": one.id,
                "kind": one.kind,
                "at": values.iso(one.at),
                "until": one.until.isoformat() if one.until else None,
                "closed_at": values.iso(one.closed_at),
                "outcome": one.outcome,
                **({"whom": one.whom} if staff else {}),
            }
            for one in part.consultations
        ],
        "extensions": [
            {"clock": one.clock, "units": one.units, "at": values.iso(one.at)}
            for one in part.extensions
        ],
        # What one body thinks is the departments' business until all have decided.
        "votes": [_vote(one, staff) for one in part.votes] if staff or decided else [],
        "scopes": [one.as_dict() for one in part.scopes],
        "conditions": list(part.conditions),
        "signed_at": values.iso(part.signature.at) if part.signature else None,
        "grants": list(part.grants.values()),
        "letters": [letter(one) for one in issued if one.organization_id == part.organization],
        "may": decide.may(state, part.organization, cases.actor(context), rules),
    }  # fmt: skip
    if part.forwarding is not None:
        shown["forwarding"] = {
            "body": part.forwarding.body,
            "letter": _outside(part.forwarding.letter),
            "at": values.iso(part.forwarding.at),
            "answer": _outside(part.forwarding.answer),
            "answered_at": values.iso(part.forwarding.answered_at),
        }
    if staff:
        shown["handler"] = account(part.handler)
        if cases.reads_all(context) or cases.decides(context, state, part, rules):
            shown["identity"] = _identity(state, part)
    return shown


def _identity(state: Application, part: Part) -> dict[str, Any] | None:
    checked = cases.identity(state, part) if state.revision(part.revision).content else None
    if checked is None:
        return None
    return {
        "kind": checked.kind,
        "name": checked.name,
        "person": checked.person,
        "code": checked.code,
        "checked_at": values.iso(checked.checked_at),
        "valid_until": values.iso(checked.valid_until),
    }


def _outside(one: OutsideLetter | None) -> dict[str, str] | None:
    return None if one is None else {"number": one.number, "date": one.date.isoformat()}


def _vote(vote: Vote, staff: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "step": vote.step,
        "party": vote.party,
        "approve": vote.approve,
        "reason": vote.reason,
        "basis": [one.as_dict() for one in vote.basis],
        "at": values.iso(vote.at),
        "silent": vote.silent,
        "letter": _outside(vote.letter),
    }
    if staff:
        by = account(vote.by)
        shown["by"] = by["fullname"] if by else ""
    return shown


def clock_dict(one: clock.Running, now: Any) -> dict[str, Any]:
    """A clock that runs: ``due`` is its last day, ``due_at`` its last moment."""
    due = one.due
    return {
        "id": one.id,
        "names": vars(one.names),
        "start": one.start,
        "started_at": values.iso(one.started_at),
        "due": due.day.isoformat() if due else None,
        "due_at": values.iso(due.at) if due else None,
        "days_left": due.days_left(now) if due else None,
        "overdue": one.overdue(now),
        "article": one.article,
        "origin": due.origin if due else None,
        "provisional": bool(due and due.provisional),
        "moved": bool(due and due.moved),
        "internal": one.internal,
        "extended": one.extended,
        "suspended": one.suspended,
        "actor": one.actor,
        "waits_for": one.waits_for,
    }
