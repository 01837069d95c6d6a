"""What an event of the ledger says, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ckan.plugins import toolkit

from ckanext.govopen.domain.terms import OpenClass
from ckanext.govopen.views import application_words, law, words

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
_CLASS_NAMES = frozenset(one.value for one in OpenClass)


def event_type(name: str) -> str:
    """A type of event in words; one that has none as it is."""
    if name.startswith("application."):
        return _("Application: {event}").format(event=application_words.event(name))
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
        "grant.persons_changed": _("People who use a grant changed"),
        "grant.reported": _("Report of use handed in"),
        "profile.recorded": _("Text of a regulation recorded"),
        "agreement.template_published": _("Agreement template published"),
        "agreement.signed": _("Agreement signed"),
        "identity.checked": _("Identity of an applicant checked"),
        "identity.withdrawn": _("Check of an identity withdrawn"),
        "account.closed": _("Account closed by its owner"),
        "account.erased": _("Personal data of a closed account erased"),
        "duty.given": _("Duty given"),
        "duty.taken": _("Duty taken away"),
        "level.set": _("Authority of a department set"),
        "department.person_named": _("Department named a person"),
        "department.person_removed": _("Department took a named person off"),
        "cooperation.proposed": _("Cooperation proposed"),
        "cooperation.consented": _("Cooperation consented to"),
        "cooperation.refused": _("Cooperation refused"),
        "cooperation.signed": _("Agreement on cooperation signed"),
        "cooperation.ended": _("Cooperation ended"),
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
        values = value if isinstance(value, list) else [value]
        text = "、".join(filter(None, (_value(name, one) for one in values)))
        if text:
            found.append((field(name), text))
    return found


def _value(name: str, value: Any) -> str:
    """A value of a field in words; free text and numbers are their own."""
    text = str(value)
    if name in _CLASSES:
        # Erasures name a day under the same word.
        known = text in _CLASS_NAMES
        return law.govopen_class(text)["label"] if known else words.day(text) or text
    if name == "delivery":
        return law.govopen_choice(name, text)
    if name in ("until", "valid_to"):
        return words.until(text) or text
    if name == "role":
        return {
            "reviewer": words.duty_name("reviewer"),
            "authority": words.duty_name("authority"),
            "operator": _("The operator, in an emergency"),
            **words.named_roles(),
        }.get(text, text)
    if name == "duty":
        return words.duty_name(text)
    if name == "code":
        return words.grant_cause(text) or ("" if text == "other" else text)
    if name == "cause":
        said = words.grant_cause(text)
        return application_words.cause(text) or text if said == text else said
    if name == "reason":
        return words.release_end(text) or text
    return text
