"""Reading the ledger for somebody: what he may read of it, as a page and as an export."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.plugins import toolkit as tk
from flask import has_request_context, request

from ckanext.govopen.access import ledger as access
from ckanext.govopen.access.viewer import person
from ckanext.govopen.domain import checkpoint as checkpoint_rules
from ckanext.govopen.domain.event import NAMING_TYPES, Readers
from ckanext.govopen.domain.ledger import SealedEvent, redact, stamp
from ckanext.govopen.domain.verification import EXPORT_FORMAT, Report, Verifier
from ckanext.govopen.logic import look, registration
from ckanext.govopen.model import attempts, checkpoint, ledger, settings
from ckanext.govopen.model.application import ApplicationRow
from ckanext.govopen.model.grant import GrantRow
from ckanext.govopen.model.ledger import EventRow

#: Events that somebody who uses a grant may have brought about himself: to staff it is who did it
#: that names him. Of a case any may be the applicant's doing: that he signed gives the grants, that
#: he opened a letter delivers it.
_BY_PARTY = ("grant.persons_changed", "grant.reported", "grant.ended")
_CASE = "application/"
#: It names the persons of an applying organisation.
SUBMITTED = "application.submitted"
PARTS: tuple[Readers, ...] = ("public", "party", "staff")


@dataclass(frozen=True)
class Wanted:
    """Which events: of one stream, about a dataset, of a department (both by id), of a type, from
    a moment to a moment. ``part`` narrows to what one circle reads."""

    stream: str | None = None
    dataset: str | None = None
    organization: str | None = None
    type: str | None = None
    since: datetime.datetime | None = None
    until: datetime.datetime | None = None
    part: Readers | None = None

    @property
    def everything(self) -> bool:
        return self == Wanted(part=self.part)


def _conditions(wanted: Wanted) -> list[Any]:
    event = EventRow.__table__
    found: list[Any] = []
    if wanted.stream is not None:
        found.append(event.c.stream == wanted.stream)
    if wanted.dataset is not None:
        found.append(event.c.payload["dataset"].astext == wanted.dataset)
    if wanted.organization is not None:
        found.append(event.c.payload["organization"].astext == wanted.organization)
    if wanted.type is not None:
        found.append(event.c.type == wanted.type)
    if wanted.since is not None:
        found.append(event.c.at >= wanted.since)
    if wanted.until is not None:
        found.append(event.c.at < wanted.until)
    return found


def page(
    context: Any, wanted: Wanted, limit: int, offset: int
) -> tuple[list[tuple[str, SealedEvent]], bool]:
    """Events that the person may read, newest first, each with the circle he reads it in; and
    whether there are more. ``wanted.part`` leaves out what he reads in another circle."""
    event = EventRow.__table__
    as_whom = access.reader(context, "public" if wanted.part == "public" else "staff")
    query = (
        sa.select(event, as_whom.label("reader"))
        .where(access.readable(as_whom), *_conditions(wanted))
        .order_by(event.c.at.desc(), event.c.id.desc())
        .limit(limit + 1)
        .offset(offset)
    )
    if wanted.part is not None:
        query = query.where(as_whom == wanted.part)
    rows = model.Session.execute(query).all()
    found = [(row.reader, redact(ledger.sealed(row), row.reader)) for row in rows[:limit]]
    return found, len(rows) > limit


def parties(
    rows: Iterable[tuple[str, SealedEvent]], accounts: Mapping[str, str]
) -> dict[tuple[str, int], tuple[str, str]]:
    """The events of :func:`page` that staff reads and the person concerned brought about himself.

    ``accounts`` are the user ids behind numbers. By (stream, version): (user id, department).
    """
    own = [
        row
        for reader, row in rows
        if reader == "staff" and (row.type in _BY_PARTY or row.stream.startswith(_CASE))
    ]
    ids = [row.stream.partition("/")[2] for row in own]
    held: dict[str, GrantRow] = {}
    applicants: dict[str, str] = {}
    if ids:
        query = sa.select(GrantRow).where(GrantRow.id.in_(ids))
        held = {grant.id: grant for grant in model.Session.scalars(query)}
        table: sa.Table = ApplicationRow.__table__  # pyright: ignore[reportAssignmentType]
        cases = sa.select(table.c.id, table.c.user_id).where(table.c.id.in_(ids))
        applicants = {row.id: row.user_id for row in model.Session.execute(cases)}
    found: dict[tuple[str, int], tuple[str, str]] = {}
    for row in own:
        user, id = accounts.get(row.actor or ""), row.stream.partition("/")[2]
        if user is None:
            continue
        if row.stream.startswith(_CASE):
            if user != applicants.get(id):
                continue
            place = str(row.payload.get("organization") or "")
        else:
            grant = held.get(id)
            if grant is None or user not in {
                *grant.persons, grant.authorised, *_persons(row.type, row.payload)
            }:  # fmt: skip
                continue
            place = grant.organization_id
        found[row.stream, row.version] = user, place
    return found


def naming(
    rows: Iterable[tuple[str, SealedEvent]],
    shown: Mapping[tuple[str, int], str] = MappingProxyType({}),
) -> dict[str, set[str]]:
    """The streams among events of :func:`page` in which staff reads who an applicant is, or who
    uses a grant; and the latter, by user id.

    ``shown`` are those of :func:`parties` whose names the reader gets, by (stream, version).
    """
    found: dict[str, set[str]] = {}
    for reader, row in rows:
        user = shown.get((row.stream, row.version))
        if reader != "staff" or (row.type not in NAMING_TYPES and user is None):
            continue
        named = found.setdefault(row.stream, set())
        named |= _persons(row.type, row.payload)
        if user is not None:
            named.add(user)
    return found


def _persons(type: str, payload: Mapping[str, Any]) -> set[str]:
    """Whom an event of a grant names, and one of a case beside its applicant; what was erased names
    nobody any more."""
    if type == SUBMITTED:
        return set(payload.get("persons", ()))
    if type == "grant.given":
        holder = payload.get("holder") or {}
        return {*holder.get("persons", ()), *filter(None, [holder.get("authorised")])}
    return {*payload.get("added", ()), *payload.get("removed", ())}


def may_export(context: Any) -> bool:
    """Is it not too often? Counts one export of somebody without an account, by his address."""
    if person(context).user_id is not None or person(context).sees_everything:
        return True
    if not has_request_context():
        return True
    origin = registration.block(request.remote_addr, request.headers.get("X-Forwarded-For"))
    return attempts.count("ledger-export", origin, settings.ledger_exports_per_minute(), 60).yes


def export(
    context: Any, wanted: Wanted, now: datetime.datetime, after: str | None = None
) -> Iterator[tuple[str, str | None]]:
    """Lines of an export, each with the stream it belongs to: the header (None), then the events by
    stream and version, redacted.

    A stream is there with all its events if the person may read one of them; the others are
    withheld, so that the chain can be verified. ``wanted.part`` is the widest circle in whose
    place the export is made: ``public`` is what everybody gets. ``after`` leaves out the streams
    up to this name. Read from one statement, whatever is written meanwhile.
    """
    event = EventRow.__table__
    most = wanted.part or "staff"
    if most != "public":  # what staff reads in the place of a party names people as well
        _note(context, wanted, after)
    whole = access.oversees(person(context)) and most == "staff" and wanted.everything
    yield (
        _line(
            {
                "format": EXPORT_FORMAT,
                "made_at": stamp(now),
                "reader": most,
                "site": tk.config["ckan.site_url"],
                "whole": whole and after is None,
            }
        ),
        None,
    )
    as_whom = access.reader(context, most)
    streams = sa.select(event.c.stream).where(access.readable(as_whom), *_conditions(wanted))
    query = sa.select(event, as_whom.label("reader")).order_by(event.c.stream, event.c.version)
    if not whole:
        query = query.where(event.c.stream.in_(streams))
    if after is not None:
        query = query.where(event.c.stream > after)
    for row in model.Session.execute(query.execution_options(yield_per=500)):
        yield _line(redact(ledger.sealed(row), row.reader).as_dict()), row.stream


def _note(context: Any, wanted: Wanted, after: str | None) -> None:
    """Before an export is handed out: whose names staff reads in it is written down."""
    event = EventRow.__table__
    as_whom = access.reader(context)
    streams = sa.select(event.c.stream).where(access.readable(as_whom), *_conditions(wanted))
    # Of a case it takes only the persons, of the record of a person nothing, to know whom it names.
    named_in = sa.case(
        (event.c.type.startswith("grant.", autoescape=True), event.c.payload),
        (
            event.c.type == SUBMITTED,
            sa.func.jsonb_build_object(
                "persons", sa.func.coalesce(event.c.payload["persons"], sa.text("'[]'::jsonb"))
            ),
        ),
    )
    query = sa.select(event.c.stream, event.c.type, named_in.label("payload")).where(
        event.c.type.in_(NAMING_TYPES), as_whom == "staff", event.c.stream.in_(streams)
    )
    if after is not None:
        query = query.where(event.c.stream > after)
    named: dict[str, set[str]] = {}
    for row in model.Session.execute(query):
        named.setdefault(row.stream, set()).update(_persons(row.type, row.payload or {}))
    look.in_ledger(context, named)


def _line(data: Mapping[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n"


def verify(
    known: checkpoint_rules.Known | None, rows: Iterable[SealedEvent], whole: bool
) -> dict[str, Any]:
    """Verifies events of the database; the report as :func:`as_dict` gives it.

    Without ``known`` the checkpoints of the database itself are taken.
    """
    try:
        known = known or checkpoint.known(model.Session)
    except checkpoint_rules.Untrusted as error:
        return {**as_dict(Verifier().finish()), "ok": False, "checkpoint_problem": str(error)}
    verifier = Verifier(known, whole)
    for row in rows:
        verifier.add(row)
    return as_dict(verifier.finish())


def as_dict(report: Report) -> dict[str, Any]:
    """A report of a verification as JSON values."""
    return {
        "ok": not report.faults,
        "checkpoint_problem": "",
        "checkpoint_made_at": report.made_at,
        "events": report.events,
        "streams": report.streams,
        "withheld": report.withheld,
        "faults": [
            {
                "stream": fault.stream,
                "version": fault.version,
                "kind": fault.kind,
                "message": fault.message,
            }
            for fault in report.faults
        ],
        "unproven": [
            {"stream": stream, "from": proven + 1, "to": last}
            for stream, (proven, last) in report.unproven.items()
        ],
    }
