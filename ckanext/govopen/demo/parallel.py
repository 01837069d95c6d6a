"""Shares of a long piece of work in processes of their own, each with its own connections."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from ckan import model


class ShareFailed(Exception):
    """A share was not done; its process has said why on its error output."""


def run(work: Callable[[list[Any]], None], items: Sequence[Any], workers: int) -> None:
    """Has ``work`` done on all items: here, or divided among as many processes.

    :raises ShareFailed: one of them failed
    """
    if workers < 2 or len(items) < 2:
        work(list(items))
        return
    # Connections are not to be shared by processes: each begins with none.
    model.Session.remove()
    children = [_child(work, list(items[number::workers])) for number in range(workers)]
    failed = [child for child in children if os.waitpid(child, 0)[1] != 0]
    if failed:
        raise ShareFailed("A part of the demonstration could not be loaded; see above.")


def _child(work: Callable[[list[Any]], None], share: list[Any]) -> int:
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        engine = model.meta.engine
        assert engine is not None
        engine.dispose(close=False)
        work(share)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
