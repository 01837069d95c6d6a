"""Applications: writing, handing in, giving up, reading."""

from __future__ import annotations

import uuid
from typing import Any

from ckan import model
from ckan.plugins import toolkit as tk
from flask import has_request_context

from ckanext.govopen.domain.application import commands as orders
from ckanext.govopen.domain.application.decide import decide
from ckanext.govopen.domain.application.state import STATUSES
from ckanext.govopen.domain.deadline import local_date
from ckanext.govopen.domain.refusal import N_, refuse
from ckanext.govopen.logic import application as cases
from ckanext.govopen.logic import application_content as contents
from ckanext.govopen.logic import application_list as listing
from ckanext.govopen.logic import application_names as naming
from ckanext.govopen.logic import application_record as recording
from ckanext.govopen.logic import application_show as showing
from ckanext.govopen.logic import command
from ckanext.govopen.logic.schema import application as schema
from ckanext.govopen.logic.schema.table import takes
from ckanext.govopen.model import application as stored
from ckanext.govopen.model import application_list as lists
from ckanext.govopen.model import grant as grants
from ckanext.govopen.model import ledger, number, settings

__all__ = [
    "govopen_application_create",
    "govopen_application_list",
    "govopen_application_renew",
    "govopen_application_show",
    "govopen_application_submit",
    "govopen_application_update",
    "govopen_application_withdraw",
]

_SAVED_SINCE = N_("This was saved in another window since. Open it again.")
#: Most drafts of one person.
DRAFTS = 50


@takes(schema.CREATE)
def govopen_application_create(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Begin an application: a draft that nobody but the applicant sees.

    :param content: ``{"applicant_kind", "parts": [{"organization", "datasets": [{"dataset",
        "delivery": […], "items": […] or None}]}], "fields": {id: text}, "valid_from", "valid_to",
        "contact": {"name", "phone", "email"}, "organisation": {"name", "code", "authority",
        "persons": [account]} or None, "renews": grant or None}``, as much as is known; datasets by
        id or name, and without ``organization`` if that is easier
    :returns: the case as in :func:`govopen_application_show`
    :raises ValidationError: a field has the wrong form
    """
    tk.check_access("govopen_application_create", context, data_dict)
    content = schema.CREATE.read(data_dict)["content"]
    with command.refusals():
        draft = contents.drafted(context, content)
        row = _new(context, draft)
    command.finish(context)
    return showing.show(context, row, None)


@takes(schema.RENEW)
def govopen_application_renew(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Begin an application that carries a grant on, with what that grant was about.

    :param id: the grant
    :returns: the new draft as in :func:`govopen_application_show`
    :raises ObjectNotFound: there is no such grant of the caller's
    """
    tk.check_access("govopen_application_renew", context, data_dict)
    grant_id = schema.RENEW.read(data_dict)["id"]
    user_id = command.actor(context)
    grant = grants.get(model.Session, grant_id)
    if grant is None or user_id is None or user_id not in (*grant.persons, grant.authorised):
        raise tk.ObjectNotFound(tk._("There is no such grant."))
    before = stored.state(model.Session, grant.application) if grant.application else None
    mine = before is not None and before.applicant == user_id
    content = dict(before.revisions[-1].content) if before is not None and mine else {}
    draft = {
        **{key: one for key, one in content.items() if key not in ("attachments", "salt")},
        "parts": [
            {
                "organization": grant.organization_id,
                "datasets": [
                    {
                        "dataset": grant.package_id,
                        "delivery": list(grant.delivery),
                        "items": grant.items,
                    }
                ],
            }
        ],
        "fields": {"purpose": grant.purpose, **content.get("fields", {})},
        "valid_from": None,
        "valid_to": None,
        "renews": grant.id,
    }
    with command.refusals():
        row = _new(context, contents.drafted(context, draft))
    command.finish(context)
    return showing.show(context, row, None)


def _new(context: Any, draft: dict[str, Any]) -> stored.ApplicationRow:
    user_id, now = command.actor(context), command.now()
    assert user_id is not None
    ledger.lock(model.Session, f"applications-of/{user_id}")
    if lists.drafts(model.Session, user_id) >= DRAFTS:
        raise refuse("APP-2", None, N_("You have %(most)s drafts. Hand one in or delete one."),
                     most=DRAFTS)  # fmt: skip
    row = stored.ApplicationRow(
        id=str(uuid.uuid4()),
        number=number.take(
            model.Session, "application", local_date(now).year, settings.application_prefix()
        ),
        user_id=user_id,
        status=stored.DRAFT,
        kind=draft["applicant_kind"],
        draft=draft,
        writing=1,
        rules="",
        revision=0,
        renews=draft["renews"],
        language=tk.h.lang() if has_request_context() else "",
        created_at=now,
        changed_at=now,
    )
    model.Session.add(row)
    model.Session.flush()
    return row


@takes(schema.UPDATE)
def govopen_application_update(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Save what the applicant is writing: a draft, or what was returned to him.

    :param id: the case, by id or number
    :param content: all of it, as in :func:`govopen_application_create`
    :param writing: the number of the save that was read (optional); another one since is refused
    :returns: the case as in :func:`govopen_application_show`
    :raises ObjectNotFound: there is none, or it is not the caller's
    :raises ValidationError: a field has the wrong form, or ``refusal`` when nothing is to be
        written now
    """
    tk.check_access("govopen_application_update", context, data_dict)
    given = schema.UPDATE.read(data_dict, first=("id",))
    row, state = _mine(context, given["id"])
    writing = given["writing"]
    with command.refusals():
        if writing is not None and writing != row.writing:
            raise refuse("APP-2", None, _SAVED_SINCE)
        if state is not None and not any(part.status == "returned" for part in state.parts):
            raise refuse("APP-3", None, N_("This is not yours to change now."))
        draft = contents.drafted(context, given["content"])
        row.draft, row.kind, row.renews = draft, draft["applicant_kind"], draft["renews"]
        row.writing += 1
        row.changed_at = command.now()
    command.finish(context)
    return showing.show(context, row, state)


@takes(schema.SUBMIT)
def govopen_application_submit(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Hand in a draft, or the returned parts of a case again.

    :param id: the case, by id or number
    :param writing: the number of the save that is handed in (optional)
    :returns: the case as in :func:`govopen_application_show`
    :raises ObjectNotFound: there is none, or it is not the caller's
    :raises ValidationError: ``refusal`` with everything that is wrong, each with its ``field``
    """
    tk.check_access("govopen_application_submit", context, data_dict)
    given = schema.SUBMIT.read(data_dict, first=("id",))
    row, state = _mine(context, given["id"])
    writing = given["writing"]
    now, user_id = command.now(), row.user_id
    with command.refusals():
        if writing is not None and writing != row.writing:
            raise refuse("APP-2", None, _SAVED_SINCE)
        if row.draft is None and state is not None:
            # A double click: what was handed in is there; nothing new was written since.
            raise refuse("APP-3", None, N_("This was handed in already."))
        ledger.lock(model.Session, f"applications-of/{user_id}")
        content = contents.handed_in(row.id, user_id, row.draft or {})
        ids = [one.dataset for part in content.parts for one in part.datasets]
        order = orders.Submit(
            cases.actor(context),
            row.id,
            content,
            cases.facts(user_id, ids, row.id, content),
            cases.counts(user_id) if state is None else orders.Counts(),
            contents.persons_of(content, cases.bodies_of(content), now),
        )
        events = decide(state, order, now, cases.rules_for(state))
        row.draft = None
        row.submitted_at = row.submitted_at or now
        state = recording.record(context, state, row.id, events, now, user_id)
    command.finish(context)
    return showing.show(context, row, state)


@takes(schema.WITHDRAW)
def govopen_application_withdraw(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Give up a case, or one department's part of it; a draft is deleted.

    :param id: the case, by id or number
    :param organization: id or name of the department; left out: all that is open
    :param reason: why (optional)
    :returns: the case as in :func:`govopen_application_show`; of a draft ``{"id", "deleted"}``
    :raises ObjectNotFound: there is none, or it is not the caller's
    :raises ValidationError: a parameter is wrong, or ``refusal`` when a rule says no
    """
    tk.check_access("govopen_application_withdraw", context, data_dict)
    given = schema.WITHDRAW.read(data_dict, first=("id",))
    row, state = _mine(context, given["id"])
    place, reason = given["organization"], given["reason"]
    now = command.now()
    if state is None:
        model.Session.delete(row)
        command.finish(context)
        return {"id": row.id, "deleted": True}
    order = orders.Withdraw(cases.actor(context), place.id if place else None, reason)
    with command.refusals():
        events = decide(state, order, now, cases.rules_for(state))
        row.draft = None
        state = recording.record(context, state, row.id, events, now, row.user_id)
    command.finish(context)
    return showing.show(context, row, state)


def _mine(context: Any, reference: str) -> tuple[stored.ApplicationRow, Any]:
    """The caller's own case, locked.

    :raises ObjectNotFound: there is none, or it does not concern the caller
    :raises NotAuthorized: he may read it, and it is another one's
    """
    row, state = cases.found(context, reference, lock=True)
    if row.user_id != command.actor(context):
        model.Session.rollback()
        raise tk.NotAuthorized(tk._("This is for the applicant to do."))
    return row, state


@tk.side_effect_free
@takes(schema.SHOW)
def govopen_application_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """One case, as far as it is the caller's to read.

    :param id: the case, by id or number
    :returns: ``{"id", "number", "status": draft/open/closed, "mine", "applicant", "content",
        "draft", "writing", "attachments", "revision", "sha256", "revisions", "differences",
        "agreement", "renews", "letters", "may", "parts": [{"organization", "status", "datasets":
        [{"dataset", "name", "title", "items", "delivery"}], "revision", "sha256", "clocks":
        [{"id", "names", "due", "days_left", "overdue", "article", …}], "waits_for", "waiting",
        "outside", "remarks", "message", "declined", "votes", "consultations", "forwarding",
        "scopes", "conditions", "grants", "letters", "handler", "identity", "may"}]}``
    :raises ObjectNotFound: there is none, or it does not concern the caller
    """
    tk.check_access("govopen_application_show", context, data_dict)
    return showing.show(context, *cases.found(context, schema.SHOW.read(data_dict)["id"]))


@tk.side_effect_free
@takes(schema.LIST)
def govopen_application_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Cases that concern the caller, the one that changed last first.

    :param scope: ``mine`` (the default) or ``department``: those of the departments that he works
        for, all for the authority
    :param q: part of the case's number (optional)
    :param status: ``draft``, ``open``, ``closed``, or the state of a part (optional)
    :param organization: only those with a part of this department (optional)
    :param package_id: only those about this dataset (optional)
    :param due: ``overdue`` or ``week``: parts due by then (optional)
    :param limit: at most this many, 100 by default
    :param offset: leave out the first
    :returns: ``{"count", "results": [{"id", "number", "status", "mine", "titles", "submitted_at",
        "parts": [{"organization", "status", "waits_for", "due", "days_left", "overdue",
        "article"}]}], "organizations": [{"id", "name", "title"}]}``
    """
    tk.check_access("govopen_application_list", context, data_dict)
    given = schema.LIST.read(data_dict)
    scope, status = given["scope"] or "mine", given["status"]
    package, place = given["package_id"], given["organization"]
    everything = scope == "department" and cases.reads_all(context)
    departments = cases.places(context) if scope == "department" else set()
    found_package = model.Package.get(package) if package else None
    count, rows = lists.find(
        model.Session,
        user_id=command.actor(context) if scope == "mine" else None,
        everything=everything,
        organization_ids=None if scope == "mine" else departments,
        organization_id=place.id if place else None,
        status=status if status in stored.STATUSES else None,
        part_status=status if status in STATUSES else None,
        package_id=(found_package.id if found_package else package) if package else None,
        number=given["q"],
        due_before=cases.due_before(given["due"]),
        limit=given["limit"],
        offset=given["offset"],
    )
    names = naming.Names(context)
    return {
        "count": count,
        "results": listing.listed(context, rows),
        "organizations": [names.organization(one) for one in sorted(departments)],
    }
