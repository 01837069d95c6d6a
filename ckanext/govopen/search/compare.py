"""The index and the database side by side: where they differ, and bringing them together again.

Both are read in the order of the datasets' ids, a page at a time, so that memory does not grow with
their number. What seems to differ is looked at once more before it is told: the portal goes on
working meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from ckan import model

from ckanext.govopen.access.facts import facts
from ckanext.govopen.model import settings
from ckanext.govopen.model.release import LIVE, ReleaseRow
from ckanext.govopen.search import document
from ckanext.govopen.search.shape import CKAN, RELEASE, STAFF
from ckanext.govopen.search.syntax import quoted

PAGE = 1000
#: Kinds of differences, the worst first. ``form``: words of a hidden dataset where outsiders find
#: them, or the other way round; ``labels``: others may find it than may see it; ``orphan``: only in
#: the index; ``double``: in the index twice; ``missing``: not in it; ``stale``: an older state.
KINDS = ("form", "labels", "orphan", "double", "missing", "stale")
_FIELDS = (
    "id,index_id,metadata_modified,capacity,state,owner_org,open_class,govopen_form,"
    "govopen_fingerprint"
)


@dataclass(frozen=True)
class Difference:
    """One dataset for which index and database disagree; ``kind`` is one of :data:`KINDS`."""

    package_id: str
    kind: str


@dataclass(frozen=True)
class _Wanted:
    """What the document of a dataset has to say."""

    form: str
    labels: frozenset[str]
    fields: dict[str, Any]
    modified: str


def differences(page: int = PAGE) -> Iterator[Difference]:
    """Where the index differs from the database, ordered by id."""
    last: str | None = None
    while True:
        ids = _ids(last, page)
        end = ids[-1] if len(ids) == page else None
        found = _compared(ids, _between(last, end))
        if found:
            yield from look_again(one.package_id for one in found)
        if end is None:
            return
        last = end


def check() -> list[Difference]:
    """All differences at once; empty when all is well."""
    return list(differences())


def look_again(package_ids: Iterable[str]) -> list[Difference]:
    """The differences of these datasets as they are now, ordered by id."""
    ids = sorted(set(package_ids))
    if not ids:
        return []
    return _compared(_ids_of(ids), f"{{!terms f=id}}{','.join(ids)}")


def repair(found: Sequence[Difference]) -> list[Difference]:
    """Brings the index up to date for these datasets; what differs all the same afterwards.

    :raises SearchIndexError: Solr did not take it
    """
    left: list[Difference] = []
    for start in range(0, len(found), document.BATCH):
        batch = found[start : start + document.BATCH]
        document.remove_many(one.package_id for one in batch if one.kind in ("orphan", "double"))
        # One that has come to be meanwhile is indexed, one that has gone leaves the index.
        document.index_many(one.package_id for one in batch)
        left += look_again(one.package_id for one in batch)
    return left


def _ids(last: str | None, page: int) -> list[str]:
    package = model.package_table
    # As Solr orders them: byte by byte.
    ordered = package.c.id.collate("C")
    query = sa.select(package.c.id).where(package.c.state != "deleted").order_by(ordered)
    if last is not None:
        query = query.where(ordered > last)
    return list(model.Session.scalars(query.limit(page)))


def _ids_of(ids: Sequence[str]) -> list[str]:
    package = model.package_table
    return list(
        model.Session.scalars(
            sa.select(package.c.id).where(package.c.id.in_(ids), package.c.state != "deleted")
        )
    )


def _between(last: str | None, end: str | None) -> str:
    start, stop = (quoted(last) if last is not None else "*"), (quoted(end) if end else "*")
    return f"+id:{'{' if last is not None else '['}{start} TO {stop}]"


def _compared(ids: Sequence[str], where: str) -> list[Difference]:
    wanted = _wanted(ids)
    labels = _labels(where)
    seen: set[str] = set()
    found: dict[str, str] = {}
    for one in document.stored(where, _FIELDS):
        package_id = one["id"]
        if package_id in seen:
            found[package_id] = "double"
            continue
        seen.add(package_id)
        expected = wanted.get(package_id)
        kind = "orphan" if expected is None else _kind(one, expected, labels.get(package_id, set()))
        if kind:
            found[package_id] = kind
    found.update(dict.fromkeys(set(wanted) - seen, "missing"))
    return [Difference(package_id, found[package_id]) for package_id in sorted(found)]


def _kind(found: dict[str, Any], wanted: _Wanted, labels: set[str]) -> str:
    """How a document differs from what it has to say; empty when it does not."""
    if found.get("govopen_form", CKAN) != wanted.form:
        return "form"
    if labels != wanted.labels:
        return "labels"
    said = {key: found.get(key) for key in wanted.fields}
    if said != wanted.fields or str(found.get("metadata_modified"))[:19] != wanted.modified[:19]:
        return "stale"
    return ""


def _wanted(ids: Sequence[str]) -> dict[str, _Wanted]:
    """What the documents of these datasets have to say: two statements for all."""
    if not ids:
        return {}
    package, release = model.package_table, ReleaseRow.__table__
    released = release.c.data[("default", "metadata_modified")].astext
    rows = model.Session.execute(
        sa.select(
            package.c.id,
            package.c.private,
            package.c.state,
            package.c.metadata_modified,
            release.c.fingerprint,
            release.c.open_class,
            released.label("released"),
        )
        .outerjoin(release, sa.and_(release.c.package_id == package.c.id, release.c.status == LIVE))
        .where(package.c.id.in_(list(ids)))
    )
    known = facts(ids)
    wanted: dict[str, _Wanted] = {}
    for row in rows:
        fact = known.get(row.id)
        if fact is None:
            continue  # gone since its id was read
        hidden = document.is_hidden(fact)
        neutral = not settings.review_on() and fact.governed and not fact.has_release
        form = CKAN if neutral else STAFF if hidden else RELEASE
        fields: dict[str, Any] = {"state": row.state}
        modified = row.metadata_modified.isoformat()
        if form == RELEASE:
            fields.update(capacity="public", open_class=row.open_class)
            fields.update(govopen_fingerprint=row.fingerprint, state="active")
            modified = row.released or modified
        elif form == STAFF:
            fields.update(capacity="private", owner_org=fact.owner_org)
        else:
            fields.update(capacity="private" if row.private else "public", owner_org=fact.owner_org)
        labels = frozenset(document.labels_of(fact, hidden))
        wanted[row.id] = _Wanted(form, labels, fields, modified)
    return wanted


def _labels(where: str) -> dict[str, set[str]]:
    """Permission labels by id: Solr does not give them back, but finds by them."""
    found: dict[str, set[str]] = {}
    for label in document.values(where, "permission_labels"):
        by_label = f"+permission_labels:{quoted(label)}"
        for one in document.stored(where, "id", by_label):
            found.setdefault(one["id"], set()).add(label)
    return found
