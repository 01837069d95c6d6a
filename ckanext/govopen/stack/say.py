"""What the launcher says on the terminal, and the one error it ends with."""

from __future__ import annotations

import sys
import time


class StackError(Exception):
    """A problem told to the operator: what is wrong, where, and what to do.

    :param message: one or more lines, without a trailing full stop needed
    :param hint: what to do about it
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


_BEGIN = time.monotonic()


def step(text: str) -> None:
    """Tell about one step, with the seconds since the launcher began."""
    print(f"[{time.monotonic() - _BEGIN:6.1f} s] {text}", flush=True)


def line(text: str = "") -> None:
    """Tell a line as it is."""
    print(text, flush=True)


def fail(error: StackError) -> None:
    """Tell an error on standard error, the hint on its own line."""
    print(f"\nportal: {error}", file=sys.stderr, flush=True)
    if error.hint:
        print(f"        {error.hint}", file=sys.stderr, flush=True)
