"""CKAN's authorisation functions that the policy answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ckan import model
from ckan.plugins import toolkit

from ckanext.govopen.access.sight import resource_sight, sight, view_sight

AuthFunction = Callable[..., Any]

_DENIED = {"success": False, "msg": "Not found"}


@toolkit.chained_auth_function
@toolkit.auth_allow_anonymous_access
def package_show(next_auth: AuthFunction, context: Any, data_dict: dict[str, Any] | None) -> Any:
    """The policy instead of permission labels: it is right at commit, whatever Solr says."""
    package = context.get("package")
    reference = (data_dict or {}).get("id") or (data_dict or {}).get("name_or_id")
    if package is None and isinstance(reference, str):
        package = model.Package.get(reference)
    if package is None:
        return next_auth(context, data_dict)
    return {"success": True} if sight(context, package.id).visible else dict(_DENIED)


@toolkit.chained_auth_function
@toolkit.auth_allow_anonymous_access
def resource_show(next_auth: AuthFunction, context: Any, data_dict: dict[str, Any] | None) -> Any:
    """A resource that is not in the release does not exist for who sees the release."""
    resource = context.get("resource")
    reference = resource.id if resource is not None else (data_dict or {}).get("id")
    package_id, access = resource_sight(context, reference)
    if package_id is None:
        return next_auth(context, data_dict)
    return {"success": True} if access.visible else dict(_DENIED)


@toolkit.chained_auth_function
@toolkit.auth_allow_anonymous_access
def resource_view_show(
    next_auth: AuthFunction, context: Any, data_dict: dict[str, Any] | None
) -> Any:
    """A view shows content: released ones, and only where the content may be read."""
    view = context.get("resource_view")
    reference = view.id if view is not None else (data_dict or {}).get("id")
    resource_id, access = view_sight(context, reference)
    if resource_id is None:
        return next_auth(context, data_dict)
    return {"success": True} if access.visible and access.content else dict(_DENIED)


AUTH: dict[str, AuthFunction] = {
    "package_show": package_show,
    "resource_show": resource_show,
    "resource_view_show": resource_view_show,
}
