"""What the tables of agreements should hold, as the ledger says it."""

from __future__ import annotations

import datetime

from ckanext.govopen.domain.ledger import SealedEvent
from ckanext.govopen.model.projection_folds import UNKNOWN, Facts, Key, Row


def _at(event: SealedEvent) -> datetime.datetime:
    return datetime.datetime.fromisoformat(event.at.replace("Z", "+00:00"))


def templates(events: list[SealedEvent], facts: Facts) -> dict[Key, Row]:
    """The published versions of one template."""
    return {
        (event.payload["template"], event.payload["version"]): {
            "profile": event.payload["profile"],
            "text": event.payload["text"],
            "sha256": event.payload["sha256"],
            "reason": event.payload.get("reason", UNKNOWN),
            "published_at": _at(event),
            "published_by": facts.person(event.actor),
        }
        for event in events
    }


def agreements(events: list[SealedEvent], facts: Facts) -> dict[Key, Row]:
    """The signed agreements of one application; the copies themselves are not in the ledger."""
    found: dict[Key, Row] = {}
    for event in events:
        if event.type != "agreement.signed":
            continue
        payload = event.payload
        found[(event.stream.partition("/")[2], payload["organization"])] = {
            "template": payload["template"],
            "template_version": payload["template_version"],
            "text": payload.get("text", UNKNOWN),
            "text_sha256": payload["text_sha256"],
            "signer": facts.person(event.actor),
            "typed_name": payload.get("typed_name", UNKNOWN),
            "method": payload["method"],
            "signature": payload.get("signature", UNKNOWN),
            "key_id": payload.get("key", UNKNOWN),
            "pdf_sha256": payload.get("pdf_sha256", UNKNOWN),
            "signed_at": _at(event),
        }
    return found
