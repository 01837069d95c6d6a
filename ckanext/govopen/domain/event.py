"""What can happen, who may read it, and which of its fields are personal.

Every decision is an :class:`Event`. A type has to be registered here with all its fields before
it can be produced: a field that nobody thought about would otherwise be read by everybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

#: Who may read an event, from the widest circle to the narrowest. ``party`` is whoever the event
#: is about (the applicant, the department); the portal's staff reads everything.
Readers = Literal["public", "party", "staff"]

READER_ORDER: Mapping[str, int] = MappingProxyType({"public": 0, "party": 1, "staff": 2})


@dataclass(frozen=True)
class EventType:
    """Declaration of one type of event.

    ``fields`` are the payload keys it may have. ``personal`` are those among them that hold
    personal data or free text: the public never reads them and they can be erased without
    breaking the chain. ``internal`` are those that only staff read.
    """

    readers: Readers
    fields: tuple[str, ...]
    personal: tuple[str, ...] = ()
    internal: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        unknown = set(self.personal + self.internal) - set(self.fields)
        if unknown:
            raise ValueError(f"Not among the fields of the event type: {sorted(unknown)}.")


def _dataset(*fields: str) -> tuple[str, ...]:
    return ("dataset", "organization", *fields)


def _official(*fields: str) -> tuple[str, ...]:
    """Fields of what a body does with one part of an application."""
    return ("organization", *fields, "break_glass")


_CLASS_FIELDS = _dataset("before", "after", "reason", "legal_basis", "answers")
_GRANT_END = ("grant", "dataset", "reason", "break_glass")
_KEY_FIELDS = ("key", "public", "made_at", "signed_by", "signature")
_COOPERATION = ("cooperation", "organization")
_DUTY_FIELDS = ("user", "organization", "duty", "deputy_for", "since", "until", "break_glass")

EVENT_TYPES: Mapping[str, EventType] = MappingProxyType(
    {
        # classification
        "dataset.class_tightened": EventType("public", _CLASS_FIELDS, ("reason",), ("answers",)),
        "dataset.class_loosening_requested": EventType(
            "staff", _CLASS_FIELDS, ("reason",), ("answers",)
        ),
        # release
        "dataset.suspended": EventType(
            "staff", _dataset("reason", "by_authority", "authority"), ("reason",)
        ),
        "dataset.restored": EventType("staff", _dataset("reason"), ("reason",)),
        "release.published": EventType(
            "public", _dataset("version", "fingerprint", "open_class", "kind", "review_by")
        ),
        "release.narrowed": EventType(
            "public", _dataset("version", "fingerprint", "open_class", "resources")
        ),
        "release.withdrawn": EventType("public", _dataset("version", "reason"), ("reason",)),
        # review
        "review.opened": EventType("staff", _dataset("fingerprint", "submitters"), ("submitters",)),
        "review.changed": EventType(
            "staff", _dataset("fingerprint", "submitters"), ("submitters",)
        ),
        "review.submitted": EventType(
            "staff", _dataset("fingerprint", "automatic", "submitters"), ("submitters",)
        ),
        "review.approved": EventType(
            "staff",
            _dataset("fingerprint", "remarks", "answers", "role", "break_glass"),
            ("remarks", "break_glass"),
        ),
        "review.returned": EventType(
            "staff",
            _dataset("fingerprint", "remarks", "answers", "role", "break_glass"),
            ("remarks", "break_glass"),
        ),
        "review.cancelled": EventType("staff", _dataset("reason"), ("reason",)),
        # grant
        "grant.given": EventType(
            "party",
            (
                "grant",
                "dataset",
                "organization",
                "holder",
                "items",
                "purpose",
                "delivery",
                "valid_from",
                "valid_to",
                "quota",
                "application",
                "authorised_use",
                "conditions",
                "break_glass",
            ),
            ("holder", "purpose", "conditions", "break_glass"),
        ),
        "grant.suspended": EventType("party", (*_GRANT_END, "code"), ("reason", "break_glass")),
        "grant.resumed": EventType("party", _GRANT_END, ("reason", "break_glass")),
        "grant.revoked": EventType("party", _GRANT_END, ("reason", "break_glass")),
        "grant.persons_changed": EventType(
            "party",
            ("grant", "dataset", "added", "removed", "break_glass"),
            ("added", "removed", "break_glass"),
        ),
        "grant.ended": EventType("party", ("grant", "dataset", "cause")),
        "grant.reported": EventType(
            "party", ("grant", "dataset", "report", "attachments"), ("report", "attachments")
        ),
        # application; ``by`` and ``handler`` name people to staff only
        "application.submitted": EventType(
            "party",
            (
                "application",
                "rules",
                "edition",
                "applicant",
                "persons",
                "revision",
                "sha256",
                "content",
                "parts",
                "renews",
            ),
            ("applicant", "persons", "content"),
            ("persons",),
        ),
        "application.withdrawn": EventType("party", ("organization", "reason"), ("reason",)),
        "application.returned": EventType(
            "party", _official("remarks", "message"), ("remarks", "message", "break_glass")
        ),
        "application.declined": EventType(
            "party", _official("reason", "basis"), ("reason", "break_glass")
        ),
        "application.accepted": EventType("party", _official("checked_at"), ("break_glass",)),
        "application.forwarded": EventType(
            "party", _official("body", "letter_number", "letter_date"), ("break_glass",)
        ),
        "application.answered": EventType(
            "party", _official("body", "letter_number", "letter_date"), ("break_glass",)
        ),
        "application.consulted": EventType(
            "party",
            _official("consultation", "kind", "whom", "question", "until"),
            ("whom", "question", "break_glass"),
            ("whom", "question"),
        ),
        "application.consultation_closed": EventType(
            "party",
            _official("consultation", "outcome", "answer"),
            ("answer", "break_glass"),
            ("answer",),
        ),
        "application.extended": EventType(
            "party", _official("clock", "units", "reason"), ("reason", "break_glass")
        ),
        "application.assigned": EventType(
            "staff", _official("handler", "reason"), ("handler", "reason", "break_glass")
        ),
        "application.decided": EventType(
            "party",
            _official(
                "step",
                "party",
                "approve",
                "reason",
                "basis",
                "conditions",
                "scopes",
                "revision",
                "sha256",
                "by",
                "silent",
                "letter_number",
                "letter_date",
            ),
            ("reason", "conditions", "by", "break_glass"),
            ("by",),
        ),
        "application.approved": EventType(
            "party", ("organization", "scopes", "conditions"), ("conditions",)
        ),
        "application.refused": EventType("party", ("organization", "step", "party")),
        "application.granted": EventType("party", ("organization", "grants")),
        "application.lapsed": EventType("party", ("organization", "cause")),
        "application.datasets_ended": EventType("party", ("organization", "datasets", "cause")),
        "application.letter_issued": EventType(
            "party", ("organization", "number", "kind", "sha256")
        ),
        "application.letter_delivered": EventType("party", ("organization", "number", "how")),
        # the text of a profile under which cases began; stream ``profile/<id>``
        "profile.recorded": EventType("public", ("profile", "version", "sha256", "text")),
        # agreement; signatures stand in the application's stream
        "agreement.template_published": EventType(
            "public", ("template", "version", "profile", "sha256", "text", "reason"), ("reason",)
        ),
        "agreement.signed": EventType(
            "party",
            (
                "organization",
                "template",
                "template_version",
                "text_sha256",
                "text",
                "typed_name",
                "method",
                "proved_at",
                "key",
                "signature",
                "pdf_sha256",
            ),
            ("text", "typed_name"),
        ),
        # identity of an applicant
        "identity.checked": EventType(
            "party",
            (
                "user",
                "kind",
                "name",
                "person",
                "document",
                "document_tail",
                "code",
                "authority",
                "valid_until",
                "by",
                "break_glass",
            ),
            (
                "user",
                "name",
                "person",
                "document",
                "document_tail",
                "code",
                "authority",
                "by",
                "break_glass",
            ),
            ("by",),
        ),
        "identity.withdrawn": EventType(
            "party",
            ("user", "kind", "code", "reason", "by", "break_glass"),
            ("user", "code", "reason", "by", "break_glass"),
            ("by",),
        ),
        # duty
        "duty.given": EventType("staff", _DUTY_FIELDS, ("user", "deputy_for", "break_glass")),
        "duty.taken": EventType("staff", _DUTY_FIELDS, ("user", "deputy_for", "break_glass")),
        "level.set": EventType(
            "staff", ("organization", "authority", "responsible", "break_glass"), ("break_glass",)
        ),
        # accounts: the actor is whose it is, and stands under his number
        "account.closed": EventType("staff", ("erase_on",)),
        "account.erased": EventType("staff", ("account",)),
        # what departments register: the persons they name, with whom they cooperate
        "department.person_named": EventType(
            "staff",
            ("organization", "id", "role", "name", "post", "phone"),
            ("name", "post", "phone"),
        ),
        "department.person_removed": EventType("staff", ("organization", "id", "role")),
        "cooperation.proposed": EventType(
            "staff",
            (
                *_COOPERATION,
                "partner",
                "code",
                "subject",
                "datasets",
                "until",
                "proposer",
            ),
            ("partner", "code", "subject", "proposer"),
        ),
        "cooperation.consented": EventType(
            "staff", (*_COOPERATION, "reason", "break_glass"), ("reason", "break_glass")
        ),
        "cooperation.refused": EventType(
            "staff", (*_COOPERATION, "reason", "break_glass"), ("reason", "break_glass")
        ),
        "cooperation.signed": EventType("staff", (*_COOPERATION, "signed_on", "sha256")),
        "cooperation.ended": EventType("staff", (*_COOPERATION, "reason"), ("reason",)),
        # standing approval of live data
        "standing.given": EventType(
            "staff",
            _dataset("resource", "columns", "source", "since", "until", "reason"),
            ("reason",),
        ),
        "standing.taken": EventType("staff", _dataset("resource", "reason"), ("reason",)),
        "standing.delivered": EventType(
            "staff", _dataset("resource", "sha256", "size", "rows", "source")
        ),
        "standing.held": EventType("staff", _dataset("resource", "sha256", "code", "size")),
        # the record itself
        "dataset.purged": EventType("staff", _dataset()),
        "ledger.key_made": EventType("public", _KEY_FIELDS),
        "ledger.key_rotated": EventType("public", _KEY_FIELDS),
        "ledger.erased": EventType(
            "staff", ("scope", "events", "before", "forced", "reason"), ("reason",)
        ),
    }
)

#: Types whose events say who an applicant is, or who uses a grant: that staff reads one is written
#: down (SEC-5).
NAMING_TYPES = (
    "application.submitted",
    "agreement.signed",
    "identity.checked",
    "identity.withdrawn",
    "grant.given",
    "grant.persons_changed",
)


@dataclass(frozen=True)
class Event:
    """One thing that happened: a registered type and its payload (JSON values only)."""

    type: str
    payload: Mapping[str, Any]

    def __post_init__(self) -> None:
        declared = EVENT_TYPES.get(self.type)
        if declared is None:
            raise ValueError(f"The event type {self.type!r} is not registered.")
        unknown = set(self.payload) - set(declared.fields)
        if unknown:
            raise ValueError(
                f"The event type {self.type!r} declares no field {', '.join(sorted(unknown))}."
            )
