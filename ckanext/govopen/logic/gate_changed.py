"""The gate for many changed or deleted datasets at once: its rules, asked and written in sets.

What a write takes away from a live release is taken away dataset by dataset, as ever: that is rare
and touches much. What nearly every change needs (its review, the state of its release, the ledger)
is asked for all of them before and written for all of them after.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ckan import model

from ckanext.govopen.domain.event import Event
from ckanext.govopen.logic import gate, snapshot
from ckanext.govopen.model import ledger
from ckanext.govopen.model import release as releases
from ckanext.govopen.model import review as reviews


@dataclass
class Changed:
    """A dataset whose row is locked and written: ``read`` is its working copy as it is now."""

    context: Any
    package: Any
    read: snapshot.WorkingCopy


class Reviews(gate.Desk):
    """The reviews of some datasets, asked at once; what happens to them is written by `done`."""

    def __init__(self, package_ids: Sequence[str]) -> None:
        self._all = reviews.all_of_many(model.Session, package_ids)
        self._offices = gate.review_offices()
        self._events: dict[str | None, dict[str, list[Event]]] = {}

    def waiting(self, package_id: str) -> reviews.ReviewRow | None:
        waits = [row for row in self.all_of(package_id) if row.status in reviews.WAITING]
        return waits[0] if waits else None

    def all_of(self, package_id: str) -> list[reviews.ReviewRow]:
        return self._all.get(package_id, [])

    def offices(self) -> frozenset[str] | None:
        return self._offices

    def keep(
        self,
        row: reviews.ReviewRow,
        events: list[Event],
        user_id: str | None,
        now: datetime.datetime,
    ) -> None:
        streams = self._events.setdefault(user_id, {})
        streams.setdefault(f"review/{row.id}", []).extend(events)
        model.Session.add(row)
        if row.status not in reviews.WAITING:
            # A dataset has one waiting review at most, in the database as well: rows that are new
            # are written before those that change.
            model.Session.flush()

    def flush(self) -> None:
        """Nothing: `done` does it for all."""

    def done(self, now: datetime.datetime) -> None:
        """Writes what happened: rows and events."""
        model.Session.flush()
        for user_id, streams in self._events.items():
            ledger.append_many(model.Session, list(streams.items()), user_id, now)


def settle(datasets: Sequence[Changed], now: datetime.datetime) -> None:
    """:func:`gate.settle` for datasets of the kinds that are governed, each of them once.

    Runs in the caller's transaction, who holds the locks of the rows, and commits nothing. Only
    where the review is on.
    """
    if not datasets:
        return
    ids = [one.package.id for one in datasets]
    # Held until the end: what the session forgets would be asked for one by one.
    extras = releases.dataset_rows(model.Session, ids)
    lives = releases.live_many(model.Session, ids)
    desk = Reviews(ids)
    for one, package_id in zip(datasets, ids, strict=True):
        extra = extras.get(package_id) or gate.extra_row(package_id)
        live = lives.get(package_id)
        gate.settle_read(one.context, one.package, extra, live, one.read, now, desk)
    desk.done(now)
