"""The ledger's table: one append-only chain of events per stream (design decision 4.4)."""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from ckan.plugins import toolkit
from ckan.types import AlchemySession
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert

from ckanext.govopen.domain import ledger as rules
from ckanext.govopen.domain.event import Event


class ActorRow(toolkit.BaseModel):
    """A person's number in the ledger, so that the ledger itself names nobody."""

    __table__ = sa.Table(
        "govopen_actor",
        toolkit.BaseModel.metadata,
        sa.Column("number", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("user_id", sa.UnicodeText, nullable=False, unique=True),
    )


class EventRow(toolkit.BaseModel):
    """One event. ``digest`` is what the chain covers; personal payload fields may be erased."""

    __table__ = sa.Table(
        "govopen_event",
        toolkit.BaseModel.metadata,
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("stream", sa.UnicodeText, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("type", sa.UnicodeText, nullable=False),
        sa.Column("payload", JSONB, nullable=False),
        sa.Column("salts", JSONB, nullable=False),
        sa.Column("digests", JSONB, nullable=False),
        sa.Column("actor", sa.BigInteger, nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, index=True),
        sa.Column("previous", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.UniqueConstraint("stream", "version"),
        sa.Index("govopen_event_type", "type", "at"),
        # What happened to a dataset, whichever stream it belongs to.
        sa.Index("govopen_event_dataset", sa.text("(payload ->> 'dataset')")),
    )


def lock(session: AlchemySession, stream: str) -> None:
    """Lets one writer of a stream at a time through, until the end of the transaction."""
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(stream, 0))))


def append(
    session: AlchemySession,
    stream: str,
    events: Sequence[Event],
    actor: str | None,
    now: datetime.datetime,
) -> None:
    """Seals events at the end of a stream, in the caller's transaction.

    ``actor`` is a user id or None for the portal itself. Two writers of one stream take turns: the
    second waits for the first one's commit.
    """
    if not events:
        return
    lock(session, stream)
    table = EventRow.__table__
    last = session.execute(
        sa.select(table.c.version, table.c.hash)
        .where(table.c.stream == stream)
        .order_by(table.c.version.desc())
        .limit(1)
    ).first()
    version, previous = (last.version, last.hash) if last else (0, rules.GENESIS)
    number = _number(session, actor) if actor else None
    session.execute(sa.insert(table), _sealed(stream, events, number, now, version, previous))


def append_many(
    session: AlchemySession,
    streams: Sequence[tuple[str, Sequence[Event]]],
    actor: str | None,
    now: datetime.datetime,
) -> None:
    """:func:`append` for many streams in a fixed number of statements, each stream at most once.

    The locks are taken in the order of the names, so that two that do this wait and do not block
    each other.
    """
    wanted = sorted((stream, events) for stream, events in streams if events)
    if not wanted:
        return
    names = [stream for stream, _ in wanted]
    assert len(set(names)) == len(names)
    one = sa.func.unnest(sa.cast(names, ARRAY(sa.UnicodeText))).table_valued("name")
    session.execute(
        sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(one.c.name, 0)))
    )
    table = EventRow.__table__
    ends = session.execute(
        sa.select(table.c.stream, table.c.version, table.c.hash)
        .where(table.c.stream.in_(names))
        .distinct(table.c.stream)
        .order_by(table.c.stream, table.c.version.desc())
    )
    last = {row.stream: (row.version, row.hash) for row in ends}
    number = _number(session, actor) if actor else None
    rows: list[dict[str, Any]] = []
    for stream, events in wanted:
        version, previous = last.get(stream, (0, rules.GENESIS))
        rows += _sealed(stream, events, number, now, version, previous)
    session.execute(sa.insert(table), rows)


def begin(
    session: AlchemySession,
    streams: Sequence[tuple[str, Sequence[Event]]],
    actor: str | None,
    now: datetime.datetime,
) -> None:
    """:func:`append` for streams that do not exist yet and whose names nobody else can know.

    The rows of all of them are written in one statement, without asking for each one's end.
    """
    number = _number(session, actor) if actor and streams else None
    rows: list[dict[str, Any]] = []
    for stream, events in streams:
        rows += _sealed(stream, events, number, now)
    if rows:
        session.execute(sa.insert(EventRow.__table__), rows)


def _sealed(
    stream: str,
    events: Sequence[Event],
    number: int | None,
    now: datetime.datetime,
    version: int = 0,
    previous: str = rules.GENESIS,
) -> list[dict[str, Any]]:
    """The rows of events that follow on a version of a stream with that hash."""
    actor = str(number) if number is not None else None
    rows: list[dict[str, Any]] = []
    for event in events:
        version += 1
        sealed = rules.record(
            event, stream, version, previous, actor, now, lambda: secrets.token_hex(16)
        )
        previous = sealed.hash
        rows.append(
            {
                "stream": stream,
                "version": version,
                "type": sealed.type,
                "payload": dict(sealed.payload),
                "salts": dict(sealed.salts),
                "digests": dict(sealed.digests),
                "actor": number,
                "at": now,
                "previous": sealed.previous,
                "hash": sealed.hash,
            }
        )
    return rows


def _number(session: AlchemySession, user_id: str) -> int:
    """The number that stands for a person in the ledger; given at his first event."""
    table = ActorRow.__table__
    session.execute(insert(table).values(user_id=user_id).on_conflict_do_nothing())
    return session.execute(sa.select(table.c.number).where(table.c.user_id == user_id)).scalar_one()


def accounts(session: AlchemySession, numbers: Iterable[str | None]) -> dict[str, str]:
    """The user ids behind numbers of the ledger, for those who may know them."""
    table = ActorRow.__table__
    wanted = {int(number) for number in numbers if number}
    rows = session.execute(
        sa.select(table.c.number, table.c.user_id).where(table.c.number.in_(wanted))
    )
    return {str(row.number): row.user_id for row in rows}


def read(session: AlchemySession, stream: str | None = None) -> Iterator[rules.SealedEvent]:
    """The sealed events of one stream, or of all, in the order of their versions."""
    table = EventRow.__table__
    query = sa.select(table).order_by(table.c.stream, table.c.version)
    if stream is not None:
        query = query.where(table.c.stream == stream)
    for row in session.execute(query.execution_options(yield_per=500)):
        yield sealed(row)


def read_kind(session: AlchemySession, *prefixes: str) -> Iterator[rules.SealedEvent]:
    """The sealed events of all streams whose names begin so, such as ``grant/``."""
    table = EventRow.__table__
    query = (
        sa.select(table)
        .where(sa.or_(*(table.c.stream.startswith(one, autoescape=True) for one in prefixes)))
        .order_by(table.c.stream, table.c.version)
    )
    for row in session.execute(query.execution_options(yield_per=500)):
        yield sealed(row)


def sealed(row: Any) -> rules.SealedEvent:
    """A row of the table as the rules know it."""
    return rules.SealedEvent(
        stream=row.stream,
        version=row.version,
        type=row.type,
        payload=row.payload,
        salts=row.salts,
        digests=row.digests,
        actor=str(row.actor) if row.actor is not None else None,
        at=rules.stamp(row.at),
        previous=row.previous,
        hash=row.hash,
    )


def erase(session: AlchemySession, row_id: int, event: rules.SealedEvent) -> None:
    """Takes the personal fields of an event and their salts out of the table, for good."""
    left = rules.erase(event)
    table = EventRow.__table__
    session.execute(
        sa.update(table)
        .where(table.c.id == row_id)
        .values(payload=dict(left.payload), salts=dict(left.salts))
    )


def pseudonym(session: AlchemySession, user_id: str) -> str:
    """The number that stands for a person, as a text; given now when he has none."""
    return str(_number(session, user_id))


def number_of(session: AlchemySession, user_id: str) -> int | None:
    """The number that stands for a person in the ledger; None when he did nothing yet."""
    table = ActorRow.__table__
    return session.execute(sa.select(table.c.number).where(table.c.user_id == user_id)).scalar()


def unlink(session: AlchemySession, user_id: str) -> None:
    """Forgets whose number it was; what he does later gets another one."""
    table = ActorRow.__table__
    session.execute(sa.delete(table).where(table.c.user_id == user_id))
