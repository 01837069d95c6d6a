"""The figures are for everybody."""

from __future__ import annotations

from typing import Any

from ckan.plugins import toolkit

__all__ = ["govopen_figures"]


@toolkit.auth_allow_anonymous_access
def govopen_figures(context: Any, data_dict: Any) -> dict[str, Any]:
    """Everybody: what they hold is protected by the rules that make them."""
    return {"success": True}
