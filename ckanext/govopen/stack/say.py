"""What the launcher says on the terminal, and the one error it ends with."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path


class StackError(Exception):
    """A problem told to the operator: what is wrong, where, and what to do.

    :param message: one or more lines, without a trailing full stop needed
    :param hint: what to do about it
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


_BEGIN = time.monotonic()
_COMMAND = "./portal"
#: How the launcher has to be called to reach the same portal again.
_called = _COMMAND


def called_with(home: Path | None) -> None:
    """Remember the folder that was asked for: commands that are proposed name it too."""
    global _called
    _called = f"{_COMMAND} --home {shlex.quote(str(home))}" if home else _COMMAND


def _proposed(text: str) -> str:
    return text.replace(f"{_COMMAND} ", f"{_called} ")


def step(text: str) -> None:
    """Tell about one step, with the seconds since the launcher began."""
    print(f"[{time.monotonic() - _BEGIN:6.1f} s] {text}", flush=True)


def line(text: str = "") -> None:
    """Tell a line as it is."""
    print(_proposed(text), flush=True)


def fail(error: StackError) -> None:
    """Tell an error on standard error, the hint on its own line."""
    print(f"\nportal: {_proposed(str(error))}", file=sys.stderr, flush=True)
    if error.hint:
        print(f"        {_proposed(error.hint)}", file=sys.stderr, flush=True)
