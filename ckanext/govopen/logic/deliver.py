"""Carries out what a commit has left in the outbox: reindexing and loading the DataStore.

Each delivery may happen twice without harm. What fails is put off and tried again; a decision is
in force from its commit on, whatever happens here.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from ckan import model
from ckan.plugins import plugin_loaded, toolkit

from ckanext.govopen.logic import post, witness
from ckanext.govopen.logic.datastore_load import concerned, load
from ckanext.govopen.model import outbox
from ckanext.govopen.search import document

log = logging.getLogger(__name__)


def _reindex(payloads: list[dict[str, Any]]) -> None:
    ids = sorted({package_id for payload in payloads for package_id in payload["packages"]})
    document.index_many(ids)


def reindex_own(
    row: outbox.OutboxRow, dicts: Mapping[str, document.Dicts], now: datetime.datetime
) -> None:
    """Delivers a row of the kind ``reindex`` that its writer put off so as to do it himself.

    ``dicts`` are working copies that need not be read again, by dataset id; one that somebody has
    changed since is read all the same. Commits. When it fails, the row stays, and is tried again.
    """
    mine = outbox.taken(model.Session, row.id)
    if mine is None:
        return  # it took so long that somebody else has done it, or is at it
    try:
        document.index_many(mine.payload["packages"], document.unchanged(dicts))
    except Exception as error:
        log.warning("Delivery of a reindex row failed: %s", type(error).__name__)
        outbox.failed(mine, f"{type(error).__name__}: {error}", now)
    else:
        model.Session.delete(mine)
    model.repo.commit()


def _datastore(payloads: list[dict[str, Any]]) -> None:
    if not plugin_loaded("datastore"):
        return
    for package_id in concerned(payload["package"] for payload in payloads):
        toolkit.enqueue_job(
            load,
            [package_id],
            title=f"govopen: load released rows of {package_id}",
            rq_kwargs={"timeout": 3600},
        )


#: Kind of an outbox row -> what carries out all due rows of that kind at once. What it gives back
#: is what is left to do of single rows, by their place; None: all is done.
DELIVERERS: dict[str, Callable[[list[dict[str, Any]]], dict[int, dict[str, Any]] | None]] = {
    "reindex": _reindex,
    "datastore": _datastore,
    "checkpoint": witness.deliver,
    "mail": post.deliver,
}
#: Kinds that no request waits for: a mail server may take its time.
LATER = ("mail",)


_postponed: ContextVar[bool] = ContextVar("govopen_delivery_postponed", default=False)


@contextmanager
def postponed() -> Iterator[None]:
    """Nothing is delivered by this thread inside: a long piece of work does it once, at its end.

    The rows stay in the outbox; should the work break off, the scheduler delivers them.
    """
    token = _postponed.set(True)
    try:
        yield
    finally:
        _postponed.reset(token)


def due_now(now: datetime.datetime, limit: int = 500, *, later: bool = True) -> int:
    """Delivers due rows, grouped by kind, and gives their number. Never raises for one of them.

    ``later`` False leaves to the scheduler what no request waits for.
    """
    if _postponed.get():
        return 0
    rows = outbox.due(model.Session, now, limit, () if later else LATER)
    by_kind: dict[str, list[outbox.OutboxRow]] = {}
    for row in rows:
        by_kind.setdefault(row.kind, []).append(row)
    for kind, group in by_kind.items():
        try:
            with model.Session.begin_nested():
                left = DELIVERERS[kind]([row.payload for row in group]) or {}
        except Exception as error:
            # Whatever went wrong out there (Solr, Valkey), the rows stay and are tried again.
            log.warning(
                "Delivery of %d %s row(s) failed: %s", len(group), kind, type(error).__name__
            )
            for row in group:
                outbox.failed(row, f"{type(error).__name__}: {error}", now)
        else:
            for place, row in enumerate(group):
                if place in left:
                    row.payload = left[place]
                    outbox.failed(row, "not delivered to everybody", now)
                else:
                    model.Session.delete(row)
    model.repo.commit()
    return len(rows)
