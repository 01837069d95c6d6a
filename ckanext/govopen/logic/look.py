"""Whoever reads what names an applicant is written down, before it reaches him (SEC-5).

The applicant himself is not, nor a colleague who reads a case without the person in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ckan import model

from ckanext.govopen.access.viewer import person
from ckanext.govopen.domain.application.state import Application, Part
from ckanext.govopen.domain.duty import Duty
from ckanext.govopen.logic import application as cases
from ckanext.govopen.logic import command
from ckanext.govopen.model import application as stored
from ckanext.govopen.model import ledger, levels, look

__all__ = ["CAPACITIES", "WHAT", "in_ledger", "note"]

#: Papers that name the applicant.
WHAT = ("case", "files", "identity", "letter", "agreement", "record")
#: In which capacity somebody reads them.
CAPACITIES = ("handler", "reviewer", "authority", "auditor", "operator", "decides")

#: (organisation id, state) of the parts of a case.
Parts = Sequence[tuple[str, str]]


def note(context: Any, state: Application, what: str, part: Part | None = None) -> None:
    """Writes down that the caller reads ``what`` of a case, and commits.

    ``part`` is the one that the paper is about, if it is about one. With ``defer_commit`` the
    caller of the action commits. What cannot be written down is not read: an error goes up.
    """
    reader = _reader(context, state.applicant)
    if reader is None:
        return
    parts = [(one.organization, one.status) for one in ([part] if part else state.parts)]
    values = _values(context, reader, state.id, state.applicant, what, parts)
    look.add(model.Session, command.now(), **values)
    _commit(context)


def in_ledger(context: Any, streams: Iterable[str]) -> None:
    """Writes down that the caller reads the naming events of these streams of the ledger.

    Not again what he has just read on the page of the case.
    """
    found = {tuple(stream.split("/", 1)) for stream in streams}
    ids = {name for kind, name in found if kind == "application"}
    session, now = model.Session, command.now()
    wanted: list[tuple[str, str, Parts]] = []
    if ids:
        parts = stored.parts(session, ids)
        rows = session.query(stored.ApplicationRow).filter(stored.ApplicationRow.id.in_(ids))
        for row in rows:
            held = [(one.organization_id, one.status) for one in parts.get(row.id, [])]
            wanted.append((row.id, row.user_id, held))
    wanted += [("", name, []) for kind, name in found if kind == "applicant"]
    values = []
    for application, subject, held in sorted(wanted):
        reader = _reader(context, subject)
        if reader is not None:
            values.append(_values(context, reader, application, subject, "record", held))
    if values:
        look.add_unless_recent(session, now, values)
        _commit(context)


def _commit(context: Any) -> None:
    if not context.get("defer_commit"):
        model.Session.commit()


def _reader(context: Any, subject: str) -> int | None:
    """The number of who reads; None for the portal itself and for the person concerned."""
    user_id = person(context).user_id
    if user_id is None or user_id == subject:
        return None
    return int(ledger.pseudonym(model.Session, user_id))


def _values(
    context: Any, reader: int, application: str, subject: str, what: str, parts: Parts
) -> dict[str, Any]:
    capacity, where, status = _capacity(context, parts)
    return {
        "application_id": application,
        "subject_id": subject,
        "actor": reader,
        "what": what,
        "capacity": capacity,
        "organization_id": where,
        "status": status,
    }


def _capacity(context: Any, parts: Parts) -> tuple[str, str | None, str]:
    """By which duty he reads it, where he holds it, and how the case stands there.

    The duty that decides counts first: who decides and oversees reads it to decide.
    """
    who, actor, authority = person(context), cases.actor(context), cases.authority_id()
    for place, status in parts:
        for duty in (Duty.HANDLER, Duty.REVIEWER):
            if actor.has(place, duty):
                return duty.value, place, status
        if place in who.area:
            line = levels.find(model.Session).line(place)
            held = (above for above in line if actor.has(above, Duty.AUTHORITY))
            return Duty.AUTHORITY.value, next(held, None), status
    status = parts[0][1] if parts else ""
    if who.authority:
        return Duty.AUTHORITY.value, authority, status
    if (authority, Duty.AUDITOR.value) in who.duties:
        return Duty.AUDITOR.value, authority, status
    if who.sysadmin:
        return "operator", None, status
    # A body of the regulation that decides beside the provider and the authority.
    places = sorted(place for place, _duty in who.duties)
    return "decides", places[0] if places else None, status
