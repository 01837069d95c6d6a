"""The activity stream: what departments do is theirs, what was released is everybody's.

CKAN stores a whole dataset dict with every activity and labels it as the dataset is labelled at
that moment. A department's change of a released dataset would therefore be public at once. So rows
written by departments carry the department's labels for ever, and each release writes a row of
its own, with the released dict, for the public.
"""

from __future__ import annotations

import copy
from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.plugins import toolkit

from ckanext.govopen.access.handler import Action, Handler
from ckanext.govopen.access.labels import PUBLIC, staff_labels
from ckanext.govopen.access.policy import NOTHING, Access, Sight
from ckanext.govopen.access.show import without_digests
from ckanext.govopen.access.sight import sight
from ckanext.govopen.domain.classification import OpenClass
from ckanext.govopen.model import settings
from ckanext.govopen.model.release import ReleaseRow, dataset_row


def activity_sight(context: Any, activity_id: str) -> Access:
    """The answer for one row of the stream."""
    from ckanext.activity.model import Activity

    row = model.Session.get(Activity, activity_id) if isinstance(activity_id, str) else None
    if row is None or not str(row.activity_type or "").endswith("package"):
        return NOTHING
    access = sight(context, row.object_id)
    if access.sight is Sight.RELEASE and PUBLIC not in (row.permission_labels or []):
        return NOTHING
    return access


def activity_create(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """Labels a department's rows as the department's; views leave no row, since CKAN shows those
    to everybody."""
    kind = str(data_dict.get("activity_type") or "")
    if kind.endswith("resource view"):
        return None
    if kind.endswith("package") and settings.review_on():
        package = model.Package.get(data_dict.get("object_id"))
        if package is not None:
            data_dict = {**data_dict, "permission_labels": staff_labels(package.owner_org)}
    return next_action(context, data_dict)


def activity_show(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """The authorisation of the plugin takes ``include_data`` for granted."""
    return next_action(context, {"include_data": False, **data_dict})


def record_release(session: Any, row: ReleaseRow, user_id: str | None, first: bool) -> None:
    """Writes the public's row of a release, in the caller's transaction.

    The row is the portal's own act, so it names the site's account and no official. What is
    released while the dataset is suspended gets its row when the suspension is lifted.
    """
    extra = dataset_row(session, row.package_id)
    if extra is not None and extra.suspended:
        return
    if not toolkit.asbool(toolkit.config.get("ckan.activity_streams_enabled")):
        return
    from ckan.plugins import plugin_loaded

    if not plugin_loaded("activity"):
        return
    from ckanext.activity.model import Activity

    package = model.Package.get(row.package_id)
    actor = model.User.get(toolkit.config["ckan.site_id"])
    account = actor.id if actor else user_id
    if account is None:
        return
    shown = copy.deepcopy(row.data["shown"])
    if row.effective_class is not OpenClass.UNCONDITIONAL:
        without_digests(shown)
    activity = Activity(
        user_id=account,
        object_id=row.package_id,
        activity_type="new package" if first else "changed package",
        data={"package": shown, "actor": None},
        permission_labels=[PUBLIC, *staff_labels(package.owner_org if package else None)],
    )
    session.add(activity)


def withdraw(session: Any, package_id: str, owner_org: str | None) -> None:
    """Takes all earlier rows of a dataset from the public, in the caller's transaction.

    Called when something is withdrawn, suspended or tightened: the old rows still hold it.
    """
    from ckan.plugins import plugin_loaded

    if not plugin_loaded("activity"):
        return
    from ckanext.activity.model import Activity

    session.execute(
        sa.update(Activity)
        .where(Activity.object_id == package_id)
        .values(permission_labels=staff_labels(owner_org))
        .execution_options(synchronize_session=False)
    )


HANDLERS: dict[str, Handler] = {
    "activity_create": activity_create,
    "activity_show": activity_show,
}
