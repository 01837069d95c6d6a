"""The shape of an application: one case of the applicant, one part for each department.

Times are timezone-aware; people are user ids, departments organisation ids, datasets package ids.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ckanext.govopen.domain.application.scope import Basis, Scope, Wanted

Status = Literal[
    "submitted", "returned", "accepted", "approved", "refused", "granted", "withdrawn", "lapsed"
]
STATUSES: tuple[Status, ...] = (
    "submitted",
    "returned",
    "accepted",
    "approved",
    "refused",
    "granted",
    "withdrawn",
    "lapsed",
)
#: A part in one of these still waits for somebody.
OPEN: frozenset[Status] = frozenset({"submitted", "returned", "accepted", "approved"})
#: Who may be asked under every regulation; one that names more adds to them.
CONSULTATIONS = frozenset({"third_party_consultation", "other_organ_consultation"})
Outcome = Literal["consent", "objection", "answered", "no_answer"]
OUTCOMES: tuple[Outcome, ...] = ("consent", "objection", "answered", "no_answer")


@dataclass(frozen=True)
class Revision:
    """What the applicant handed in. ``content`` is empty once it was erased; ``persons`` are the
    accounts that count of those whom it names."""

    number: int
    sha256: str
    at: datetime.datetime
    content: Mapping[str, Any] = field(default_factory=dict)
    persons: frozenset[str] = frozenset()


@dataclass(frozen=True)
class OutsideLetter:
    """The letter by which another body was asked or has answered."""

    number: str
    date: datetime.date


@dataclass(frozen=True)
class Forwarding:
    """The part was passed on to ``body``; ``answer`` is the letter that came back."""

    body: str
    letter: OutsideLetter
    at: datetime.datetime
    answer: OutsideLetter | None = None
    answered_at: datetime.datetime | None = None


@dataclass(frozen=True)
class Consultation:
    """Somebody else was asked. ``kind`` is the id of a consultation of the procedure or one of
    :data:`CONSULTATIONS`, ``until`` a date set for the answer; it decides nothing."""

    id: int
    kind: str
    whom: str
    at: datetime.datetime
    until: datetime.date | None = None
    closed_at: datetime.datetime | None = None
    outcome: str = ""


@dataclass(frozen=True)
class Lengthened:
    """A clock was lengthened, by ``units`` or (None) by all that its extension allows."""

    clock: str
    units: int | None
    at: datetime.datetime


@dataclass(frozen=True)
class Vote:
    """The decision of one party of one step. ``by`` is empty for silence and once erased."""

    step: str
    party: str
    approve: bool
    reason: str
    at: datetime.datetime
    by: str = ""
    basis: tuple[Basis, ...] = ()
    conditions: tuple[str, ...] = ()
    scopes: tuple[Scope, ...] = ()
    silent: bool = False
    letter: OutsideLetter | None = None


@dataclass(frozen=True)
class Signature:
    """The applicant signed the text with this SHA-256."""

    template: str
    template_version: int
    text_sha256: str
    at: datetime.datetime


@dataclass(frozen=True)
class Letter:
    """A decision letter (告知书) that went out; ``delivered_at`` None: not yet delivered."""

    number: str
    kind: str
    organization: str
    issued_at: datetime.datetime
    delivered_at: datetime.datetime | None = None


@dataclass(frozen=True)
class Part:
    """What one department has to decide.

    ``submitted_at`` is the first submission, ``received_at`` that of ``revision``. ``scopes`` and
    ``conditions`` are what all approvals have in common, from the status ``approved`` on.
    """

    organization: str
    status: Status
    datasets: tuple[Wanted, ...]
    revision: int
    submitted_at: datetime.datetime
    received_at: datetime.datetime
    returned: tuple[tuple[datetime.datetime, datetime.datetime | None], ...] = ()
    remarks: Mapping[str, str] = field(default_factory=dict)
    message: str = ""
    handler: str | None = None
    accepted_at: datetime.datetime | None = None
    forwarding: Forwarding | None = None
    consultations: tuple[Consultation, ...] = ()
    extensions: tuple[Lengthened, ...] = ()
    votes: tuple[Vote, ...] = ()
    declined: str = ""
    decided_at: datetime.datetime | None = None
    scopes: tuple[Scope, ...] = ()
    conditions: tuple[str, ...] = ()
    signature: Signature | None = None
    grants: Mapping[str, str] = field(default_factory=dict)
    ended_at: datetime.datetime | None = None
    cause: str = ""

    @property
    def is_open(self) -> bool:
        """Does it still wait for somebody?"""
        return self.status in OPEN

    @property
    def votes_scopes(self) -> list[tuple[Scope, ...]]:
        """What each approval grants, in the order in which they came."""
        return [vote.scopes for vote in self.votes if vote.approve]

    @property
    def consulting(self) -> bool:
        """Does an answer of somebody who was asked stand out?"""
        return any(item.closed_at is None for item in self.consultations)


@dataclass(frozen=True)
class Application:
    """The whole case. ``rules`` names profile, version and procedure under which it began,
    ``edition`` is the SHA-256 of that profile's text (empty: it was not recorded)."""

    id: str
    rules: str
    applicant: str
    persons: frozenset[str]
    revisions: tuple[Revision, ...]
    parts: tuple[Part, ...]
    renews: str | None = None
    letters: tuple[Letter, ...] = ()
    edition: str = ""

    def part(self, organization: str) -> Part | None:
        """The part of one department."""
        return next((p for p in self.parts if p.organization == organization), None)

    def revision(self, number: int) -> Revision:
        """A revision by its number, which counts from 1."""
        return self.revisions[number - 1]

    @property
    def concerned(self) -> frozenset[str]:
        """Who must not act on it for a body: the applicant and the persons he named."""
        return self.persons | {self.applicant}

    @property
    def is_open(self) -> bool:
        """Does any part still wait for somebody?"""
        return any(part.is_open for part in self.parts)
