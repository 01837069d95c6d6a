"""Whose turn it is with a source: one run at a time, on however many machines.

A lock of PostgreSQL on a connection of its own: it is given back whatever happens to the process.
Reading takes it alone, importing a batch shares it, so that reading waits for the batches that are
being written and everything that it compares with is in the database.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from ckan import model
from ckan.plugins import toolkit

from ckanext.govopen.harvesters.reading import SourceError

#: Seconds that a run waits for the one before it, and how often it looks.
WAIT = 1800.0
LOOK = 0.5


@contextmanager
def alone(source_id: str) -> Iterator[None]:
    """The source is nobody else's for as long as the context lasts.

    :raises SourceError: another run did not end in half an hour
    """
    with _held(source_id, shared=False):
        yield


@contextmanager
def shared(source_id: str) -> Iterator[None]:
    """Nobody reads the source anew for as long as the context lasts.

    :raises SourceError: a run has been reading it for half an hour
    """
    with _held(source_id, shared=True):
        yield


@contextmanager
def _held(source_id: str, shared: bool) -> Iterator[None]:
    key = sa.func.hashtextextended(f"govopen:source:{source_id}", 0)
    take = sa.func.pg_try_advisory_lock_shared if shared else sa.func.pg_try_advisory_lock
    give = sa.func.pg_advisory_unlock_shared if shared else sa.func.pg_advisory_unlock
    end = time.monotonic() + WAIT
    engine = model.meta.engine
    assert engine is not None
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while not connection.scalar(sa.select(take(key))):
            if time.monotonic() >= end:
                raise SourceError(
                    toolkit._("Another run of this source has not ended yet. Run it again later.")
                )
            time.sleep(LOOK)
        try:
            yield
        finally:
            connection.execute(sa.select(give(key)))
