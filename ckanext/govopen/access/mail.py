"""CKAN's mailer with a limit of time: a mail server that does not answer must not hold a worker.

CKAN opens its connection without a time-out. The process's default for new sockets is set while
mail is being sent, and set back by whoever is the last to finish.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

#: Longest wait for the mail server, in seconds, at each step.
SECONDS = 20.0

_lock = threading.Lock()
_senders = 0
_before: float | None = None


@contextmanager
def limited() -> Iterator[None]:
    """Inside, new connections end when the other side is silent for :data:`SECONDS`."""
    global _senders, _before
    with _lock:
        if _senders == 0:
            _before = socket.getdefaulttimeout()
            socket.setdefaulttimeout(SECONDS)
        _senders += 1
    try:
        yield
    finally:
        with _lock:
            _senders -= 1
            if _senders == 0:
                socket.setdefaulttimeout(_before)
