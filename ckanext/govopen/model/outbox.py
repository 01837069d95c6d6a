"""Work that follows a commit: reindexing, loading the DataStore, mail.

A row is written in the transaction of the decision and deleted when it has been carried out, so
that a crash in between leaves the work late and never undone. Carrying out may happen twice; of
messages, each of which goes out in a transaction of its own, at most the one being sent.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from ckan.plugins import toolkit
from ckan.types import AlchemySession
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

#: First pause after a failure and the longest one, in seconds; it doubles in between.
FIRST_PAUSE, LONGEST_PAUSE = 10, 6 * 3600


class OutboxRow(toolkit.BaseModel):
    """One piece of work; ``due`` is when it may be tried (again), UTC."""

    __tablename__ = "govopen_outbox"

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    kind: Mapped[str] = mapped_column(sa.UnicodeText)
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    due: Mapped[datetime.datetime] = mapped_column(sa.DateTime(timezone=True), index=True)
    attempts: Mapped[int] = mapped_column(sa.Integer, default=0)
    error: Mapped[str | None] = mapped_column(sa.UnicodeText)


def put(
    session: AlchemySession, kind: str, payload: dict[str, Any], now: datetime.datetime
) -> OutboxRow:
    """Notes work for after the commit, from ``now`` on; gives the row.

    ``kind`` names a deliverer of ``logic/deliver.py``.
    """
    row = OutboxRow(kind=kind, payload=payload, due=now, attempts=0)
    session.add(row)
    return row


def due(
    session: AlchemySession, now: datetime.datetime, limit: int = 200, without: Sequence[str] = ()
) -> list[OutboxRow]:
    """Rows whose time has come, locked for this transaction; those of another one are skipped.

    ``without`` names kinds that are left alone.
    """
    return list(
        session.query(OutboxRow)
        .filter(OutboxRow.due <= now, OutboxRow.__table__.c.kind.not_in(list(without)))
        .order_by(OutboxRow.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )


def message(
    session: AlchemySession,
    now: datetime.datetime,
    kinds: Mapping[str, Sequence[str]],
) -> list[OutboxRow]:
    """The rows of one message whose time has come, locked for this transaction; [] for none.

    ``kinds`` names for each kind of message what its rows have in common in their payloads (a
    receiver and what it is about). Rows of another transaction are skipped.
    """
    first = session.scalars(
        sa.select(OutboxRow)
        .where(OutboxRow.due <= now, OutboxRow.__table__.c.kind.in_(list(kinds)))
        .order_by(OutboxRow.due, OutboxRow.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()
    if first is None:
        return []
    table = OutboxRow.__table__
    same = {name: first.payload[name] for name in kinds[first.kind] if name in first.payload}
    return list(
        session.scalars(
            sa.select(OutboxRow)
            .where(
                OutboxRow.due <= now,
                table.c.kind == first.kind,
                sa.or_(table.c.id == first.id, table.c.payload.contains(same)),
            )
            .order_by(OutboxRow.id)
            .with_for_update(skip_locked=True)
        )
    )


def taken(session: AlchemySession, row_id: int) -> OutboxRow | None:
    """One row, locked for this transaction; None when it is gone or somebody else has it."""
    return session.get(
        OutboxRow, row_id, populate_existing=True, with_for_update={"skip_locked": True}
    )


def failed(row: OutboxRow, error: str, now: datetime.datetime) -> None:
    """Puts a row off after a failure: ten seconds first, doubling up to six hours."""
    pause = min(FIRST_PAUSE * 2 ** min(row.attempts, 20), LONGEST_PAUSE)
    row.attempts += 1
    row.error = error[:500]
    row.due = now + datetime.timedelta(seconds=pause)
