"""Everybody with an account has a desk."""

from __future__ import annotations

from typing import Any

__all__ = ["govopen_desk_count"]


def govopen_desk_count(context: Any, data_dict: Any) -> dict[str, Any]:
    """As for the desk itself: CKAN has asked for an account already."""
    return {"success": True}
