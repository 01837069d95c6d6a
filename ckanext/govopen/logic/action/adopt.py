"""Taking over the datasets that a site had before the extension was installed."""

from __future__ import annotations

import datetime
from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.plugins import toolkit as tk

from ckanext.govopen.access import activity
from ckanext.govopen.access.facts import NOT_GOVERNED
from ckanext.govopen.domain.profile import Profile
from ckanext.govopen.domain.terms import OpenClass
from ckanext.govopen.logic import command, file_upkeep, gate, snapshot, working_copy
from ckanext.govopen.logic.schema import dataset as schema
from ckanext.govopen.logic.schema.table import takes
from ckanext.govopen.model import jurisdiction, outbox, settings
from ckanext.govopen.model.release import DatasetRow, ReleaseRow

__all__ = ["govopen_adopt_list", "govopen_dataset_adopt"]


@tk.side_effect_free
@takes(schema.TO_ADOPT)
def govopen_adopt_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Datasets that the extension has not seen yet: it shows them to their departments only.

    :param after: leave out datasets up to this id (optional)
    :param limit: at most this many, 1000 by default
    :returns: ``{"count": of all, "results": [{"id", "name", "title", "organization", "public",
        "open_class", "class_from": "dataset" / "default" / "nothing", "hindrance"}]}`` by id;
        ``public`` is what CKAN showed to everybody until now, ``hindrance`` the code of what
        keeps it from being released as it is, None when nothing does
    """
    tk.check_access("govopen_adopt_list", context, data_dict)
    profile = jurisdiction.profile()
    given = schema.TO_ADOPT.read(data_dict)
    after = given["after"]
    count = model.Session.scalar(sa.select(sa.func.count()).select_from(_unknown().subquery()))
    query = _unknown().order_by(model.Package.id).limit(given["limit"])
    if after:
        query = query.where(model.Package.id > after)
    results = []
    for package in model.Session.scalars(query):
        open_class, source = _class_of(package, profile)
        organization = model.Group.get(package.owner_org) if package.owner_org else None
        results.append(
            {
                "id": package.id,
                "name": package.name,
                "title": package.title or package.name,
                "organization": organization.name if organization else None,
                "public": not package.private,
                "open_class": open_class,
                "class_from": source,
                "hindrance": _hindrance(
                    "release_as_is",
                    not package.private,
                    open_class,
                    bool(file_upkeep.missing(model.Session, package.id)),
                ),
            }
        )
    return {"count": count or 0, "results": results}


@command.decision()
@takes(schema.ADOPT)
def govopen_dataset_adopt(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Bring one existing dataset under its class.

    ``release_as_is`` makes what was public until now a transitional release, to be reviewed by a
    date; what was private stays so. ``withhold`` leaves it to the review. Either way the dataset
    gets its class (its own, else the profile's default) and an open review.

    :param id: id or name of the dataset
    :param choice: ``release_as_is`` or ``withhold``
    :param review_by: day by which it is to be reviewed (``2027-03-31``), with ``release_as_is``
    :returns: ``{"id", "name", "open_class", "released": bool, "reason": code or None}``
    :raises ObjectNotFound: there is no such dataset
    :raises ValidationError: a parameter is wrong, or the dataset is known already
    """
    tk.check_access("govopen_dataset_adopt", context, data_dict)
    given = schema.ADOPT.read(data_dict)
    reference, choice = given["id"], given["choice"]
    review_by = _review_by(given["review_by"]) if choice == "release_as_is" else None
    package = model.Package.get(reference)
    if package is None or package.state != "active" or package.type in NOT_GOVERNED:
        raise tk.ObjectNotFound(tk._("Dataset not found"))
    working_copy.lock(package.id)
    model.Session.refresh(package)
    if model.Session.get(DatasetRow, package.id) is not None:
        raise tk.ValidationError({"id": [tk._("This dataset is under the extension already.")]})
    was_public = not package.private
    open_class, _source = _class_of(package, jurisdiction.profile())
    if open_class is not None:
        # Written beside the dataset's own actions: nothing of it changes but that it has a class.
        package.extras = {**(package.extras or {}), "open_class": open_class}
        model.Session.flush()
    files = file_upkeep.take_over(model.Session, package.id)
    reason = _hindrance(choice, was_public, open_class, "missing" in files.values())
    # Its history holds what nobody has reviewed; a release writes a row of its own.
    activity.withdraw(model.Session, package.id, package.owner_org)
    gate.settle(context, package.id)
    now = command.now()
    if reason is None and settings.review_on():
        read = snapshot.working(context, package.id)
        gate.release(context, package, read, "transitional", now, review_by)
    outbox.put(model.Session, "reindex", {"packages": [package.id]}, now)
    command.finish(context)
    return {
        "id": package.id,
        "name": package.name,
        "open_class": open_class,
        "released": reason is None,
        "reason": reason,
    }


def _hindrance(
    choice: str, was_public: bool, open_class: str | None, file_missing: bool
) -> str | None:
    """Why a dataset is not released as it is; None when it is."""
    if choice == "withhold":
        return "withheld"
    if not was_public:
        return "private"
    if open_class is None:
        return "no_class"
    if file_missing:
        return "file_missing"
    return None


def _unknown() -> Any:
    """Active datasets of which the extension has kept nothing yet."""
    package = model.Package
    return sa.select(package).where(
        package.state == "active",
        package.type.not_in(sorted(NOT_GOVERNED)),
        ~sa.exists().where(DatasetRow.package_id == package.id),
        ~sa.exists().where(ReleaseRow.package_id == package.id),
    )


def _class_of(package: Any, profile: Profile) -> tuple[str | None, str]:
    own = OpenClass.of((package.extras or {}).get("open_class"))
    if own is not None:
        return own.value, "dataset"
    if profile.default_class is not None:
        return profile.default_class.value, "default"
    return None, "nothing"


def _review_by(day: datetime.date | None) -> datetime.date:
    """:raises ValidationError: there is none, or it is over"""
    if day is None:
        raise tk.ValidationError({"review_by": [tk._("Missing value")]})
    if day <= command.now().date():
        raise tk.ValidationError({"review_by": [tk._("The day must lie in the future.")]})
    return day
