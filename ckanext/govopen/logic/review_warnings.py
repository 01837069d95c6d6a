"""What a reviewer should look at, in his language: it blocks nothing, a person has to judge it."""

from __future__ import annotations

from typing import Any

from ckan.plugins import toolkit

from ckanext.govopen.domain.classification import CONSENT, consent_recorded
from ckanext.govopen.domain.terms import OpenClass, ShareClass, Way
from ckanext.govopen.logic import snapshot, twins


def of(context: Any, read: snapshot.WorkingCopy) -> list[str]:
    """All warnings about a working copy."""
    fields = read.fields
    return [*_sharing(fields), *_consent(fields), *twins.warnings(context, fields)]


def _sharing(fields: dict[str, Any]) -> list[str]:
    """Sharing and opening are judged apart; that they differ so much is worth a look."""
    withheld = fields.get("share_class") == ShareClass.NONE.value
    if not withheld or fields.get("open_class") == OpenClass.NON_OPEN.value:
        return []
    return [
        toolkit._(
            "The department does not share this data with other departments, "
            "yet it is to be opened to the public."
        )
    ]


def _consent(fields: dict[str, Any]) -> list[str]:
    """On whose word data of another department is opened (GRT-4)."""
    if fields.get("acquired_by") != Way.SHARED.value or not consent_recorded(fields):
        return []
    number, day, by = (fields[name] for name in CONSENT)
    return [
        toolkit._(
            "This data was obtained by sharing. {department} consented to its publication on "
            "{day} under the number {number}: please check it."
        ).format(department=by, day=day, number=number)
    ]
