"""Looking at a source without a run: some of its records before it is saved, or all of it dry.

Both read as a run reads and ask what would become of each record; neither writes anything.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ckan import model

from ckanext.govopen.domain import catalogue as mapping
from ckanext.govopen.domain.refusal import N_
from ckanext.govopen.harvesters.reading import Entry, Reading, SourceError
from ckanext.govopen.harvesters.spool import Spool
from ckanext.govopen.logic.catalogue_source import admitted
from ckanext.govopen.logic.forecast import Forecast, Forecaster
from ckanext.govopen.logic.reasons import reason
from ckanext.govopen.logic.told import told as _
from ckanext.govopen.model import catalogue as table
from ckanext.govopen.model import settings

#: Records of a source that are looked at before it is saved, and how many of them are shown.
LOOKED_AT = 200
SAMPLES = 10
#: Records that are asked about together, and most lines of one kind that a dry run lists.
BATCH = 200
LISTED = 1000
#: Seconds between two words about how far a dry run is.
TICK = 1.0
#: What is shown first of what may become of a record: the rarer and the worse.
_ORDER = ("refused", "kept_back", "withdrawn", "changed", "new", "closed", "unchanged")

#: Told how many records were read and how many the source said it has.
Told = Callable[[int, int | None], None]


@dataclass
class Trial:
    """What a look at a source brought. ``problem`` says why it could not be read to the end of
    the look; ``more`` that there are more records than were looked at.
    """

    samples: list[Forecast] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    read: int = 0
    announced: int | None = None
    more: bool = False
    problem: str = ""


@dataclass
class DryRun:
    """What a whole run would do. ``lists`` holds the first lines of each kind; ``held`` says why
    missing records would not be withdrawn, ``whole`` whether the source was read to its end.
    """

    counts: Counter[str] = field(default_factory=Counter)
    lists: dict[str, list[Forecast]] = field(default_factory=dict)
    announced: int | None = None
    whole: bool = False
    held: str = ""
    problem: str = ""
    seconds: float = 0.0

    def note(self, found: Forecast) -> None:
        """Counts a record as a run would, and lists it."""
        self.counts["seen"] += 1
        self.counts["unchanged" if found.kind == "closed" else found.kind] += 1
        self.put(found)

    def put(self, found: Forecast) -> None:
        """Lists a line, as long as there is room."""
        lines = self.lists.setdefault(found.kind, [])
        if len(lines) < LISTED:
            lines.append(found)


def look(reading: Reading, forecaster: Forecaster, seconds: float) -> Trial:
    """Reads the first records of a source and chooses some that show what may happen."""
    trial, end = Trial(), time.monotonic() + seconds
    found: list[Forecast] = []
    records: list[tuple[Any, str]] = []
    if reading.begin:
        reading.begin({})
    entries = reading.entries
    try:
        for entry in entries:
            parsed = _parsed(forecaster, entry)
            if isinstance(parsed, mapping.RecordError):
                found.append(forecaster.unreadable(parsed, entry.place))
            else:
                records.append((parsed, entry.place))
            trial.read += 1
            trial.more = trial.read >= LOOKED_AT or time.monotonic() > end
            if trial.more:
                break
    except SourceError as error:
        trial.problem = str(error)
    finally:
        _close(entries)
    trial.announced = reading.announced
    found += forecaster.of(records)
    trial.counts.update(one.kind for one in found)
    trial.samples = _chosen(found)
    model.Session.rollback()
    return trial


def sweep(
    reading: Reading,
    forecaster: Forecaster,
    withdrawal: mapping.Withdrawal,
    seconds: float,
    told: Told | None = None,
) -> DryRun:
    """What a run would do with the whole source; see :mod:`run` for what one does."""
    began = time.monotonic()
    known = table.states(model.Session, forecaster.source.id)
    with Spool(settings.harvest_max_bytes()) as spool:
        dry = _Sweeping(reading, forecaster, spool, mapping.Sweep(known), began + seconds, told)
        if reading.begin:
            reading.begin(known)
        try:
            dry.read(reading.entries)
            dry.again = True
            dry.read(reading.rest(dry.taken.different))
            if not reading.partial:
                dry.absent(withdrawal)
            dry.result.whole = True
        except SourceError as error:
            dry.result.problem = str(error)
        finally:
            _close(reading.entries)
        dry.conclude()
    dry.result.announced = reading.announced
    dry.result.seconds = time.monotonic() - began
    model.Session.rollback()
    return dry.result


@dataclass
class _Sweeping:
    """One dry run while it reads."""

    reading: Reading
    forecaster: Forecaster
    spool: Spool
    taken: mapping.Sweep
    end: float
    told: Told | None
    result: DryRun = field(default_factory=DryRun)
    gone: tuple[str, ...] = ()
    _refused: set[str] = field(default_factory=set)
    _said: float = 0.0
    #: Is the source being read once more?
    again: bool = False

    def read(self, entries: Iterator[Entry]) -> None:
        """Reads to the end, or as long as there is time."""
        for entry in entries:
            self._take(entry)
            now = time.monotonic()
            if now > self.end:
                raise SourceError(
                    _(
                        "The time for a look at the page was over before the source was read. "
                        "Only what was read is shown; ckan govopen harvest dry-run reads all of it."
                    )
                )
            if self.told and now - self._said >= TICK:
                self._said = now
                self.told(self.taken.received, self.reading.announced)

    def absent(self, withdrawal: mapping.Withdrawal) -> None:
        """What would be withdrawn since it is missing, or why it would not."""
        look, announced = self.reading.look, self.reading.announced
        found = self.taken.absence(withdrawal, None if look else announced)
        if look and not found.held:
            for code in found.missing:
                self._ask(look, code)
            found = self.taken.absence(withdrawal)
        self.result.held = found.held
        self.result.counts["missing"] = len(found.missing)
        if found.held:
            self._list("missing", found.missing, reason("missing", N_("Missing in the source.")))
        else:
            self.gone = found.missing

    def conclude(self) -> None:
        """Asks what would become of every record that counts."""
        places = [*self.taken.places("first"), *self.taken.places("later")]
        for start in range(0, len(places), BATCH):
            some = [self._stored(raw) for raw in self.spool.read(places[start : start + BATCH])]
            for found in self.forecaster.of(some):
                self.result.note(found)
            model.Session.rollback()
        same = sum(1 for _ in self.taken.same())
        self.result.counts.update(seen=same, unchanged=same)
        why = reason("missing", N_("The record is no longer in the catalogue."))
        self._list("withdrawn", self.gone, why)
        self.result.counts["withdrawn"] += len(self.gone)

    def _list(self, kind: str, codes: Sequence[str], why: dict[str, Any]) -> None:
        for code in codes[:LISTED]:
            self.result.put(Forecast(code, kind, reasons=[why]))

    @staticmethod
    def _stored(spooled: Any) -> tuple[Any, str]:
        record = mapping.parse_record(spooled["record"])
        assert not isinstance(record, mapping.RecordError)  # it was read before
        return record, spooled["place"]

    def _take(self, entry: Entry) -> None:
        if entry.unchanged:
            self.taken.unchanged(entry.unchanged)
            return
        parsed = _parsed(self.forecaster, entry)
        if isinstance(parsed, mapping.RecordError):
            self._refuse(parsed, entry.place)
            return
        entry.code, entry.digest = parsed.code, self.forecaster.digest(parsed)
        outcome = self.forecaster.outcome(parsed)
        place = self.spool.place
        if self.taken.take(parsed.code, parsed.version, entry.digest, outcome, place) in (
            "first",
            "later",
        ):
            self.spool.write({"record": entry.record, "place": entry.place})

    def _refuse(self, problem: mapping.RecordError, place: str) -> None:
        if self.again and not problem.code:
            return  # it was told when it came first
        self.taken.refuse(problem.code)
        if problem.code and problem.code in self._refused and not place:
            return
        self._refused.add(problem.code)
        self.result.note(self.forecaster.unreadable(problem, place))

    def _ask(self, look: Callable[[str], Any], code: str) -> None:
        record = look(code)
        if record is None:
            return
        self._take(Entry(record=record))
        if code not in self.taken:
            self.taken.refuse(code)


def _parsed(forecaster: Forecaster, entry: Entry) -> mapping.Record | mapping.RecordError:
    if entry.problem is not None:
        return entry.problem
    entry.record = admitted(forecaster.source, entry.record)
    return mapping.parse_record(entry.record)


def _chosen(found: Sequence[Forecast]) -> list[Forecast]:
    """Some of each kind, and in the end as many as are shown."""
    by_kind = {kind: [one for one in found if one.kind == kind] for kind in _ORDER}
    chosen: list[Forecast] = []
    while len(chosen) < min(SAMPLES, len(found)):
        for lines in by_kind.values():
            if lines and len(chosen) < SAMPLES:
                chosen.append(lines.pop(0))
    return sorted(chosen, key=lambda one: _ORDER.index(one.kind))


def _close(entries: Any) -> None:
    """Ends a reader in the middle: it may hold a file or a connection."""
    close = getattr(entries, "close", None)
    if close is not None:
        close()
