"""From a record to the CKAN dataset dict that stands for it."""

from __future__ import annotations

import hashlib
import re
import unicodedata
import uuid
from typing import Any

from ckanext.govopen.domain.catalogue.mapping import Outcome
from ckanext.govopen.domain.catalogue.record import Distribution, Record
from ckanext.govopen.domain.profile import Profile
from ckanext.govopen.domain.terms import OpenClass

_NOT_IN_NAMES = re.compile(r"[^a-z0-9_-]+")
_NOT_IN_TAGS = re.compile(r"[^\w \-.]+")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAME_LENGTH = 80
_HASH_LENGTH = 12


def dataset_name(code: str) -> str:
    """The dataset's name: from the resource code, the same for ever, another for another code.

    What a name can hold of the code, then a short hash of the whole code (12 hex digits), so
    that codes that differ only in signs which names cannot hold stay apart.
    """
    plain = unicodedata.normalize("NFKC", code).lower()
    readable = _NOT_IN_NAMES.sub("-", plain).strip("-_")[:_NAME_LENGTH].rstrip("-_")
    digest = hashlib.sha256(code.encode("utf-8")).hexdigest()[:_HASH_LENGTH]
    return f"{readable}-{digest}" if readable else f"record-{digest}"


def resource_id(code: str, distribution: str) -> str:
    """The id of the resource of a distribution: the same at every run."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"govopen:{code}\n{distribution}"))


def resource_of(record: Record, distribution: Distribution) -> str:
    """The same; a record that keeps the identifiers of an older portal keeps those of its
    resources as well, so that the addresses of their pages and files stay valid.
    """
    if record.identity is not None and _UUID.fullmatch(distribution.id):
        return distribution.id
    return resource_id(record.code, distribution.id)


def to_dataset(
    record: Record, outcome: Outcome, profile: Profile, owner_org: str | None = None
) -> dict[str, Any]:
    """The dataset dict of a record whose outcome is ``publish``.

    Raises ValueError for any other outcome: what is kept back or withdrawn is not written. Closed
    items and kept-back distributions are left out, so they are in no dict, index or release.
    """
    if outcome.action != "publish" or outcome.open_class is None:
        raise ValueError(f"The record {record.code} is not to be published.")
    dataset: dict[str, Any] = {
        "name": dataset_name(record.code),
        "title": record.title,
        "notes": record.summary,
        "resource_code": record.code,
        "open_class": outcome.open_class.value,
        "open_condition": _condition(record, outcome.open_class, profile),
        "provider_unit": record.provider.unit,
        "theme": theme(record),
        "update_cycle": record.cycle or "",
        "info_items": [
            {"name": item.name, "type": item.type, "open": True}
            for item in record.items
            if item.open
        ],
        "acquired_by": record.acquired or "",
        "issued": record.issued,
        "data_updated": record.data_updated or record.updated[:10],
        "share_class": outcome.share_class.value if outcome.share_class else "",
        "share_condition": record.share_condition,
        "share_mode": record.share_mode,
        "provider_consent": record.consent.number if record.consent else "",
        "provider_consent_on": record.consent.on if record.consent else "",
        "provider_consent_by": record.consent.by if record.consent else "",
        "license_id": record.license_id,
        "tags": [{"name": name} for name in tags(record)],
        "resources": [
            _resource(item, record)
            for item in record.distributions
            if item.id not in outcome.kept_distributions
        ],
    }
    conditional = profile.open.delivery
    if outcome.open_class is OpenClass.CONDITIONAL and conditional is not None:
        dataset["delivery"] = list(conditional.modes[:1])
    if record.identity is not None:
        dataset.update(id=record.identity.id, name=record.identity.name)
    if owner_org:
        dataset["owner_org"] = owner_org
    return {name: value for name, value in dataset.items() if value not in ("", None)}


def _condition(record: Record, open_class: OpenClass, profile: Profile) -> str:
    """The stated condition, or what the regulation itself says of conditional data."""
    if record.open_condition or open_class is not OpenClass.CONDITIONAL:
        return record.open_condition
    info = profile.class_info(open_class)
    return info.meaning.zh_Hans if info else ""


def theme(record: Record) -> str:
    """The narrowest category of the record."""
    return record.category[-1] if record.category else ""


def tags(record: Record) -> list[str]:
    """Keywords as CKAN takes them: letters, digits and ``-_.``, 2 to 100 characters, each once."""
    found: dict[str, None] = {}
    for keyword in record.keywords:
        for part in re.split(r"[,，、;；]+", keyword):
            plain = " ".join(_NOT_IN_TAGS.sub(" ", unicodedata.normalize("NFC", part)).split())
            if 2 <= len(plain) <= 100:
                found[plain] = None
    return list(found)


def _resource(distribution: Distribution, record: Record) -> dict[str, Any]:
    return {
        "id": resource_of(record, distribution),
        "name": distribution.name or record.title,
        "format": distribution.format or record.format_detail,
        "url": distribution.url,
    }
