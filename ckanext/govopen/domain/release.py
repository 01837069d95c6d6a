"""What changed against the last release, and what takes effect without waiting.

What only takes away is effective at once, on the live release too; what adds or changes waits.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from ckanext.govopen.domain.classification import OpenClass, is_stricter
from ckanext.govopen.domain.duty import Actor, Duty
from ckanext.govopen.domain.event import Event
from ckanext.govopen.domain.fingerprint import FileFact, Snapshot, fingerprint
from ckanext.govopen.domain.refusal import N_, Refused, refuse

__all__ = [
    "Change",
    "FileFact",
    "NarrowResult",
    "Snapshot",
    "diff",
    "fingerprint",
    "may",
    "narrow",
    "restore",
    "suspend",
]


@dataclass(frozen=True)
class Change:
    """One difference. ``path`` is like ``title``, ``resources/<id>/name``, ``views/<id>``."""

    path: str
    kind: Literal["added", "removed", "changed"]
    before: Any
    after: Any


def diff(before: Snapshot | None, after: Snapshot) -> list[Change]:
    """What differs in the reviewed content, for people to read; empty for equal fingerprints.

    ``before`` None stands for a dataset that was never released.
    """
    old = before.reviewed() if before else {"dataset": {}, "resources": [], "views": {}}
    new = after.reviewed()
    changes = _mapping_changes("", old["dataset"], new["dataset"])
    old_by_id = {str(item.get("id")): item for item in old["resources"]}
    new_by_id = {str(item.get("id")): item for item in new["resources"]}
    for name in [*old_by_id, *(name for name in new_by_id if name not in old_by_id)]:
        path = f"resources/{name}"
        if name not in new_by_id:
            changes.append(Change(path, "removed", old_by_id[name], None))
        elif name not in old_by_id:
            changes.append(Change(path, "added", None, new_by_id[name]))
        else:
            changes += _mapping_changes(f"{path}/", old_by_id[name], new_by_id[name])
    kept_before = [name for name in old_by_id if name in new_by_id]
    kept_after = [name for name in new_by_id if name in old_by_id]
    if kept_before != kept_after:
        changes.append(Change("resources", "changed", kept_before, kept_after))
    changes += _mapping_changes("views/", old["views"], new["views"])
    return changes


def _mapping_changes(
    prefix: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[Change]:
    changes = []
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if name not in after:
            changes.append(Change(prefix + name, "removed", old, None))
        elif name not in before:
            changes.append(Change(prefix + name, "added", None, new))
        elif old != new:
            changes.append(Change(prefix + name, "changed", old, new))
    return changes


@dataclass(frozen=True)
class NarrowResult:
    """What takes effect at once on the live release.

    ``withdraw``: nothing stays. Else ``release`` is what is left: without the removed resources
    and in the stricter class, all else as it was approved.
    """

    withdraw: bool
    removed_resources: tuple[str, ...]
    open_class: OpenClass | None
    release: Snapshot | None


def narrow(release: Snapshot, working: Snapshot | None) -> NarrowResult | None:
    """What the working copy takes away from the live release; None when it takes nothing.

    ``working`` None or deleted: the whole release goes. Nothing that
    the working copy adds or changes gets in: the result is made of the release alone.
    """
    if working is None or working.dataset.get("state", "active") == "deleted":
        return NarrowResult(True, tuple(release.resource_ids()), None, None)
    left = set(working.resource_ids())
    removed = tuple(name for name in release.resource_ids() if name not in left)
    before, after = release.open_class(), working.open_class()
    tightened = after if before and after and is_stricter(after, before) else None
    if not removed and tightened is None:
        return None
    gone = set(removed)
    dataset = dict(release.dataset)
    dataset["resources"] = [
        resource
        for resource in release.dataset.get("resources") or []
        if str(resource.get("id")) not in gone
    ]
    if tightened is not None:
        dataset["open_class"] = tightened.value
    rest = replace(
        release,
        dataset=dataset,
        files={name: fact for name, fact in release.files.items() if name not in gone},
        locations={name: url for name, url in release.locations.items() if name not in gone},
        views=[view for view in release.views if str(view.get("resource_id")) not in gone],
    )
    return NarrowResult(False, removed, tightened, rest)


def suspend(
    suspended: bool,
    actor: Actor,
    dataset: str,
    organization: str,
    reason: str,
    line: Sequence[str] = (),
) -> list[Event]:
    """Take a dataset from the public at once (GOV-5, Jilin 13); raises Refused.

    The department's editors and reviewers, the authority and the operator may; ``suspended``
    says whether it is already, ``line`` are the authorities above the department, nearest first.
    The event names the highest of those for which he decides.
    """
    by_authority = actor.is_authority_of(organization) or actor.operator
    _may_suspend(actor, organization, by_authority, reason)
    if suspended:
        raise refuse("GOV-5", None, N_("The dataset is suspended already."))
    held = [one for one in line if actor.has(one, Duty.AUTHORITY)] if by_authority else []
    payload = {
        "dataset": dataset,
        "organization": organization,
        "reason": reason.strip(),
        "by_authority": by_authority,
        "authority": held[-1] if held else None,
    }
    return [Event("dataset.suspended", payload)]


def restore(
    suspended: bool,
    by_authority: bool,
    actor: Actor,
    dataset: str,
    organization: str,
    reason: str,
    lifted_by: Collection[str] = (),
) -> list[Event]:
    """Lift a suspension; raises Refused. One by an authority is lifted by that one or a higher one.

    ``by_authority`` says whether an authority suspended it, ``lifted_by`` who then lifts it
    (:meth:`~.levels.Levels.lifted_by`).
    """
    # The highest authority lifts what any other did, where its powers reach.
    highest = actor.authority and actor.is_authority_of(organization)
    held = any(actor.has(one, Duty.AUTHORITY) for one in lifted_by)
    lifts = actor.operator or highest or held
    _may_suspend(actor, organization, actor.is_authority_of(organization) or lifts, reason)
    if not suspended:
        raise refuse("GOV-5", None, N_("The dataset is not suspended."))
    if by_authority and not lifts:
        raise refuse(
            "GOV-5", None, N_("What the data authority suspended, the data authority restores.")
        )
    payload = {"dataset": dataset, "organization": organization, "reason": reason.strip()}
    return [Event("dataset.restored", payload)]


def may(
    suspended: bool,
    by_authority: bool,
    actor: Actor,
    organization: str,
    lifted_by: Collection[str] = (),
) -> list[str]:
    """Which of ``suspend`` and ``restore`` he could give now, for forms; the command checks."""
    try:
        if suspended:
            restore(suspended, by_authority, actor, "", organization, "a reason", lifted_by)
        else:
            suspend(suspended, actor, "", organization, "a reason")
    except Refused:
        return []
    return ["restore" if suspended else "suspend"]


def _may_suspend(actor: Actor, organization: str, by_authority: bool, reason: str) -> None:
    department = organization in actor.edits or actor.has(organization, Duty.REVIEWER)
    if not (by_authority or department):
        raise refuse(
            "GOV-5", None, N_("Only the department or the data authority suspends and restores.")
        )
    if not reason.strip():
        raise refuse("GOV-5", None, N_("Say why."))
