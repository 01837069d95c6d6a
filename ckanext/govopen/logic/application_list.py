"""Applications in lists and on the desk: without content, each reader's own parts."""

from __future__ import annotations

from typing import Any

from ckan import model

from ckanext.govopen.access.viewer import person
from ckanext.govopen.logic import application as cases
from ckanext.govopen.logic import command
from ckanext.govopen.logic.application_names import Names
from ckanext.govopen.logic.schema import values
from ckanext.govopen.model import application as stored
from ckanext.govopen.model import application_list as lists


def listed(context: Any, rows: list[stored.ApplicationRow]) -> list[dict[str, Any]]:
    """Cases in a list: without content, each reader's own parts."""
    now, who = command.now(), person(context)
    parts = stored.parts(model.Session, [row.id for row in rows])
    wanted = lists.datasets(model.Session, [row.id for row in rows])
    names = Names(context)
    names.look_up(one for found in wanted.values() for _place, one in found)
    places, all_of_them = cases.places(context), cases.reads_all(context)
    result = []
    for row in rows:
        mine = who.user_id is not None and who.user_id == row.user_id
        seen = [
            part for part in parts.get(row.id, [])
            if mine or all_of_them or part.organization_id in places
        ]  # fmt: skip
        visible = {part.organization_id for part in seen}
        titles = [
            names.datasets[one]["title"] for place, one in wanted.get(row.id, [])
            if place in visible and names.datasets[one]["title"]
        ]  # fmt: skip
        if not parts.get(row.id):
            titles = _drafted(names, row)
        result.append(
            {
                "id": row.id,
                "number": row.number,
                "status": row.status,
                "mine": mine,
                "kind": row.kind,
                "applicant": None,
                "titles": titles,
                "created_at": values.iso(row.created_at),
                "changed_at": values.iso(row.changed_at),
                "submitted_at": values.iso(row.submitted_at),
                "parts": [part_line(part, names, now) for part in seen],
            }
        )
    return result


def _drafted(names: Names, row: stored.ApplicationRow) -> list[str]:
    ids = [
        one.get("dataset", "")
        for part in (row.draft or {}).get("parts") or []
        for one in part.get("datasets") or []
    ]
    names.look_up(ids)
    return [names.datasets[one]["title"] for one in ids if names.datasets[one]["title"]]


def part_line(part: stored.PartRow, names: Names, now: Any) -> dict[str, Any]:
    """A part in a list: where it stands, whose turn it is, until when."""
    left = None
    if part.due is not None:
        left = (cases.local_date(part.due) - cases.local_date(now)).days
    return {
        "organization": names.organization(part.organization_id),
        "status": part.status,
        "waits_for": list(part.waits_for or []),
        "clock": part.clock,
        "due": cases.local_date(part.due).isoformat() if part.due else None,
        "days_left": left,
        "overdue": part.due is not None and part.due < now,
        "article": part.article,
        "provisional": part.provisional,
        "internal": part.internal,
        "received_at": values.iso(part.received_at),
    }
