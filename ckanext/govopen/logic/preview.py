"""The previews that a dataset gets of itself, in the transaction of the write that brings a file.

CKAN makes its default views after the write, those that need the DataStore only once the rows are
there. Here rows are loaded after the approval, and a view that came then would be one that nobody
has reviewed. So the views stand there before the review opens, and the release takes them along.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.lib.datapreview import get_default_view_plugins
from ckan.plugins import plugin_loaded, toolkit

from ckanext.govopen.access.facts import governed
from ckanext.govopen.access.handler import Action, Handler
from ckanext.govopen.logic.table import TABULAR
from ckanext.govopen.model import file, settings

#: What a view asks of a resource.
_READ = ("id", "name", "format", "url_type", "mimetype")


def offer(context: Any, package_id: str) -> None:
    """Gives the default views (``ckan.views.default_views``) to resources that are new.

    New is also one whose format or kind has changed. A view that somebody has taken away does not
    come back with the next save. Without a review CKAN makes those that need no DataStore.
    """
    package = model.Package.get(package_id)
    if package is None or not governed(package.type):
        return
    before = {
        row["id"]: kind(row)
        for row in (context.get("original_package") or {}).get("resources") or []
        if row.get("id")
    }
    now = {row.id: {name: getattr(row, name) for name in _READ} for row in package.resources}
    new = {key: row for key, row in now.items() if before.get(key) != kind(row)}
    of_rows = get_default_view_plugins(True) if plugin_loaded("datastore") else []
    others = get_default_view_plugins(False) if settings.review_on() else []
    if not new or not (of_rows or others):
        return
    files = file.current(model.Session, package_id)
    for resource_id, resource in new.items():
        fact = files.get(resource_id)
        if fact is None:
            continue  # a link: what lies behind it is not the portal's to show
        # Held files lie on the portal's own domain, whatever their address looks like here.
        held = {**resource, "format": resource["format"] or "", "url": settings.site_url()}
        data = {"resource": held, "package": {"id": package_id, "type": package.type}}
        wanted = [view for view in others if view.can_view(data)]
        if fact.media_type in TABULAR:
            wanted += of_rows
        for view in wanted:
            _add(resource_id, view.info())


def kind(resource: dict[str, Any]) -> tuple[str, str]:
    """What of a resource decides which previews suit it."""
    return str(resource.get("url_type") or ""), str(resource.get("format") or "")


def _add(resource_id: str, view: dict[str, Any]) -> None:
    table = model.ResourceView
    there = model.Session.execute(
        sa.select(table.view_type, table.order).where(table.resource_id == resource_id)
    ).all()
    if view["name"] in {row.view_type for row in there}:
        return
    model.Session.add(
        table(
            resource_id=resource_id,
            view_type=view["name"],
            title=str(view.get("default_title") or toolkit._("View")),
            description=str(view.get("default_description") or ""),
            order=max((row.order or 0 for row in there), default=-1) + 1,
            config={},
        )
    )
    model.Session.flush()


def default_views(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """CKAN's own call inside a write does nothing: what suits the resource stands there already.

    A link would get the picture or the page of another site into the portal's pages, and the
    review one more change. Whoever asks for the default views himself gets them.
    """
    if context.get("ignore_auth") and settings.review_on():
        return []
    return next_action(context, data_dict)


HANDLERS: dict[str, Handler] = {
    "package_create_default_resource_views": default_views,
    "resource_create_default_resource_views": default_views,
}
