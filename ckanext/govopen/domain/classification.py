"""The opening classes: which is stricter, how one is changed, what a review needs first."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ckanext.govopen.domain.event import Event
from ckanext.govopen.domain.profile import Profile, Requirement
from ckanext.govopen.domain.refusal import N_, NO_PARAMS, Refusal, Refused, fill, refuse
from ckanext.govopen.domain.terms import OpenClass, Text, Way

__all__ = [
    "Missing",
    "OpenClass",
    "acquired_bar",
    "check_basis",
    "check_requirements",
    "class_from_answers",
    "consent_recorded",
    "default_class",
    "is_stricter",
    "reclassify",
    "stricter",
    "strictness",
    "transition",
]

_ORDER = {OpenClass.UNCONDITIONAL: 0, OpenClass.CONDITIONAL: 1, OpenClass.NON_OPEN: 2}
#: What answers to the criteria can demand; only what is stricter than the class asked for is said.
_DEMANDED = {
    OpenClass.CONDITIONAL: N_(
        "By the answers to the criteria, the data may be opened only on conditions."
    ),
    OpenClass.NON_OPEN: N_("By the answers to the criteria, the data may not be opened."),
}


def strictness(open_class: OpenClass) -> int:
    """0 for the widest class, growing with strictness."""
    return _ORDER[open_class]


def stricter(a: OpenClass, b: OpenClass) -> OpenClass:
    """The stricter of the two."""
    return max(a, b, key=strictness)


def is_stricter(a: OpenClass, than: OpenClass) -> bool:
    """Does ``a`` let out less than ``than``?"""
    return strictness(a) > strictness(than)


Transition = Literal["new", "same", "stricter", "looser"]


def transition(before: OpenClass | None, after: OpenClass) -> Transition:
    """What a change of class is; ``before`` None: there was none in force."""
    if before is None:
        return "new"
    if before is after:
        return "same"
    return "stricter" if is_stricter(after, before) else "looser"


def default_class(profile: Profile) -> OpenClass | None:
    """The class that the profile gives data which nothing else decides; None: a person chooses.

    A default class never replaces the review (REV-2).
    """
    return profile.default_class


def class_from_answers(
    answers: Mapping[str, bool], profile: Profile
) -> tuple[OpenClass | None, list[str]]:
    """The class that the criteria lead to, and the articles of the criteria that were met.

    ``answers`` maps criterion ids to yes or no; the strictest consequence counts. All answered
    with no: the default class (CLS-2). Something unanswered and nothing met: None.
    """
    met = [c for c in profile.classes.criteria if answers.get(c.id) is True]
    if met:
        strictest = max((c.leads_to for c in met), key=strictness)
        return strictest, [c.article for c in met if c.article and c.leads_to is strictest]
    if all(answers.get(c.id) is False for c in profile.classes.criteria):
        article = profile.classes.default.article
        return profile.default_in_scope, [article] if article else []
    return None, []


def check_basis(
    legal_basis: Sequence[Mapping[str, Any]], kinds: Iterable[str], rule: str, article: str | None
) -> list[Refusal]:
    """What is wrong with a list of ``{"instrument", "article", "kind"}``; empty when it will do.

    At least one entry needs an instrument and a kind among ``kinds`` (none given: any kind).
    """
    accepted = set(kinds)
    for entry in legal_basis:
        if not str(entry.get("instrument") or "").strip():
            continue
        if not accepted or entry.get("kind") in accepted:
            return []
    if not legal_basis:
        return [Refusal(rule, article, N_("A legal basis is required: instrument and article."))]
    return [
        Refusal(
            rule,
            article,
            N_("None of the legal bases is of a kind that counts here (%(kinds)s)."),
            {"kinds": ", ".join(sorted(accepted)) or "-"},
        )
    ]


def reclassify(
    current: OpenClass | None,
    wanted: OpenClass | str,
    reason: str,
    legal_basis: Sequence[Mapping[str, Any]],
    profile: Profile,
    actor: str,
    *,
    dataset: str = "",
    organization: str = "",
    answers: Mapping[str, bool] | None = None,
) -> list[Event]:
    """Change the class of a dataset; raises :class:`~.refusal.Refused`.

    ``current`` is the class in force (None: not released). A stricter class gives
    ``dataset.class_tightened``, effective at once; a looser one
    ``dataset.class_loosening_requested``, which takes effect only through a review (design of
    releases). ``answers`` are those to the profile's criteria (CLS-3); they may not contradict
    the class. ``actor`` is the id of who does it; nobody changes a class anonymously.
    """
    known = OpenClass.of(wanted)
    if known is None or profile.class_info(known) is None:
        raise refuse(
            "CLS-1",
            profile.classes.article,
            N_("The regulation has no opening class %(name)s."),
            name=str(wanted),
        )
    refusals: list[Refusal] = []
    if not actor:
        refusals.append(Refusal("ID-2", None, N_("A class is changed by a known person only.")))
    if not reason.strip():
        refusals.append(Refusal("CLS-3", None, N_("A change of class needs a reason.")))
    change = transition(current, known)
    if change == "same":
        refusals.append(Refusal("CLS-1", None, N_("The dataset is in this class already.")))
    if answers:
        demanded, articles = class_from_answers(answers, profile)
        if demanded is not None and is_stricter(demanded, known):
            refusals.append(
                Refusal(
                    "CLS-4" if demanded is OpenClass.NON_OPEN else "CLS-3",
                    articles[0] if articles else profile.classes.article,
                    _DEMANDED[demanded],
                )
            )
    needed = _class_requirement(profile, "legal_basis", known)
    if needed is not None:
        refusals += check_basis(legal_basis, needed.basis_kinds, needed.rule, needed.article)
    if refusals:
        raise Refused(refusals)
    tightened = change == "stricter"
    return [
        Event(
            "dataset.class_tightened" if tightened else "dataset.class_loosening_requested",
            {
                "dataset": dataset,
                "organization": organization,
                "before": current.value if current else None,
                "after": known.value,
                "reason": reason.strip(),
                "legal_basis": [dict(entry) for entry in legal_basis],
                "answers": dict(answers or {}),
            },
        )
    ]


def _class_requirement(profile: Profile, name: str, wanted: OpenClass) -> Requirement | None:
    for item in profile.requirements:
        other = item.when.share_class or item.when.acquired_by
        if item.field == name and wanted in item.when.open_class and not other:
            return item
    return None


#: Fields in which the consent of whoever provided shared data is recorded: number, day, by whom.
CONSENT = ("provider_consent", "provider_consent_on", "provider_consent_by")


def consent_recorded(dataset_fields: Mapping[str, Any]) -> bool:
    """Does the record say under which number, on which day and by whom consent was given?"""
    return not any(_empty(dataset_fields.get(name)) for name in CONSENT)


@dataclass(frozen=True)
class Bar:
    """Why data that was acquired in some way is not opened; ``lifted_by_consent`` says that the
    recorded consent of whoever provided it would change that."""

    rule: str
    article: str | None
    message: str
    lifted_by_consent: bool = False


def acquired_bar(way: Any, profile: Profile, consented: bool) -> Bar | None:
    """What keeps data out of the open list because of how it was acquired; None: nothing.

    Data obtained by sharing always (GRT-4), whatever a profile leaves out; only where the profile
    says so does the recorded consent of its provider lift it.
    """
    rule = profile.acquired_rule(way)
    article = rule.article if rule else None
    if way == Way.SHARED.value:
        lifts = rule is not None and rule.unless == "provider_consent"
        if lifts and consented:
            return None
        message = (
            N_(
                "Data obtained by sharing is published only with the recorded consent of its "
                "provider: number, day and who gave it."
            )
            if lifts
            else N_("Data obtained by sharing is not published.")
        )
        return Bar("GRT-4", article, message, lifts)
    if rule is not None and rule.effect in ("not_published", "not_in_catalogue"):
        return Bar("OPL-2", article, N_("Data acquired in this way is not opened to the public."))
    return None


@dataclass(frozen=True)
class Missing:
    """One thing that keeps a dataset from being reviewed: which field, which rule, why.

    ``demand`` is what the profile asks for in this field, in three languages.
    """

    field: str
    rule: str
    article: str | None
    message: str
    params: Mapping[str, Any] = dataclasses.field(default_factory=lambda: NO_PARAMS)
    demand: Text | None = None

    def text(self, translate: Any = None) -> str:
        """The message with its places filled."""
        return fill(self.message, self.params, translate)

    def as_dict(self, translate: Any = None) -> dict[str, Any]:
        """``{"field", "rule", "article", "message", "demand"}`` as the API answers it."""
        return {
            "field": self.field,
            "rule": self.rule,
            "article": self.article,
            "message": self.text(translate),
            "demand": dataclasses.asdict(self.demand) if self.demand is not None else None,
        }


def check_requirements(dataset_fields: Mapping[str, Any], profile: Profile) -> list[Missing]:
    """What is missing before the dataset may be reviewed; empty when nothing is.

    ``dataset_fields`` is a CKAN dataset dict with the portal's fields. It never blocks a save:
    CKAN's clients keep working, the review waits (CAT-3, CLS-4, OPL-2).
    """
    missing: list[Missing] = []
    open_class = OpenClass.of(dataset_fields.get("open_class"))
    if open_class is None:
        missing.append(
            Missing("open_class", "CLS-1", profile.classes.article, N_("The class is missing."))
        )
    for item in profile.requirements:
        if not _concerns(item, dataset_fields):
            continue
        value = dataset_fields.get(item.field)
        if item.field == "legal_basis":
            entries = [entry for entry in value or [] if isinstance(entry, Mapping)]
            missing += [
                Missing(
                    "legal_basis",
                    refusal.rule,
                    refusal.article,
                    refusal.message,
                    refusal.params,
                    item.text,
                )
                for refusal in check_basis(entries, item.basis_kinds, item.rule, item.article)
            ]
        elif _empty(value) and not (item.field == "open_class" and open_class is None):
            missing.append(
                Missing(
                    item.field,
                    item.rule,
                    item.article,
                    N_("The regulation asks for this."),
                    demand=item.text,
                )
            )
    way, consented = dataset_fields.get("acquired_by"), consent_recorded(dataset_fields)
    bar = acquired_bar(way, profile, consented)
    if bar is not None and open_class is not OpenClass.NON_OPEN:
        missing.append(Missing("acquired_by", bar.rule, bar.article, bar.message))
    return missing


def _empty(value: Any) -> bool:
    if isinstance(value, str):
        return not value.strip()
    return value is None or value == [] or value == {}


def _concerns(item: Requirement, dataset: Mapping[str, Any]) -> bool:
    when = item.when
    return all(
        not wanted or dataset.get(name) in {value.value for value in wanted}
        for name, wanted in (
            ("open_class", when.open_class),
            ("share_class", when.share_class),
            ("acquired_by", when.acquired_by),
        )
    )
