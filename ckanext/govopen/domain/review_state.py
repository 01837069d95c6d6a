"""The states of a review, its commands, and who may give which in which state."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ckanext.govopen.domain.classification import Missing
from ckanext.govopen.domain.duty import Actor
from ckanext.govopen.domain.event import Event

Status = Literal["none", "open", "submitted", "approved", "returned", "cancelled"]
Role = Literal["editor", "reviewer", "authority", "operator", "system"]


@dataclass(frozen=True)
class Settings:
    """What the site sets. With ``delegate_to_authority`` the authority reviews for departments
    (a local rule)."""

    settle_minutes: int = 10
    delegate_to_authority: bool = False


@dataclass(frozen=True)
class ReviewState:
    """One review. ``fingerprint`` is that of the working copy when it was last reported,
    ``submitters`` everybody who had a hand in the changes."""

    dataset: str = ""
    organization: str = ""
    status: Status = "none"
    fingerprint: str = ""
    submitters: frozenset[str] = frozenset()
    opened_at: datetime.datetime | None = None
    changed_at: datetime.datetime | None = None
    submitted_at: datetime.datetime | None = None
    decided_at: datetime.datetime | None = None
    submitted_fingerprint: str = ""
    approved_fingerprint: str = ""
    remarks: str = ""

    @property
    def is_open(self) -> bool:
        """Does it still wait for somebody? At most one review of a dataset does."""
        return self.status in ("open", "submitted", "returned")


@dataclass(frozen=True)
class Open:
    """Begin a review: the dataset differs from its release for the first time.

    ``submitters`` are the people behind the change: the editor, or for harvested data the
    source's owner, its last editors and who started the run.
    """

    actor: Actor
    dataset: str
    organization: str
    fingerprint: str
    submitters: frozenset[str]


@dataclass(frozen=True)
class Touch:
    """The working copy changed again. A submitted review goes back to open."""

    actor: Actor
    fingerprint: str
    submitters: frozenset[str]


@dataclass(frozen=True)
class Submit:
    """Hand it in. ``missing`` is what :func:`~.classification.check_requirements` found;
    ``fingerprint`` that of the working copy now."""

    actor: Actor
    fingerprint: str
    missing: Sequence[Missing] = ()


@dataclass(frozen=True)
class Decide:
    """Approve or return. ``fingerprint`` is what the decider read, ``current_fingerprint`` that of
    the working copy now, under the row lock. ``answers`` are to the profile's questions."""

    actor: Actor
    decision: Literal["approve", "return"]
    fingerprint: str
    current_fingerprint: str
    remarks: str = ""
    answers: Mapping[str, bool] | None = None
    missing: Sequence[Missing] = ()
    break_glass: str = ""


@dataclass(frozen=True)
class Cancel:
    """Nothing is left to review: deleted, or back to what is released."""

    actor: Actor
    reason: str = ""


Command = Open | Touch | Submit | Decide | Cancel

_EDIT: frozenset[Role] = frozenset({"editor", "reviewer", "authority", "operator", "system"})
_DECIDE: frozenset[Role] = frozenset({"reviewer", "authority", "operator"})
#: State and command, and the roles that may. What is not here is refused. ``reviewer`` has the
#: duty in the owning organisation, ``authority`` decides only where the site delegates to it,
#: ``operator`` decides only with a reason (break-glass).
TABLE: Mapping[tuple[Status, str], frozenset[Role]] = {
    ("none", "open"): _EDIT,
    ("approved", "open"): _EDIT,
    ("cancelled", "open"): _EDIT,
    ("open", "touch"): _EDIT,
    ("submitted", "touch"): _EDIT,
    ("returned", "touch"): _EDIT,
    ("open", "submit"): _EDIT,
    ("returned", "submit"): _EDIT - {"system"},
    ("submitted", "decide"): _DECIDE,
    ("open", "cancel"): _EDIT,
    ("submitted", "cancel"): _EDIT,
    ("returned", "cancel"): _EDIT,
}
NAMES: Mapping[type, str] = {
    Open: "open",
    Touch: "touch",
    Submit: "submit",
    Decide: "decide",
    Cancel: "cancel",
}


def apply(state: ReviewState, event: Event, at: datetime.datetime) -> ReviewState:
    """The review after an event of ``at``; its state is the fold of its events."""
    payload = event.payload
    if event.type == "review.opened":
        return ReviewState(
            dataset=payload["dataset"],
            organization=payload["organization"],
            status="open",
            fingerprint=payload["fingerprint"],
            submitters=frozenset(payload["submitters"]),
            opened_at=at,
            changed_at=at,
        )
    if event.type == "review.changed":
        return replace(
            state,
            status="open",
            fingerprint=payload["fingerprint"],
            submitters=state.submitters | frozenset(payload["submitters"]),
            changed_at=at,
            submitted_at=None,
            submitted_fingerprint="",
        )
    if event.type == "review.submitted":
        return replace(
            state,
            status="submitted",
            fingerprint=payload["fingerprint"],
            submitted_fingerprint=payload["fingerprint"],
            submitters=frozenset(payload["submitters"]),
            submitted_at=at,
            remarks="",
        )
    if event.type == "review.approved":
        return replace(
            state,
            status="approved",
            decided_at=at,
            approved_fingerprint=payload["fingerprint"],
            remarks=payload["remarks"],
        )
    if event.type == "review.returned":
        return replace(state, status="returned", decided_at=at, remarks=payload["remarks"])
    if event.type == "review.cancelled":
        return replace(state, status="cancelled", decided_at=at)
    raise ValueError(f"{event.type!r} is no event of a review.")
