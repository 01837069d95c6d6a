"""The records of one reading on disk: written once, read where they lie, gone with the run."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from typing import Any

from ckanext.govopen.harvesters.reading import SourceError
from ckanext.govopen.logic.told import told as _


class Spool:
    """A file without a name; the system removes it, however the process ends."""

    def __init__(self, max_bytes: int) -> None:
        self._file = tempfile.TemporaryFile(prefix="govopen-spool-")  # noqa: SIM115 (closed by close)
        self._max = max_bytes
        self.place = 0

    def write(self, record: Any) -> None:
        """Puts a record at :attr:`place`.

        :raises SourceError: the catalogue is larger than allowed
        """
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode(
            "utf-8", "surrogatepass"
        )
        if self.place + len(line) + 1 > self._max:
            raise SourceError(
                _(
                    "The catalogue is larger than ckanext.govopen.harvest.max_bytes allows; what "
                    "was read before is kept."
                )
            )
        self._file.write(line)
        self._file.write(b"\n")
        self.place += len(line) + 1

    def read(self, places: Iterable[int]) -> Iterator[Any]:
        """The records that lie at these places, one after the other."""
        for place in places:
            self._file.seek(place)
            yield json.loads(self._file.readline().decode("utf-8", "surrogatepass"))

    def close(self) -> None:
        """Removes it."""
        self._file.close()

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
