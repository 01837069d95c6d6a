"""The number beside the desk in the head of every page."""

from __future__ import annotations

from typing import Any

from ckan import model
from ckan.plugins import toolkit

from ckanext.govopen.logic import desk
from ckanext.govopen.logic.schema import review as schema
from ckanext.govopen.logic.schema.table import takes
from ckanext.govopen.model import waiting

__all__ = ["govopen_desk_count"]


@toolkit.side_effect_free
@takes(schema.DESK_COUNT)
def govopen_desk_count(context: Any, data_dict: dict[str, Any]) -> dict[str, int]:
    """How many parts of applications and reviews wait for the caller: as many as on his desk.

    :returns: ``{"applications": number, "reviews": number}``
    """
    toolkit.check_access("govopen_desk_count", context, data_dict)
    who = desk.holder(context)
    if who is None:
        return {"applications": 0, "reviews": 0}
    applications, reviews = waiting.count(model.Session, who)
    return {"applications": applications, "reviews": reviews}
