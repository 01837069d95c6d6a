"""What a reader of a source gives, and how it says that it cannot go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ckanext.govopen.domain.catalogue import RecordError
from ckanext.govopen.domain.catalogue.sweep import Known
from ckanext.govopen.logic.catalogue_source import SourceFault


class SourceError(SourceFault):
    """The source cannot be read any further; the message says why and what to do, and holds no
    secret and no address.
    """


@dataclass
class Entry:
    """One record as a reader delivers it: the record, or what is wrong with it, and where it
    stands; or only the codes of a whole page that is ``unchanged`` since the last reading.

    Once taken, a record that could be read has its ``code`` and ``digest``.
    """

    place: str = ""
    record: Any = None
    code: str = ""
    problem: RecordError | None = None
    unchanged: Sequence[str] = ()
    digest: str = ""


@dataclass
class Reading:
    """One reading of a source.

    ``entries`` gives its records; it raises :class:`SourceError` when the source breaks off.
    ``begin`` is told before what the portal knows of the source, ``done`` is called after a
    reading that did not break off.
    ``look`` asks the source for one record that did not come: the record, or None when the source
    says that it is gone. A reader without it is believed. ``announced`` is how many records the
    source said that it has. ``partial`` readings hold changes only: nothing follows from absence.
    ``again`` reads the source once more, in pages that end elsewhere.
    """

    entries: Iterator[Entry]
    look: Callable[[str], Any] | None = None
    begin: Callable[[Mapping[str, Known]], None] | None = None
    done: Callable[[], None] | None = None
    announced: int | None = None
    partial: bool = False
    again: Callable[[], Iterator[Entry]] | None = None

    def rest(self, different: int) -> Iterator[Entry]:
        """The source read once more when it has said that it has more than the ``different``
        records that came: one that moves to a page which was read already comes not at all, and
        when the portal does not know it there is nothing to ask for.
        """
        if self.again is None or self.partial or (self.announced or 0) <= different:
            return iter(())
        return self.again()
