"""Writing the working copy: the lock, the fields a client did not mention, and where content lies.

Whatever way a write comes (API, form, harvest, patch, revise), it passes ``package_create`` or
``package_update``, so this is where it is prepared.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from ckan import model
from ckan.logic import fresh_context
from ckan.plugins import toolkit
from werkzeug.datastructures import FileStorage

from ckanext.govopen.access.facts import governed
from ckanext.govopen.access.handler import Action
from ckanext.govopen.domain import internal
from ckanext.govopen.domain.classification import OpenClass
from ckanext.govopen.logic import command, naming
from ckanext.govopen.logic.validators import links
from ckanext.govopen.model import jurisdiction, location, settings
from ckanext.govopen.search.shape import impossible_dates

#: What CKAN's form of a new dataset sends, and no other client.
FORM = "_ckan_phase"
#: Where a write leaves the source addresses of conditional content until the ids are saved.
LOCATIONS = "govopen_locations"


def lock(package_id: str) -> None:
    """Takes the row lock of a dataset until the end of the transaction.

    Approving takes it as well, so that what is approved is what was read.
    """
    table = model.package_table
    model.Session.execute(
        sa.select(table.c.id).where(table.c.id == package_id).with_for_update()
    ).first()


def package_create(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """Prepares a new dataset: its class by default, and where conditional content lies."""
    prepare_new(context, data_dict)
    result = next_action(context, data_dict)
    command.delivered(context)
    return result


def prepare_new(context: Any, data_dict: dict[str, Any]) -> None:
    """What is done to a new dataset before its fields are validated; changes the dict.

    :raises ValidationError: a date or an address that must not be saved
    """
    _written_rows(data_dict)
    if FORM in data_dict and governed(data_dict.get("type")):
        naming.name(data_dict)
    _possible_dates(data_dict)
    if governed(data_dict.get("type")):
        _default_class(data_dict, None)
        _place_content(context, data_dict, None)
    else:
        links.check_harvest_source(data_dict, None)


def package_update(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """Prepares a change: locks the row, keeps unmentioned internal fields, places content."""
    _written_rows(data_dict)
    _possible_dates(data_dict)
    reference = data_dict.get("id") or data_dict.get("name")
    package = model.Package.get(reference) if isinstance(reference, str) else None
    if package is None or not governed(package.type):
        if package is not None:
            links.check_harvest_source(data_dict, package.url)
        return next_action(context, data_dict)
    if not context.get("ignore_auth"):
        toolkit.check_access("package_update", context, {"id": package.id})
    lock(package.id)
    original = context.get("original_package")
    if not original or original.get("id") != package.id:
        original = toolkit.get_action("package_show")(
            fresh_context(context, ignore_auth=True), {"id": package.id}
        )
        context["original_package"] = original
    _place_change(context, data_dict, original, None)
    result = next_action(context, data_dict)
    command.delivered(context)
    return result


def prepare_change(
    context: Any, data_dict: dict[str, Any], original: dict[str, Any], sources: Mapping[str, str]
) -> None:
    """What is done to a change of a governed dataset before its fields are validated.

    The caller holds the lock. ``original`` is the dataset as it is shown now, ``sources`` the
    addresses of its conditional content by resource id; changes the dict.

    :raises ValidationError: a date or an address that must not be saved
    """
    _written_rows(data_dict)
    _possible_dates(data_dict)
    _place_change(context, data_dict, original, sources)


def _place_change(
    context: Any,
    data_dict: dict[str, Any],
    original: dict[str, Any],
    sources: Mapping[str, str] | None,
) -> None:
    for name in internal.DATASET:
        if name not in data_dict and name in original:
            data_dict[name] = original[name]
    _default_class(data_dict, original)
    _place_content(context, data_dict, original, sources)


def package_delete(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """CKAN deletes; its hooks have taken the release away in the same transaction."""
    result = next_action(context, data_dict)
    command.delivered(context)
    return result


#: A field of a repeating row as scheming's form names it: ``legal_basis-0-article``.
_ROW = re.compile(r"([a-z_]+-(?:\d+|REPEATING-INDEX\d))-[a-z_]+")


def _written_rows(data_dict: dict[str, Any]) -> None:
    """Drops what a form sends of rows that nobody has filled in.

    The form holds an empty row to begin with and a pattern for further ones; without scripts the
    pattern is sent, too, and each would be a row with missing values.
    """
    rows: dict[str, list[str]] = {}
    for key in data_dict:
        named = _ROW.fullmatch(key) if isinstance(key, str) else None
        if named:
            rows.setdefault(named.group(1), []).append(key)
    for row, keys in rows.items():
        empty = not any(str(data_dict[key]).strip() for key in keys if data_dict[key] is not None)
        if empty or "REPEATING-INDEX" in row:
            for key in keys:
                del data_dict[key]


def _possible_dates(data: dict[str, Any]) -> None:
    """Refuses dates on which CKAN's indexing would fail after the dataset was written.

    :raises ValidationError: names the fields
    """
    wrong = {
        field: [toolkit._("Not a date: %(value)s. Write it as 2026-11-22.") % {"value": value[:40]}]
        for field, value in impossible_dates(data).items()
    }
    if wrong:
        raise toolkit.ValidationError(wrong)  # pyright: ignore[reportArgumentType]


def _default_class(data: dict[str, Any], original: dict[str, Any] | None) -> None:
    """An update that does not mention the class keeps it; a new dataset gets the profile's.

    Without a review the release claims the profile's for a dataset that has none, so that an
    update without a change stays one, also where the site's schema lacks the field.
    """
    if data.get("open_class"):
        return
    if original is not None and original.get("open_class"):
        data["open_class"] = original["open_class"]
    elif original is None or settings.review_on():
        default = jurisdiction.profile().default_class
        if default is not None:
            data["open_class"] = default.value


def _place_content(
    context: Any,
    data: dict[str, Any],
    original: dict[str, Any] | None,
    sources: Mapping[str, str] | None = None,
) -> None:
    """Moves addresses of conditional content out of the dataset, and back when it is not any more.

    The addresses wait in the context until the rows they belong to have been written. ``sources``
    are those kept so far, by resource id; asked for when they are not given.
    """
    resources = data.get("resources")
    if not isinstance(resources, list):
        if original is None or data.get("open_class") == original.get("open_class"):
            return
        resources = original.get("resources") or []
    # A patch hands over the very list of the original: written to, nothing would seem changed.
    resources = data["resources"] = list(resources)
    before = {r["id"]: r for r in (original or {}).get("resources") or []}
    if sources is None:
        held = any(r.get("url_type") == location.URL_TYPE for r in before.values())
        sources = location.current(model.Session, str((original or {})["id"])) if held else {}
    conditional = data.get("open_class") == OpenClass.CONDITIONAL.value
    pending: dict[str, str] = context.setdefault(LOCATIONS, {})
    same_class = original is not None and data.get("open_class") == original.get("open_class")
    errors: list[dict[str, list[str]]] = [{} for _ in resources]
    for index, resource in enumerate(resources):
        if not isinstance(resource, dict):
            continue
        resource = dict(resource)
        given = str(resource.pop("source_url", "") or "").strip()
        known = before.get(str(resource.get("id")))
        stored = sources.get(str(resource.get("id")), "")
        if not (known is not None and same_class and known == resource and given in ("", stored)):
            if conditional:
                _hold(resource, known, given, stored, pending)
                errors[index] = _source_errors(pending.get(str(resource.get("id"))), known, stored)
            else:
                _publish(resource, known, given or stored)
        resources[index] = resource
    if any(errors):
        raise toolkit.ValidationError({"resources": errors})  # pyright: ignore[reportArgumentType]


def _source_errors(
    source: str | None, known: dict[str, Any] | None, stored: str
) -> dict[str, list[str]]:
    """What is wrong with a new address of conditional content, by field.

    One that was there before stays: a stricter class must not fail for an old address.
    """
    if source is None or source in (stored, (known or {}).get("url")):
        return {}
    problem = links.source_problem(source)
    return {"source_url": [problem]} if problem else {}


def _hold(
    resource: dict[str, Any],
    known: dict[str, Any] | None,
    given: str,
    stored: str,
    pending: dict[str, str],
) -> None:
    """A resource of conditional data: its address goes to the portal's keeping.

    ``given`` is the source address that the writer names, ``stored`` the one kept so far.
    """
    upload = resource.get("upload")
    if isinstance(upload, FileStorage) and upload.filename:
        return
    url = str(resource.get("url") or "").strip()
    if known is not None and known.get("url_type") == location.URL_TYPE:
        # Another address than the portal's own in ``url`` is a new source as well; what is shown
        # as ``source_url`` comes back with every update and says nothing new.
        fresh = given if given != stored else ""
        source = fresh or (url if url and url != known.get("url") else stored)
    elif resource.get("url_type") in ("upload", "datastore", "tabledesigner") and not given:
        if known is None or url == known.get("url") or not urlsplit(url).netloc:
            return
        source = url
    else:
        source = given or url
    if not source:
        return
    if not resource.get("id"):
        resource["id"] = str(uuid.uuid4())
    pending[resource["id"]] = source
    if source != stored:
        # The row looks the same with another address, and CKAN runs no hook for an update without
        # a change: without this the new address would be lost.
        resource["last_modified"] = command.now().replace(tzinfo=None).isoformat()
    resource["url_type"] = location.URL_TYPE
    resource["url"] = ""


def _publish(resource: dict[str, Any], known: dict[str, Any] | None, source: str) -> None:
    """A resource of data that is not conditional: its address stands in the dataset again."""
    if resource.get("url_type") != location.URL_TYPE:
        return
    url = str(resource.get("url") or "").strip()
    if known is not None and known.get("url_type") == location.URL_TYPE:
        url = source if url in ("", known.get("url")) else url
    resource["url"] = url
    resource["url_type"] = ""


def keep_locations(context: Any, package_id: str) -> None:
    """Writes the addresses that a write left in its context; called inside the transaction."""
    pending: dict[str, str] = context.pop(LOCATIONS, None) or {}
    if not pending:
        return
    alive = set(
        model.Session.execute(
            sa.select(model.Resource.id).where(
                model.Resource.package_id == package_id, model.Resource.state == "active"
            )
        ).scalars()
    )
    for resource_id, url in pending.items():
        if resource_id in alive:
            location.record(model.Session, resource_id, package_id, url, command.now())
