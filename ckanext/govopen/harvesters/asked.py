"""A source as somebody asks about it: not saved yet, or looked at without a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class SourceLike(Protocol):
    """What a reader takes from a source, be it a harvest source or :class:`Asked`."""

    @property
    def id(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def config(self) -> str | None: ...


class JobLike(Protocol):
    """What a reader takes from a harvest job or :class:`Question`."""

    @property
    def id(self) -> str: ...
    @property
    def source(self) -> SourceLike: ...


@dataclass(frozen=True)
class Asked:
    """What stands in the place of a saved source.

    ``config`` is as it is saved, ``given`` are the powers that count for it, ``seconds`` and
    ``max_bytes`` what the whole reading may take, ``table`` a file that was sent along, in the
    place of one at its address. ``memory`` says whether what the last run left may be used.
    """

    id: str
    url: str
    config: str | None
    given: frozenset[str]
    seconds: float
    max_bytes: int
    table: Path | None = None
    memory: bool = False


@dataclass(frozen=True)
class Question:
    """What stands in the place of a harvest job."""

    source: Asked
    id: str = ""


def asked(source: SourceLike) -> Asked | None:
    """The source of a job, if it is only asked about."""
    return source if isinstance(source, Asked) else None
