"""Carries out what a commit has left in the outbox: reindexing, loading the DataStore, mail.

What fails is put off and tried again; a decision is in force from its commit on, whatever happens
here. Work on the portal itself is done for all due rows at once and may happen twice without harm.
A message cannot be taken back: each is sent in a transaction of its own, so that whoever ends this
process repeats at most the one that was just being sent.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from ckan import model
from ckan.lib.search import SearchIndexError
from ckan.plugins import plugin_loaded, toolkit

from ckanext.govopen.logic import post, witness
from ckanext.govopen.logic.datastore_load import concerned, load
from ckanext.govopen.model import outbox
from ckanext.govopen.search import document

log = logging.getLogger(__name__)

#: Carries out payloads of one kind; raises whatever goes wrong.
Deliverer = Callable[[list[dict[str, Any]]], None]


def _reindex(payloads: list[dict[str, Any]]) -> None:
    ids = sorted({package_id for payload in payloads for package_id in payload["packages"]})
    document.index_many(ids)


#: Milliseconds after which Solr shows what a run has written, if its end does not come before: a
#: commit for every batch would cost more than indexing it.
SHOWN_WITHIN = 5000


def reindex_own(
    row: outbox.OutboxRow, dicts: Mapping[str, document.Dicts], now: datetime.datetime
) -> None:
    """Delivers a row of the kind ``reindex`` that its writer put off so as to do it himself.

    ``dicts`` are working copies that need not be read again, by dataset id; one that somebody has
    changed since is read all the same. Commits. When it fails, the row stays, and is tried again.
    Solr shows it after :data:`SHOWN_WITHIN`, or with :func:`shown`.
    """
    mine = outbox.taken(model.Session, row.id)
    if mine is None:
        return  # it took so long that somebody else has done it, or is at it
    try:
        document.index_many(
            mine.payload["packages"], document.unchanged(dicts), within=SHOWN_WITHIN
        )
    except Exception as error:
        log.warning("Delivery of a reindex row failed: %s", type(error).__name__)
        outbox.failed(mine, f"{type(error).__name__}: {error}", now)
    else:
        model.Session.delete(mine)
    model.repo.commit()


def shown() -> None:
    """Has Solr show what :func:`reindex_own` has given to it. Solr does it by itself if need be."""
    try:
        document.commit()
    except SearchIndexError as error:
        log.warning("Solr was not told to show what it has: %s", error)


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


#: Kind of an outbox row -> what carries out all due rows of that kind at once.
DELIVERERS: dict[str, Deliverer] = {
    "reindex": _reindex,
    "datastore": _datastore,
}
#: Kind of a message -> what sends one, which may be made of several rows. No request waits for
#: these: a mail server may take its time.
SENDERS: dict[str, Deliverer] = {
    "checkpoint": witness.send,
    "mail": post.send,
}
#: What the rows of one message have in common.
ALIKE: dict[str, tuple[str, ...]] = {
    "checkpoint": ("number", "witness"),
    "mail": ("users", "case"),
}
#: After so many messages in a row that could not be sent the others wait for the next round: each
#: may have waited for a server that does not answer.
IN_A_ROW = 5


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
    """Delivers due rows and gives their number. Never raises for one of them.

    ``limit`` is for the work on the portal and for messages alike. ``later`` False leaves messages
    to the scheduler.
    """
    if _postponed.get():
        return 0
    rows = outbox.due(model.Session, now, limit, tuple(SENDERS))
    by_kind: dict[str, list[outbox.OutboxRow]] = {}
    for row in rows:
        by_kind.setdefault(row.kind, []).append(row)
    for group in by_kind.values():
        if _tried(DELIVERERS, group, now):
            for row in group:
                model.Session.delete(row)
    model.repo.commit()
    return len(rows) + (_messages(now, limit) if later else 0)


def _messages(now: datetime.datetime, limit: int) -> int:
    """Sends what is due, each message with a commit of its own; the number of rows."""
    done = failed = 0
    while done < limit and failed < IN_A_ROW:
        rows = outbox.message(model.Session, now, ALIKE)
        if not rows:
            break
        if _tried(SENDERS, rows, now):
            failed = 0
            for row in rows:
                model.Session.delete(row)
        else:
            failed += 1
        model.repo.commit()
        done += len(rows)
    model.repo.commit()
    return done


def _tried(
    deliverers: Mapping[str, Deliverer],
    rows: Sequence[outbox.OutboxRow],
    now: datetime.datetime,
) -> bool:
    """Carries rows of one kind out; False when it failed, and they are put off."""
    try:
        with model.Session.begin_nested():
            deliverers[rows[0].kind]([row.payload for row in rows])
    except Exception as error:
        # Whatever went wrong out there (Solr, Valkey, a mail server), the rows stay and are tried
        # again. What the error says may hold an address: its kind has to do.
        log.warning(
            "Delivery of %d %s row(s) failed: %s", len(rows), rows[0].kind, type(error).__name__
        )
        for row in rows:
            outbox.failed(row, type(error).__name__, now)
        return False
    return True
