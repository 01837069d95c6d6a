"""Class, suspension and access of one dataset."""

from __future__ import annotations

from typing import Any

from ckan import model
from ckan.plugins import toolkit

from ckanext.govopen.access import activity
from ckanext.govopen.access.policy import CONDITIONAL, Sight
from ckanext.govopen.access.sight import sight
from ckanext.govopen.access.viewer import person
from ckanext.govopen.domain import grant as grant_rules
from ckanext.govopen.domain import release as release_rules
from ckanext.govopen.domain import standing as standing_rules
from ckanext.govopen.domain.classification import OpenClass, reclassify
from ckanext.govopen.logic import actor as actors
from ckanext.govopen.logic import command, gate, working_copy
from ckanext.govopen.logic.schema import dataset as schema
from ckanext.govopen.logic.schema.table import takes
from ckanext.govopen.logic.schema.values import Errors
from ckanext.govopen.model import jurisdiction, ledger, levels
from ckanext.govopen.model import release as releases
from ckanext.govopen.model import review as reviews
from ckanext.govopen.model.release import DatasetRow

__all__ = [
    "govopen_access_show",
    "govopen_dataset_reclassify",
    "govopen_dataset_restore",
    "govopen_dataset_suspend",
]

#: The policy's reasons in words for people.
_REASONS = {
    "unconditional": "Everybody may download this data and use it under its licence.",
    "conditional": CONDITIONAL,
    "grant": "You hold a grant for this data.",
    "department": "You see the working copy of your department.",
    "creator": "You see your own working copy.",
    "collaborator": "You see the working copy, because you work on it with its department.",
    "oversight": "You see everything in this portal.",
    "internal": "You see everything in this portal.",
}


def _package(reference: str) -> Any:
    package = model.Package.get(reference)
    if package is None:
        raise toolkit.ObjectNotFound(toolkit._("Dataset not found"))
    return package


@toolkit.side_effect_free
@takes(schema.ACCESS)
def govopen_access_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """What the caller may see of a dataset, and why.

    :param id: id or name of the dataset
    :returns: ``{"id", "open_class", "class_label", "sight": "release" or "working", "content",
        "reason", "reason_code", "article", "has_release", "released_at", "release_version",
        "suspended", "pending", "review", "suspension", "may"}``; the last four say nothing to
        outsiders (None, an empty list). ``suspension`` is ``{"reason", "since", "by_authority"}``
        while the dataset is suspended; ``may`` names the commands that the caller could give:
        ``reclassify``, ``suspend`` or ``restore``, ``standing_give``, ``standing_take``, ``grant``
    :raises NotFound: there is no such dataset for the caller
    """
    package = _package(schema.ACCESS.read(data_dict)["id"])
    toolkit.check_access("govopen_access_show", context, {"id": package.id})
    access = sight(context, package.id)
    if not access.visible:
        raise toolkit.ObjectNotFound(toolkit._("Dataset not found"))
    live = releases.live(package.id)
    extra = releases.dataset_row(model.Session, package.id)
    working = access.sight is Sight.WORKING
    open_class = live.effective_class if live else None
    if open_class is None:
        open_class = OpenClass.of((package.extras or {}).get("open_class"))
    info = jurisdiction.profile().class_info(open_class) if open_class else None
    review = reviews.waiting(model.Session, package.id) if working else None
    return {
        "id": package.id,
        "open_class": open_class.value if open_class else None,
        "class_label": _texts(info.names) if info else None,
        "class_meaning": _texts(info.meaning) if info else None,
        "article": info.article if info else None,
        "sight": "working" if working else "release",
        "content": access.content,
        "reason_code": access.reason,
        "reason": toolkit._(_REASONS[access.reason]),
        "has_release": live is not None,
        "released_at": live.released_at.isoformat() if live else None,
        "release_version": live.version if live else None,
        "release_kind": live.kind if live else None,
        "suspended": bool(extra and extra.suspended),
        "pending": bool(extra and extra.pending) if working else None,
        "review": {"id": review.id, "state": review.status} if review else None,
        "suspension": _suspended(extra) if working else None,
        "may": _may(context, package, extra) if working else [],
    }


def _suspended(extra: DatasetRow | None) -> dict[str, Any] | None:
    if extra is None or not extra.suspended:
        return None
    return {
        "reason": extra.suspended_reason,
        "since": extra.suspended_at.isoformat() if extra.suspended_at else None,
        "by_authority": extra.suspended_by_authority,
    }


def _lifted_by(extra: DatasetRow | None, place: str) -> tuple[str, ...]:
    """The authorities that may lift the suspension by an authority of a dataset of the department
    ``place``; () where none did."""
    if extra is None or not extra.suspended_by_authority:
        return ()
    return levels.find(model.Session).lifted_by(extra.suspended_by, place)


def _may(context: Any, package: Any, extra: DatasetRow | None) -> list[str]:
    """Names of commands for forms and buttons; each command checks for itself."""
    actor = actors.of(person(context), command.actor(context))
    place = package.owner_org or ""
    suspended = bool(extra and extra.suspended)
    by_authority = bool(extra and extra.suspended_by_authority)
    lifted_by = _lifted_by(extra, place) if suspended else ()
    names = release_rules.may(suspended, by_authority, actor, place, lifted_by)
    names += standing_rules.may(actor, place, jurisdiction.profile())
    if grant_rules.decides(actor, place):
        names.append("grant")
    try:
        toolkit.check_access("govopen_dataset_reclassify", context, {"id": package.id})
    except toolkit.NotAuthorized:
        return names
    return [*names, "reclassify"]


def _texts(text: Any) -> dict[str, str]:
    return {"zh_Hans": text.zh_Hans, "zh_Hant": text.zh_Hant, "en": text.en}


@takes(schema.RECLASSIFY)
def govopen_dataset_reclassify(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Put a dataset into another opening class.

    A stricter class takes effect with the commit, on every surface; a looser one changes the
    working copy and goes through review.

    :param id: id or name of the dataset
    :param open_class: the new class
    :param reason: why
    :param legal_basis: ``[{"instrument", "article", "kind"}]`` where the profile asks for it
    :param open_condition: the conditions, for the class ``conditional``
    :param answers: answers to the profile's criteria, ``{criterion: true or false}`` (optional)
    :returns: :func:`govopen_access_show` of the dataset
    """
    given = schema.RECLASSIFY.read(data_dict, first=("id",))
    package = _package(given["id"])
    toolkit.check_access("govopen_dataset_reclassify", context, {"id": package.id})
    wanted, reason, basis = given["open_class"], given["reason"], given["legal_basis"] or []
    working_copy.lock(package.id)
    live = releases.live(package.id)
    current = (
        live.effective_class if live else OpenClass.of((package.extras or {}).get("open_class"))
    )
    now, user_id = command.now(), command.actor(context)
    with command.refusals():
        events = reclassify(
            current,
            wanted,
            reason,
            basis,
            jurisdiction.profile(),
            user_id or "",
            dataset=package.id,
            organization=package.owner_org or "",
            answers=given["answers"],
        )
    change: dict[str, Any] = {
        "id": package.id,
        "open_class": wanted,
        "class_reason": reason,
    }
    if basis:
        change["legal_basis"] = basis
    if given.has("open_condition"):
        change["open_condition"] = given["open_condition"]
    ledger.append(model.Session, f"dataset/{package.id}", events, user_id, now)
    # One transaction: the event above is flushed, package_patch commits both.
    toolkit.get_action("package_patch")(_as_caller(context), change)
    command.finish(context)
    return govopen_access_show(context, {"id": package.id})


def _as_caller(context: Any) -> Any:
    return {
        key: context[key]
        for key in ("user", "auth_user_obj", "ignore_auth", "defer_commit", "session")
        if key in context
    }


def _own(context: Any, data: dict[str, Any]) -> bool:
    """Does the caller edit this dataset for its department? Then withdrawing it is no decision."""
    package = model.Package.get(schema.DATASET.read(data, Errors()))
    return package is not None and package.owner_org in actors.of(person(context), None).edits


@command.decision(unless=_own)
@takes(schema.SUSPEND)
def govopen_dataset_suspend(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Take a dataset from the public at once, with everything that belongs to it.

    Its own department may do so by any token; for others it is a decision.

    :param id: id or name of the dataset
    :param reason: why
    :returns: :func:`govopen_access_show` of the dataset
    """
    return _suspension(context, data_dict, suspend=True)


@command.decision()
@takes(schema.RESTORE)
def govopen_dataset_restore(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Lift a suspension; what the data authority suspended, only the authority restores.

    :param id: id or name of the dataset
    :param reason: why
    :returns: :func:`govopen_access_show` of the dataset
    """
    return _suspension(context, data_dict, suspend=False)


def _suspension(context: Any, data: dict[str, Any], suspend: bool) -> dict[str, Any]:
    table = schema.SUSPEND if suspend else schema.RESTORE
    given = table.read(data, first=("id",))
    package = _package(given["id"])
    name = "govopen_dataset_suspend" if suspend else "govopen_dataset_restore"
    toolkit.check_access(name, context, {"id": package.id})
    reason = given["reason"]
    working_copy.lock(package.id)
    now, user_id = command.now(), command.actor(context)
    actor = actors.of(person(context), user_id)
    extra = gate.extra_row(package.id)
    place = (package.id, package.owner_org or "", reason)
    with command.refusals():
        if suspend:
            line = levels.find(model.Session).line(place[1])
            events = release_rules.suspend(extra.suspended, actor, *place, line)
        else:
            lifted_by = _lifted_by(extra, place[1])
            by_authority = extra.suspended_by_authority
            events = release_rules.restore(extra.suspended, by_authority, actor, *place, lifted_by)
    extra.suspended = suspend
    extra.suspended_at = now if suspend else None
    extra.suspended_reason = reason if suspend else None
    extra.suspended_by_authority = suspend and bool(events[0].payload["by_authority"])
    extra.suspended_by = events[0].payload["authority"] if suspend else None
    gate.note(context, package, events, now)
    if suspend:
        activity.withdraw(model.Session, package.id, package.owner_org)
    elif (live := releases.live(package.id)) is not None:
        model.Session.flush()
        activity.record_release(model.Session, live, None, first=False)
    gate.settle(context, package.id)
    command.finish(context)
    return govopen_access_show(context, {"id": package.id})
