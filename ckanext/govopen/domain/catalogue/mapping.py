"""What a record of the exchange catalogue becomes: the rules of the mapping.

The order matters: what closes comes first, then what keeps a record back, then its class.
Nothing here publishes anything: ``publish`` means that the record goes on towards a review.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ckanext.govopen.domain.catalogue.record import Record
from ckanext.govopen.domain.classification import Transition, acquired_bar, transition
from ckanext.govopen.domain.profile import Profile
from ckanext.govopen.domain.refusal import ALLOWED, N_, NO_PARAMS, Answer, fill
from ckanext.govopen.domain.terms import OpenClass, ShareClass, Way
from ckanext.govopen.domain.words import fold


@dataclass(frozen=True)
class Reason:
    """Why, with rule and article, for the report of a run."""

    rule: str
    article: str | None
    message: str
    params: Mapping[str, Any] = field(default_factory=lambda: NO_PARAMS)

    def text(self, translate: Any = None) -> str:
        """The message with its places filled."""
        return fill(self.message, self.params, translate)


@dataclass(frozen=True)
class Outcome:
    """What is to be done with a record.

    ``withdraw``: not on the portal, and taken off at once if it was. ``keep_back``: the same, and
    listed in the report for a person; ``forbidden`` when a rule forbids it to be there at all, and
    nobody's word would change that. ``publish``: written as ``open_class`` and reviewed;
    ``bulk`` false keeps it out of decisions on many at once. ``kept_distributions`` are not
    published.
    """

    action: Literal["publish", "withdraw", "keep_back"]
    open_class: OpenClass | None
    reasons: tuple[Reason, ...] = ()
    warnings: tuple[Reason, ...] = ()
    share_class: ShareClass | None = None
    bulk: bool = True
    kept_distributions: tuple[str, ...] = ()
    forbidden: bool = False

    def change(self, before: OpenClass | None) -> Transition:
        """How it compares with the class in force; what is not published is the strictest."""
        after = self.open_class if self.action == "publish" else OpenClass.NON_OPEN
        return transition(before, after or OpenClass.NON_OPEN)


def classify(
    record: Record,
    profile: Profile,
    *,
    columns: Mapping[str, Iterable[str]] | None = None,
) -> Outcome:
    """Apply every rule of the mapping to one record.

    ``columns`` are the columns of distributions as far as somebody has looked into them, by
    distribution id.
    """
    if record.deleted or not record.open:
        message = N_("Deleted at the source.") if record.deleted else N_("Not open at the source.")
        return Outcome("withdraw", None, (Reason("HRV-1", profile.classes.article, message),))
    warnings: list[Reason] = []
    consented = record.acquired == Way.SHARED.value and record.consent is not None
    bar = acquired_bar(record.acquired, profile, record.consent is not None)
    reasons = (
        _acquisition(record, profile)
        if bar is None
        else [Reason(bar.rule, bar.article, bar.message)]
    )
    share_class = profile.share_class_named(record.share_class) if record.share_class else None
    if record.share_class and share_class is None:
        reasons.append(
            Reason(
                "CLS-5",
                None,
                N_("The profile knows no sharing class %(name)s."),
                {"name": record.share_class},
            )
        )
    open_class, unclear = _open_class(record, profile)
    reasons += unclear
    if record.partly and all(item.open for item in record.items):
        message = N_("Only a part is open, and no information item says which.")
        reasons.append(Reason("REV-4", profile.classes.article, message))
    if reasons:
        forbidden = bar is not None and not bar.lifted_by_consent
        return Outcome(
            "keep_back", None, tuple(reasons), share_class=share_class, forbidden=forbidden
        )
    if open_class is OpenClass.NON_OPEN:
        info = profile.class_info(OpenClass.NON_OPEN)
        reason = Reason("CLS-4", info.article if info else None, N_("Not open at the source."))
        return Outcome("withdraw", None, (reason,), share_class=share_class)
    if consented:
        rule = profile.acquired_rule(record.acquired)
        message = N_("Obtained by sharing, with its provider's consent: please look at it singly.")
        warnings.append(Reason("GRT-4", rule.article if rule else None, message))
    if share_class is ShareClass.NONE:
        message = N_("Not shared between departments, yet to be opened: please look at it singly.")
        warnings.append(Reason("CLS-5", None, message))
    if record.open_class and open_class is OpenClass.UNCONDITIONAL and record.open_condition:
        message = N_("The class is unconditional, but a condition is given.")
        warnings.append(Reason("CLS-1", profile.classes.article, message))
    if open_class is OpenClass.CONDITIONAL and not record.open_condition:
        message = N_("No condition is stated: the regulation's own stands in its place.")
        warnings.append(Reason("CLS-1", profile.classes.article, message))
    kept = kept_back(record, columns or {})
    if kept:
        message = N_("Contains columns that are not open; wanted is a version without them.")
        warnings.append(Reason("REV-4", profile.review.article, message))
    return Outcome(
        "publish",
        open_class,
        warnings=tuple(warnings),
        share_class=share_class,
        bulk=share_class is not ShareClass.NONE and not consented,
        kept_distributions=kept,
    )


def _acquisition(record: Record, profile: Profile) -> list[Reason]:
    """What a person has to decide about the way of acquisition where nothing bars it."""
    rule = profile.acquired_rule(record.acquired)
    article = rule.article if rule else None
    if record.acquired is None:
        message = N_("How the data was acquired is not stated: the source has to say it.")
        return [Reason("CAT-11", article, message)]
    if record.acquired == Way.PURCHASED.value and (rule is None or rule.effect == "ask"):
        message = N_("Purchased data: a person decides after looking at its licence.")
        return [Reason("CAT-11", article, message)]
    if rule is not None and rule.effect == "ask":
        message = N_("A person decides about data acquired in this way.")
        return [Reason("CAT-11", article, message)]
    return []


def _open_class(record: Record, profile: Profile) -> tuple[OpenClass | None, list[Reason]]:
    classes = profile.classes
    if record.open_class:
        named = profile.class_named(record.open_class)
        if named is None:
            message = N_("The profile knows no opening class %(name)s.")
            return None, [Reason("CLS-1", classes.article, message, {"name": record.open_class})]
        return named, []
    if record.open_condition:
        if profile.class_info(OpenClass.CONDITIONAL) is None:
            message = N_("The profile has no class for open data with a condition.")
            return None, [Reason("CLS-1", classes.article, message)]
        return OpenClass.CONDITIONAL, []
    # The source says that it is open: where opening has a scope, it is inside.
    if profile.default_in_scope is None:
        message = N_("The profile has no default class: a person chooses.")
        return None, [Reason("CLS-2", classes.default.article, message)]
    return profile.default_in_scope, []


def kept_back(record: Record, columns: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Ids of distributions that contain a closed column, or of which nobody knows that they do not.

    A distribution is clean only when its columns are known and none of them is closed.
    """
    closed = {fold(item.name) for item in record.items if not item.open}
    if not closed:
        return ()
    kept = []
    for distribution in record.distributions:
        known = columns.get(distribution.id, distribution.columns)
        if known is None or closed & {fold(column) for column in known}:
            kept.append(distribution.id)
    return tuple(kept)


@dataclass(frozen=True)
class SourceTrust:
    """What a source was given: ``trusted`` by the authority, read over TLS or loopback, and with
    authentication."""

    trusted: bool = False
    secure: bool = False
    authenticated: bool = False


def trusted_review(
    record: Record,
    outcome: Outcome,
    source: SourceTrust,
    before: OpenClass | None,
    restored: bool = False,
) -> Answer:
    """Does the review at the source stand for the disclosure office's? True only when it does.

    ``before`` is the class in force here (None: never released here), ``restored`` whether the
    record was withdrawn before.
    """
    review = record.review
    if review is None or review.result != "passed":
        return Answer(False, "no_review", N_("The source reports no passed review."))
    if not (source.trusted and source.secure and source.authenticated):
        return Answer(False, "not_trusted", N_("Reviews of this source are not accepted."))
    if record.version is None or review.version != record.version:
        return Answer(False, "version", N_("The review is of another version."))
    if not all(item.sha256 for item in record.distributions):
        return Answer(False, "digests", N_("Not every file has its SHA-256."))
    if restored:
        return Answer(False, "restored", N_("A record that was withdrawn is reviewed again."))
    if outcome.action != "publish" or not outcome.bulk:
        return Answer(False, "outcome", N_("The record has to be looked at singly."))
    if outcome.change(before) == "looser":
        return Answer(False, "looser", N_("A looser class is reviewed here."))
    return ALLOWED
