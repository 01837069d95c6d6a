"""Downloads: the portal's own answer for every address that ends in ``resource.download``.

Outsiders get the bytes that the live release names, people of the department those of the working
copy. Nothing here trusts what an editor wrote about a file: it is always an attachment, never
guessed at by the browser, and shut into a sandbox should it be opened all the same.
"""

from __future__ import annotations

import logging
import mimetypes
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import sqlalchemy as sa
from ckan import model
from ckan.plugins import toolkit
from flask import Response, g, redirect, request
from werkzeug.wsgi import wrap_file

from ckanext.govopen.access import deliveries, files, uses
from ckanext.govopen.access.address import AddressRefused, Remote, open_stream, public_link
from ckanext.govopen.access.policy import CONDITIONAL, Access, Sight
from ckanext.govopen.access.sight import resource_sight
from ckanext.govopen.domain.grant import Grant
from ckanext.govopen.domain.release import FileFact
from ckanext.govopen.model import file as file_model
from ckanext.govopen.model import location as locations
from ckanext.govopen.model import release as releases
from ckanext.govopen.model import settings

__all__ = ["serve"]

log = logging.getLogger(__name__)

#: Reason of the policy under which everybody may read, so that caches may keep an answer.
_PUBLIC = "unconditional"
_RANGE = re.compile(r"bytes=(\d+-\d*|-\d+)")
_CONTENT_RANGE = re.compile(r"bytes \d+-\d+/(\d+|\*)")


@dataclass(frozen=True)
class Content:
    """What stands behind a resource for one viewer: bytes, an address, rows or a link.

    Exactly one of ``fact`` (bytes or rows), ``source`` (streamed through the portal) and ``link``
    (passed on) is set.
    """

    name: str
    fact: FileFact | None = None
    source: str | None = None
    link: str | None = None


def serve(context: Any, package_id: str, resource_id: str, filename: str | None = None) -> Any:
    """The answer to a request for the content of a resource.

    ``package_id`` may be a name. A hidden resource is answered like one that does not exist (404),
    one that the person sees but may not read with 403. ``filename`` is what the address ends in;
    the name under which the file was uploaded is what the person is offered.
    """
    owner, access = resource_sight(context, resource_id)
    if owner is None or not access.visible or not _names(package_id, owner):
        return _not_found()
    target = uses.Target(owner, resource_id, "download")
    if not access.content:
        uses.refused(context, target)
        return toolkit.abort(403, toolkit._(CONDITIONAL))
    grants: list[Grant] = []
    if access.reason == "grant":
        grants, answer = deliveries.download(context, owner)
        if not grants:
            uses.refused(context, target, answer)
            return toolkit.abort(403, answer.text(toolkit._))
        if not uses.peek(grants, "download") and not request.headers.get("Range"):
            return uses.begin(context, target, grants)  # raises: nothing of it is left
    public = access.reason == _PUBLIC and access.sight is Sight.RELEASE
    if not public:
        g.govopen_private = True
    content = _content(access, owner, resource_id)
    if content is None:
        return _not_found()
    if content.link is not None:
        return _pass_on(content.link, access)
    if content.source is not None:
        response = _streamed(content.source, content.name)
    elif content.fact is not None and content.fact.media_type == file_model.ROWS:
        return redirect(toolkit.url_for("datastore.dump", resource_id=resource_id, bom=True))
    else:
        assert content.fact is not None
        response = _bytes(content.fact, public)
    if grants:
        try:
            _count(context, target, grants, response, content.fact)
        except uses.UsedUp:
            response.close()
            raise
    toolkit.signals.resource_download.send(resource_id)
    return _sealed(response, public)


def _count(
    context: Any,
    target: uses.Target,
    grants: list[Grant],
    response: Response,
    fact: FileFact | None,
) -> None:
    """Counts a download before its first byte leaves; a part of one that was begun is part of it.

    A request for the head gives no content and counts nothing, and neither does a range that is
    not there.

    :raises UsedUp: the quota of every grant is used up
    """
    if request.method == "HEAD" or response.status_code == 416:
        return
    size = response.content_length
    part, whole = _part(response, fact)
    if part is not None and whole is not None:
        size = part[1] - part[0]
        if part[0] > 0 and uses.resumed(context, target, grants, size, whole):
            return
    elif size is None and fact is not None:
        size = fact.size
    uses.begin(context, target, grants, size=size)


def _part(response: Response, fact: FileFact | None) -> tuple[tuple[int, int] | None, int | None]:
    """((first byte, byte after the last), size of the file) of a partial answer; (None, None).

    Where the web server sends the file, it is it who cuts out what the request asks for.
    """
    given = response.content_range
    if given.length and given.start is not None and given.stop:
        return (given.start, given.stop), given.length
    if "X-Accel-Redirect" in response.headers and fact is not None and request.range:
        found = request.range.range_for_length(fact.size)
        if found is not None and found[1] is not None:
            return (found[0], found[1]), fact.size
    return None, None


def _not_found() -> Any:
    return toolkit.abort(404, toolkit._("Nothing is found at this address."))


def _names(reference: str, package_id: str) -> bool:
    """Does the address name the dataset that the resource belongs to?"""
    if reference == package_id:
        return True
    package = model.package_table
    found = model.Session.execute(
        sa.select(package.c.name).where(package.c.id == package_id)
    ).scalar()
    if found == reference:
        return True
    row = releases.live(package_id)  # renamed since: the released name is still the public one
    return row is not None and row.data["default"].get("name") == reference


def _content(access: Access, package_id: str, resource_id: str) -> Content | None:
    if access.sight is Sight.WORKING:
        return _working(package_id, resource_id)
    return _released(package_id, resource_id)


def _working(package_id: str, resource_id: str) -> Content | None:
    """What the working copy has."""
    resource = model.Session.get(model.Resource, resource_id)
    if resource is None or resource.state != "active":
        return None
    name = resource.name or resource_id
    if resource.url_type == locations.URL_TYPE:
        source = locations.newest(model.Session, resource_id, package_id)
        return Content(_with_extension(name, resource.format), source=source) if source else None
    if resource.url_type in file_model.HELD_URL_TYPES:
        fact = file_model.of_resource(model.Session, resource_id, package_id)
        return Content(fact.name, fact=fact) if fact else None
    return Content(name, link=resource.url) if resource.url else None


def _released(package_id: str, resource_id: str) -> Content | None:
    """What the live release names; nothing of the working copy is looked at."""
    row = releases.live(package_id)
    if row is None:
        return None
    found = [item for item in row.data["default"]["resources"] if item["id"] == resource_id]
    if not found:
        return None
    resource = found[0]
    name = resource.get("name") or resource_id
    fact = row.file(resource_id)
    if fact is None:
        if resource.get("url_type") in (*file_model.HELD_URL_TYPES, locations.URL_TYPE):
            return None
        return Content(name, link=resource.get("url") or None)
    if fact.media_type == locations.LINKED:
        source = locations.address(model.Session, resource_id, fact.sha256)
        name = _with_extension(name, resource.get("format"))
        return Content(name, source=source) if source else None
    return Content(fact.name, fact=fact)


def _with_extension(name: str, file_format: str | None) -> str:
    """A resource's name as a file name: its format as the extension unless it has it already."""
    extension = "." + (file_format or "").lower()
    if not re.fullmatch(r"\.[a-z0-9]{1,8}", extension) or name.lower().endswith(extension):
        return name
    return name + extension


def _pass_on(link: str, access: Access) -> Any:
    """To the address of a link, which is no secret of a dataset that everybody may read."""
    if urlsplit(link).scheme not in ("http", "https"):
        return _not_found()
    if access.sight is not Sight.WORKING and public_link(link) is not None:
        return _not_found()
    return redirect(link, code=302)


def _bytes(fact: FileFact, public: bool) -> Response:
    """The bytes of a digest, whole or a range of them."""
    prefix = settings.files_accel_redirect()
    path = files.local_path(fact) if prefix else None
    if prefix and path and files.exists(fact):
        response = Response(status=200)
        response.headers["X-Accel-Redirect"] = f"{prefix.rstrip('/')}/{files.location(fact.sha256)}"
        _describe(response, fact.name, fact.media_type)
        return response
    try:
        stream = files.open_bytes(fact)
    except files.BytesMissing:
        log.error("The bytes of %s are not in the storage.", fact.sha256)
        return toolkit.abort(
            404,
            toolkit._("The portal has lost this file. Please tell the portal's operator."),
        )
    body = wrap_file(request.environ, stream) if hasattr(stream, "read") else stream  # pyright: ignore[reportArgumentType]
    response = Response(body, direct_passthrough=True)
    response.content_length = fact.size
    _describe(response, fact.name, fact.media_type)
    if public:
        response.set_etag(fact.sha256)
    response.make_conditional(request.environ, accept_ranges=True, complete_length=fact.size)
    return response


def _streamed(source: str, name: str) -> Response:
    """What lies at a kept address, fetched by the portal. Nothing of the address gets out."""
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    if request.method == "HEAD":
        response = Response(status=200)
        _describe(response, name, media_type)
        return response
    asked = request.headers.get("Range", "")
    headers = {"Range": asked} if _RANGE.fullmatch(asked) else {}
    try:
        remote = open_stream(
            source,
            allow_private=settings.files_allow_private_addresses(),
            max_bytes=settings.files_stream_max_bytes(),
            timeout=settings.files_stream_seconds(),
            headers=headers,
        )
    except AddressRefused as refused:
        log.warning("Streamed content could not be fetched: %s", refused.reason)
        return toolkit.abort(
            404 if refused.status in (404, 410) else 502,
            toolkit._("The source of this data does not answer. Please try again later."),
        )
    response = Response(_relayed(remote), status=remote.status)
    if remote.length is not None:
        response.content_length = remote.length
    if remote.content_range and _CONTENT_RANGE.fullmatch(remote.content_range):
        response.headers["Content-Range"] = remote.content_range
    response.call_on_close(remote.close)
    _describe(response, name, media_type)
    return response


def _relayed(remote: Remote) -> Any:
    """The pieces of a remote body; a failure on the way ends the answer short of its length."""
    try:
        yield from remote.chunks()
    except AddressRefused as refused:
        log.warning("Streamed content ended early: %s", refused.reason)
        raise ConnectionError("The source ended early.") from None


def _describe(response: Response, name: str, media_type: str) -> None:
    """Kind and name of the file; the name in both forms of RFC 6266, for Chinese names too."""
    response.headers["Content-Type"] = media_type
    ascii_name = re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("_") or "file"
    if ascii_name.startswith("."):
        ascii_name = f"file{ascii_name}"
    value = f'attachment; filename="{ascii_name}"'
    if ascii_name != name:
        value += f"; filename*=UTF-8''{quote(name, safe='')}"
    response.headers["Content-Disposition"] = value


def _sealed(response: Response, public: bool) -> Response:
    """No guessing, no script, and no copy in a cache of what is not for everybody."""
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    if public:
        response.headers["Cache-Control"] = "public, no-cache"
    else:
        response.headers["Cache-Control"] = "private, no-store"
        request.environ["__no_cache__"] = True  # or CKAN would add that caches may keep it
    return response
