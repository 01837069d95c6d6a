"""What an update leaves out: looked up in the stored dataset or organisation."""

from __future__ import annotations

from typing import Any

from ckan.plugins import toolkit as tk


def is_blank(value: Any) -> bool:
    """Missing, None or an empty text."""
    return value is tk.missing or value is None or (isinstance(value, str) and not value.strip())


def stored_value(context: Any, field: str) -> Any:
    """The stored value of an extra field of the dataset that is being updated, else None."""
    package = context.get("package")
    extras = getattr(package, "extras", None) if package is not None else None
    return (extras or {}).get(field)
