"""The bytes of files, named by their SHA-256, in the storage that CKAN is configured with.

Nothing is ever overwritten. Bytes are written beside their place and moved there when complete, so
that a place under a digest holds exactly the bytes of this digest or nothing. With the extension
switched off CKAN looks for files under other names and finds none.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from typing import IO, Any

import file_keeper as fk
import sqlalchemy as sa
from ckan.lib import files
from file_keeper.default.adapters.fs import FsStorage

from ckanext.govopen.domain.release import FileFact
from ckanext.govopen.model import settings

__all__ = ["BytesMissing", "StorageMissing", "location", "open_bytes", "put", "storage", "verified"]

CHUNK = 1024 * 1024
#: Where bytes are written before they are moved to their place; what a killed process has left
#: there is removed with the bytes that nobody names.
INCOMING = "incoming/"
SPOOL_BYTES = 4 * 1024 * 1024

_DIGEST = re.compile(r"[0-9a-f]{64}")
#: Key of the advisory lock between writers of bytes (shared) and the collector (exclusive).
_LOCK = 0x676F766F70656E


class StorageMissing(Exception):
    """The site has no storage for files of resources; the text says what to configure."""


class BytesMissing(Exception):
    """The bytes of a digest are not in the storage, or are not those of the digest."""


def storage() -> fk.Storage:
    """The storage of resource files (``ckanext.govopen.files.storage``)."""
    name = settings.files_storage()
    try:
        return files.get_storage(name)
    except files.exc.UnknownStorageError:
        raise StorageMissing(
            f"There is no file storage named {name!r}: set ckan.files.storage.{name}.type and its "
            f"path, or name another one in ckanext.govopen.files.storage."
        ) from None


def location(sha256: str) -> fk.Location:
    """Where the bytes of a digest lie: ``sha256/ab/abcd…``.

    :raises ValueError: not a digest
    """
    if not _DIGEST.fullmatch(sha256):
        raise ValueError("Not a SHA-256 digest.")
    return fk.Location(f"sha256/{sha256[:2]}/{sha256}")


def _data(fact: FileFact) -> fk.FileData:
    return fk.FileData(location(fact.sha256), size=fact.size, content_type=fact.media_type)


def exists(fact: FileFact) -> bool:
    """Are the bytes there, in their full length?"""
    store = storage()
    data = _data(fact)
    try:
        return store.exists(data) and store.size(data.location) == fact.size
    except files.exc.MissingFileError:
        return False


def path_of(store: fk.Storage, place: fk.Location) -> str | None:
    """The path of a place on this machine, None for storages that are none of its disks."""
    return store.full_path(place) if isinstance(store, FsStorage) else None


def local_path(fact: FileFact) -> str | None:
    """The path of the bytes on this machine, None for storages that are none of its disks."""
    return path_of(storage(), location(fact.sha256))


def open_bytes(fact: FileFact) -> Iterable[bytes]:
    """The bytes as a stream; a seekable file where they lie on this machine's disks.

    :raises BytesMissing: they are not there
    """
    try:
        return storage().stream(_data(fact))
    except files.exc.MissingFileError:
        raise BytesMissing(fact.sha256) from None


def put(stream: IO[bytes], fact: FileFact) -> None:
    """Store the bytes of ``fact`` (``stream`` at their beginning) unless they are there already.

    What lies in their place and is not of their length was never finished and is replaced.
    """
    if exists(fact):
        return
    store = storage()
    target = location(fact.sha256)
    upload = fk.Upload(stream, target, fact.size, fact.media_type)  # pyright: ignore[reportArgumentType]
    if not store.supports(fk.Capability.MOVE):  # object stores write whole objects or none
        store.remove(fk.FileData(target))
        store.upload(target, upload)
        return
    beside = fk.Location(f"{INCOMING}{uuid.uuid4().hex}")
    written = store.upload(beside, upload)
    try:
        if not exists(fact):
            store.remove(fk.FileData(target))
            store.move(target, written)
    except files.exc.ExistingFileError:
        pass  # somebody else has stored the same bytes in this moment
    finally:
        store.remove(written)


def verified(fact: FileFact) -> IO[bytes]:
    """A temporary copy of the bytes, checked against their digest; the caller closes it.

    :raises BytesMissing: they are not there or not the same any more
    """
    copy = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115 - given away
    digest = hashlib.sha256()
    try:
        for chunk in _pieces(open_bytes(fact)):
            digest.update(chunk)
            copy.write(chunk)
        if digest.hexdigest() != fact.sha256:
            raise BytesMissing(fact.sha256)
    except BaseException:
        copy.close()
        raise
    copy.seek(0)
    return copy  # pyright: ignore[reportReturnType]


def _pieces(stream: Any) -> Iterator[bytes]:
    """Pieces of one megabyte from a file, whatever comes from an iterable; closes it."""
    try:
        if hasattr(stream, "read"):
            while chunk := stream.read(CHUNK):
                yield chunk
        else:
            yield from stream
    finally:
        if hasattr(stream, "close"):
            stream.close()


def keep_collector_out(session: Any) -> None:
    """Until this transaction ends nothing is collected: bytes found now are still there then."""
    session.execute(sa.select(sa.func.pg_advisory_xact_lock_shared(_LOCK)))


def wait_for_writers(session: Any) -> None:
    """Until this transaction ends nobody stores or names bytes: the collector's turn."""
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
