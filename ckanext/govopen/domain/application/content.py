"""What an applicant hands in: its shape, its one canonical form, and what changed between two.

A revision is a number and the SHA-256 of the canonical JSON of the content. ``salt`` (random,
given by the caller once a revision) keeps anybody from guessing erased content from that digest.
"""

from __future__ import annotations

import datetime
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ckanext.govopen.domain import ledger
from ckanext.govopen.domain.application.scope import Wanted
from ckanext.govopen.domain.refusal import N_, Refusal, Refused

RULE = "APP-2"


@dataclass(frozen=True)
class Contact:
    """How the applicant is reached."""

    name: str = ""
    phone: str = ""
    email: str = ""


@dataclass(frozen=True)
class Organisation:
    """The organisation that applies. ``authority`` is on what ground the person acts for it,
    ``persons`` those who shall use the data, as the applicant names them (he is always one)."""

    name: str = ""
    code: str = ""
    authority: str = ""
    persons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Attachment:
    """A file that belongs to the application, known by its digest."""

    id: str
    name: str
    sha256: str
    size: int
    media_type: str = ""


@dataclass(frozen=True)
class WantedPart:
    """What is wanted of one department."""

    organization: str
    datasets: tuple[Wanted, ...]


@dataclass(frozen=True)
class Content:
    """One application as handed in.

    ``applicant_kind`` is an id of the procedure's ``applicants``, ``fields`` holds the free texts
    by the ids of its ``fields`` (``purpose``, ``scenario``, …), the period's days are both
    included, ``renews`` is the grant that it carries on.
    """

    applicant_kind: str
    parts: tuple[WantedPart, ...]
    fields: Mapping[str, str] = field(default_factory=dict)
    valid_from: datetime.date | None = None
    valid_to: datetime.date | None = None
    contact: Contact = Contact()
    organisation: Organisation | None = None
    attachments: tuple[Attachment, ...] = ()
    renews: str | None = None
    salt: str = ""

    def part(self, organization: str) -> WantedPart | None:
        """What is wanted of one department."""
        return next((p for p in self.parts if p.organization == organization), None)

    def as_dict(self) -> dict[str, Any]:
        """As JSON values; :func:`parse` is its inverse."""
        organisation = self.organisation
        return {
            "applicant_kind": self.applicant_kind,
            "parts": [
                {
                    "organization": part.organization,
                    "datasets": [wanted.as_dict() for wanted in part.datasets],
                }
                for part in self.parts
            ],
            "fields": dict(self.fields),
            "valid_from": self.valid_from.isoformat() if self.valid_from else None,
            "valid_to": self.valid_to.isoformat() if self.valid_to else None,
            "contact": vars(self.contact),
            "organisation": (
                {**vars(organisation), "persons": list(organisation.persons)}
                if organisation
                else None
            ),
            "attachments": [vars(item) for item in self.attachments],
            "renews": self.renews,
            "salt": self.salt,
        }

    @property
    def sha256(self) -> str:
        """SHA-256 of the canonical JSON, 64 lower-case hex digits."""
        return ledger.sha256(self.as_dict())


def parse(value: Any) -> Content:
    """Content from JSON values; raises Refused naming every ``field`` of the wrong form."""
    reader = _Reader()
    content = reader.content(value)
    if reader.found:
        raise Refused(reader.found)
    return content


class _Reader:
    """Takes JSON values apart and notes what has the wrong form."""

    def __init__(self) -> None:
        self.found: list[Refusal] = []

    def no(self, field: str) -> None:
        message = N_("This has the wrong form.")
        self.found.append(Refusal(RULE, None, message, {"field": field}))

    def text(self, value: Mapping[str, Any], key: str, field: str) -> str:
        got = value.get(key)
        if got is None:
            return ""
        if not isinstance(got, str):
            self.no(field)
            return ""
        if any(unicodedata.category(c) in ("Cc", "Cs") and c not in "\r\n\t" for c in got):
            self.no(field)
            return ""
        return got.strip()

    def mapping(self, value: Any, field: str) -> Mapping[str, Any]:
        if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
            return value
        if value is not None:
            self.no(field)
        return {}

    def rows(self, value: Any, field: str) -> list[Mapping[str, Any]]:
        if value is None:
            return []
        if not isinstance(value, (list, tuple)):
            self.no(field)
            return []
        return [self.mapping(item if item is not None else 0, field) for item in value]

    def texts(self, value: Any, field: str) -> tuple[str, ...]:
        if value is None:
            return ()
        if not isinstance(value, (list, tuple)):
            self.no(field)
            return ()
        return tuple(self.text({"": item}, "", field) for item in value)

    def day(self, value: Mapping[str, Any], key: str) -> datetime.date | None:
        text = self.text(value, key, key)
        if not text:
            return None
        try:
            return datetime.date.fromisoformat(text)
        except ValueError:
            self.no(key)
            return None

    def content(self, value: Any) -> Content:
        row = self.mapping(value if value is not None else 0, "content")
        contact = self.mapping(row.get("contact"), "contact")
        organisation = row.get("organisation")
        fields = self.mapping(row.get("fields"), "fields")
        return Content(
            applicant_kind=self.text(row, "applicant_kind", "applicant_kind"),
            parts=tuple(self.part(part) for part in self.rows(row.get("parts"), "parts")),
            fields={name: self.text(fields, name, name) for name in fields},
            valid_from=self.day(row, "valid_from"),
            valid_to=self.day(row, "valid_to"),
            contact=Contact(
                *(self.text(contact, key, f"contact.{key}") for key in ("name", "phone", "email"))
            ),
            organisation=None if organisation is None else self.organisation(organisation),
            attachments=tuple(
                self.attachment(item) for item in self.rows(row.get("attachments"), "attachments")
            ),
            renews=self.text(row, "renews", "renews") or None,
            salt=self.text(row, "salt", "salt"),
        )

    def part(self, row: Mapping[str, Any]) -> WantedPart:
        datasets = tuple(self.wanted(item) for item in self.rows(row.get("datasets"), "parts"))
        return WantedPart(self.text(row, "organization", "parts"), datasets)

    def wanted(self, row: Mapping[str, Any]) -> Wanted:
        items = row.get("items")
        delivery: tuple[Any, ...] = self.texts(row.get("delivery"), "delivery")
        return Wanted(
            dataset=self.text(row, "dataset", "parts"),
            delivery=delivery,
            items=None if items is None else self.texts(items, "items"),
        )

    def organisation(self, value: Any) -> Organisation:
        row = self.mapping(value, "organisation")
        name, code, authority = (
            self.text(row, key, f"organisation.{key}") for key in ("name", "code", "authority")
        )
        persons = self.texts(row.get("persons"), "organisation.persons")
        return Organisation(name, code, authority, persons)

    def attachment(self, row: Mapping[str, Any]) -> Attachment:
        size = row.get("size")
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            self.no("attachments")
            size = 0
        id_, name, sha256, media_type = (
            self.text(row, key, "attachments") for key in ("id", "name", "sha256", "media_type")
        )
        return Attachment(id_, name, sha256, size, media_type)


@dataclass(frozen=True)
class Difference:
    """One value that two revisions do not share; None: not there."""

    path: str
    before: Any
    after: Any


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """What changed between two contents (as :meth:`Content.as_dict` gives them).

    Datasets are compared by their ids, not by their places; the salt is no content.
    """
    first, second = _flat(before), _flat(after)
    return [
        Difference(path, first.get(path), second.get(path))
        for path in [*first, *(path for path in second if path not in first)]
        if first.get(path) != second.get(path)
    ]


def _flat(content: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in content.items():
        if key == "parts":
            for part in value:
                for wanted in part["datasets"]:
                    place = f"parts.{part['organization']}.{wanted['dataset']}"
                    flat[f"{place}.items"] = wanted["items"]
                    flat[f"{place}.delivery"] = wanted["delivery"]
        elif key == "attachments":
            for item in value:
                flat[f"attachments.{item['id']}"] = [item["name"], item["sha256"]]
        elif isinstance(value, Mapping):
            flat.update({f"{key}.{name}": inner for name, inner in value.items()})
        elif key != "salt":
            flat[key] = value
    return flat
