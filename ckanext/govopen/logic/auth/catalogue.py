"""Who may feed a source and read its reports: whoever may update the source."""

from __future__ import annotations

from typing import Any

from ckan import model
from ckan.plugins import toolkit as tk

from ckanext.govopen.logic.auth.circle import only
from ckanext.govopen.model.catalogue import CatalogueRun

__all__ = [
    "govopen_catalogue_confirm",
    "govopen_catalogue_copies",
    "govopen_catalogue_dry_run",
    "govopen_catalogue_import",
    "govopen_catalogue_kept_list",
    "govopen_catalogue_run_list",
    "govopen_catalogue_run_show",
    "govopen_catalogue_try",
    "govopen_catalogue_upload",
]


def govopen_catalogue_import(context: Any, data_dict: Any) -> dict[str, Any]:
    """Whoever may update the harvest source; which departments it writes for is its powers'
    matter.
    """
    reference = (data_dict or {}).get("source")
    return _may_update(context, reference if isinstance(reference, str) else "")


def govopen_catalogue_upload(context: Any, data_dict: Any) -> dict[str, Any]:
    """Whoever may update the harvest source."""
    return govopen_catalogue_import(context, data_dict)


def govopen_catalogue_copies(context: Any, data_dict: Any) -> dict[str, Any]:
    """Whoever may update the harvest source."""
    return govopen_catalogue_import(context, data_dict)


def govopen_catalogue_run_list(context: Any, data_dict: Any) -> dict[str, Any]:
    """Whoever may update the harvest source."""
    return govopen_catalogue_import(context, data_dict)


def govopen_catalogue_run_show(context: Any, data_dict: Any) -> dict[str, Any]:
    """Whoever may update the source of the run."""
    reference = (data_dict or {}).get("run")
    run = model.Session.get(CatalogueRun, reference) if isinstance(reference, str) else None
    return _may_update(context, run.source_id if run is not None else "")


def govopen_catalogue_confirm(context: Any, data_dict: Any) -> dict[str, Any]:
    """Whoever may update the source of the run."""
    return govopen_catalogue_run_show(context, data_dict)


def govopen_catalogue_dry_run(context: Any, data_dict: Any) -> dict[str, Any]:
    """Whoever may update the harvest source."""
    return govopen_catalogue_import(context, data_dict)


def govopen_catalogue_try(context: Any, data_dict: Any) -> dict[str, Any]:
    """Whoever may update the source, or make one for the department."""
    given = data_dict or {}
    if given.get("source"):
        return govopen_catalogue_import(context, given)
    owner = given.get("owner_org")
    try:
        tk.check_access("package_create", context, {"owner_org": owner} if owner else {})
    except tk.NotAuthorized:
        return _no()
    return {"success": True}


def govopen_catalogue_kept_list(context: Any, data_dict: Any) -> dict[str, Any]:
    """Staff; the action narrows the list to their departments."""
    return only(context, "staff", tk._("This is for departments and the data authority."))


def _may_update(context: Any, source: str) -> dict[str, Any]:
    package = model.Package.get(source) if source else None
    if package is None or package.type != "harvest":
        return _no()
    try:
        own: Any = {**context, "package": package}
        tk.check_access("package_update", own, {"id": package.id})
    except tk.NotAuthorized:
        return _no()
    return {"success": True}


def _no() -> dict[str, Any]:
    # One answer for a source that is not there and for one that is not theirs.
    return {"success": False, "msg": tk._("You may not do this with this source.")}
