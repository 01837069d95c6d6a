"""The gate for many new datasets at once: their reviews are opened, nothing of them is public.

For a dataset that has just been made this is all that :func:`gate.settle` does: there is no
release that a write could narrow, and no review that it could change. The rules and their events
are the same; a test compares the rows.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from ckan import model

from ckanext.govopen.domain import review as rules
from ckanext.govopen.domain.event import Event
from ckanext.govopen.logic import command, gate, snapshot
from ckanext.govopen.model import ledger
from ckanext.govopen.model import review as reviews
from ckanext.govopen.model.release import DatasetRow


@dataclass
class Before:
    """A dataset before the gate. ``shown`` is its dict under the site's schema, ``locations`` the
    addresses of its conditional content by resource id.
    """

    context: Any
    package_id: str
    organization: str
    shown: dict[str, Any]
    locations: Mapping[str, str]


def settle(datasets: Sequence[Before], now: datetime.datetime) -> None:
    """Opens the reviews of active datasets that were written just now and are private.

    Runs in the caller's transaction and commits nothing. Only where the review is on.
    """
    if not datasets:
        return
    offices = gate.review_offices()
    extras: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    events: list[tuple[str, list[Event]]] = []
    actor = command.actor(datasets[0].context)
    for one in datasets:
        fingerprint = snapshot.fingerprint_of_new(one.shown, one.locations)
        order = rules.Open(
            gate.portal_itself(one.context),
            one.package_id,
            one.organization,
            fingerprint,
            gate.submitters(one.context),
        )
        site = gate.review_settings(one.organization, offices)
        row = reviews.ReviewRow(id=str(uuid.uuid4()))
        opened, _state = gate.decided(row, rules.ReviewState(), order, now, site)
        rows.append({column.name: getattr(row, column.name) for column in _columns(row)})
        events.append((f"review/{row.id}", opened))
        extras.append(
            {
                "package_id": one.package_id,
                "fingerprint": fingerprint,
                "pending": True,
                "suspended": False,
                "suspended_by_authority": False,
                "suspended_by": None,
            }
        )
    model.Session.execute(sa.insert(DatasetRow.__table__), extras)
    model.Session.execute(sa.insert(reviews.ReviewRow.__table__), rows)
    ledger.begin(model.Session, events, actor, now)


def _columns(row: Any) -> Any:
    return row.__table__.columns
