"""The commands on an application, and the facts that they bring along.

Every command names its ``actor``; all but :class:`Submit` and the letters name the department
whose part is meant (``organization``). ``break_glass`` is the operator's reason. Facts are looked
up by the caller under the same lock as the state: the rules ask nobody.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ckanext.govopen.domain.agreement import Proof
from ckanext.govopen.domain.applicant import Identity
from ckanext.govopen.domain.application.content import Content
from ckanext.govopen.domain.application.scope import Basis, Scope
from ckanext.govopen.domain.application.state import Outcome, OutsideLetter
from ckanext.govopen.domain.duty import Actor


@dataclass(frozen=True)
class DatasetFacts:
    """A dataset as it is now, for one applicant.

    ``conditional``: it is in the class that needs an application under this procedure; ``live``:
    outsiders can see it (for sharing: departments). ``items`` are the names of its information
    items, ``delivery`` the modes it offers (empty: all of the procedure's). ``open_part``: the
    applicant waits for a decision on it in another application; ``granted``: an active grant of his
    covers all that is wanted. A dataset that he may not know of is left out.
    """

    organization: str
    conditional: bool = True
    live: bool = True
    items: frozenset[str] = frozenset()
    delivery: frozenset[str] = frozenset()
    open_part: bool = False
    granted: bool = False


@dataclass(frozen=True)
class Counts:
    """How much the applicant has handed in: open cases, new cases of today (a Chinese day)."""

    open_cases: int = 0
    today: int = 0


@dataclass(frozen=True)
class Submit:
    """Hand in an application, or its returned parts again. ``application`` is the new case's id.

    ``datasets`` holds facts by package id. ``persons`` are the accounts that count of those whom
    the content names: an unknown name is none, nor is somebody who works for a body with a say in
    the case. The applicant is not told which of them count.
    """

    actor: Actor
    application: str
    content: Content
    datasets: Mapping[str, DatasetFacts]
    counts: Counts = Counts()
    persons: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Withdraw:
    """The applicant gives up; ``organization`` None: all parts that are open."""

    actor: Actor
    organization: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class Return:
    """Back to the applicant with what has to be changed: ``remarks`` by field, ``message``."""

    actor: Actor
    organization: str
    remarks: Mapping[str, str] = field(default_factory=dict)
    message: str = ""
    break_glass: str = ""


@dataclass(frozen=True)
class Decline:
    """Not accepted, for good (不予受理): with what a refusal must contain."""

    actor: Actor
    organization: str
    reason: str
    basis: tuple[Basis, ...] = ()
    break_glass: str = ""


@dataclass(frozen=True)
class Accept:
    """Accepted for decision. ``identity`` is the check of the applicant that fits the case,
    None when there is none (:func:`~..applicant.fitting`)."""

    actor: Actor
    organization: str
    identity: Identity | None
    break_glass: str = ""


@dataclass(frozen=True)
class Forward:
    """Passed on to the body that the profile names, with the letter that went with it."""

    actor: Actor
    organization: str
    letter: OutsideLetter
    break_glass: str = ""


@dataclass(frozen=True)
class Opinion:
    """What is decided, and why. ``scopes`` narrow; a dataset without one is granted as applied
    for."""

    approve: bool
    reason: str
    basis: tuple[Basis, ...] = ()
    conditions: tuple[str, ...] = ()
    scopes: tuple[Scope, ...] = ()


@dataclass(frozen=True)
class RecordForwardAnswer:
    """The decision of a party outside this portal, recorded by hand with its letter.

    ``party`` is the step's party (``authority@city``). Revision and hash as in :class:`Decide`.
    """

    actor: Actor
    organization: str
    party: str
    letter: OutsideLetter
    opinion: Opinion
    revision: int
    sha256: str
    datasets: Mapping[str, DatasetFacts]
    break_glass: str = ""


@dataclass(frozen=True)
class Consult:
    """Ask a right holder or another organ; ``kind`` is the id of a consultation of the procedure,
    or ``third_party_consultation``, ``other_organ_consultation``. ``until`` is a date for the
    answer, None: none set."""

    actor: Actor
    organization: str
    kind: str
    whom: str
    question: str
    until: datetime.date | None = None
    break_glass: str = ""


@dataclass(frozen=True)
class CloseConsultation:
    """The answer is there, or is not waited for any longer."""

    actor: Actor
    organization: str
    consultation: int
    outcome: Outcome
    answer: str = ""
    break_glass: str = ""


@dataclass(frozen=True)
class Extend:
    """Lengthen a clock as the profile allows, while it runs; ``units`` None: by all it allows."""

    actor: Actor
    organization: str
    clock: str
    reason: str
    units: int | None = None
    break_glass: str = ""


@dataclass(frozen=True)
class Assign:
    """Name who handles the part for its department, or somebody else than before.

    ``holds_duty``: the person named holds the duty ``handler`` there now, as a deputy or himself.
    """

    actor: Actor
    organization: str
    handler: str
    holds_duty: bool
    reason: str = ""
    break_glass: str = ""


@dataclass(frozen=True)
class Decide:
    """One party of the step whose turn it is approves or refuses.

    ``revision`` and ``sha256`` name what was read. The operator names the ``party`` he stands in
    for; everybody else may leave it out if he speaks for one party only.
    """

    actor: Actor
    organization: str
    opinion: Opinion
    revision: int
    sha256: str
    datasets: Mapping[str, DatasetFacts]
    party: str | None = None
    break_glass: str = ""


@dataclass(frozen=True)
class Sign:
    """The applicant signs. ``text_sha256`` is what he read; ``text`` is the text rendered now."""

    actor: Actor
    organization: str
    template: str
    template_version: int
    text_sha256: str
    typed_name: str
    proof: Proof
    text: str
    current_template: str
    current_version: int
    identity: Identity | None
    datasets: Mapping[str, DatasetFacts]


@dataclass(frozen=True)
class Lapse:
    """The applicant did not sign in time (only where the site sets a limit)."""

    actor: Actor
    organization: str


@dataclass(frozen=True)
class Drop:
    """Datasets of the part cannot be applied for any longer: a fact of the portal, no decision."""

    actor: Actor
    organization: str
    datasets: Sequence[str]
    cause: Literal["withdrawn", "non_open", "unconditional"]


@dataclass(frozen=True)
class Silence:
    """Nobody answered in time, where the law takes that for consent."""

    actor: Actor
    organization: str
    identity: Identity | None
    datasets: Mapping[str, DatasetFacts]


@dataclass(frozen=True)
class IssueLetter:
    """A decision letter was made: its number, kind and the SHA-256 of its canonical facts."""

    actor: Actor
    organization: str
    number: str
    kind: str
    sha256: str


@dataclass(frozen=True)
class DeliverLetter:
    """A decision letter reached the applicant."""

    actor: Actor
    organization: str
    number: str
    how: Literal["page", "mail", "hand"]


Command = (
    Submit
    | Withdraw
    | Return
    | Decline
    | Accept
    | Forward
    | RecordForwardAnswer
    | Consult
    | CloseConsultation
    | Extend
    | Assign
    | Decide
    | Sign
    | Lapse
    | Drop
    | Silence
    | IssueLetter
    | DeliverLetter
)
