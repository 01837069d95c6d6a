"""Where files of other servers are put together before they become content of the portal.

Beside the portal's storage, for nobody else to read; a folder for each catalogue source. What lies
there is a piece of a file and a note about it, and can be lost at any time.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import os
import tempfile
from pathlib import Path

from ckan.plugins import toolkit

__all__ = ["SUFFIXES", "folder", "make", "sweep"]

#: Endings of a piece, of the note about it, and of a note that is being written.
SUFFIXES = (".part", ".json", ".new")


def _root() -> Path:
    storage = toolkit.config.get("ckan.storage_path")
    if storage:
        return Path(storage) / "govopen-incoming"
    return Path(tempfile.gettempdir()) / f"govopen-incoming-{os.getuid()}"


def folder(source_id: str) -> Path:
    """The folder of a source; whether it is there or not."""
    return _root() / hashlib.sha256(source_id.encode()).hexdigest()[:32]


def make(place: Path) -> None:
    """Makes the folder of a source, which only the portal reads.

    :raises OSError: the disk refuses it, or somebody else has it
    """
    for one in (place.parent, place):
        one.mkdir(mode=0o700, parents=True, exist_ok=True)
        if one.is_symlink() or one.stat().st_uid != os.getuid():
            raise OSError("not ours")


def sweep(older_than: datetime.datetime) -> int:
    """Removes what nobody has written to since this moment; the number of files.

    A process that was killed leaves its pieces to the next one that copies for the source; but the
    source may be deleted by then, or link to its files instead.
    """
    removed, moment = 0, older_than.timestamp()
    for place in _root().glob("*"):
        for path in place.glob("*"):
            # Whoever works there may be faster.
            with contextlib.suppress(OSError):
                if path.suffix in SUFFIXES and path.lstat().st_mtime < moment:
                    path.unlink()
                    removed += 1
        with contextlib.suppress(OSError):
            place.rmdir()  # only an empty one goes
    return removed
