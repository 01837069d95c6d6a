"""Care of the stored bytes: deleting what nobody names, taking over files of an existing site."""

from __future__ import annotations

import contextlib
import datetime
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

import file_keeper as fk
from ckan import model
from ckan.lib import uploader
from ckan.plugins import plugin_loaded
from ckan.plugins import toolkit as tk

from ckanext.govopen.access import files as bytes_store
from ckanext.govopen.logic import command, upload
from ckanext.govopen.model import file as file_model

__all__ = ["collect", "missing", "take_over"]

log = logging.getLogger(__name__)


def collect(session: Any, older_than: datetime.datetime) -> list[str]:
    """Delete the bytes that no release and no working copy names; gives their digests.

    Bytes that were recorded at ``older_than`` or later stay, whoever names them. Bytes that were
    stored and never recorded (a save that failed) are older when their file is; on storages that
    do not tell they stay. What killed processes have left half written goes as well. Commits.
    """
    bytes_store.wait_for_writers(session)
    store = bytes_store.storage()
    keep = file_model.named_digests(session) | file_model.digests_since(session, older_than)
    known = file_model.digests(session)
    removed: list[str] = []
    for place in list(store.scan()):
        digest = Path(place).name
        if place.startswith(bytes_store.INCOMING) and _is_older(
            store, fk.Location(place), older_than
        ):
            store.remove(fk.FileData(fk.Location(place)))
            continue
        if not place.startswith("sha256/") or digest in keep:
            continue
        if digest not in known and not _is_older(store, fk.Location(place), older_than):
            continue
        store.remove(fk.FileData(fk.Location(place)))
        file_model.forget_digest(session, digest)
        removed.append(digest)
    session.commit()
    if removed:
        log.info("%d files that nobody names were deleted.", len(removed))
    return removed


def _is_older(store: fk.Storage, place: fk.Location, moment: datetime.datetime) -> bool:
    path = bytes_store.path_of(store, place)
    return path is not None and Path(path).stat().st_mtime < moment.timestamp()


def take_over(session: Any, package_id: str) -> dict[str, str]:
    """Bring the content of a dataset of an existing site under digests.

    Uploaded files are read where CKAN keeps them and left there; rows that a department delivered
    stay where they are. Gives ``taken``, ``known`` or ``missing`` by resource id. The caller
    commits.
    """
    known = file_model.current(session, package_id)
    done: dict[str, str] = {}
    for resource in session.query(model.Resource).filter(
        model.Resource.package_id == package_id,
        model.Resource.state == "active",
        model.Resource.url_type.in_(file_model.HELD_URL_TYPES),
    ):
        if resource.id in known:
            done[resource.id] = "known"
        elif resource.url_type == "upload":
            done[resource.id] = _take_file(session, resource)
        else:
            done[resource.id] = _take_rows(session, resource)
    return done


def _take_file(session: Any, resource: Any) -> str:
    name = (resource.url or "").rsplit("/", 1)[-1]
    with contextlib.ExitStack() as closing:
        source = _ckan_file(resource.id, closing)
        if source is None:
            return "missing"
        fact = upload.store(source, name, as_is=True)
    file_model.record(session, resource.id, resource.package_id, fact, command.now())
    return "taken"


def _take_rows(session: Any, resource: Any) -> str:
    if not plugin_loaded("datastore"):
        return "missing"
    from ckanext.datastore.backend import DatastoreBackend

    backend: Any = DatastoreBackend.get_active_backend()
    if not backend.resource_exists(resource.id):
        return "missing"
    now = command.now()
    place = (resource.id, resource.package_id)
    digest = file_model.record_rows(session, *place, b"taken over", now)
    file_model.set_loaded(session, *place, digest, now, written=True)
    return "taken"


def missing(session: Any, package_id: str) -> list[str]:
    """Resources of a dataset of an existing site whose uploaded file cannot be taken over."""
    known = file_model.current(session, package_id)
    resources = session.query(model.Resource.id).filter_by(
        package_id=package_id, state="active", url_type="upload"
    )
    return [row.id for row in resources if row.id not in known and not _is_there(row.id)]


def _is_there(resource_id: str) -> bool:
    with contextlib.ExitStack() as closing:
        return _ckan_file(resource_id, closing) is not None


def _ckan_file(
    resource_id: str, closing: contextlib.ExitStack
) -> IO[bytes] | Iterable[bytes] | None:
    """The file of a resource where CKAN itself keeps it, None when there is none.

    CKAN's storage of resources may be another one than the extension's, and on no disk.
    """
    try:
        stored: Any = uploader.FKResourceUpload({})
        if stored.storage:
            data = fk.FileData(fk.Location(stored.get_path(resource_id)))
            if stored.storage.exists(data):
                stream = stored.storage.stream(data)
                if hasattr(stream, "close"):
                    closing.callback(stream.close)
                return stream
    except (fk.exc.FilesError, tk.ValidationError):
        pass  # no place of its own there: it may lie where older versions kept it
    path = _legacy_path(resource_id)
    if path and Path(path).is_file():
        return closing.enter_context(Path(path).open("rb"))
    return None


def _legacy_path(resource_id: str) -> str | None:
    if not uploader.get_storage_path():
        return None
    return uploader.ResourceUpload({}).get_path(resource_id)
