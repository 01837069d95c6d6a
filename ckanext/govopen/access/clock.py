"""The time at which access is decided; tests put another function in its place."""

from __future__ import annotations

import datetime


def now() -> datetime.datetime:
    """The present moment, aware, in UTC."""
    return datetime.datetime.now(datetime.timezone.utc)
