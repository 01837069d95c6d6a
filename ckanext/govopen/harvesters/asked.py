"""A source as somebody asks about it: not saved yet, or looked at without a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Asked:
    """What stands in the place of a saved source.

    ``given`` are the powers that count for it, ``seconds`` and ``max_bytes`` what the whole reading
    may take, ``table`` a file that was sent along, in the place of one at its address. ``memory``
    says whether what the last run left may be used.
    """

    id: str
    url: str
    given: frozenset[str]
    seconds: float
    max_bytes: int
    table: Path | None = None
    memory: bool = False


@dataclass(frozen=True)
class Question:
    """What stands in the place of a harvest job: readers take nothing else from one."""

    source: Asked
    id: str = ""


def asked(source: Any) -> Asked | None:
    """The source of a job, if it is only asked about."""
    return source if isinstance(source, Asked) else None
