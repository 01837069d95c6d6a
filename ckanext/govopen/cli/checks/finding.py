"""One thing that the doctor found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

Level = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Finding:
    """``error``: something may leak or does not work; ``warning``: look at it; ``note``: to know.

    ``code`` is stable, ``todo`` says what to do.
    """

    level: Level
    code: str
    message: str
    todo: str

    def as_dict(self) -> dict[str, str]:
        """For JSON."""
        return asdict(self)


def error(code: str, message: str, todo: str) -> Finding:
    """A finding that makes the doctor's exit code 1."""
    return Finding("error", code, message, todo)


def warning(code: str, message: str, todo: str) -> Finding:
    """A finding to look at."""
    return Finding("warning", code, message, todo)


def note(code: str, message: str, todo: str = "") -> Finding:
    """A finding to know about."""
    return Finding("note", code, message, todo)
