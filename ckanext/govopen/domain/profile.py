"""One regulation as data: the shape of a jurisdiction profile.

Field names here are the keys of ``jurisdictions/<id>.yaml``. Every value that comes from a text
carries its ``article`` (``28.2`` article 28 paragraph 2, ``46(1)`` item 1); ``origin`` says
whether the article says so itself (``article``), whether it follows from it or from a law it
points to (``derived``), or whether it is ours where the text is silent (``default``, ``local``).
What a text does not say stays None: it is never filled in from another regulation.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ckanext.govopen.domain.procedure import Clock, Feedback, Procedure
from ckanext.govopen.domain.terms import (
    SHANGHAI,
    Named,
    OpenClass,
    Origin,
    Provision,
    ShareClass,
    Text,
    Unit,
    Way,
)
from ckanext.govopen.domain.words import fold


@dataclass(frozen=True)
class Instrument:
    """The text itself. ``articles`` is None where the source is cut off."""

    names: Text
    short: Text
    issuer: Text
    level: Literal["province", "city", "county", "district"]
    number: str | None
    issued: datetime.date | None
    articles: int | None
    complete: bool
    source_sha256: str


@dataclass(frozen=True)
class Status:
    """Whether the text is law today. ``verify_before_use`` says what to check first."""

    value: Literal["in_force", "repealed", "draft", "lapsed", "partial"]
    valid_from: datetime.date | None
    valid_to: datetime.date | None
    article: str | None
    verify_before_use: Text | None


@dataclass(frozen=True)
class Body:
    """A body that takes part besides the provider and the authority.

    ``outside``: it works on a portal of its own; what it decides is recorded here.
    """

    id: str
    names: Text
    article: str | None
    outside: bool = False
    origin: Origin = "article"


@dataclass(frozen=True)
class ClassInfo:
    """One class as the regulation calls it, and what it means to the public."""

    canonical: OpenClass
    names: Text
    article: str | None
    meaning: Text
    aliases: tuple[str, ...] = ()
    origin: Origin = "article"


@dataclass(frozen=True)
class ShareClassInfo:
    """One sharing class as the regulation calls it."""

    canonical: ShareClass
    names: Text
    article: str | None
    aliases: tuple[str, ...] = ()
    origin: Origin = "article"


@dataclass(frozen=True)
class Criterion:
    """A question whose yes leads to a class."""

    id: str
    question: Text
    leads_to: OpenClass
    article: str | None
    origin: Origin = "article"


@dataclass(frozen=True)
class DefaultClass:
    """The class of data that nothing else decides; None: a person has to choose."""

    value: OpenClass | None
    article: str | None
    origin: Origin = "article"


@dataclass(frozen=True)
class Scope:
    """``all``: every record may be opened; ``opt_in``: only what was taken into the scope."""

    mode: Literal["all", "opt_in"]
    article: str | None
    origin: Origin = "article"


@dataclass(frozen=True)
class Classes:
    """The opening classes. ``known`` is false where the text has none: then ours are shown."""

    known: bool
    article: str | None
    default: DefaultClass
    scope: Scope
    items: tuple[ClassInfo, ...]
    criteria: tuple[Criterion, ...] = ()


@dataclass(frozen=True)
class When:
    """Which datasets a requirement concerns; an empty list does not narrow."""

    open_class: tuple[OpenClass, ...] = ()
    share_class: tuple[ShareClass, ...] = ()
    acquired_by: tuple[Way, ...] = ()


@dataclass(frozen=True)
class Requirement:
    """A catalogue field that must be filled before a review, with the kinds of basis it takes."""

    field: str
    rule: str
    article: str | None
    text: Text
    when: When = When()
    basis_kinds: tuple[str, ...] = ()
    origin: Origin = "article"


@dataclass(frozen=True)
class AcquiredRule:
    """What the way of acquisition means for opening.

    ``not_published`` stays in the catalogue and out of the open list; ``not_in_catalogue`` out of
    both; ``ask``: a person decides. ``unless`` names what lifts it.
    """

    way: Way
    effect: Literal["allowed", "ask", "not_published", "not_in_catalogue"]
    article: str | None
    text: Text
    unless: Literal["provider_consent"] | None = None
    origin: Origin = "article"


@dataclass(frozen=True)
class Question:
    """Asked in the confidentiality review; a yes blocks the approval when ``blocks``."""

    id: str
    question: Text
    article: str | None
    blocks: bool = True
    origin: Origin = "article"


@dataclass(frozen=True)
class ReviewException:
    """A ground on which blocked data may be opened all the same."""

    ground: Literal["right_holder_consent", "public_interest"]
    questions: tuple[str, ...]
    strictest_allowed: OpenClass
    article: str | None


@dataclass(frozen=True)
class ReviewRule:
    """The gate before publication. ``pending`` says what the public sees meanwhile."""

    article: str | None
    text: Text
    reviewer: Literal["reviewer", "authority", "handler"]
    pending: Literal["stay", "hide"]
    risk_assessment: bool
    risk_assessment_article: str | None
    catalogue_audit: bool
    catalogue_audit_article: str | None
    questions: tuple[Question, ...]
    exceptions: tuple[ReviewException, ...] = ()
    origin: Origin = "article"


@dataclass(frozen=True)
class Retention:
    """How long something is kept at least; ``n`` None where the text has no number."""

    what: str
    n: int | None
    unit: Unit
    article: str | None
    origin: Origin = "article"


@dataclass(frozen=True)
class ArticleRow:
    """One article in our words, and what the portal does for it.

    ``state``: ``done``, ``people`` (done by people, the portal helps or records nothing),
    ``not_yet``.
    """

    number: int
    demand: Text
    portal: Text
    state: Literal["done", "people", "not_yet"]


@dataclass(frozen=True)
class Profile:
    """One regulation. Build it with :func:`ckanext.govopen.domain.jurisdiction.load`."""

    id: str
    version: int
    instrument: Instrument
    status: Status
    portal_owner: Named
    authority: Named
    legal_bases: tuple[str, ...]
    classes: Classes
    share_classes: tuple[ShareClassInfo, ...]
    basis_kinds: tuple[Named, ...]
    provider_types: tuple[Named, ...]
    requirements: tuple[Requirement, ...]
    acquired: tuple[AcquiredRule, ...]
    review: ReviewRule
    open: Procedure
    share: Procedure
    feedback: tuple[Feedback, ...]
    catalogue_clocks: tuple[Clock, ...]
    retention: tuple[Retention, ...]
    exclusions: tuple[Provision, ...]
    governance: tuple[Provision, ...]
    articles: tuple[ArticleRow, ...]
    bodies: tuple[Body, ...] = ()

    @property
    def default_class(self) -> OpenClass | None:
        """The class of data that nobody has classified; None: a person chooses.

        Where opening has a scope (``opt_in``), what nobody took into it has no class at all: the
        regulation's default holds only inside (:attr:`default_in_scope`).
        """
        return None if self.classes.scope.mode == "opt_in" else self.default_in_scope

    @property
    def default_in_scope(self) -> OpenClass | None:
        """The class of data that may be opened and to which no criterion applies."""
        return self.classes.default.value

    def class_info(self, open_class: OpenClass) -> ClassInfo | None:
        """How the regulation calls a canonical class; None when it has no such class."""
        return next((c for c in self.classes.items if c.canonical is open_class), None)

    def class_named(self, name: str) -> OpenClass | None:
        """The canonical class for a name in any of the three languages, or the canonical one."""
        wanted = fold(name)
        for item in self.classes.items:
            if wanted in {fold(n) for n in (item.canonical, *item.names.values(), *item.aliases)}:
                return item.canonical
        return OpenClass.of(name.strip()) if not self.classes.known else None

    def share_class_named(self, name: str) -> ShareClass | None:
        """The canonical sharing class for a name in any of the three languages."""
        wanted = fold(name)
        for item in self.share_classes:
            if wanted in {fold(n) for n in (item.canonical, *item.names.values(), *item.aliases)}:
                return item.canonical
        return None

    def acquired_rule(self, way: str | None) -> AcquiredRule | None:
        """What the way of acquisition means; None where the profile says nothing."""
        return next((rule for rule in self.acquired if rule.way == way), None)

    def provision(self, id: str) -> Provision | None:
        """A rule that needs no numbers, by its id; None where the text does not have it."""
        return next((rule for rule in self.governance if rule.id == id), None)

    def article(self, number: int) -> ArticleRow | None:
        """The row of one article."""
        return next((row for row in self.articles if row.number == number), None)

    def clocks(self) -> Iterator[tuple[str, Clock]]:
        """All clocks with the group they belong to (``open``, ``share``, ``catalogue``, …)."""
        for group, clocks in (
            ("open", self.open.clocks),
            ("share", self.share.clocks),
            ("catalogue", self.catalogue_clocks),
        ):
            for clock in clocks:
                yield group, clock
        for item in self.feedback:
            for clock in item.clocks:
                yield item.id, clock

    def usable(self, now: datetime.datetime, allow_not_in_force: bool = False) -> str | None:
        """None when the portal may run under this profile, else the reason why not (English).

        A profile that is not in force may run only where the site allows it expressly.
        """
        if allow_not_in_force:
            return None
        status = self.status
        if status.value != "in_force":
            return f"The profile {self.id} is not in force (status: {status.value})."
        today = now.astimezone(SHANGHAI).date()
        if status.valid_from is not None and today < status.valid_from:
            return f"The profile {self.id} is in force only from {status.valid_from}."
        if status.valid_to is not None and today >= status.valid_to:
            return f"The profile {self.id} lapsed on {status.valid_to}."
        return None
