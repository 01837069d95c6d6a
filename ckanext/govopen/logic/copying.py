"""Copied files of catalogue sources in the working copy: what a dataset has of them, and when.

The bulk writer notes what a record names (:func:`wanted`) and writes what is held of it
(:func:`resources`); a background job fetches, and :func:`attach` makes what it fetched the content
of a resource as an upload does: with the same checks, and before the same review.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ckan import model
from ckan.plugins import toolkit
from werkzeug.datastructures import FileStorage

from ckanext.govopen.domain import catalogue as mapping
from ckanext.govopen.domain.catalogue.mapping import kept_back
from ckanext.govopen.domain.file_name import address_name, extension, file_name
from ckanext.govopen.logic import command, upload, working_copy
from ckanext.govopen.logic.catalogue_source import Source
from ckanext.govopen.logic.media_type import KNOWN
from ckanext.govopen.logic.reasons import said
from ckanext.govopen.model import copying as table
from ckanext.govopen.model import file as file_model
from ckanext.govopen.model import outbox

#: Kind of the outbox row that has a source's files copied.
COPY = "copy"


def wanted(
    record: Any, outcome: Any, held: Mapping[str, table.CopyRow]
) -> tuple[table.Wanted, ...]:
    """The distributions of a record that may be published, as they are to be copied.

    ``held`` are the rows of the record so far, by resource id. What is held stays until something
    newer has come, unless it has a column that is not open any more.
    """
    found = []
    for one in record.distributions:
        if one.id in outcome.kept_distributions:
            continue
        resource_id = mapping.resource_of(record, one)
        row = held.get(resource_id)
        keep = row is not None and bool(row.held_sha256) and not _closed(record, one, row)
        found.append(
            table.Wanted(
                resource_id,
                one.url,
                one.name or record.title,
                one.format or record.format_detail,
                one.sha256,
                one.size,
                one.columns,
                row.held_sha256 if row is not None and keep else "",
                keep,
            )
        )
    return tuple(found)


def _closed(record: Any, distribution: Any, row: table.CopyRow) -> bool:
    """Has the held file a column that must not be public, or may it have one?"""
    columns = None if row.held_columns is None else tuple(row.held_columns)
    if row.told:
        columns = distribution.columns  # the very file that the record speaks of
    old = dataclasses.replace(distribution, columns=columns)
    return bool(kept_back(dataclasses.replace(record, distributions=(old,)), {}))


def resources(
    files: tuple[table.Wanted, ...], held: Mapping[str, table.CopyRow]
) -> list[dict[str, Any]]:
    """The resources of a dataset: the files that have come; the others follow when they do."""
    return [_resource(one, held[one.resource_id]) for one in files if one.used]


def _resource(one: table.Wanted, row: table.CopyRow) -> dict[str, Any]:
    fact = row.fact
    assert fact is not None
    return {
        "id": one.resource_id,
        "name": one.name,
        "format": one.format or upload.format_of(fact),
        "url": address_name(fact.name),
        "url_type": "upload",
        "hash": fact.sha256,
        "hash_algorithm": upload.SHA256,
        "size": fact.size,
        "mimetype": fact.media_type,
        "last_modified": row.held_at.replace(tzinfo=None).isoformat() if row.held_at else None,
    }


def name_of(row: table.CopyRow) -> str:
    """The name under which a copied file is stored: that of its address, where it says what the
    file is, else the distribution's.
    """
    last = file_name(unquote(urlsplit(row.url).path.rsplit("/", 1)[-1]))
    if extension(last) in KNOWN:
        return last
    ending = f".{row.format.strip().lower().lstrip('.')}"
    return file_name(row.name) + (ending if ending in KNOWN else "")


def attach(
    source: Source,
    seen: table.CopyRow,
    path: Path | None,
    *,
    etag: str = "",
    last_modified: str = "",
) -> bool:
    """Makes the bytes at ``path`` the content of a resource of the working copy; commits.

    ``seen`` is the row as it was when fetching began. Without a path the bytes are those held
    already. False when the record has changed or gone meanwhile: nothing is written then.

    :raises ValidationError: too large, or not what the name says
    """
    session = model.Session
    working_copy.lock(seen.package_id)
    row = table.locked(session, seen.source_id, seen.resource_id)
    package = session.get(model.Package, seen.package_id, populate_existing=True)
    same = row is not None and (row.url, row.sha256, row.package_id) == (
        seen.url,
        seen.sha256,
        seen.package_id,
    )
    if row is None or not same or package is None or package.state != "active":
        session.rollback()
        return False
    changed = _written(source, row, path)
    row.state, row.reasons, row.tried_at = table.COPIED, [], command.now()
    row.etag, row.last_modified = etag, last_modified
    row.held_url, row.held_columns = row.url, row.columns
    if changed:
        outbox.put(session, "reindex", {"packages": [row.package_id]}, command.now())
    command.finish({})
    return True


def _written(source: Source, row: table.CopyRow, path: Path | None) -> bool:
    """Updates the dataset; False when it has the bytes already."""
    context = _context(source)
    reading: Any = {**context, "use_cache": False}
    shown = toolkit.get_action("package_show")(reading, {"id": row.package_id})
    others = [dict(one) for one in shown.get("resources") or []]
    known = next((one for one in others if one["id"] == row.resource_id), None)
    there = known is not None and known.get("url_type") == "upload"
    if path is None and there:
        return False
    resource: dict[str, Any] = {"id": row.resource_id, "name": row.name, "format": row.format}
    left = ("metadata_modified", "metadata_created", "tag_string")
    merged = {key: value for key, value in shown.items() if key not in left}
    context["original_package"] = shown
    if path is None:
        used = table.Wanted(row.resource_id, row.url, row.name, row.format, used=row.held_sha256)
        resource = _resource(used, row)
        _put(merged, others, known, resource)
        toolkit.get_action("package_update")(context, merged)
        return True
    with path.open("rb") as stream:
        resource["upload"] = FileStorage(stream, filename=name_of(row))
        _put(merged, others, known, resource)
        toolkit.get_action("package_update")(context, merged)
    fact = file_model.of_resource(model.Session, row.resource_id, row.package_id)
    assert fact is not None
    row.held_sha256, row.held_size = fact.sha256, fact.size
    row.held_name, row.held_type = fact.name, fact.media_type
    stored = model.Session.get(model.Resource, row.resource_id, populate_existing=True)
    moment = stored.last_modified if stored is not None else None
    row.held_at = (moment or command.now()).replace(tzinfo=command.now().tzinfo)
    return True


def _put(
    merged: dict[str, Any],
    others: list[dict[str, Any]],
    known: dict[str, Any] | None,
    resource: dict[str, Any],
) -> None:
    if known is None:
        others.append(resource)
    else:
        others[others.index(known)] = {**known, **resource}
    merged["resources"] = others


def _context(source: Source) -> Any:
    site = toolkit.get_action("get_site_user")({"ignore_auth": True}, {})
    return {
        "model": model,
        "session": model.Session,
        "user": site["name"],
        "ignore_auth": True,
        "defer_commit": True,
        "return_id_only": True,
        "govopen_submitters": list(source.submitters),
    }


def start(source: Source, run_id: str | None) -> None:
    """At the end of a run: what waits or failed is done in the background. Commits nothing."""
    if source.copies and table.schedule(model.Session, source.id, run_id):
        outbox.put(model.Session, COPY, {"source": source.id}, command.now())


def wake() -> int:
    """Files that wait although nobody works at them (a worker was killed): works goes on. Commits;
    gives the number of sources.
    """
    found = table.sources_waiting(model.Session)
    for source_id in found:
        outbox.put(model.Session, COPY, {"source": source_id}, command.now())
    if found:
        command.finish({})
    return len(found)


def progress(source_id: str, limit: int = 0, offset: int = 0) -> dict[str, Any]:
    """How far the copying of a source's files has come.

    :returns: ``{"files", "copied", "waiting", "failed"}`` in files, ``{"bytes", "bytes_held"}``
        (as far as the catalogue tells sizes; what the portal holds), and ``problems``: the failed
        ones, ``[{"code", "name", "reasons", "tried_at"}]``
    """
    by_state = table.figures(model.Session, source_id)
    none = {"files": 0, "told": 0, "held": 0}
    states = {state: by_state.get(state, none) for state in table.STATES}
    return {
        "files": sum(one["files"] for one in states.values()),
        **{state: one["files"] for state, one in states.items()},
        "bytes": sum(one["told"] or one["held"] for one in states.values()),
        "bytes_held": sum(one["held"] for one in states.values()),
        "problems": [
            {
                "code": row.code,
                "name": row.name,
                "reasons": said(row.reasons),
                "tried_at": row.tried_at.isoformat() if row.tried_at else None,
            }
            for row in (table.failed(model.Session, source_id, limit, offset) if limit else [])
        ],
    }
