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
class Clock:
    """A time limit. ``n`` None means "timely" and the like: no due date.

    ``start`` is the event it runs from (``start_stated`` false: the text names none, the event is
    ours), ``until`` what ends it, ``actor`` who has to act. ``date`` is a yearly date (MM-DD).
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
    origin: Origin = "article"


@dataclass(frozen=True)
class Receiving:
    """Who receives an application, and to whom it is passed on."""

    body: str
    article: str | None
    forward_to: str | None = None
    origin: Origin = "article"


@dataclass(frozen=True)
class Step:
    """One decision: ``parties`` (duty@body) must all agree when ``joint``, else any of them."""

    id: str
    names: Text
    parties: tuple[str, ...]
    article: str | None
    joint: bool = False
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
    """What a refusal must contain."""

    reason: bool
    basis: bool
    article: str | None
    basis_kinds: tuple[str, ...] = ()
    origin: Origin = "article"


@dataclass(frozen=True)
class AgreementRule:
    """Whether a data-use agreement comes before access."""

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
    """What an application must state."""

    id: str
    names: Text
    article: str | None
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
