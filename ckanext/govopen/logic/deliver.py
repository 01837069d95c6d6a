"""Carries out what a commit has left in the outbox: reindexing and loading the DataStore.

Each delivery may happen twice without harm. What fails is put off and tried again; a decision is
in force from its commit on, whatever happens here.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from ckan import model
from ckan.plugins import plugin_loaded, toolkit

from ckanext.govopen.logic import witness
from ckanext.govopen.logic.datastore_load import load
from ckanext.govopen.model import outbox
from ckanext.govopen.search import document

log = logging.getLogger(__name__)


def _reindex(payloads: list[dict[str, Any]]) -> None:
    ids = sorted({package_id for payload in payloads for package_id in payload["packages"]})
    document.index_many(ids)


def _datastore(payloads: list[dict[str, Any]]) -> None:
    if not plugin_loaded("datastore"):
        return
    for package_id in sorted({payload["package"] for payload in payloads}):
        toolkit.enqueue_job(
            load,
            [package_id],
            title=f"govopen: load released rows of {package_id}",
            rq_kwargs={"timeout": 3600},
        )


#: Kind of an outbox row -> what carries out all due rows of that kind at once.
DELIVERERS: dict[str, Callable[[list[dict[str, Any]]], None]] = {
    "reindex": _reindex,
    "datastore": _datastore,
    "checkpoint": witness.deliver,
}


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


def due_now(now: datetime.datetime, limit: int = 500) -> int:
    """Delivers due rows, grouped by kind, and gives their number. Never raises for one of them."""
    if _postponed.get():
        return 0
    rows = outbox.due(model.Session, now, limit)
    by_kind: dict[str, list[outbox.OutboxRow]] = {}
    for row in rows:
        by_kind.setdefault(row.kind, []).append(row)
    for kind, group in by_kind.items():
        try:
            with model.Session.begin_nested():
                DELIVERERS[kind]([row.payload for row in group])
        except Exception as error:
            # Whatever went wrong out there (Solr, Valkey), the rows stay and are tried again.
            log.warning(
                "Delivery of %d %s row(s) failed: %s", len(group), kind, type(error).__name__
            )
            for row in group:
                outbox.failed(row, f"{type(error).__name__}: {error}", now)
        else:
            for row in group:
                model.Session.delete(row)
    model.repo.commit()
    return len(rows)
