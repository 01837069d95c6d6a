"""What kind of file an upload is: by its bytes, held against what its name claims.

A name decides between kinds that look alike (CSV and plain text, XLSX and ZIP); bytes decide
whether the name can be true. Most mismatches are mistakes: an error page saved as a table, an
XLS renamed to CSV. Programs are refused whatever they are called.
"""

from __future__ import annotations

from pathlib import PurePosixPath

import magic

__all__ = ["SAMPLE_BYTES", "Mismatch", "media_type"]

#: How much of a file is looked at.
SAMPLE_BYTES = 8192

TEXT, ZIP, OLE, ANY = "text", "zip", "ole", "any"

#: Extension: (media type, what the bytes must look like).
KNOWN: dict[str, tuple[str, str]] = {
    ".csv": ("text/csv", TEXT),
    ".tsv": ("text/tab-separated-values", TEXT),
    ".txt": ("text/plain", TEXT),
    ".md": ("text/markdown", TEXT),
    ".json": ("application/json", TEXT),
    ".geojson": ("application/geo+json", TEXT),
    ".jsonl": ("application/x-ndjson", TEXT),
    ".xml": ("application/xml", TEXT),
    ".rdf": ("application/rdf+xml", TEXT),
    ".ttl": ("text/turtle", TEXT),
    ".kml": ("application/vnd.google-earth.kml+xml", TEXT),
    ".gml": ("application/gml+xml", TEXT),
    ".html": ("text/html", TEXT),
    ".htm": ("text/html", TEXT),
    ".svg": ("image/svg+xml", TEXT),
    ".xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ZIP),
    ".docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", ZIP),
    ".pptx": ("application/vnd.openxmlformats-officedocument.presentationml.presentation", ZIP),
    ".ods": ("application/vnd.oasis.opendocument.spreadsheet", ZIP),
    ".odt": ("application/vnd.oasis.opendocument.text", ZIP),
    ".kmz": ("application/vnd.google-earth.kmz", ZIP),
    ".zip": ("application/zip", ZIP),
    ".xls": ("application/vnd.ms-excel", OLE),
    ".doc": ("application/msword", OLE),
    ".pdf": ("application/pdf", "application/pdf"),
    ".png": ("image/png", "image/png"),
    ".jpg": ("image/jpeg", "image/jpeg"),
    ".jpeg": ("image/jpeg", "image/jpeg"),
    ".gif": ("image/gif", "image/gif"),
    ".webp": ("image/webp", "image/webp"),
    ".tif": ("image/tiff", "image/tiff"),
    ".tiff": ("image/tiff", "image/tiff"),
    ".gz": ("application/gzip", "application/gzip"),
    ".7z": ("application/x-7z-compressed", "application/x-7z-compressed"),
    ".parquet": ("application/vnd.apache.parquet", ANY),
}

_TABLES = frozenset({".csv", ".tsv", ".json", ".geojson", ".jsonl"})
_PROGRAMS = ("application/x-executable", "application/x-pie-executable", "application/x-sharedlib",
             "application/x-dosexec", "application/x-mach-binary",
             "application/vnd.microsoft.portable-executable")  # fmt: skip
_EMPTY = ("application/x-empty", "inode/x-empty")


class Mismatch(ValueError):
    """The bytes are not what the name says. ``claimed`` and ``found`` are media types."""

    def __init__(self, claimed: str, found: str) -> None:
        self.claimed = claimed
        self.found = found
        super().__init__(f"{claimed} was expected, {found} was found.")


def _is_text(sample: bytes) -> bool:
    """Text in any of the encodings in use here: no zero bytes, unless UTF-16 says so itself."""
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    return b"\0" not in sample


def _is_page(sample: bytes) -> bool:
    """Does it begin like a web page?"""
    begin = sample.removeprefix(b"\xef\xbb\xbf").lstrip()[:15].lower()
    return begin.startswith((b"<!doctype html", b"<html"))


def _fits(shape: str, sample: bytes, found: str) -> bool:
    if shape == ANY:
        return True
    if shape == TEXT:
        signed = found.startswith(("image/", "audio/", "video/", "font/")) or found in (
            "application/pdf", "application/zip", "application/gzip",
        )  # fmt: skip
        return _is_text(sample) and (not signed or found == "image/svg+xml")
    if shape == ZIP:
        return sample.startswith(b"PK")
    if shape == OLE:
        return sample.startswith(b"\xd0\xcf\x11\xe0")
    return found == shape


def media_type(name: str, sample: bytes) -> str:
    """The media type of a file by its name and its first :data:`SAMPLE_BYTES` bytes.

    :raises Mismatch: the bytes contradict the name, or are a program
    """
    suffix = PurePosixPath(name.lower()).suffix
    claimed, shape = KNOWN.get(suffix, ("", ANY))
    found = magic.from_buffer(sample, mime=True) if sample else _EMPTY[0]
    if found in _PROGRAMS:
        raise Mismatch(claimed or "application/octet-stream", found)
    if found in _EMPTY:
        return claimed or "application/octet-stream"
    if not claimed:
        return found
    if suffix in _TABLES and _is_page(sample):
        raise Mismatch(claimed, "text/html")
    if not _fits(shape, sample, found):
        raise Mismatch(claimed, found)
    return claimed
