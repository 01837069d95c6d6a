"""What to do about a reason of a report, by its rule: one sentence for the person who reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ckan.plugins import toolkit

from ckanext.govopen.domain.refusal import N_

_CORRECT = N_("Correct the record in the source; the next run takes it up.")
_CLASS = N_("State the opening class of the record in the source, or its condition.")
ADVICE: dict[str, str] = {
    "record": _CORRECT,
    "validation": _CORRECT,
    "database": _CORRECT,
    "provider_unknown": N_(
        "Create the department here, with its code, or correct the provider in the source."
    ),
    "provider_ambiguous": N_(
        "Give the provider's code in the source, so that one department fits."
    ),
    "provider_foreign": N_(
        "Let that department have a source of its own, or ask the data authority for a source "
        "for all departments."
    ),
    "deleted_here": N_(
        "Restore the dataset here if it is to be shown, or close the record in the source."
    ),
    "missing": N_("Check the source, then confirm the withdrawal on the page of the source."),
    "private_address": N_(
        "Let the file be copied, or give an address in the source that the public can open."
    ),
    "CAT-11": N_("State in the source how the data was acquired, or decide about the record."),
    "CLS-1": _CLASS,
    "CLS-2": _CLASS,
    "CLS-5": N_("Check the sharing class of the record in the source."),
    "REV-4": N_(
        "Mark the closed information items in the source and deliver a version without them."
    ),
    "GRT-4": N_("Ask the department that provided the data; this one may not publish it."),
    "OPL-2": N_("Nothing: the regulation does not let such data be opened."),
}


def advice(one: Mapping[str, Any]) -> str:
    """What to do about a reason, in the reader's language; empty when nothing is known."""
    known = ADVICE.get(str(one.get("rule") or ""))
    return toolkit._(known) if known else ""


def advices(reasons: Iterable[Mapping[str, Any]]) -> list[str]:
    """What to do about several reasons, each once."""
    return list(dict.fromkeys(filter(None, map(advice, reasons))))
