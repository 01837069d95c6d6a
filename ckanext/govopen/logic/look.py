"""Whoever reads what names an applicant, or a person who uses a grant, is written down, before it
reaches him (SEC-5).

The person himself is not, nor a colleague who reads a case or a grant without the people in it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from ckan import model

from ckanext.govopen.access.policy import Person
from ckanext.govopen.access.viewer import person
from ckanext.govopen.domain.application.state import Application, Part
from ckanext.govopen.domain.duty import Actor, Duty
from ckanext.govopen.domain.levels import Levels
from ckanext.govopen.logic import application as cases
from ckanext.govopen.logic import command
from ckanext.govopen.model import application as stored
from ckanext.govopen.model import ledger, levels, look
from ckanext.govopen.model.access_log import AccessRow
from ckanext.govopen.model.grant import GrantRow

__all__ = ["CAPACITIES", "WHAT", "grants", "in_ledger", "note", "uses"]

#: Papers that name the applicant, or those who use a grant.
WHAT = ("case", "files", "identity", "letter", "agreement", "record", "grant", "uses")
#: In which capacity somebody reads them.
CAPACITIES = ("handler", "reviewer", "authority", "auditor", "operator", "decides")

#: Papers that name the persons of an applying organisation as well.
OF_ALL = ("case",)

#: (organisation id, state) of the parts of a case, or of the department of a grant.
Parts = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Read:
    """A paper about one person: of which case (empty for none), whose data, which paper, and of
    which grant (empty for what belongs to a case)."""

    application: str
    subject: str
    what: str
    parts: Parts = ()
    grant: str = ""


def note(
    context: Any, state: Application, what: str, part: Part | None = None, *, commit: bool = True
) -> None:
    """Writes down that the caller reads ``what`` of a case, for each person whom it names, and
    commits.

    ``part`` is the one that the paper is about, if it is about one. With ``defer_commit`` the
    caller of the action commits, with ``commit`` False the command of whose answer it is part.
    What cannot be written down is not read: an error goes up.
    """
    parts = tuple((one.organization, one.status) for one in ([part] if part else state.parts))
    subjects = state.concerned if what in OF_ALL else {state.applicant}
    _write(context, [_Read(state.id, subject, what, parts) for subject in subjects], commit)


def grants(context: Any, rows: Iterable[GrantRow], *, commit: bool = True) -> None:
    """Writes down that the caller reads who uses these grants, for each person; as :func:`note`."""
    read = [
        _Read(row.application or "", subject, "grant", ((row.organization_id, ""),), row.id)
        for row in rows
        for subject in _named(row)
    ]
    _write(context, read, commit)


def _named(row: GrantRow) -> set[str]:
    """Whom a grant names: who uses it, and who signed for the organisation that has it."""
    signed = row.created_by and row.created_by == row.authorised
    return {*row.persons, row.authorised} if signed else set(row.persons)


def uses(context: Any, rows: Iterable[AccessRow]) -> None:
    """Writes down that the caller reads who made these uses of grants, for each person."""
    rows = list(rows)
    if not rows or person(context).user_id is None:
        return
    table: sa.Table = GrantRow.__table__  # pyright: ignore[reportAssignmentType]
    query = sa.select(table.c.id, table.c.application)
    found = model.Session.execute(query.where(table.c.id.in_({row.grant_id for row in rows})))
    known = {row.id: row.application or "" for row in found}
    read = [
        _Read(
            known.get(row.grant_id, ""),
            row.user_id,
            "uses",
            ((row.organization_id, ""),),
            row.grant_id,
        )
        for row in rows
    ]
    _write(context, read)


def in_ledger(context: Any, streams: Mapping[str, Collection[str]]) -> None:
    """Writes down that the caller reads the naming events of these streams of the ledger.

    ``streams`` says whom the events name beside the applicant of a case and the person whose record
    it is. Not again what he has just read on the page of the case.
    """
    reader = _Reader.of(context)
    if reader is None:
        return
    found: dict[str, dict[str, Collection[str]]] = {}
    for stream, subjects in streams.items():
        kind, _, name = stream.partition("/")
        found.setdefault(kind, {})[name] = subjects
    read = _of_cases(found.get("application", {})) + _of_grants(found.get("grant", {}))
    read += [_Read("", name, "record") for name in found.get("applicant", {})]
    values = [reader.values(one) for one in _in_order(read, reader)]
    if values:
        look.add_unless_recent(model.Session, command.now(), values)
        _commit(context)


def _of_cases(named: Mapping[str, Collection[str]]) -> list[_Read]:
    if not named:
        return []
    parts = stored.parts(model.Session, named)
    rows = model.Session.query(stored.ApplicationRow).filter(stored.ApplicationRow.id.in_(named))
    return [
        _Read(
            row.id,
            subject,
            "record",
            tuple((one.organization_id, one.status) for one in parts.get(row.id, [])),
        )
        for row in rows
        for subject in {row.user_id, *named[row.id]}
    ]


def _of_grants(named: Mapping[str, Collection[str]]) -> list[_Read]:
    if not named:
        return []
    table: sa.Table = GrantRow.__table__  # pyright: ignore[reportAssignmentType]
    query = sa.select(table.c.id, table.c.application, table.c.organization_id)
    rows = model.Session.execute(query.where(table.c.id.in_(list(named))))
    return [
        _Read(row.application or "", subject, "record", ((row.organization_id, ""),), row.id)
        for row in rows
        for subject in named[row.id]
    ]


def _write(context: Any, read: Iterable[_Read], commit: bool = True) -> None:
    reader = _Reader.of(context)
    if reader is None:
        return
    values = [reader.values(one) for one in _in_order(read, reader)]
    if values:
        look.add(model.Session, command.now(), values)
        if commit:
            _commit(context)


def _in_order(read: Iterable[_Read], reader: _Reader) -> list[_Read]:
    """Each once, but for what is about the reader himself."""
    others = {one for one in read if one.subject != reader.who.user_id}
    return sorted(
        others, key=lambda one: (one.application, one.grant, one.subject, one.what, one.parts)
    )


def _commit(context: Any) -> None:
    if not context.get("defer_commit"):
        model.Session.commit()


@dataclass
class _Reader:
    """Who reads: looked up once, however much it is that he reads."""

    who: Person
    actor: Actor
    authority: str | None
    _number: int | None = None
    _levels: Levels | None = None
    _capacities: dict[Parts, tuple[str, str | None, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, context: Any) -> _Reader | None:
        """None for the portal itself."""
        who = person(context)
        if who.user_id is None:
            return None
        return cls(who, cases.actor(context), cases.authority_id())

    @property
    def number(self) -> int:
        """His number of the ledger; given when he reads something for the first time."""
        if self._number is None:
            self._number = int(ledger.pseudonym(model.Session, self.who.user_id or ""))
        return self._number

    def values(self, read: _Read) -> dict[str, Any]:
        """The columns of a look."""
        if read.parts not in self._capacities:
            self._capacities[read.parts] = self._capacity(read.parts)
        capacity, where, status = self._capacities[read.parts]
        return {
            "application_id": read.application,
            "grant_id": read.grant,
            "subject_id": read.subject,
            "actor": self.number,
            "what": read.what,
            "capacity": capacity,
            "organization_id": where,
            "status": status,
        }

    def _capacity(self, parts: Parts) -> tuple[str, str | None, str]:
        """By which duty he reads it, where he holds it, and how the case stands there.

        The duty that decides counts first: who decides and oversees reads it to decide.
        """
        who, actor = self.who, self.actor
        for place, status in parts:
            for duty in (Duty.HANDLER, Duty.REVIEWER):
                if actor.has(place, duty):
                    return duty.value, place, status
            if place in who.area:
                held = (one for one in self._line(place) if actor.has(one, Duty.AUTHORITY))
                return Duty.AUTHORITY.value, next(held, None), status
        status = parts[0][1] if parts else ""
        if who.authority:
            return Duty.AUTHORITY.value, self.authority, status
        if (self.authority, Duty.AUDITOR.value) in who.duties:
            return Duty.AUDITOR.value, self.authority, status
        if who.sysadmin:
            return "operator", None, status
        # A body of the regulation that decides beside the provider and the authority.
        places = sorted(place for place, _duty in who.duties)
        return "decides", places[0] if places else None, status

    def _line(self, place: str) -> tuple[str, ...]:
        """The authorities above a department."""
        if self._levels is None:
            self._levels = levels.find(model.Session)
        return self._levels.line(place)
