"""Checkpoints in the database, and as files that are published."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from ckan.plugins import toolkit
from ckan.types import AlchemySession
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, mapped_column

from ckanext.govopen.domain import checkpoint as rules
from ckanext.govopen.domain.ledger import GENESIS, canonical
from ckanext.govopen.model import settings, signing
from ckanext.govopen.model.ledger import EventRow

FOLDER = "govopen-checkpoints"


class CheckpointRow(toolkit.BaseModel):
    """One published checkpoint; ``digest`` is what the next one names it by."""

    __tablename__ = "govopen_checkpoint"

    number: Mapped[int] = mapped_column(sa.Integer, primary_key=True, autoincrement=False)
    made_at: Mapped[datetime.datetime] = mapped_column(sa.DateTime(timezone=True))
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    digest: Mapped[str] = mapped_column(sa.Text)


class HeadRow(toolkit.BaseModel):
    """How far the checkpoints have followed a stream; only to find what has grown since."""

    __tablename__ = "govopen_checkpoint_head"

    stream: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    version: Mapped[int] = mapped_column(sa.Integer)


def make(session: AlchemySession, now: datetime.datetime) -> dict[str, Any] | None:
    """Makes the next checkpoint in the caller's transaction; None when nothing has happened.

    :raises KeyProblem: the signing key cannot be used
    """
    session.execute(
        sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext("govopen_checkpoint")))
    )
    if not signing.public_keys(session):
        signing.ensure(session, now)
    grown = _grown(session)
    if not grown:
        return None
    last = latest(session)
    said = rules.statement(
        last.number + 1 if last else 1,
        now,
        last.digest if last else GENESIS,
        [(row.name, row.version, row.hash) for row in grown],
    )
    signature = signing.sign(session, canonical(said), now)
    document = {
        "statement": said,
        "signature": {"key": signature.key_id, "value": signature.value},
        "heads": rules.listing((row.name, row.version, row.hash) for row in grown),
    }
    session.add(
        CheckpointRow(
            number=said["number"], made_at=now, document=document, digest=rules.digest(said)
        )
    )
    place = insert(HeadRow)
    session.execute(
        place.on_conflict_do_update(
            index_elements=["stream"], set_={"version": place.excluded.version}
        ),
        [{"stream": row.stream, "version": row.version} for row in grown],
    )
    session.flush()
    return document


def _grown(session: AlchemySession) -> list[Any]:
    """(stream, name, version, hash) of the streams that are longer than the checkpoints say."""
    event, head = EventRow.__table__, HeadRow.__table__
    first = event.alias("first")
    tops = (
        sa.select(event.c.stream, sa.func.max(event.c.version).label("version"))
        .group_by(event.c.stream)
        .subquery()
    )
    return list(
        session.execute(
            sa.select(event.c.stream, first.c.hash.label("name"), event.c.version, event.c.hash)
            .join(tops, sa.and_(tops.c.stream == event.c.stream, tops.c.version == event.c.version))
            .join(first, sa.and_(first.c.stream == event.c.stream, first.c.version == 1))
            .outerjoin(head, head.c.stream == event.c.stream)
            .where(event.c.version > sa.func.coalesce(head.c.version, 0))
            .order_by(event.c.stream)
        )
    )


def latest(session: AlchemySession) -> CheckpointRow | None:
    """The newest checkpoint."""
    return session.scalars(
        sa.select(CheckpointRow).order_by(CheckpointRow.number.desc()).limit(1)
    ).first()


def get(session: AlchemySession, number: int) -> dict[str, Any] | None:
    """One checkpoint as it was published."""
    row = session.get(CheckpointRow, number)
    return row.document if row else None


def page(session: AlchemySession, limit: int, offset: int = 0) -> list[CheckpointRow]:
    """Checkpoints, the newest first."""
    query = sa.select(CheckpointRow).order_by(CheckpointRow.number.desc())
    return list(session.scalars(query.limit(limit).offset(offset)))


def documents(session: AlchemySession) -> Iterator[dict[str, Any]]:
    """All checkpoints as they were published, the first one first."""
    query = sa.select(CheckpointRow.document).order_by(CheckpointRow.number)
    yield from session.scalars(query.execution_options(yield_per=50))


def known(session: AlchemySession) -> rules.Known:
    """What all checkpoints of the database prove. Raises ``Untrusted``."""
    keys = rules.read_keys(signing.keys_document(session), signing.check)
    return rules.read_checkpoints(documents(session), keys, signing.check)


def folder() -> Path | None:
    """Where the files of checkpoints lie; None without option and storage path."""
    named = settings.ledger_checkpoint_folder()
    if named:
        return Path(named)
    storage = toolkit.config.get("ckan.storage_path")
    return Path(storage) / FOLDER if storage else None


def write_files(session: AlchemySession) -> int:
    """Writes the files of checkpoints that have none yet; number of files. Raises OSError.

    The database is asked for what is missing, so that a crash after a commit loses no file.
    """
    target = folder()
    if target is None:
        return 0
    target.mkdir(parents=True, exist_ok=True)
    there = {int(path.stem) for path in target.glob("*.json") if path.stem.isdigit()}
    done = 0
    for number in session.scalars(sa.select(CheckpointRow.number).order_by(CheckpointRow.number)):
        if number in there:
            continue
        text = json.dumps(get(session, number), ensure_ascii=False, sort_keys=True)
        part = target / f".{number}.part"
        part.write_text(text + "\n", encoding="utf-8")
        part.replace(target / f"{number}.json")
        done += 1
    return done
