"""The regulation under which the portal runs, for reading."""

from __future__ import annotations

import dataclasses
import datetime
import enum
from typing import Any

from ckan.plugins import toolkit

from ckanext.govopen.logic.schema import public as schema
from ckanext.govopen.logic.schema.table import takes
from ckanext.govopen.model import jurisdiction

__all__ = ["govopen_deadline_list", "govopen_profile_show"]


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    return value


@toolkit.side_effect_free
@takes(schema.PROFILE)
def govopen_profile_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """The active jurisdiction profile, article by article.

    :returns: the profile with the keys of its file; texts as ``{"zh_Hans", "zh_Hant", "en"}``
    """
    toolkit.check_access("govopen_profile_show", context, data_dict)
    return _plain(jurisdiction.profile())


@toolkit.side_effect_free
@takes(schema.DEADLINES)
def govopen_deadline_list(context: Any, data_dict: dict[str, Any]) -> list[dict[str, Any]]:
    """The time limits of the active profile.

    :returns: ``[{"group", "id", "names", "n", "unit", "start", "actor", "article", …}]``; ``n`` is
        None where the text gives no number
    """
    toolkit.check_access("govopen_deadline_list", context, data_dict)
    return [{"group": group, **_plain(clock)} for group, clock in jurisdiction.profile().clocks()]
