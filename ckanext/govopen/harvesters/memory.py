"""What one reading of a source leaves for the next: nothing but speed depends on it.

The pages, each with the codes on it, a digest of what the records were, a mark of every record as
it came, and its ETag if it had one; the moment of the last full reading; the snapshot of the last
run. It is packed into one column.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ckan import model

from ckanext.govopen.domain.catalogue.sweep import SETTLED, Known
from ckanext.govopen.model import catalogue as table

#: Most of it, packed; a source whose memory is larger is read without one.
MOST_BYTES = 8 * 1024 * 1024
#: Characters of a mark.
MARK = 16
_written = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass
class Page:
    """One page as it was: its ETag, what followed, how many records there were, its records.

    ``marks`` are those of its records one after the other, :data:`MARK` characters each; empty for
    a record that could not be read.
    """

    etag: str
    next: str | None
    total: int | None
    codes: list[str]
    digest: str
    marks: str = ""

    def marked(self) -> dict[str, str]:
        """The mark of every code."""
        starts = range(0, len(self.marks), MARK)
        return dict(zip(self.codes, (self.marks[at : at + MARK] for at in starts), strict=False))

    def holds(self, known: Mapping[str, Known]) -> bool:
        """Is everything on it written here as it was on the page?"""
        rows = [known.get(code) for code in self.codes]
        if not all(row is not None and row[1] in SETTLED for row in rows):
            return False
        pairs = zip(self.codes, rows, strict=True)
        return self.digest == digest((code, row[0]) for code, row in pairs if row is not None)


@dataclass
class Memory:
    """What is known of the last reading: the run that left it, and under which :func:`rules`."""

    run: str = ""
    rules: str = ""
    snapshot: str = ""
    full_at: str = ""
    pages: dict[str, Page] = field(default_factory=dict)


def digest(records: Iterable[tuple[str, str]]) -> str:
    """SHA-256 of codes and digests of records, in their order."""
    found = hashlib.sha256()
    for code, value in records:
        found.update(f"{code}\n{value}\n".encode())
    return found.hexdigest()


def mark(record: Any, digest: str) -> str:
    """A record as it came, and what it was compared by once it was read.

    Equal: reading it again would give the same. Of the same length always.
    """
    whole = f"{digest}\n{_written(record)}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(whole, digest_size=MARK // 2).hexdigest()


def rules(profile: str, config: str | None, given: Iterable[str]) -> str:
    """Under what a source is read: what was left under another profile or configuration, or with
    other powers given, does not count."""
    told = [profile, config or "", *sorted(given)]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def load(source_id: str, rules: str) -> Memory:
    """What the last reading left; empty when there is nothing that counts under these rules."""
    row = model.Session.get(table.CatalogueSource, source_id)
    if row is None or not row.memory:
        return Memory()
    try:
        raw: dict[str, Any] = json.loads(zlib.decompress(row.memory))
        pages = {url: Page(**page) for url, page in raw.pop("pages").items()}
        found = Memory(**raw, pages=pages)
    except (zlib.error, ValueError, TypeError, KeyError):
        return Memory()
    return found if found.rules == rules else Memory()


def save(source_id: str, memory: Memory) -> None:
    """Keeps it for the next reading. Commits."""
    row = model.Session.get(table.CatalogueSource, source_id)
    if row is None:
        return
    whole = {**vars(memory), "pages": {url: vars(page) for url, page in memory.pages.items()}}
    packed = zlib.compress(json.dumps(whole, ensure_ascii=False).encode())
    row.memory = packed if len(packed) <= MOST_BYTES else None
    model.Session.commit()
