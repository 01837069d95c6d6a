"""What the states of cases are called: on the pages, and where a command does not fit one.

Msgids; a name that stands here nowhere is its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ckanext.govopen.domain.refusal import N_, Word

__all__ = ["APPLICATION", "COOPERATION", "GRANT", "REVIEW", "told", "word"]

APPLICATION: Mapping[str, str] = {
    "none": N_("Not begun yet"),
    "draft": N_("Draft"),
    "submitted": N_("Handed in, waits for acceptance"),
    "returned": N_("Returned to the applicant for correction"),
    "accepted": N_("Accepted, being decided"),
    "approved": N_("Approved, waits for the signature"),
    "refused": N_("Not approved"),
    "granted": N_("Granted"),
    "withdrawn": N_("Withdrawn by the applicant"),
    "lapsed": N_("Lapsed"),
    "closed": N_("Closed"),
}
REVIEW: Mapping[str, str] = {
    "none": N_("Not begun yet"),
    "open": N_("Not submitted yet"),
    "submitted": N_("Waiting for a decision"),
    "approved": N_("Approved"),
    "returned": N_("Returned"),
    "cancelled": N_("Cancelled"),
}
GRANT: Mapping[str, str] = {
    "active": N_("In force"),
    "suspended": N_("Suspended"),
    "revoked": N_("Revoked"),
    "ended": N_("Ended"),
    "not_yet_valid": N_("Not begun yet"),
    "expired": N_("Expired"),
}
COOPERATION: Mapping[str, str] = {
    "proposed": N_("Waits for the authority's consent"),
    "consented": N_("Consented to, not signed yet"),
    "refused": N_("Not consented to"),
    "signed": N_("Signed"),
    "ended": N_("Ended"),
}


def told(words: Mapping[str, str], name: object, translate: Callable[[str], str]) -> str:
    """The state in a reader's language."""
    text = str(name or "")
    return translate(words[text]) if text in words else text


def word(words: Mapping[str, str], name: str) -> Word:
    """The state as a value of a message, which is translated with the message."""
    return Word(words.get(name, name))
