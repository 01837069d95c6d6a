"""The number beside the desk in the head of every page."""

from __future__ import annotations

from typing import Any

from ckan import model
from ckan.plugins import toolkit

from ckanext.govopen.domain.duty import Duty
from ckanext.govopen.logic import application as cases
from ckanext.govopen.model import waiting

__all__ = ["govopen_desk_count"]


@toolkit.side_effect_free
def govopen_desk_count(context: Any, data_dict: dict[str, Any]) -> dict[str, int]:
    """How many parts of applications wait for the caller, by one query.

    :returns: ``{"applications": number}``
    """
    toolkit.check_access("govopen_desk_count", context, data_dict)
    actor = cases.actor(context)
    handles = {place for place, duty in actor.duties if duty == Duty.HANDLER.value}
    if not actor.user_id:
        return {"applications": 0}
    return {"applications": waiting.count(model.Session, actor.user_id, handles, actor.authority)}
