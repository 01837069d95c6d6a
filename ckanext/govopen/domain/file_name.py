"""Names of files: as people wrote them, as they stand in an address, and the format they tell."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath

MAX_NAME = 200
#: Characters of a name in an address, its extension included. CKAN cuts longer ones.
MAX_ADDRESS = 100
#: What a name in an address is when nothing of the given one can stand there.
NAMELESS = "file"

#: Control characters, halves of characters, what file systems refuse, and marks that turn the
#: direction of writing.
_UNSAFE = re.compile(r'[\x00-\x1f\x7f\ud800-\udfff<>:"|?*\u200e\u200f\u202a-\u202e\u2066-\u2069]+')
_EXTENSION = re.compile(r"\.[a-z0-9]{1,10}")
_GAPS = re.compile(r"[\s-]+")
_NOT_ASCII = re.compile(r"[^a-z0-9_.-]+")


def file_name(name: str | None) -> str:
    """A name to offer for saving: the last part of what was given, Chinese kept.

    Control characters, marks that turn the direction of writing (they disguise an extension) and
    what file systems do not take are dropped; at most 200 characters, the extension kept.
    """
    plain = unicodedata.normalize("NFC", name or "").replace("\\", "/").rsplit("/", 1)[-1]
    plain = _UNSAFE.sub("", plain).strip().lstrip(".").strip()
    path = PurePosixPath(plain)
    extension = path.suffix[:20]
    return (path.stem[: MAX_NAME - len(extension)] + extension) or NAMELESS


def extension(name: str) -> str:
    """The extension of a name with its dot, in lower case; empty when it has none."""
    found = PurePosixPath(name.lower()).suffix
    return found if _EXTENSION.fullmatch(found) else ""


def address_name(name: str | None) -> str:
    """A name as the last part of an address: what CKAN's own tidying leaves as it is.

    The letters and digits of the name, else ``file``, and its extension: ``停车场.csv`` becomes
    ``file.csv``, ``停车场2026.csv`` becomes ``2026.csv``.
    """
    shown = file_name(name)
    ending = extension(shown)
    stem = shown[: len(shown) - len(ending)] if ending else shown
    plain = unicodedata.normalize("NFKD", stem).lower()
    plain = _NOT_ASCII.sub("", _GAPS.sub("-", plain))
    plain = _GAPS.sub("-", plain).replace(".", "_")[: MAX_ADDRESS - len(ending)].strip("-_")
    if len(plain + ending) < 3 or not plain:
        plain = f"{NAMELESS}-{plain}" if plain else NAMELESS
    return plain + ending
