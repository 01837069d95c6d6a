"""Submitting, reading and deciding reviews."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.plugins import toolkit

from ckanext.govopen.access.network import public_link
from ckanext.govopen.access.policy import Person
from ckanext.govopen.access.viewer import person
from ckanext.govopen.domain import release as release_rules
from ckanext.govopen.domain import review as rules
from ckanext.govopen.domain.classification import Missing, check_requirements
from ckanext.govopen.domain.refusal import N_, Refused
from ckanext.govopen.logic import actor as actors
from ckanext.govopen.logic import command, gate, quality, review_warnings, snapshot, working_copy
from ckanext.govopen.logic.schema import review as schema
from ckanext.govopen.logic.schema.table import takes
from ckanext.govopen.model import catalogue, jurisdiction
from ckanext.govopen.model import release as releases
from ckanext.govopen.model import review as reviews
from ckanext.govopen.model.review import ReviewRow

__all__ = [
    "govopen_review_decide",
    "govopen_review_list",
    "govopen_review_show",
    "govopen_review_submit",
]


def _row(reference: str) -> ReviewRow | None:
    """A review by its own id, or that of a dataset (waiting before older ones)."""
    row = model.Session.get(ReviewRow, reference)
    if row is not None:
        return row
    package = model.Package.get(reference)
    if package is None:
        return None
    return reviews.waiting(model.Session, package.id) or reviews.latest(model.Session, package.id)


def _visible(who: Person, row: ReviewRow) -> bool:
    """Reviews show working copies: who may read them follows the dataset, not its past."""
    package = model.Package.get(row.package_id)
    place = row.organization_id if package is None else package.owner_org or ""
    if who.sees_everything or who.works_for(place):
        return True
    duty = jurisdiction.profile().review.reviewer
    return (place, duty) in who.duties


def _found(context: Any, reference: str) -> ReviewRow:
    row = _row(reference)
    if row is None or not _visible(person(context), row):
        raise toolkit.ObjectNotFound(toolkit._("Review not found"))
    return row


@toolkit.side_effect_free
@takes(schema.LIST)
def govopen_review_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Reviews of the departments that the caller works or decides for.

    :param state: ``open``, ``submitted``, ``returned``, ``approved`` or ``cancelled``; several
        separated by commas (optional: those that wait)
    :param organization: id or name of a department (optional)
    :param limit: at most so many, 20 by default, 1000 at most
    :param offset: leave out so many
    :returns: ``{"count", "results": [review]}``, the longest waiting first; ``may`` are the
        commands offered to the caller, ``submit_bars`` is true where submitting would bar him from
        the decision that is his otherwise
    """
    toolkit.check_access("govopen_review_list", context, data_dict)
    who = person(context)
    given = schema.LIST.read(data_dict)
    query = model.Session.query(ReviewRow).filter(
        ReviewRow.status.in_(given["state"] or list(reviews.WAITING))
    )
    if given["organization"]:
        group = model.Group.get(given["organization"])
        query = query.filter(ReviewRow.organization_id == (group.id if group else ""))
    if not who.sees_everything:
        reviewer = jurisdiction.profile().review.reviewer
        own = who.departments | {org for org, duty in who.duties if duty == reviewer}
        package = model.package_table
        place = sa.case(
            (package.c.id.is_(None), ReviewRow.organization_id), else_=package.c.owner_org
        )
        query = query.outerjoin(package, package.c.id == ReviewRow.package_id)
        query = query.filter(place.in_(own))
    limit, offset = given["limit"], given["offset"]
    count = query.count()
    rows = query.order_by(ReviewRow.changed_at, ReviewRow.id).offset(offset).limit(limit).all()
    return {"count": count, "results": _dictize(rows, who)}


def _dictize(rows: list[ReviewRow], who: Person) -> list[dict[str, Any]]:
    """Rows with their datasets, departments and people, in three statements for all of them."""
    packages = {
        row.id: row
        for row in model.Session.execute(
            sa.select(model.Package.id, model.Package.name, model.Package.title).where(
                model.Package.id.in_({row.package_id for row in rows})
            )
        )
    }
    groups = {
        row.id: row
        for row in model.Session.execute(
            sa.select(model.Group.id, model.Group.name, model.Group.title).where(
                model.Group.id.in_({row.organization_id for row in rows})
            )
        )
    }
    ids = {i for row in rows for i in [*(row.submitters or ()), row.decided_by] if i}
    people = {
        row.id: row.fullname or row.name
        for row in model.Session.execute(
            sa.select(model.User.id, model.User.name, model.User.fullname).where(
                model.User.id.in_(ids)
            )
        )
    }
    actor = actors.of(who, None)
    profile, offices = jurisdiction.profile(), gate.review_offices()
    singly = catalogue.singly(model.Session, packages)
    found = []
    for row in rows:
        at = (
            reviews.to_state(row),
            actor,
            profile,
            gate.review_settings(row.organization_id, offices),
        )
        may = rules.may(*at)
        found.append(
            {
                "id": row.id,
                "dataset": _entry(packages.get(row.package_id), row.package_id),
                "organization": _entry(groups.get(row.organization_id), row.organization_id),
                "state": row.status,
                "fingerprint": row.fingerprint,
                "submitted_fingerprint": row.submitted_fingerprint,
                "opened_at": _iso(row.opened_at),
                "changed_at": _iso(row.changed_at),
                "submitted_at": _iso(row.submitted_at),
                "decided_at": _iso(row.decided_at),
                "decided_by": people.get(row.decided_by or ""),
                "submitters": [people.get(i, i) for i in row.submitters or ()],
                "remarks": row.remarks,
                "singly": row.package_id in singly,
                "may": may,
                "submit_bars": "submit" in may and rules.submitting_bars(*at),
            }
        )
    return found


def _entry(found: Any, identity: str) -> dict[str, str]:
    if found is None:
        return {"id": identity, "name": identity, "title": ""}
    return {"id": found.id, "name": found.name, "title": found.title or found.name}


def _iso(moment: Any) -> str | None:
    return moment.isoformat() if moment else None


@toolkit.side_effect_free
@takes(schema.SHOW)
def govopen_review_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """One review with what changed against the release and what is missing.

    :param id: id of the review, or id or name of the dataset
    :returns: the review as in :func:`govopen_review_list`, and ``missing`` (field, rule, article,
        message), ``warnings``, ``tables`` (``[{"resource_id", "name", "rows", "remarks"}]``: how
        uploaded tables differ from the declared items), ``questions`` of the profile, ``changes``
        (path, kind, before, after) and ``files`` (names of the files by resource id) while the
        review waits
    """
    toolkit.check_access("govopen_review_show", context, data_dict)
    row = _found(context, schema.SHOW.read(data_dict)["id"])
    result = _dictize([row], person(context))[0]
    result.update(missing=[], warnings=[], tables=[], changes=[], files={}, questions=_questions())
    package = model.Package.get(row.package_id)
    if package is None or row.status not in reviews.WAITING:
        return result
    read = snapshot.working(context, row.package_id)
    live = releases.live(row.package_id)
    before = snapshot.released(live) if live else None
    result["fingerprint"] = read.fingerprint
    result["missing"] = [item.as_dict(toolkit._) for item in _missing(read)]
    result["warnings"] = review_warnings.of(context, read)
    result["tables"] = quality.of_dataset(row.package_id, read.fields)
    result["files"] = {
        str(one["id"]): one.get("name") or ""
        for side in (before, read.snapshot)
        if side is not None
        for one in side.dataset.get("resources") or []
    }
    result["changes"] = [
        {"path": c.path, "kind": c.kind, "before": c.before, "after": c.after}
        for c in release_rules.diff(before, read.snapshot)
    ]
    return result


def _questions() -> list[dict[str, Any]]:
    return [
        {
            "id": question.id,
            "question": {
                "zh_Hans": question.question.zh_Hans,
                "zh_Hant": question.question.zh_Hant,
                "en": question.question.en,
            },
            "article": question.article,
            "blocks": question.blocks,
        }
        for question in jurisdiction.profile().review.questions
    ]


def _missing(read: snapshot.WorkingCopy) -> list[Missing]:
    found = check_requirements(read.fields, jurisdiction.profile())
    for resource in read.shown.get("resources") or []:
        if resource["id"] in read.snapshot.files or not resource.get("url"):
            continue
        if public_link(str(resource["url"])) is not None:
            found.append(
                Missing(
                    f"resources/{resource['id']}/url",
                    "POR-2",
                    None,
                    N_("A link to a private or internal address is never published."),
                )
            )
    return found


@takes(schema.SUBMIT)
def govopen_review_submit(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Hand in the changes of a dataset for review.

    :param id: id or name of the dataset, or id of its review
    :returns: the review
    :raises ValidationError: ``refusal`` with each field, rule and article that is missing
    """
    toolkit.check_access("govopen_review_submit", context, data_dict)
    row = _found(context, schema.SUBMIT.read(data_dict)["id"])
    who = person(context)
    working_copy.lock(row.package_id)
    model.Session.refresh(row)
    user_id, now = command.actor(context), command.now()
    package = model.Package.get(row.package_id)
    if package is None:
        raise toolkit.ObjectNotFound(toolkit._("Dataset not found"))
    read = snapshot.working(context, row.package_id)
    order = rules.Submit(actors.of(who, user_id), read.fingerprint, _missing(read))
    with command.refusals():
        gate.carry_out(row, reviews.to_state(row), order, user_id, now)
    command.finish(context)
    return _dictize([row], who)[0]


@command.decision()
@takes(schema.DECIDE)
def govopen_review_decide(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Decide one or many reviews: each by itself, so that one refused leaves the others alone.

    A decision on many leaves out the reviews that have to be decided one by one (``singly`` in
    :func:`govopen_review_list`): their results are not ``ok``, with a ``refusal``.

    :param decisions: ``[{"id", "fingerprint", "decision": "approve" or "return", "remarks",
        "answers", "break_glass"}]``; or the same keys at the top level for one decision
    :returns: ``{"results": [{"id", "dataset_id", "ok", "state" or "error"}]}``
    :raises ValidationError: a single decision was refused, or the shape of the call is wrong
    """
    toolkit.check_access("govopen_review_decide", context, data_dict)
    decisions = schema.DECIDE.read(data_dict)["decisions"]
    single = decisions is None
    if single:
        decisions = [data_dict]
    results: list[dict[str, Any]] = []
    for decision in decisions:
        try:
            with model.Session.begin_nested():
                row = _decide(context, decision, many=len(decisions) > 1)
                results.append(
                    {"id": row.id, "dataset_id": row.package_id, "ok": True, "state": row.status}
                )
            if not context.get("defer_commit"):
                # One lock at a time: two deciders with the same list in another order never
                # wait for each other.
                model.repo.commit()
        except Refused as refused:
            if single:
                model.Session.rollback()
                raise command.validation_error(refused) from None
            results.append(_failed(decision, command.validation_error(refused).error_dict))
        except toolkit.ValidationError as error:
            if single:
                raise
            results.append(_failed(decision, error.error_dict))
        except toolkit.ObjectNotFound:
            if single:
                raise
            results.append(_failed(decision, {"id": [toolkit._("Review not found")]}))
    command.finish(context)
    return {"results": results}


def _failed(decision: dict[str, Any], error: Any) -> dict[str, Any]:
    return {"id": decision.get("id"), "dataset_id": None, "ok": False, "error": error}


def _decide(context: Any, data: dict[str, Any], many: bool) -> ReviewRow:
    given = schema.DECISION.read(data)
    row = _found(context, given["id"])
    if many and catalogue.singly(model.Session, [row.package_id]):
        raise rules.one_by_one()
    working_copy.lock(row.package_id)
    model.Session.refresh(row)
    package = model.Package.get(row.package_id)
    if package is None:
        raise toolkit.ObjectNotFound(toolkit._("Dataset not found"))
    user_id, now = command.actor(context), command.now()
    read = snapshot.working(context, row.package_id)
    order = rules.Decide(
        actor=actors.of(person(context), user_id),
        decision=given["decision"],
        fingerprint=given["fingerprint"],
        current_fingerprint=read.fingerprint,
        remarks=given["remarks"],
        answers=given["answers"],
        missing=_missing(read) if given["decision"] == "approve" else (),
        break_glass=given["break_glass"],
    )
    state = gate.carry_out(row, reviews.to_state(row), order, user_id, now)
    row.decided_by = user_id
    if state.status == "approved":
        gate.release(context, package, read, "review", now)
    return row
