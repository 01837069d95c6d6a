"""``package_show`` and the views: the working copy for its department, the release for others."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from ckan import model, plugins
from ckan.lib.dictization.model_dictize import resource_view_list_dictize
from ckan.plugins import toolkit

from ckanext.govopen.access import deliveries
from ckanext.govopen.access.datastore import mark
from ckanext.govopen.access.facts import governed
from ckanext.govopen.access.handler import Action, Handler
from ckanext.govopen.access.policy import CONDITIONAL, Access, Sight
from ckanext.govopen.access.sight import (
    dataset_sight,
    may_read_content,
    resource_sight,
    view_sight,
)
from ckanext.govopen.domain.classification import OpenClass
from ckanext.govopen.domain.file_name import address_name
from ckanext.govopen.domain.refusal import N_
from ckanext.govopen.model import location
from ckanext.govopen.model import release as releases

#: The policy's reason for the portal's own readings.
INTERNAL_REASON = "internal"
#: ``url_type`` values whose ``url`` is the portal's own download address.
HELD = frozenset({"upload", location.URL_TYPE})


def download_url(package_type: str, package_id: str, resource_id: str, name: str) -> str:
    """The portal's address for the content of a resource."""
    return toolkit.url_for(
        f"{package_type or 'dataset'}_resource.download",
        id=package_id,
        resource_id=resource_id,
        filename=address_name(name) if name else None,
        qualified=True,
    )


def package_show(next_action: Action, context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """The working copy or the release, whichever the person of the context may see."""
    reference = data_dict.get("id") or data_dict.get("name_or_id")
    package_id, access = dataset_sight(context, reference)
    if access.sight is not Sight.RELEASE or package_id is None:
        # The index is made from the release: it must never be taken for the working copy.
        context["use_cache"] = False
        dataset = next_action(context, data_dict)
        if dataset.get("id") and governed(dataset.get("type")):
            add_sources(dataset, shown=access.reason != INTERNAL_REASON)
            mark(dataset)
        return dataset
    return _released(context, data_dict, package_id, access)


def add_sources(dataset: dict[str, Any], shown: bool) -> None:
    """Gives streamed resources the portal's address; ``shown``: and their source, for people.

    The portal's own readings (index, activity, release) never hold a source address.
    """
    held = [r for r in dataset.get("resources") or [] if r.get("url_type") == location.URL_TYPE]
    if not held:
        return
    sources = location.current(model.Session, dataset["id"]) if shown else {}
    for resource in held:
        if resource["id"] in sources:
            resource["source_url"] = sources[resource["id"]]
        resource["url"] = download_url(
            dataset.get("type", "dataset"), dataset["id"], resource["id"], resource.get("name", "")
        )


def _released(
    context: Any, data_dict: dict[str, Any], package_id: str, access: Access
) -> dict[str, Any]:
    package = model.Session.get(model.Package, package_id)
    row = releases.live(package_id) if package is not None else None
    if package is None or row is None:
        raise toolkit.ObjectNotFound
    context["package"] = package
    context.setdefault("session", model.Session)
    toolkit.check_access("package_show", context, data_dict)
    default = toolkit.asbool(data_dict.get("use_default_schema", False))
    dataset = copy.deepcopy(row.data["default" if default else "shown"])
    present(dataset, row.open_class, access.content and _shows_views(context, package_id, access))
    mark(dataset, {name: fact["sha256"] for name, fact in row.files.items()})
    if context.get("for_view"):
        for plugin in plugins.PluginImplementations(plugins.IPackageController):
            dataset = plugin.before_dataset_view(dataset)
    for plugin in plugins.PluginImplementations(plugins.IPackageController):
        plugin.read(package)
    for plugin in plugins.PluginImplementations(plugins.IResourceController):
        for resource in dataset["resources"]:
            plugin.before_resource_show(resource)
    for plugin in plugins.PluginImplementations(plugins.IPackageController):
        plugin.after_dataset_show(context, dataset)
    return dataset


def present(dataset: dict[str, Any], open_class: str, content: bool = False) -> None:
    """Gives the held resources of a released dict their present address, in place.

    ``open_class`` is that of the release: the dict need not have it as a field. The digests stay
    where everybody may read the bytes, or with ``content`` somebody who may read all of them.
    """
    conditional = open_class == OpenClass.CONDITIONAL.value
    if open_class != OpenClass.UNCONDITIONAL.value and not content:
        without_digests(dataset)
    for resource in dataset.get("resources") or []:
        if conditional or resource.get("url_type") in HELD:
            resource["url"] = download_url(
                dataset.get("type", "dataset"),
                dataset["id"],
                resource["id"],
                str(resource.get("url") or resource.get("name") or "").rsplit("/", 1)[-1],
            )


def without_digests(dataset: dict[str, Any]) -> None:
    """Takes the digests of a dataset's resources away, in place: that of a small table tells it
    to whoever guesses its rows. The algorithm's name stays, and the field goes as a whole: CKAN
    keeps a digest that a department's update does not mention."""
    for resource in dataset.get("resources") or []:
        resource.pop("hash", None)


def as_seen(context: Any, package_id: str) -> dict[str, Any] | None:
    """The dataset as ``package_show`` gives it to the context's person; None when hidden."""
    asking: Any = {"user": context.get("user"), "auth_user_obj": context.get("auth_user_obj")}
    try:
        return toolkit.get_action("package_show")(asking, {"id": package_id})
    except (toolkit.ObjectNotFound, toolkit.NotAuthorized):
        return None


#: What somebody is told whose grant covers less than a preview shows.
_OTHER_WAY = N_("The grant does not cover this way of delivery.")


def _shows_views(context: Any, package_id: str, access: Access) -> bool:
    """A view shows, and its settings tell, what stands in any column."""
    return access.reason != "grant" or deliveries.whole(context, package_id)


def resource_view_list(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """All views for the department; released ones of readable content for the others."""
    resource_id = data_dict.get("id")
    package_id, access = resource_sight(context, resource_id)
    if package_id is None or access.sight is not Sight.RELEASE:
        return next_action(context, data_dict)
    if not access.content or not _shows_views(context, package_id, access):
        return []
    row = releases.live(package_id)
    return [copy.deepcopy(v) for v in (row.views if row else []) if v["resource_id"] == resource_id]


def resource_view_show(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """The view as released, for those who see the release and may read its content."""
    view_id = data_dict.get("id")
    resource_id, access = view_sight(context, view_id)
    if resource_id is None or access.sight is not Sight.RELEASE:
        return next_action(context, data_dict)
    package_id, access = resource_sight(context, resource_id)
    if package_id is None or not may_read_content(context, package_id).content:
        raise toolkit.NotAuthorized(toolkit._(CONDITIONAL))
    if not _shows_views(context, package_id, access):
        raise toolkit.NotAuthorized(toolkit._(_OTHER_WAY))
    row = releases.live(package_id)
    for view in row.views if row else []:
        if view["id"] == view_id:
            return copy.deepcopy(view)
    raise toolkit.ObjectNotFound


def views_of(package_id: str) -> list[dict[str, Any]]:
    """The views of a dataset's active resources as CKAN shows them, in a stable order."""
    return views_of_many([package_id]).get(package_id, [])


def views_of_many(package_ids: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """:func:`views_of` of many datasets at once; those without any are left out."""
    rows = (
        model.Session.query(model.ResourceView)
        .join(model.Resource, model.Resource.id == model.ResourceView.resource_id)
        .filter(model.Resource.package_id.in_(list(package_ids)), model.Resource.state == "active")
        .order_by(model.ResourceView.resource_id, model.ResourceView.order)
        .all()
    )
    context: Any = {"model": model, "session": model.Session}
    found: dict[str, list[dict[str, Any]]] = {}
    for view in resource_view_list_dictize(rows, context):
        found.setdefault(view["package_id"], []).append(view)
    return found


HANDLERS: dict[str, Handler] = {
    "package_show": package_show,
    "resource_view_list": resource_view_list,
    "resource_view_show": resource_view_show,
}
