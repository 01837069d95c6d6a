"""What one reading of a source leaves for the next: nothing but speed depends on it.

The pages that came with an ETag, each with the codes on it and a digest of what the records were;
the moment of the last full reading; the snapshot of the last run. It is packed into one column.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ckan import model

from ckanext.govopen.domain.catalogue.sweep import SETTLED, Known
from ckanext.govopen.model import catalogue as table

#: Most of it, packed; a source whose memory is larger is read without one.
MOST_BYTES = 8 * 1024 * 1024


@dataclass
class Page:
    """One page as it was: its ETag, what followed, how many records there were, its records."""

    etag: str
    next: str | None
    total: int | None
    codes: list[str]
    digest: str

    def holds(self, known: Mapping[str, Known]) -> bool:
        """Is everything on it written here as it was on the page?"""
        rows = [known.get(code) for code in self.codes]
        if not all(row is not None and row[1] in SETTLED for row in rows):
            return False
        pairs = zip(self.codes, rows, strict=True)
        return self.digest == digest((code, row[0]) for code, row in pairs if row is not None)


@dataclass
class Memory:
    """What is known of the last reading: which run left it, and under which profile."""

    run: str = ""
    profile: str = ""
    snapshot: str = ""
    full_at: str = ""
    pages: dict[str, Page] = field(default_factory=dict)


def digest(records: Iterable[tuple[str, str]]) -> str:
    """SHA-256 of codes and digests of records, in their order."""
    found = hashlib.sha256()
    for code, value in records:
        found.update(f"{code}\n{value}\n".encode())
    return found.hexdigest()


def load(source_id: str, profile: str) -> Memory:
    """What the last reading left; empty when there is nothing that counts under this profile."""
    row = model.Session.get(table.CatalogueSource, source_id)
    if row is None or not row.memory:
        return Memory()
    try:
        raw: dict[str, Any] = json.loads(zlib.decompress(row.memory))
        pages = {url: Page(**page) for url, page in raw.pop("pages").items()}
        found = Memory(**raw, pages=pages)
    except (zlib.error, ValueError, TypeError, KeyError):
        return Memory()
    return found if found.profile == profile else Memory()


def save(source_id: str, memory: Memory) -> None:
    """Keeps it for the next reading. Commits."""
    row = model.Session.get(table.CatalogueSource, source_id)
    if row is None:
        return
    packed = zlib.compress(json.dumps(asdict(memory), ensure_ascii=False).encode())
    row.memory = packed if len(packed) <= MOST_BYTES else None
    model.Session.commit()
