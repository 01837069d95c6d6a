"""Whose turn it is with a source: one run at a time, on however many machines.

A lock of PostgreSQL on a connection of its own: it is given back whatever happens to the process.
Reading takes it alone, and so does a call by API that is a run of its own; importing a batch shares
it, so that reading waits for the batches that are being written and everything that it compares
with is in the database. Every batch has a lock besides: it is imported by one consumer at a time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from ckan import model

from ckanext.govopen.logic.catalogue_source import SourceFault
from ckanext.govopen.logic.told import told as _

#: Seconds that a run waits for the one before it, that somebody who is there waits, and how often
#: it is looked.
WAIT = 1800.0
SHORT_WAIT = 10.0
LOOK = 0.5


class Busy(SourceFault):
    """Somebody else is at it."""


@contextmanager
def alone(source_id: str, wait: float | None = None) -> Iterator[None]:
    """The source is nobody else's for as long as the context lasts.

    :raises Busy: another run did not end in ``wait`` seconds, half an hour unless told
    """
    with _held(f"source:{source_id}", False, wait):
        yield


@contextmanager
def shared(source_id: str, wait: float | None = None) -> Iterator[None]:
    """Nobody reads the source anew for as long as the context lasts.

    :raises Busy: a run has been reading it for ``wait`` seconds, half an hour unless told
    """
    with _held(f"source:{source_id}", True, wait):
        yield


@contextmanager
def batch(object_id: str, wait: float | None = None) -> Iterator[None]:
    """Nobody else imports this batch for as long as the context lasts.

    :raises Busy: another consumer did not end in ``wait`` seconds, half an hour unless told
    """
    with _held(f"batch:{object_id}", False, wait):
        yield


def is_busy(source_id: str) -> bool:
    """Is a run reading this source, or a batch of it being imported?"""
    return _taken(f"source:{source_id}")


def is_imported(object_id: str) -> bool:
    """Is a consumer at this batch?"""
    return _taken(f"batch:{object_id}")


def _taken(what: str) -> bool:
    try:
        with _held(what, False, 0.0):
            return False
    except Busy:
        return True


@contextmanager
def _held(what: str, shared: bool, wait: float | None) -> Iterator[None]:
    key = sa.func.hashtextextended(f"govopen:{what}", 0)
    take = sa.func.pg_try_advisory_lock_shared if shared else sa.func.pg_try_advisory_lock
    give = sa.func.pg_advisory_unlock_shared if shared else sa.func.pg_advisory_unlock
    end = time.monotonic() + (WAIT if wait is None else wait)
    engine = model.meta.engine
    assert engine is not None
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while not connection.scalar(sa.select(take(key))):
            if time.monotonic() >= end:
                raise Busy(_("Another run of this source has not ended yet. Run it again later."))
            time.sleep(LOOK)
        try:
            yield
        finally:
            connection.execute(sa.select(give(key)))
