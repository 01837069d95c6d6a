"""What waits for the caller."""

from __future__ import annotations

from typing import Any

from ckan import model
from ckan.plugins import toolkit

from ckanext.govopen.access.viewer import person
from ckanext.govopen.logic import application as cases
from ckanext.govopen.logic import application_show as showing
from ckanext.govopen.logic import command
from ckanext.govopen.model import application as stored

__all__ = ["govopen_desk"]

#: Rows of each kind on the desk; the pages of the kinds list all.
_ROWS = 100


@toolkit.side_effect_free
def govopen_desk(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """What waits for the caller's decision, and what he waits for.

    :returns: ``{"waiting": [{"kind", "id", "title", "organization", "since", "due", "days_left",
        "overdue", "article"}], "mine": […the same], "counts": {"waiting", "mine"}}``; ``due`` is
        None where the regulation sets no date; an application's ``title`` is its number
    """
    toolkit.check_access("govopen_desk", context, data_dict)
    waiting, mine = _applications(context)
    if person(context).is_staff:
        to_review, under_review = _reviews(context)
        waiting, mine = waiting + to_review, mine + under_review
    waiting.sort(key=lambda one: (one["due"] is None, one["due"] or "", one["since"] or ""))
    return {
        "waiting": waiting,
        "mine": mine,
        "counts": {"waiting": len(waiting), "mine": len(mine)},
    }


def _reviews(context: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    found = toolkit.get_action("govopen_review_list")(
        {"user": context.get("user"), "auth_user_obj": context.get("auth_user_obj")},
        {"limit": _ROWS},
    )
    waiting = [_entry(row) for row in found["results"] if "decide" in row["may"]]
    mine = [
        _entry(row)
        for row in found["results"]
        if "decide" not in row["may"] and ("submit" in row["may"] or row["state"] == "submitted")
    ]
    return waiting, mine


def _applications(context: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Parts of applications in which it is the caller's turn, and those he waits for."""
    who, now = person(context), command.now()
    waiting: list[dict[str, Any]] = []
    mine: list[dict[str, Any]] = []
    names = showing.Names(context)
    if who.user_id is not None:
        for row, part in stored.own(model.Session, who.user_id, _ROWS):
            his = part.status in ("returned", "approved")
            (waiting if his else mine).append(_case(row, part, names, now))
    if not who.is_staff:
        return waiting, mine
    everything = cases.reads_all(context)
    for row, part in stored.desk(model.Session, cases.places(context), everything, _ROWS):
        if row.user_id == who.user_id or part.status in ("returned", "approved"):
            continue
        state = stored.state(model.Session, row.id)
        found = state.part(part.organization_id) if state is not None else None
        if state is None or found is None:
            continue
        turn = who.user_id in cases.waiting_for(found, cases.rules_for(state))
        if turn:
            waiting.append(_case(row, part, names, now))
        elif not everything:
            mine.append(_case(row, part, names, now))
    return waiting, mine


def _case(
    row: stored.ApplicationRow, part: stored.PartRow, names: showing.Names, now: Any
) -> dict[str, Any]:
    line = showing.part_line(part, names, now)
    return {
        "kind": f"application_{part.status}",
        "id": row.id,
        "title": row.number,
        "organization": line["organization"]["title"],
        "since": line["received_at"],
        **{key: line[key] for key in ("due", "days_left", "overdue", "article")},
    }


def _entry(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": f"review_{row['state']}",
        "id": row["id"],
        "title": row["dataset"]["title"],
        "organization": row["organization"]["title"],
        "since": row["submitted_at"] or row["changed_at"],
        "due": None,
        "days_left": None,
        "overdue": False,
        "article": None,
    }
