"""The answer of an authorisation function that asks for one of the circles of the inventory."""

from __future__ import annotations

from typing import Any

from ckanext.govopen.access.policy import in_circle
from ckanext.govopen.access.viewer import person


def only(context: Any, circle: str, message: str) -> dict[str, Any]:
    """CKAN's answer: yes for who belongs to the circle, else no with the message."""
    if in_circle(person(context), circle):
        return {"success": True}
    return {"success": False, "msg": message}
