"""Fetching one file of a source onto the disk: bounded, checked, and continued where it broke off.

Every request goes through :mod:`ckanext.govopen.access.address`. Private addresses are spoken to
only at the hosts and ports that the source was given, redirects included; the source's credentials
go to its own server only. What has come of a file lies beside a note of how the server called it,
so that the next try, by whatever process, asks for the rest only of the very same file.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ckanext.govopen.access import address, incoming
from ckanext.govopen.domain.refusal import N_
from ckanext.govopen.harvesters.fetch import Auth, retry_after
from ckanext.govopen.harvesters.sealing import origin
from ckanext.govopen.logic.reasons import reason

#: Seconds for one file in one try, and how often it is tried; the first pause and the longest.
FILE_SECONDS = 600.0
TRIES = 3
PAUSE = 1.0
LONGEST_PAUSE = 60.0
#: Most bytes of pieces that are kept for the next run, in largest files.
KEPT_FILES = 4
#: Faults that may be over at the next try.
PASSING = frozenset({"unreachable", "too_slow", "unresolved"})
BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
#: Headers that ask whether a file has changed: only they can be answered with 304.
_CONDITIONS = frozenset({"If-None-Match", "If-Modified-Since"})
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
_PIECE = 1024 * 1024


class Failed(Exception):
    """A file cannot be had. ``reason`` is for the report; ``passing``: the server did not answer,
    or asked for patience.
    """

    def __init__(self, said: dict[str, Any], *, passing: bool = False, wait: float = 0.0) -> None:
        super().__init__(said["rule"])
        self.reason = said
        self.passing = passing
        self.wait = wait


@dataclass(frozen=True)
class Got:
    """A file: its bytes at ``path`` and their digest; an empty one says that it is unchanged."""

    path: Path
    sha256: str
    etag: str
    last_modified: str


class Client:
    """Fetches files of one source.

    ``private`` may be spoken to at private addresses. ``limit`` is in bytes.
    """

    def __init__(
        self, source_id: str, url: str, auth: Auth, private: address.Private, limit: int
    ) -> None:
        self._origin = origin(url)
        self._auth = auth
        self._private = private
        self._limit = limit
        self._folder = incoming.folder(source_id)

    def tidy(self, still: Callable[[set[str]], set[str]]) -> None:
        """Removes the pieces of files that nobody wants any more, and what is too much."""
        _own_folder(self._folder)
        # A process that was killed may have left a note without a piece.
        pieces = {
            path.stem: path
            for suffix in reversed(incoming.SUFFIXES)
            for path in self._folder.glob(f"*{suffix}")
        }
        wanted = still(set(pieces))
        for resource_id in set(pieces) - wanted:
            self.forget(resource_id)
        left = self._limit * KEPT_FILES
        for resource_id in sorted(
            wanted & set(pieces), key=lambda one: pieces[one].stat().st_mtime, reverse=True
        ):
            left -= pieces[resource_id].stat().st_size
            if left < 0:
                self.forget(resource_id)

    def forget(self, resource_id: str) -> None:
        """Removes what has come of a file."""
        for suffix in incoming.SUFFIXES:
            (self._folder / f"{resource_id}{suffix}").unlink(missing_ok=True)

    def get(self, row: Any) -> Got:
        """Fetches the file of a row of :mod:`model.copying`, in several tries if need be.

        :raises Failed: it cannot be had
        """
        _own_folder(self._folder)
        for tried in range(TRIES):
            try:
                got = self._try(row)
            except Failed as failed:
                pause = max(PAUSE * 2**tried * random.uniform(0.5, 1.0), failed.wait)  # noqa: S311
                if not failed.passing or tried + 1 == TRIES or pause > LONGEST_PAUSE:
                    raise
                time.sleep(pause)
            else:
                break
        return got  # pyright: ignore[reportPossiblyUnboundVariable]

    def _try(self, row: Any) -> Got:
        part, note = self._paths(row.resource_id)
        whole = self._whole(row, part, note)
        if whole is not None and row.sha256:
            return whole
        start = 0 if whole is not None else self._start(row, part, note)
        try:
            got = self._once(row, part, note, start, whole)
        except address.AddressRefused as refused:
            said = reason(f"file_{refused.reason}", refused.message)
            if refused.reason == "status":
                said = _status(refused.status or 0)
            if refused.reason == "too_large":
                self.forget(row.resource_id)
            raise Failed(said, passing=refused.reason in PASSING) from None
        except OSError as error:
            raise Failed(
                reason("file_disk", N_("The portal could not store the file: look at its disk."))
            ) from error
        if got is None or (row.sha256 and got.sha256 not in ("", row.sha256)):
            self.forget(row.resource_id)
            if start:  # the piece and the rest do not fit together
                return self._try(row)
            raise Failed(
                reason(
                    "file_checksum",
                    N_("The file has another SHA-256 than the catalogue says; it was not taken."),
                )
            )
        return got

    def _paths(self, resource_id: str) -> tuple[Path, Path]:
        return self._folder / f"{resource_id}.part", self._folder / f"{resource_id}.json"

    def _whole(self, row: Any, part: Path, note: Path) -> Got | None:
        """A file that had come completely when its process was killed: nothing of it is fetched
        again where the catalogue tells its digest, or else its server says that it is the same.
        """
        try:
            known = json.loads(note.read_text("utf-8"))
            if not isinstance(known, dict) or not known.get("whole"):
                return None
            if (known.get("url"), known.get("sha256")) != (row.url, row.sha256):
                return None
            with part.open("rb") as read:
                digest = _digested(read).hexdigest()
        except (OSError, ValueError):
            return None
        if digest != known["whole"] or row.sha256 not in ("", digest):
            return None
        etag, modified = known.get("etag") or "", known.get("last_modified") or ""
        if not row.sha256 and not (etag or modified):
            return None  # nothing that its server could be asked by
        return Got(part, digest, etag, modified)

    def _start(self, row: Any, part: Path, note: Path) -> int:
        """How much of the file has come already and may be continued."""
        try:
            known = json.loads(note.read_text("utf-8"))
            size = part.stat().st_size
        except (OSError, ValueError):
            return 0
        if size and size < self._limit and _same(known, row):
            return size
        return 0

    def _headers(self, row: Any, note: Path, start: int, whole: Got | None) -> dict[str, str]:
        headers = dict(self._auth.headers("GET", row.url)) if self._own(row.url) else {}
        if start:
            known = json.loads(note.read_text("utf-8"))
            headers["Range"] = f"bytes={start}-"
            headers["If-Range"] = _strong(known["etag"]) or known["last_modified"]
            return headers
        held = row.held_sha256 and not row.sha256 and row.held_url == row.url
        asked = whole or (row if held else None)
        if asked is not None and asked.etag:
            headers["If-None-Match"] = asked.etag
        if asked is not None and asked.last_modified:
            headers["If-Modified-Since"] = asked.last_modified
        return headers

    def _own(self, url: str) -> bool:
        return bool(self._auth) and bool(self._origin) and origin(url) == self._origin

    def _once(self, row: Any, part: Path, note: Path, start: int, whole: Got | None) -> Got | None:
        """One request; None when what came does not continue the piece."""
        sent = self._headers(row, note, start, whole)
        with address.open_stream(
            row.url,
            allow_private=self._private,
            max_bytes=self._limit - start,
            timeout=FILE_SECONDS,
            headers=sent,
            statuses=(200, 206, 304, 416, *BUSY),
        ) as remote:
            etag, modified = remote.header("ETag")[:500], remote.header("Last-Modified")[:100]
            if remote.status in BUSY:
                wait = retry_after(remote.header("Retry-After")) or 0.0
                raise Failed(_status(remote.status), passing=True, wait=wait)
            if remote.status == 304 and sent.keys() & _CONDITIONS:
                if whole is not None:
                    return whole
                return Got(part, "", etag or row.etag, modified or row.last_modified)
            if remote.status not in (200, 206):
                if start:
                    return None
                raise Failed(_status(remote.status))
            packed = remote.header("Content-Encoding").lower() not in ("", "identity")
            if remote.status == 206:
                if not start or packed or not _continues(remote.content_range, start):
                    return None
            else:
                start = 0
            if _unchanged(row, etag, modified, remote.length) and remote.status == 200:
                return Got(part, "", etag, modified)
            if not start:
                said = {"url": row.url, "sha256": row.sha256}
                # Pieces of what was packed on its way are counted otherwise than they are stored.
                known = {"etag": etag, "last_modified": modified} if not packed else {}
                said.update(known)
                # First of all the old piece goes: whoever is killed in between must not leave it
                # beside a note about another file.
                part.unlink(missing_ok=True)
                _noted(note, said)
            else:
                said = json.loads(note.read_text("utf-8"))
            digest = _write(remote, part, start)
            # Whoever is killed before the portal has it need not fetch it again.
            _noted(note, {**said, "whole": digest})
            return Got(part, digest, etag, modified)


def _noted(note: Path, said: dict[str, Any]) -> None:
    """Writes a note: the old one or the new one is there, never half of one."""
    beside = note.with_suffix(".new")
    beside.write_text(json.dumps(said), "utf-8")
    beside.replace(note)


def _write(remote: address.Remote, part: Path, start: int) -> str:
    """Writes what comes behind what is there; the digest of the whole."""
    with part.open("r+b" if start else "wb") as out:
        digest = _digested(out) if start else hashlib.sha256()
        out.seek(start)
        out.truncate()
        for chunk in remote.chunks():
            digest.update(chunk)
            out.write(chunk)
    return digest.hexdigest()


def _digested(read: IO[bytes]) -> Any:
    """The SHA-256 of what is left of a file, to be gone on with."""
    digest = hashlib.sha256()
    while piece := read.read(_PIECE):
        digest.update(piece)
    return digest


def _same(known: Any, row: Any) -> bool:
    """Does a piece belong to the file that the row speaks of, and can it be told from another?"""
    if not isinstance(known, dict):
        return False
    if (known.get("url"), known.get("sha256")) != (row.url, row.sha256):
        return False
    return bool(_strong(known.get("etag") or "") or known.get("last_modified"))


def _strong(etag: str) -> str:
    """A tag that promises the same bytes; a weak one does not."""
    return etag if etag.startswith('"') else ""


def _continues(content_range: str | None, start: int) -> bool:
    found = _RANGE.fullmatch((content_range or "").strip())
    return found is not None and int(found[1]) == start


def _unchanged(row: Any, etag: str, modified: str, length: int | None) -> bool:
    """Does a server that knows no conditional requests say that the held file is the newest?"""
    if not row.held_sha256 or row.sha256 or row.held_url != row.url:
        return False
    if etag and row.etag:
        return etag == row.etag
    return bool(modified) and modified == row.last_modified and length == row.held_size


def _status(status: int) -> dict[str, Any]:
    if status in (401, 403):
        message = N_("The server refuses access to the file (status %(status)s).")
    elif status in (404, 410):
        message = N_("There is no file at its address (status %(status)s).")
    else:
        message = N_("The server of the file answers with status %(status)s.")
    return reason("file_status", message, status=str(status))


def _own_folder(folder: Path) -> None:
    """Makes a folder that only the portal reads.

    :raises Failed: the disk refuses it, or somebody else has it
    """
    try:
        incoming.make(folder)
    except OSError as error:
        raise Failed(
            reason("file_disk", N_("The portal could not store the file: look at its disk."))
        ) from error
