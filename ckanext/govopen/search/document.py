"""Writes the index: one document by CKAN's hook, many at once, all of them; and reads it.

What a document holds follows from the live release and from the policy: a dataset that an outsider
may not see is indexed with its words in the staff fields only, whatever its working copy says.
"""

from __future__ import annotations

import copy
import json
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import pysolr
import sqlalchemy as sa
from ckan import logic, model
from ckan.lib.search import SearchIndexError
from ckan.lib.search.common import make_connection
from ckan.model.vocabulary import vocabulary_table
from ckan.plugins import plugin_loaded, toolkit

from ckanext.govopen.access import clock
from ckanext.govopen.access.datastore import Held, held, mark
from ckanext.govopen.access.facts import facts
from ckanext.govopen.access.labels import PUBLIC, collaborator_labels, staff_labels
from ckanext.govopen.access.policy import ANONYMOUS, DatasetFacts, Sight, decide
from ckanext.govopen.access.show import present
from ckanext.govopen.model import release as releases
from ckanext.govopen.model import settings
from ckanext.govopen.model.release import ReleaseRow
from ckanext.govopen.search.shape import CKAN, dated, document, portal_fields
from ckanext.govopen.search.syntax import quoted

__all__ = [
    "commit",
    "document",
    "index_document",
    "index_many",
    "is_hidden",
    "labels_of",
    "rebuild",
    "remove_many",
    "stored",
    "unchanged",
    "values",
]

BATCH = 200
#: Documents that are read at once.
PAGE = 1000
#: A dataset dict under CKAN's default schema and under the site's.
Dicts = tuple[dict[str, Any], dict[str, Any]]


def index_document(pkg_dict: dict[str, Any]) -> dict[str, Any]:
    """The document to send for a dataset, from the one that CKAN has made of its working copy.

    For ``IPackageController.before_dataset_index``. A dataset without a release on a site without
    review keeps CKAN's own document, with the portal's fields added.
    """
    package_id = pkg_dict["id"]
    working = (json.loads(pkg_dict["data_dict"]), json.loads(pkg_dict["validated_data_dict"]))
    fact = facts([package_id]).get(package_id)
    row = releases.live(package_id)
    if _neutral(fact, row):
        own = dated({key: value for key, value in pkg_dict.items() if not _reserved(key)})
        own.update(portal_fields(*working, None))
        own["govopen_form"] = CKAN
        return own
    more = (_vocabularies(), _harvest_sources([package_id]), _held([row] if row else []))
    return _made(package_id, fact, row, working, *more)


def index_many(
    package_ids: Iterable[str],
    dicts: Mapping[str, Dicts] | None = None,
    commit: bool = True,
    within: int = 0,
) -> None:
    """Indexes datasets with one request and at most one commit for all of them.

    Released datasets need a fixed number of SQL statements per call; a hidden one is shown by CKAN
    unless its working copy is given in ``dicts`` by package id. Deleted and unknown ones leave the
    index. Call it in batches: all documents are in memory at once. With ``within`` Solr commits
    documents by itself after so many milliseconds at the latest (:func:`commit` does it at once).

    :raises SearchIndexError: Solr did not take them; nothing of the call is then in the index
    """
    ids = list(dict.fromkeys(package_ids))
    if not ids:
        return
    known = facts(ids)
    rows = releases.live_many(model.Session, ids)
    more = (_vocabularies(), _harvest_sources(ids), _held(rows.values()))
    documents, gone = [], []
    for package_id in ids:
        fact = known.get(package_id)
        if fact is None or fact.state == "deleted":
            gone.append(package_id)
            continue
        row = rows.get(package_id)
        if _neutral(fact, row):
            _index_by_ckan(package_id)
            continue
        working = None
        if row is None or is_hidden(fact):
            working = (dicts or {}).get(package_id) or _working(package_id)
        documents.append(_made(package_id, fact, row, working, *more))
    commit = commit and toolkit.config.get("ckan.search.solr_commit", True)
    with _Solr() as solr:
        if documents:
            if within:
                solr.add(documents, commit=False, commitWithin=str(within))
            else:
                solr.add(documents, commit=commit and not gone)
        if gone:
            solr.delete(q=_query_for(gone), commit=commit)


def commit() -> None:
    """Shows what was indexed without a commit.

    :raises SearchIndexError: Solr did not do it
    """
    if toolkit.config.get("ckan.search.solr_commit", True):
        with _Solr() as solr:
            solr.commit()


def unchanged(dicts: Mapping[str, Dicts]) -> dict[str, Dicts]:
    """Those working copies whose rows are still as they were when the dicts were made."""
    if not dicts:
        return {}
    package = model.package_table
    rows = model.Session.execute(
        sa.select(package.c.id, package.c.metadata_modified, package.c.state).where(
            package.c.id.in_(list(dicts))
        )
    )
    return {
        row.id: dicts[row.id]
        for row in rows
        if dicts[row.id][0].get("metadata_modified") == row.metadata_modified.isoformat()
        and dicts[row.id][0].get("state") == row.state
    }


def remove_many(package_ids: Iterable[str], commit: bool = True) -> None:
    """Takes datasets out of the index, with one request.

    :raises SearchIndexError: Solr did not do it
    """
    ids = list(package_ids)
    if ids:
        with _Solr() as solr:
            solr.delete(
                q=_query_for(ids),
                commit=commit and toolkit.config.get("ckan.search.solr_commit", True),
            )


def rebuild(progress: Callable[[int, int], None] | None = None) -> int:
    """Indexes every dataset anew and removes what no longer exists; gives their number.

    Searches go on meanwhile. ``progress`` is called with (done, all) after each batch.
    """
    ids = list(
        model.Session.execute(
            sa.select(model.Package.id)
            .where(model.Package.state != "deleted")
            .order_by(model.Package.id)
        ).scalars()
    )
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH]
        index_many(batch)
        model.Session.expunge_all()
        if progress:
            progress(start + len(batch), len(ids))
    for orphans in _batches(sorted({found["id"] for found in stored("*:*", "id")} - set(ids))):
        remove_many(orphans)
    return len(ids)


def is_hidden(fact: DatasetFacts | None) -> bool:
    """May an outsider see nothing of it?"""
    return decide(ANONYMOUS, fact, clock.now()).sight is Sight.NOTHING


def _neutral(fact: DatasetFacts | None, row: ReleaseRow | None) -> bool:
    """Nothing of the extension concerns this dataset: CKAN's own document serves it.

    A document of a dataset that is in no database, too: no search gives it to anybody, since hits
    are looked up in the database.
    """
    return row is None and (fact is None or fact.governed) and not settings.review_on()


def _reserved(key: str) -> bool:
    return key.startswith(("staff_", "govopen_", "share_", "extras_share_"))


def _made(
    package_id: str,
    fact: DatasetFacts | None,
    row: ReleaseRow | None,
    working: Dicts | None,
    vocabularies: Mapping[str, str],
    sources: Mapping[str, str],
    rows: Held,
) -> dict[str, Any]:
    hidden = row is None or is_hidden(fact)
    if not hidden:
        assert row is not None
        default, shown = copy.deepcopy((row.data["default"], row.data["shown"]))
        digests = {name: fact["sha256"] for name, fact in row.files.items()}
        for dataset in (default, shown):
            present(dataset, row.open_class)
            mark(dataset, digests, rows)
    else:
        assert working is not None
        default, shown = working
    return document(
        default,
        shown,
        hidden=hidden,
        labels=labels_of(fact, hidden),
        site_id=toolkit.config["ckan.site_id"],
        open_class=None if hidden or row is None else row.open_class,
        fingerprint="" if hidden or row is None else row.fingerprint,
        vocabularies=vocabularies,
        harvest_source=sources.get(package_id),
    )


def labels_of(fact: DatasetFacts | None, hidden: bool) -> list[str]:
    """As ``access.labels.dataset_labels`` gives them, from facts that are at hand."""
    if fact is None:
        return []
    labels = [*staff_labels(fact.owner_org), *collaborator_labels([fact.package_id])]
    if fact.owner_org is None and fact.creator_user_id:
        labels.append(f"creator-{fact.creator_user_id}")
    return labels if hidden else [*labels, PUBLIC]


def _held(rows: Iterable[ReleaseRow]) -> Held:
    """What the DataStore holds of the resources of these releases."""
    resources = (one for row in rows for one in row.data["default"].get("resources") or [])
    return held((one["id"] for one in resources), released=True)


def _working(package_id: str) -> Dicts:
    context: Any = {"ignore_auth": True, "model": model, "session": model.Session}
    return logic.package_show_default_and_custom_schemas(context, package_id)


def _index_by_ckan(package_id: str) -> None:
    context: Any = {"ignore_auth": True, "model": model, "session": model.Session}
    logic.index_update_package(context, package_id, defer_commit=True)


def _vocabularies() -> dict[str, str]:
    return dict(
        model.Session.execute(sa.select(vocabulary_table.c.id, vocabulary_table.c.name))
        .tuples()
        .all()
    )


def _harvest_sources(package_ids: Sequence[str]) -> dict[str, str]:
    """Harvest source by package id; its pages list its datasets by this field."""
    if not plugin_loaded("harvest"):
        return {}
    from ckanext.harvest.model import HarvestObject

    table = HarvestObject.__table__
    return dict(
        model.Session.execute(
            sa.select(table.c.package_id, table.c.harvest_source_id).where(
                table.c.package_id.in_(list(package_ids)), table.c.current.is_(True)
            )
        )
        .tuples()
        .all()
    )


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]


def _query_for(ids: Sequence[str]) -> str:
    some = " OR ".join(quoted(package_id) for package_id in ids)
    return f"+site_id:{quoted(toolkit.config['ckan.site_id'])} +id:({some})"


def stored(where: str, fields: str, *filters: str) -> Iterator[dict[str, Any]]:
    """These fields of the datasets of this site that a query finds, in the order of their ids, a
    page at a time. Of several documents of one dataset all come.
    """
    mark = "*"
    while True:
        with _Solr(decode_dates=False) as solr:
            page = solr.search(
                "*:*",
                fq=[_site(), where, *filters],
                fl=fields,
                sort="id asc,index_id asc",
                rows=PAGE,
                cursorMark=mark,
            )
        yield from page.docs
        if page.nextCursorMark == mark or len(page.docs) < PAGE:
            return
        mark = page.nextCursorMark


def values(where: str, field: str) -> list[str]:
    """The values that a field has in the datasets of this site that a query finds."""
    with _Solr() as solr:
        found = solr.search(
            "*:*",
            fq=[_site(), where],
            rows=0,
            facet="true",
            **{"facet.field": field, "facet.limit": -1, "facet.mincount": 1},
        )
    return sorted(found.facets["facet_fields"][field][0::2])


def _site() -> str:
    return f"+site_id:{quoted(toolkit.config['ckan.site_id'])} +entity_type:package"


class _Solr:
    """CKAN's connection; its errors as CKAN's, without the documents that Solr repeats in them."""

    def __init__(self, decode_dates: bool = True) -> None:
        self._decode_dates = decode_dates

    def __enter__(self) -> pysolr.Solr:
        return make_connection(decode_dates=self._decode_dates)

    def __exit__(self, kind: type | None, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, pysolr.SolrError):
            raise SearchIndexError(f"Solr refused: {str(error)[:200]}") from None
        if isinstance(error, (socket.error, OSError)):
            raise SearchIndexError("Solr cannot be reached.") from None
