"""Shares the rows of a sweep among processes, one for each processor of the machine."""

from __future__ import annotations

import faulthandler
import gc
import logging
import os
import pickle
import signal
import traceback
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from ckan import model
from ckanext.datastore.backend import postgres as datastore
from sqlalchemy.engine import Engine

from ckanext.govopen.tests.access.sweep.sweep import Ask, Sweep

#: Seconds after which a process that has not ended writes where it stands, and goes on.
HANGS = 500


@dataclass(frozen=True)
class Task:
    """A row to ask, or with ``other`` two that must be answered alike."""

    actor: str
    ask: Ask
    other: Ask | None = None
    names: Mapping[str, str] | None = None

    def run(self, sweep: Sweep) -> None:
        if self.other is None:
            sweep.row(self.actor, self.ask)
        else:
            sweep.same(self.actor, self.ask, self.other, self.names or {})

    def part(self, parts: int) -> int:
        """Which part it belongs to: what is compared with the same answer stays together."""
        return zlib.crc32(f"{self.actor} {(self.other or self.ask).key}".encode()) % parts


def run(sweep: Sweep, tasks: Sequence[Task], processes: int | None = None) -> None:
    """Runs all tasks; what came of them is in ``sweep`` as if it had run them itself.

    :raises AssertionError: when a process has not come to its end
    """
    parts = processes or os.cpu_count() or 1
    for actor in {task.actor for task in tasks}:
        user = sweep.world.actors[actor]
        assert user is None or user.deciding.token  # made here, once for all processes
    # Else each child would roll back what is open here, over the one connection that they share:
    # one of them could read the answer of the other, who then waits for ever.
    model.Session.remove()
    children = [
        _child(sweep, [task for task in tasks if task.part(parts) == part]) for part in range(parts)
    ]
    for child, pipe in children:
        with os.fdopen(pipe, "rb") as source:
            told = source.read()
        _, status = os.waitpid(child, 0)
        assert status == 0 and told, f"A process of the sweep failed: {told.decode()}"
        requests, findings, seen, statuses = pickle.loads(told)  # noqa: S301  (our own child)
        sweep.requests += requests
        sweep.findings += findings
        sweep.seen |= seen
        sweep.statuses += statuses


def _child(sweep: Sweep, tasks: Sequence[Task]) -> tuple[int, int]:
    """(process, pipe) of a child that runs the tasks and writes what came of them."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    code = 1
    # No timer of faulthandler: pytest's own has no thread here, and would be waited for.
    faulthandler.register(signal.SIGALRM)
    signal.alarm(HANGS)
    try:
        told = _run(sweep, tasks)
        code = 0
    except BaseException:
        told = traceback.format_exc().encode()
    try:
        with os.fdopen(writing, "wb") as sink:
            sink.write(told)
    finally:
        os._exit(code)


def _run(sweep: Sweep, tasks: Sequence[Task]) -> bytes:
    engines = [cast("Engine", model.Session.get_bind()), *datastore._engines.values()]
    model.Session.remove()
    for engine in engines:
        engine.dispose(close=False)  # these connections are the parent's
    gc.freeze()  # what the parent has made is not looked through again and again
    logging.disable(logging.INFO)  # a line for every request, which nobody reads
    part = Sweep(cast("Any", sweep.world))
    for task in tasks:
        task.run(part)
    return pickle.dumps((part.requests, part.findings, part.seen, part.statuses))
