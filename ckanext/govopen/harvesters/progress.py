"""How far a run is, for whoever waits for it: written now and then, read by pages and programs."""

from __future__ import annotations

import time

from ckan import model

from ckanext.govopen.logic.command import now
from ckanext.govopen.model import catalogue as table

#: Seconds between two notes of one reading.
EVERY = 2.0


class Progress:
    """What a gather stage says of itself. Notes are committed with what it wrote so far."""

    def __init__(self, run_id: str) -> None:
        self._run = run_id
        self._last = time.monotonic()

    def reading(self, received: int, announced: int | None) -> None:
        """So many records came, of so many that the source says it has."""
        moment = time.monotonic()
        if moment - self._last < EVERY:
            return
        self._last = moment
        self._note({"phase": "reading", "read": received, "announced": announced})

    def writing(self, total: int) -> None:
        """The source was read: so many records are to be gone through."""
        self._note({"phase": "writing", "total": total, "since": now().isoformat()})

    def _note(self, values: dict[str, object]) -> None:
        table.note_progress(model.Session, self._run, values)
        model.Session.commit()
