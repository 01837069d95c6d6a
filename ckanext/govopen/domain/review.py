"""The confidentiality review of one dataset: from its first change to the decision.

All changes since the last approval form one open review. It is submitted by hand, or by itself
some minutes after the last change. Who decides names the fingerprint that he read: a change in
between makes the decision fail. Nobody decides on what he submitted.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from ckanext.govopen.domain import state_words
from ckanext.govopen.domain.classification import Missing
from ckanext.govopen.domain.duty import Actor, Duty
from ckanext.govopen.domain.event import Event
from ckanext.govopen.domain.profile import Profile
from ckanext.govopen.domain.refusal import N_, Refusal, Refused, refuse
from ckanext.govopen.domain.review_state import (
    NAMES,
    TABLE,
    Cancel,
    Command,
    Decide,
    Open,
    ReviewState,
    Role,
    Settings,
    Status,
    Submit,
    Touch,
    apply,
)

__all__ = [
    "TABLE",
    "Cancel",
    "Command",
    "Decide",
    "Open",
    "ReviewState",
    "Role",
    "Settings",
    "Status",
    "Submit",
    "Touch",
    "apply",
    "carried",
    "decide",
    "may",
    "one_by_one",
    "roles",
    "submit_at",
    "submitting_bars",
]


#: Who decides, the ordinary role first.
_DECIDERS: tuple[Role, ...] = ("reviewer", "authority", "operator")
#: Who decides by his office, not in an emergency only.
_OFFICES: frozenset[Role] = frozenset({"reviewer", "authority"})
_NOT_YOURS: Mapping[str, str] = {
    "decide": N_("The disclosure office of the department decides on this."),
}


def roles(actor: Actor, organization: str, profile: Profile, settings: Settings) -> frozenset[Role]:
    """In which roles somebody meets the review of a dataset of ``organization``.

    The profile names the duty that reviews; ``authority`` is a role only where the profile or
    the site gives it the review.
    """
    found: set[Role] = set()
    central = settings.delegate_to_authority or profile.review.reviewer == Duty.AUTHORITY.value
    if actor.system:
        found.add("system")
    if organization in actor.edits:
        found.add("editor")
    if (organization, profile.review.reviewer) in actor.duties:
        found.add("reviewer")
    if central and actor.is_authority_of(organization):
        found.add("authority")
    if actor.operator:
        found.add("operator")
    return frozenset(found)


def may(
    state: ReviewState, actor: Actor, profile: Profile, settings: Settings | None = None
) -> list[str]:
    """Names of the commands that he may give now, for buttons; the decision itself checks all.

    Who decides and does not edit is not offered to submit: he would bar himself from deciding.
    """
    settings = settings or Settings()
    mine = roles(actor, state.organization, profile, settings)
    names = [name for (status, name), who in TABLE.items() if status == state.status and who & mine]
    if "decide" in names and actor.user_id in state.submitters:
        names.remove("decide")
    if "submit" in names and mine & _OFFICES and "editor" not in mine:
        names.remove("submit")
    return [name for name in names if name not in ("open", "touch")]


def submitting_bars(
    state: ReviewState, actor: Actor, profile: Profile, settings: Settings | None = None
) -> bool:
    """Could he decide on it, and not any more once he has submitted it himself?"""
    mine = roles(actor, state.organization, profile, settings or Settings())
    return bool(mine & _OFFICES) and actor.user_id not in state.submitters


def one_by_one() -> Refused:
    """Why a review is left out of a decision on many: a person looks at it by itself.

    No text derives the opening class from the sharing class; a record that its department does
    not share and yet opens is therefore a question, which many at once would pass over. So is one
    that it got by sharing, and opens with the consent of whoever provided it.
    """
    return refuse(
        "REV-2",
        None,
        N_(
            "This review is left out of decisions on many at once: its department does not share "
            "the data with others, or got it from another one, yet is to open it. Open it and "
            "decide on it by itself."
        ),
    )


def carried(reviews: Sequence[ReviewState]) -> frozenset[str]:
    """Who had a hand in what is not approved yet, though no review of it waits any more.

    ``reviews`` are those of one dataset, oldest first. A review that is cancelled (the dataset was
    deleted, made a draft again, or went to another department) approves nothing: its submitters
    are those of the next one, too.
    """
    people: frozenset[str] = frozenset()
    for review in reviews:
        if review.status == "approved":
            people = frozenset()
        elif review.status == "cancelled":
            people |= review.submitters
    return people


def submit_at(state: ReviewState, settings: Settings) -> datetime.datetime | None:
    """When the review submits itself; None when it does not."""
    if state.status != "open" or state.changed_at is None:
        return None
    return state.changed_at + datetime.timedelta(minutes=settings.settle_minutes)


def decide(
    state: ReviewState,
    command: Command,
    now: datetime.datetime,
    profile: Profile,
    settings: Settings | None = None,
) -> list[Event]:
    """Events of a command; raises :class:`~.refusal.Refused` with rule and article."""
    settings = settings or Settings()
    article = profile.review.article
    name = NAMES[type(command)]
    organization = command.organization if isinstance(command, Open) else state.organization
    who = TABLE.get((state.status, name))
    if who is None:
        raise refuse(
            "REV-2",
            article,
            N_("A review in the state “%(state)s” does not take this command."),
            state=state_words.word(state_words.REVIEW, state.status),
        )
    mine = roles(command.actor, organization, profile, settings)
    if not who & mine:
        raise refuse("REV-2", article, _NOT_YOURS.get(name, N_("This is for others to do.")))
    if isinstance(command, Open):
        return [_change("review.opened", command, command.dataset, organization)]
    if isinstance(command, Touch):
        return [_change("review.changed", command, state.dataset, organization)]
    if isinstance(command, Submit):
        return _submit(state, command, now, settings)
    if isinstance(command, Decide):
        return _decide(state, command, mine, profile)
    payload = {**_place(state), "reason": command.reason.strip()}
    return [Event("review.cancelled", payload)]


def _place(state: ReviewState) -> dict[str, Any]:
    return {"dataset": state.dataset, "organization": state.organization}


def _change(type: str, command: Open | Touch, dataset: str, organization: str) -> Event:
    return Event(
        type,
        {
            "dataset": dataset,
            "organization": organization,
            "fingerprint": command.fingerprint,
            "submitters": sorted(_people(command.actor) | command.submitters),
        },
    )


def _people(actor: Actor) -> frozenset[str]:
    return frozenset() if actor.system else frozenset({actor.user_id})


def _submit(
    state: ReviewState, command: Submit, now: datetime.datetime, settings: Settings
) -> list[Event]:
    if command.missing:
        raise Refused(_lacking(command.missing))
    automatic = command.actor.system
    due = submit_at(state, settings)
    if automatic and (due is None or now < due):
        raise refuse("REV-2", None, N_("The dataset is still being changed."))
    return [
        Event(
            "review.submitted",
            {
                **_place(state),
                "fingerprint": command.fingerprint,
                "automatic": automatic,
                "submitters": sorted(state.submitters | _people(command.actor)),
            },
        )
    ]


def _lacking(missing: Sequence[Missing]) -> list[Refusal]:
    return [
        Refusal(item.rule, item.article, item.message, {**item.params, "field": item.field})
        for item in missing
    ]


def _decide(
    state: ReviewState, command: Decide, mine: frozenset[Role], profile: Profile
) -> list[Event]:
    article = profile.review.article
    actor = command.actor
    refusals: list[Refusal] = []

    def no(rule: str, message: str, at: str | None = article, **params: Any) -> None:
        refusals.append(Refusal(rule, at, message, params))

    # The operator's role comes last: break-glass is for when nobody else can decide.
    role = next(role for role in _DECIDERS if role in mine)
    if role == "operator" and not command.break_glass.strip():
        no("REV-2", N_("The operator decides nothing; in an emergency he states why he has to."))
    if actor.user_id in state.submitters:
        no("REV-2", N_("Nobody reviews what he submitted himself."))
    approve = command.decision == "approve"
    if not approve and not command.remarks.strip():
        no("REV-2", N_("Say what has to be changed."))
    stale = command.current_fingerprint != command.fingerprint
    if stale or (approve and command.fingerprint != state.submitted_fingerprint):
        no(
            "REV-2",
            N_("The dataset has changed since it was read. Read it again before deciding."),
        )
    if approve:
        refusals += _lacking(command.missing)
        refusals += _blocking(command.answers or {}, profile)
    if refusals:
        raise Refused(refusals)
    payload: dict[str, Any] = {
        **_place(state),
        "fingerprint": command.fingerprint,
        "remarks": command.remarks.strip(),
        "answers": dict(command.answers or {}),
        "role": role,
    }
    if role == "operator":
        payload["break_glass"] = command.break_glass.strip()
    return [Event("review.approved" if approve else "review.returned", payload)]


def _blocking(answers: Mapping[str, bool], profile: Profile) -> list[Refusal]:
    known = {question.id: question for question in profile.review.questions}
    return [
        Refusal(
            "REV-4",
            known[name].article,
            N_("The answer to the question %(question)s forbids opening."),
            {"question": name},
        )
        for name, answer in answers.items()
        if answer and name in known and known[name].blocks
    ]
