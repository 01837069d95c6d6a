"""Values that several actions take: moments, people, organisations, lists."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import Any

from ckan import model
from ckan.plugins import toolkit as tk

from ckanext.govopen.domain.terms import SHANGHAI

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class Errors(dict[str, list[str]]):
    """Collects what is wrong, field by field."""

    def add(self, field: str, message: str) -> None:
        """Notes one problem of a field."""
        self.setdefault(field, []).append(message)

    def stop(self) -> None:
        """Raises ``ValidationError`` when anything was noted."""
        if self:
            raise tk.ValidationError(dict(self))


def text(data: Mapping[str, Any], field: str, errors: Errors, required: bool = False) -> str:
    """A text without blanks around it; empty when it is left out."""
    value = data.get(field)
    if value is None or value == "":
        value = ""
    elif not isinstance(value, str) or "\x00" in value:
        errors.add(field, tk._("Must be a text."))
        return ""
    value = value.strip()
    if required and not value:
        errors.add(field, tk._("Missing value"))
    return value


def moment(
    data: Mapping[str, Any], field: str, errors: Errors, end: bool = False
) -> datetime.datetime | None:
    """A point in time from ISO 8601, aware; without a zone it is UTC. None when left out.

    A bare day is a day in China: its beginning, with ``end`` its end (the first moment after it).
    """
    value = text(data, field, errors)
    if not value:
        return None
    try:
        if _DAY.fullmatch(value):
            day = datetime.datetime.fromisoformat(value).replace(tzinfo=SHANGHAI)
            return day + datetime.timedelta(days=1) if end else day
        found = datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
        if found.tzinfo is None:
            return found.replace(tzinfo=datetime.timezone.utc)
        return found.astimezone(datetime.timezone.utc)
    except (ValueError, OverflowError):
        errors.add(
            field, tk._("Not a date: %(value)s. Write it as 2026-11-22.") % {"value": value[:40]}
        )
        return None


def user(data: Mapping[str, Any], field: str, errors: Errors, required: bool = False) -> Any:
    """An active account by its id or name; None when it is left out or unknown."""
    value = text(data, field, errors, required)
    if not value:
        return None
    found = model.User.get(value)
    if found is None or found.state != "active":
        errors.add(field, tk._("There is no account %(name)s.") % {"name": value[:100]})
        return None
    return found


def organization(
    data: Mapping[str, Any], field: str, errors: Errors, required: bool = False
) -> Any:
    """An active organisation by its id or name; None when it is left out or unknown."""
    value = text(data, field, errors, required)
    if not value:
        return None
    found = model.Group.get(value)
    if found is None or not found.is_organization or found.state != "active":
        errors.add(field, tk._("There is no organisation %(name)s.") % {"name": value[:100]})
        return None
    return found


def texts(data: Mapping[str, Any], field: str, errors: Errors) -> list[str]:
    """A list of texts, or one text; empty when it is left out."""
    value = data.get(field)
    if value is None or value == "":
        return []
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        errors.add(field, tk._("Must be a list of texts."))
        return []
    return [item.strip() for item in value if item.strip()]


def iso(value: datetime.datetime | None) -> str | None:
    """ISO 8601 in UTC, None for none."""
    return value.astimezone(datetime.timezone.utc).isoformat() if value is not None else None
