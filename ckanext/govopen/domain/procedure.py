"""How a regulation orders a procedure: who receives, who decides, by when, and what silence means.

Both procedures have this shape, ``open`` (towards the public) and ``share`` (between departments).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ckanext.govopen.domain.terms import Named, Origin, Provision, Text, Unit


@dataclass(frozen=True)
class Extension:
    """How a clock may be lengthened: by ``n`` units, or to ``until_total`` units in all."""

    unit: Unit
    approver: str
    article: str | None
    n: int | None = None
    until_total: int | None = None
    origin: Origin = "article"


@dataclass(frozen=True)
class Target:
    """A target of the site where the text has no number; never law, always shown as internal."""

    n: int
    unit: Unit


@dataclass(frozen=True)
class Clock:
    """A time limit. ``n`` None means "timely" and the like: no due date.

    ``start`` is the event it runs from (``start_stated`` false: the text names none, the event is
    ours), ``until`` what ends it, ``actor`` who has to act. ``date`` is a yearly date (MM-DD).
    ``suspended_by`` names the consultations that stop it, ``restarted_by`` the events that let it
    begin anew; ``urgent``: a date set by hand may come before the limit. ``target`` is the site's
    own and stands only where ``n`` is None.
    """

    id: str
    names: Text
    n: int | None
    unit: Unit
    start: str
    actor: str
    article: str | None
    start_stated: bool = True
    until: str | None = None
    date: str | None = None
    extension: Extension | None = None
    suspended_by: tuple[str, ...] = ()
    restarted_by: tuple[str, ...] = ()
    urgent: bool = False
    by_reference: str | None = None
    target: Target | None = None
    origin: Origin = "article"


@dataclass(frozen=True)
class Receiving:
    """Who receives an application, and to whom it is passed on.

    ``transmission`` ``by_hand``: there is no interface to that body; the forwarding and its
    answer are recorded with the letters.
    """

    body: str
    article: str | None
    forward_to: str | None = None
    transmission: Literal["by_hand"] | None = None
    origin: Origin = "article"


@dataclass(frozen=True)
class Step:
    """One decision: ``parties`` (duty@body) must all agree when ``joint``, else any of them.

    Parties in ``outside`` have no account here: the receiving body records what they decided,
    with their letter.
    """

    id: str
    names: Text
    parties: tuple[str, ...]
    article: str | None
    joint: bool = False
    outside: tuple[str, ...] = ()
    origin: Origin = "article"


@dataclass(frozen=True)
class Consultation:
    """Somebody whose opinion may be asked before the decision.

    ``clock`` is his time to answer; ``no_answer`` what follows when it runs out: the decider
    decides (``decide``), or the data stays closed (``closed``). Whether it stops the decider's
    own clock is said by that clock.
    """

    id: str
    names: Text
    who: str
    no_answer: Literal["decide", "closed"]
    article: str | None
    clock: str | None = None
    origin: Origin = "article"


@dataclass(frozen=True)
class Silence:
    """What it means when nobody answers within ``clock``."""

    means: Literal["nothing", "consent"]
    article: str | None
    clock: str | None = None
    origin: Origin = "article"


@dataclass(frozen=True)
class RefusalRule:
    """What a refusal must contain; ``remedies`` are the ways that the letter names."""

    reason: bool
    basis: bool
    article: str | None
    basis_kinds: tuple[str, ...] = ()
    remedies: tuple[Provision, ...] = ()
    origin: Origin = "article"


@dataclass(frozen=True)
class AgreementRule:
    """Whether a data-use agreement comes before access, and what it has to say.

    ``origin`` ``local``: a rule of the site, which the site may switch off.
    """

    required: bool
    article: str | None
    origin: Origin = "article"
    demands: tuple[str, ...] = ()


@dataclass(frozen=True)
class Delivery:
    """How conditional data is handed over; the first mode is proposed."""

    modes: tuple[Literal["download", "interface", "on_platform"], ...]
    article: str | None
    origin: Origin = "article"


@dataclass(frozen=True)
class ApplicationField:
    """What an application states; one that is not ``required`` may be left empty."""

    id: str
    names: Text
    article: str | None
    required: bool = True
    origin: Origin = "article"


@dataclass(frozen=True)
class Procedure:
    """How somebody gets data: ``open`` towards the public, ``share`` between departments."""

    available: bool
    article: str | None
    receiving: Receiving | None
    applicants: tuple[Named, ...]
    fields: tuple[ApplicationField, ...]
    steps: tuple[Step, ...]
    clocks: tuple[Clock, ...]
    silence: Silence
    refusal: RefusalRule
    agreement: AgreementRule
    delivery: Delivery | None
    consultations: tuple[Consultation, ...] = ()
    without_decision: Provision | None = None
    scenario: Provision | None = None
    disputes: tuple[Provision, ...] = ()
    limits: tuple[Provision, ...] = ()
    unavailable: Text | None = None


@dataclass(frozen=True)
class Feedback:
    """Objections, complaints, problem reports: who, to whom, on what ground, by when."""

    id: str
    names: Text
    article: str | None
    who: str
    to: str
    grounds: tuple[str, ...]
    clocks: tuple[Clock, ...]
    outcomes: tuple[str, ...] = ()
    public_flag: bool = False
    origin: Origin = "article"
