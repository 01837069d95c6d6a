"""What an event of the ledger says, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ckan.plugins import toolkit

from ckanext.govopen.views import law

_ = toolkit._

#: Fields that say something to a reader, in the order of the page; ids and digests do not.
_SHOWN = (
    "before",
    "after",
    "open_class",
    "version",
    "resources",
    "duty",
    "until",
    "purpose",
    "delivery",
    "valid_to",
    "rows",
    "code",
    "cause",
    "role",
    "scope",
    "events",
    "reason",
    "remarks",
    "break_glass",
    "key",
)
_CLASSES = ("before", "after", "open_class")


def event_type(name: str) -> str:
    """A type of event in words; one that has none as it is."""
    return {
        "dataset.class_tightened": _("A stricter class"),
        "dataset.class_loosening_requested": _("A wider class was asked for"),
        "dataset.suspended": _("Suspended"),
        "dataset.restored": _("Restored"),
        "dataset.purged": _("Purged"),
        "release.published": _("Published"),
        "release.narrowed": _("Something was taken away"),
        "release.withdrawn": _("Withdrawn"),
        "review.opened": _("Review opened"),
        "review.changed": _("Changed before the review"),
        "review.submitted": _("Review submitted"),
        "review.approved": _("Review: approved"),
        "review.returned": _("Review: returned"),
        "review.cancelled": _("Review cancelled"),
        "grant.given": _("Grant given"),
        "grant.suspended": _("Grant suspended"),
        "grant.resumed": _("Grant resumed"),
        "grant.revoked": _("Grant revoked"),
        "grant.ended": _("Grant ended"),
        "account.closed": _("Account closed by its owner"),
        "account.erased": _("Personal data of a closed account erased"),
        "duty.given": _("Duty given"),
        "duty.taken": _("Duty taken away"),
        "standing.given": _("Standing approval given"),
        "standing.taken": _("Standing approval ended"),
        "standing.delivered": _("Delivered under a standing approval"),
        "standing.held": _("Delivery held back"),
        "ledger.key_made": _("Signing key made"),
        "ledger.key_rotated": _("Signing key replaced"),
        "ledger.erased": _("Personal data erased"),
    }.get(name, name)


def field(name: str) -> str:
    """A field of an event in words."""
    return {
        "before": _("Before"),
        "after": _("After"),
        "open_class": _("Class"),
        "version": _("Version"),
        "resources": _("Files left"),
        "duty": _("Duty"),
        "until": _("Until"),
        "purpose": _("Purpose"),
        "delivery": _("Delivery"),
        "valid_to": _("Valid until"),
        "rows": _("Rows"),
        "code": _("Code"),
        "cause": _("Cause"),
        "role": _("As"),
        "scope": _("Of"),
        "events": _("Events"),
        "reason": _("Reason"),
        "remarks": _("Remarks"),
        "break_glass": _("In an emergency, because"),
        "key": _("Key"),
    }[name]


def details(payload: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The fields of an event that say something to a reader, with their names."""
    found: list[tuple[str, str]] = []
    for name in _SHOWN:
        value = payload.get(name)
        if value in (None, "", []):
            continue
        if name in _CLASSES:
            value = law.govopen_class(str(value))["label"]
        elif isinstance(value, list):
            value = "、".join(map(str, value))
        found.append((field(name), str(value)))
    return found
