"""What waits for the caller."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any

from ckan import model
from ckan.plugins import toolkit

from ckanext.govopen.access.viewer import person
from ckanext.govopen.logic import application as cases
from ckanext.govopen.logic import application_list as listing
from ckanext.govopen.logic import application_names as naming
from ckanext.govopen.logic import command, overdue, unhandled
from ckanext.govopen.logic import desk as desks
from ckanext.govopen.logic.schema import review as schema
from ckanext.govopen.logic.schema import values
from ckanext.govopen.logic.schema.table import takes
from ckanext.govopen.model import application as stored
from ckanext.govopen.model import review as reviews
from ckanext.govopen.model import waiting
from ckanext.govopen.model.waiting import Narrow, Tally

__all__ = ["govopen_desk"]

#: Rows of each kind on the desk; the pages of the kinds list all.
_ROWS = 100


@toolkit.side_effect_free
@takes(schema.DESK)
def govopen_desk(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """What waits for the caller's next step, and what he waits for.

    :param kind: only ``application_submitted``, ``_returned``, ``_accepted`` or ``_approved``,
        ``review_open``, ``_submitted`` or ``_returned`` (optional)
    :param organization: id or name of a department, only what is about its data (optional)
    :param overdue: true: only what is overdue (optional)
    :returns: ``{"waiting": [{"kind", "id", "title", "organization", "since", "due", "days_left",
        "overdue", "article", "internal"}], "mine": […the same], "counts": {"waiting", "mine"},
        "kinds": {kind: number}, "organizations": [{"id", "name", "title", "number"}],
        "overdue": number, "late_datasets": {"count", "results": [{"id", "name", "title",
        "organization", "due", "days_late"}]}}``; ``due`` is None where the regulation sets no
        date; an application's ``title`` is its number. ``kinds``, ``organizations`` and
        ``overdue`` count all that is on the desk, ``counts`` what was asked for: at most 100 of a
        kind are listed. ``late_datasets`` are released ones of his departments whose data is older
        than its update cycle allows; a ``kind`` that is asked for leaves them out.
        ``without_handler``, for the data authority and the operator: ``[{"id", "name", "title"}]``
        of the departments where nobody would answer an application.
    """
    toolkit.check_access("govopen_desk", context, data_dict)
    narrow = _narrow(data_dict)
    who, now = desks.holder(context), command.now()
    found = waiting.tallies(model.Session, who, now) if who is not None else []
    here = waiting.organizations(model.Session, (one.organization_id for one in found))
    result: dict[str, Any] = {"waiting": [], "mine": [], "counts": {}}
    for name, mine in (("waiting", True), ("mine", False)):
        if who is not None:
            result[name] = _rows(context, who, mine, narrow, now, here)
        result["counts"][name] = sum(
            one.number for one in found if one.mine is mine and _fits(one, narrow)
        )
    result["kinds"] = _sums((one.kind, one.number) for one in found)
    numbers = _sums((one.organization_id, one.number) for one in found)
    result["organizations"] = sorted(
        ({**place, "number": numbers[id]} for id, place in here.items()),
        key=lambda place: (-place["number"], place["title"]),
    )
    result["overdue"] = sum(one.number for one in found if one.overdue)
    result["late_datasets"] = overdue.listed(_keeps(who, narrow), here, now, _ROWS)
    result["without_handler"] = _unhandled(context, now)
    return result


def _unhandled(context: Any, now: datetime.datetime) -> list[dict[str, str]]:
    """Departments under his authority in which nobody would answer an application."""
    someone, actor = person(context), cases.actor(context)
    if not (someone.sees_everything or someone.area):
        return []
    return [
        one
        for one in unhandled.departments(now)
        if actor.operator or actor.is_authority_of(one["id"])
    ]


def _keeps(who: waiting.Holder | None, narrow: Narrow) -> frozenset[str]:
    """The departments whose data he keeps, as far as they are asked for."""
    if who is None or narrow.kind:
        return frozenset()
    places = who.edits | who.provider.get("handler", frozenset())
    return places & {narrow.organization_id} if narrow.organization_id else places


def _narrow(data: dict[str, Any]) -> Narrow:
    given = schema.DESK.read(data)
    place = given["organization"]
    return Narrow(given["kind"], place.id if place else None, given["overdue"])


def _fits(one: Tally, narrow: Narrow) -> bool:
    return (
        narrow.kind in ("", one.kind)
        and narrow.organization_id in (None, one.organization_id)
        and (one.overdue or not narrow.overdue)
    )


def _sums(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for key, number in pairs:
        found[key] = found.get(key, 0) + number
    return found


def _rows(
    context: Any,
    who: waiting.Holder,
    mine: bool,
    narrow: Narrow,
    now: Any,
    here: dict[str, dict[str, str]],
) -> list[dict[str, Any]]:
    names = naming.Names(context, known=here)
    found = [
        _case(id, number, part, names, now)
        for id, number, part in waiting.parts(model.Session, who, mine, narrow, now, _ROWS)
    ]
    found += [
        _review(row, title, here.get(row.organization_id, {}).get("title", ""))
        for row, title in waiting.reviews(model.Session, who, mine, narrow, _ROWS)
    ]
    found.sort(key=lambda one: (one["due"] is None, one["due"] or "", one["since"] or ""))
    return found


def _case(
    id: str, number: str, part: stored.PartRow, names: naming.Names, now: Any
) -> dict[str, Any]:
    line = listing.part_line(part, names, now)
    return {
        "kind": f"application_{part.status}",
        "id": id,
        "title": number,
        "organization": line["organization"]["title"],
        "since": line["received_at"],
        **{key: line[key] for key in ("due", "days_left", "overdue", "article", "internal")},
    }


def _review(row: reviews.ReviewRow, title: str, organization: str) -> dict[str, Any]:
    return {
        "kind": f"review_{row.status}",
        "id": row.id,
        "title": title,
        "organization": organization,
        "since": values.iso(row.submitted_at or row.changed_at),
        "due": None,
        "days_left": None,
        "overdue": False,
        "article": None,
        "internal": False,
    }
