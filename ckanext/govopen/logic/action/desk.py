"""What waits for the caller."""

from __future__ import annotations

from typing import Any

from ckan.plugins import toolkit

from ckanext.govopen.access.viewer import person

__all__ = ["govopen_desk"]

#: Rows of each kind on the desk; the pages of the kinds list all.
_ROWS = 100


@toolkit.side_effect_free
def govopen_desk(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """What waits for the caller's decision, and what he waits for.

    :returns: ``{"waiting": [{"kind", "id", "title", "organization", "since", "due", "article"}],
        "mine": […the same], "counts": {"waiting", "mine"}}``; ``due`` is None where the regulation
        sets no date
    """
    toolkit.check_access("govopen_desk", context, data_dict)
    if not person(context).is_staff:
        return {"waiting": [], "mine": [], "counts": {"waiting": 0, "mine": 0}}
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
    return {
        "waiting": waiting,
        "mine": mine,
        "counts": {"waiting": len(waiting), "mine": len(mine)},
    }


def _entry(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": f"review_{row['state']}",
        "id": row["id"],
        "title": row["dataset"]["title"],
        "organization": row["organization"]["title"],
        "since": row["submitted_at"] or row["changed_at"],
        "due": None,
        "article": None,
    }
