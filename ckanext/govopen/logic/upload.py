"""How files come in: every upload of a resource is stored under the SHA-256 of its bytes.

CKAN asks :class:`DigestUpload` through ``IUploader``; harvesters and the command line call
:func:`store`. Neither ever overwrites anything: a replaced file is another digest, and the live
release goes on naming the old one.
"""

from __future__ import annotations

import hashlib
import mimetypes
import tempfile
from collections.abc import Iterable
from typing import IO, Any
from urllib.parse import urlsplit

import file_keeper as fk
from ckan import model
from ckan.lib import uploader
from ckan.plugins import toolkit
from werkzeug.datastructures import FileStorage

from ckanext.govopen.access import files as bytes_store
from ckanext.govopen.domain.file_name import address_name, extension, file_name
from ckanext.govopen.domain.release import FileFact
from ckanext.govopen.logic import command, quality
from ckanext.govopen.logic.media_type import KNOWN, SAMPLE_BYTES, Mismatch, media_type
from ckanext.govopen.model import file as file_model

__all__ = ["DigestUpload", "file_name", "get_resource_uploader", "receive", "store"]

CHUNK = 1024 * 1024
SPOOL_BYTES = 4 * 1024 * 1024
#: Media type of bytes that are not what their name says.
UNKNOWN = "application/octet-stream"
#: The name of SHA-256 in catalogues (DCAT, SPDX); CKAN's ``hash`` holds the plain digits.
SHA256 = "http://spdx.org/rdf/terms#checksumAlgorithm_sha256"


def _pieces(stream: IO[bytes] | Iterable[bytes]) -> Iterable[bytes]:
    if hasattr(stream, "read"):
        return iter(lambda: stream.read(CHUNK), b"")  # pyright: ignore[reportAttributeAccessIssue]
    return stream  # pyright: ignore[reportReturnType]


def receive(
    stream: IO[bytes] | Iterable[bytes],
    name: str | None,
    max_bytes: int | None,
    *,
    as_is: bool = False,
) -> tuple[FileFact, IO[bytes]]:
    """Read an upload once: what it is, and a rewound temporary copy that the caller closes.

    :param max_bytes: None for no limit
    :param as_is: bytes that do not fit their name are taken, as bytes of no known kind
    :raises ValidationError: larger than ``max_bytes``, or not what its name says
    """
    digest, size, sample = hashlib.sha256(), 0, b""
    copy = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115 - given away
    try:
        for chunk in _pieces(stream):
            size += len(chunk)
            if max_bytes is not None and size > max_bytes:
                raise toolkit.ValidationError({"upload": [toolkit._("File upload too large")]})
            if len(sample) < SAMPLE_BYTES:
                sample += chunk[: SAMPLE_BYTES - len(sample)]
            digest.update(chunk)
            copy.write(chunk)
        shown = file_name(name)
        try:
            kind = media_type(shown, sample)
        except Mismatch as mismatch:
            if not as_is:
                raise _refused(shown, mismatch) from None
            kind = UNKNOWN
    except BaseException:
        copy.close()
        raise
    copy.seek(0)
    fact = FileFact(sha256=digest.hexdigest(), size=size, name=shown, media_type=kind)
    return fact, copy  # pyright: ignore[reportReturnType]


def _refused(name: str, mismatch: Mismatch) -> toolkit.ValidationError:
    message = toolkit._(
        "The file %(name)s is not what its name says: %(claimed)s was expected, "
        "%(found)s was found. Save it in the right format, or correct its extension."
    )
    parts = {"name": name, "claimed": mismatch.claimed, "found": mismatch.found}
    return toolkit.ValidationError({"upload": [message % parts]})


def _path_of(address: str) -> str:
    try:
        return urlsplit(address).path
    except ValueError:  # not an address at all; the validators say so
        return ""


def _max_bytes() -> int:
    return uploader.get_max_resource_size() * 1024 * 1024


def _put(copy: IO[bytes], fact: FileFact) -> None:
    bytes_store.keep_collector_out(model.Session)
    try:
        bytes_store.put(copy, fact)
    except bytes_store.StorageMissing as error:
        raise toolkit.ValidationError({"upload": [str(error)]}) from None
    except fk.exc.LargeUploadError:
        raise toolkit.ValidationError({"upload": [toolkit._("File upload too large")]}) from None


def store(
    stream: IO[bytes] | Iterable[bytes], name: str | None, *, as_is: bool = False
) -> FileFact:
    """Store bytes and say what they are.

    With ``as_is`` they are those of an existing site: their size and their kind were accepted when
    they came, and stay so.

    They become the content of a resource with :func:`ckanext.govopen.model.file.record` in the
    same transaction; bytes that nobody names are collected later.

    :raises ValidationError: too large, or not what the name says
    """
    fact, copy = receive(stream, name, None if as_is else _max_bytes(), as_is=as_is)
    with copy:
        _put(copy, fact)
    return fact


def format_of(fact: FileFact) -> str:
    """The format of a file, by its extension or else by its bytes; empty when neither tells it."""
    ending = extension(fact.name)
    if ending in KNOWN:
        told = ending[1:]
        found = toolkit.h.unified_resource_format(told)
        return found if found != told else told.upper()
    found = toolkit.h.unified_resource_format(fact.media_type)
    return found if found != fact.media_type else ""


def _name_format(resource: dict[str, Any], fact: FileFact) -> None:
    """Gives a file its format where the writer names none, in place.

    A form and a patch send back what was told from the file before: that follows the new file.
    """
    given = str(resource.get("format") or "").strip()
    stored = model.Session.get(model.Resource, str(resource.get("id") or "")) if given else None
    if stored is not None and stored.package_id is not None:
        before = file_model.of_resource(model.Session, stored.id, stored.package_id)
        if before is not None and given.casefold() == format_of(before).casefold():
            given = ""
    if not given:
        resource["format"] = format_of(fact)


class DigestUpload:
    """CKAN's uploader of one resource. Made before validation, carried out after it.

    :param resource: the resource dict as CKAN received it; ``upload`` and ``clear_upload`` are
        taken out, what is known of the file is put in
    """

    mimetype: str | None = None

    def __init__(self, resource: dict[str, Any]) -> None:
        self.fact: FileFact | None = None
        self.filename: str | None = None
        self._copy: IO[bytes] | None = None
        given = resource.pop("upload", None)
        self.clear = bool(resource.pop("clear_upload", None))
        if isinstance(given, FileStorage) and given.filename:
            fact, self._copy = receive(given.stream, given.filename, _max_bytes())
            self.fact = fact
            self.filename = address_name(fact.name)
            self.mimetype = fact.media_type
            self.filesize = fact.size
            _name_format(resource, fact)
            resource.update(
                url=self.filename,
                url_type="upload",
                last_modified=command.now().replace(tzinfo=None),
                hash=fact.sha256,
                hash_algorithm=SHA256,
                size=fact.size,
                mimetype=fact.media_type,
            )
        elif self.clear:
            resource.update(url_type="", hash="")  # CKAN keeps the hash that is not mentioned
            for field in ("hash_algorithm", "size", "mimetype"):
                resource.pop(field, None)
        elif toolkit.config.get("ckan.mimetype_guess") == "file_ext":
            # As CKAN does for links; resource_create takes it where the client names none.
            address = str(resource.get("url") or "")
            if _path_of(address):
                self.mimetype = mimetypes.guess_type(address)[0]

    @property
    def storage(self) -> fk.Storage:
        """The storage of the site, as CKAN's own code asks for it."""
        return bytes_store.storage()

    def get_path(self, id: str) -> str:
        """Where the bytes lie that the working copy of this resource has.

        :raises ObjectNotFound: it has none
        """
        resource = model.Session.get(model.Resource, id)
        package_id = resource.package_id if resource is not None else None
        fact = file_model.of_resource(model.Session, id, package_id) if package_id else None
        if fact is None or fact.media_type == file_model.ROWS:
            raise toolkit.ObjectNotFound(toolkit._("Resource not found"))
        return bytes_store.location(fact.sha256)

    def upload(self, id: str, max_size: int = 10) -> None:
        """Store what was received and note it for the resource, in CKAN's own transaction.

        ``max_size`` is CKAN's limit in megabytes; the size was limited while reading already.
        """
        if self.fact is None or self._copy is None:
            return
        if self.fact.size > max_size * 1024 * 1024:
            raise toolkit.ValidationError({"upload": [toolkit._("File upload too large")]})
        resource = model.Session.get(model.Resource, id)
        if resource is None or resource.package_id is None:
            raise toolkit.ObjectNotFound(toolkit._("Resource not found"))
        with self._copy:
            shape = quality.look(self._copy, self.fact)
            _put(self._copy, self.fact)
        self._copy = None
        place = (id, resource.package_id)
        file_model.record(model.Session, *place, self.fact, command.now(), shape)


def get_resource_uploader(resource: dict[str, Any]) -> DigestUpload:
    """For ``IUploader``: the uploader of every resource of the portal."""
    return DigestUpload(resource)
