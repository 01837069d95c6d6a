"""Decisions: one party of a step at a time, until all have approved or one has refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ckanext.govopen.domain.application.acting import NAME_MAX, Acting, Notes, check_identity
from ckanext.govopen.domain.application.clock import silence_due
from ckanext.govopen.domain.application.commands import (
    DatasetFacts,
    Decide,
    Opinion,
    RecordForwardAnswer,
    Silence,
)
from ckanext.govopen.domain.application.fold import apply
from ckanext.govopen.domain.application.grants import grant_id
from ckanext.govopen.domain.application.handle import check_handler
from ckanext.govopen.domain.application.opinion import check_reasons, common, scopes_of
from ckanext.govopen.domain.application.roles import (
    current_step,
    is_outside,
    speaks_for,
    waiting_parties,
)
from ckanext.govopen.domain.application.scope import Scope
from ckanext.govopen.domain.application.state import OutsideLetter, Part
from ckanext.govopen.domain.deadline import local_date, silence_consents
from ckanext.govopen.domain.event import Event
from ckanext.govopen.domain.procedure import Step
from ckanext.govopen.domain.refusal import N_, refuse


@dataclass(frozen=True)
class _Ballot:
    """A decision about to be recorded. ``by`` is empty for silence."""

    step: Step
    party: str
    opinion: Opinion
    by: str = ""
    silent: bool = False
    letter: OutsideLetter | None = None


def decide(acting: Acting, command: Decide) -> list[Event]:
    """One party approves or refuses."""
    step = _turn(acting)
    party = _party(acting, command, step)
    if party == "handler@provider":
        check_handler(acting)
    if is_outside(party, step, acting.part, acting.rules):
        raise refuse(
            "APP-3", step.article, N_("This body decides outside the portal: record its letter.")
        )
    notes = _checked(acting, command, step)
    ballot = _Ballot(step, party, command.opinion, acting.actor.user_id)
    return _cast(acting, ballot, command.datasets, notes)


def record_answer(acting: Acting, command: RecordForwardAnswer) -> list[Event]:
    """The decision of a body outside, recorded by hand with the letter that it sent."""
    step = _turn(acting)
    part = acting.part
    waiting = waiting_parties(part, acting.rules)
    if command.party not in waiting or not is_outside(command.party, step, part, acting.rules):
        raise refuse(
            "APP-3", step.article, N_("No letter of this body is waited for."), field="party"
        )
    receiving = acting.rules.procedure.receiving
    body = command.party.partition("@")[2]
    forwarded = receiving is not None and receiving.forward_to == body
    if forwarded and part.forwarding is None:
        raise refuse(
            "APP-1",
            receiving.article if receiving else None,
            N_("First record that the application was passed on."),
        )
    notes = _checked(acting, command, step)
    notes.text("letter_number", command.letter.number, NAME_MAX)
    if command.letter.date > local_date(acting.now):
        notes.no(N_("The letter's date lies in the future."), field="letter_date")
    letter = OutsideLetter(command.letter.number.strip(), command.letter.date)
    ballot = _Ballot(step, command.party, command.opinion, acting.actor.user_id, letter=letter)
    events = _cast(acting, ballot, command.datasets, notes)
    if forwarded:
        answered = acting.event("application.answered", body=body, **_letter(letter))
        events = [answered, *events]
    return events


def silence(acting: Acting, command: Silence) -> list[Event]:
    """Consent by silence: never towards the public, and only once the clock has run out."""
    rule = acting.rules.procedure.silence
    if not acting.rules.consent_by_silence:
        raise refuse("APP-4", rule.article, N_("Silence decides nothing here."))
    found = silence_due(acting.part, acting.rules)
    if found is None or not silence_consents(
        rule, found[0].id, found[1], acting.now, answered=False
    ):
        raise refuse("APP-4", rule.article, N_("The time limit is not over."))
    check_identity(command.identity, acting)
    clock, step = found[0], _turn(acting)
    parties = [
        party
        for party in waiting_parties(acting.part, acting.rules)
        if party.partition("@")[2] == clock.actor
    ]
    if not parties:
        raise refuse("APP-4", rule.article, N_("Nobody is silent whose consent is waited for."))
    opinion = Opinion(True, "")
    ballot = _Ballot(step, parties[0], opinion, silent=True)
    return _cast(acting, ballot, command.datasets, Notes("APP-4"))


def _turn(acting: Acting) -> Step:
    step = current_step(acting.part, acting.rules)
    if step is None:
        raise refuse("APP-3", None, N_("Everything has been decided."))
    return step


def _party(acting: Acting, command: Decide, step: Step) -> str:
    """For which party of the step he speaks."""
    waiting = waiting_parties(acting.part, acting.rules)
    if acting.glass:
        mine = [*waiting]
    else:
        mine = [p for p in waiting if speaks_for(acting.actor, p, acting.part, acting.rules)]
    if command.party is not None:
        mine = [party for party in mine if party == command.party]
    if not mine:
        raise refuse("APP-3", step.article, N_("It is not the turn of this body."), field="party")
    if len(mine) > 1:
        raise refuse("APP-3", step.article, N_("Say for which body you decide."), field="party")
    return mine[0]


def _checked(acting: Acting, command: Decide | RecordForwardAnswer, step: Step) -> Notes:
    """What has to hold for every decision that somebody makes or records."""
    part, opinion = acting.part, command.opinion
    notes = Notes("APP-3")
    if any(vote.by == acting.actor.user_id for vote in part.votes):
        notes.no(N_("One person decides for one body only."), step.article)
    read = (command.revision, command.sha256)
    if read != (part.revision, acting.state.revision(part.revision).sha256):
        notes.no(
            N_("The application has changed since it was read. Read it again before deciding."),
            field="revision",
        )
    if part.consulting:
        notes.no(N_("An answer stands out. Close the consultation before deciding."))
    check_reasons(notes, opinion, acting)
    return notes


def _cast(
    acting: Acting, ballot: _Ballot, facts: Mapping[str, DatasetFacts], notes: Notes
) -> list[Event]:
    """The events of a decision, and of all that follows from it at once."""
    opinion = ballot.opinion
    scopes = scopes_of(acting, opinion, facts, notes) if opinion.approve else ()
    notes.raise_if_any()
    decided = acting.event(
        "application.decided",
        step=ballot.step.id,
        party=ballot.party,
        approve=opinion.approve,
        reason=opinion.reason.strip(),
        basis=[item.as_dict() for item in opinion.basis],
        conditions=[item.strip() for item in opinion.conditions],
        scopes=[scope.as_dict() for scope in scopes],
        revision=acting.part.revision,
        sha256=acting.state.revision(acting.part.revision).sha256,
        by=ballot.by,
        silent=ballot.silent,
        **_letter(ballot.letter),
    )
    if not opinion.approve:
        return [decided, _of(acting, "application.refused", **_place(ballot))]
    after = apply(acting.state, decided, acting.now).part(acting.part.organization)
    assert after is not None
    if current_step(after, acting.rules) is not None:
        return [decided]
    events = [decided, _approved(acting, after)]
    if not acting.rules.agreement_required:
        events.append(granted(acting, common(after.votes_scopes)))
    return events


def _place(ballot: _Ballot) -> dict[str, str]:
    return {"step": ballot.step.id, "party": ballot.party}


def _of(acting: Acting, type: str, **payload: Any) -> Event:
    """An event that follows by itself from one that carries the operator's reason already."""
    return replace(acting, glass="").event(type, **payload)


def _letter(letter: OutsideLetter | None) -> dict[str, str]:
    if letter is None:
        return {}
    return {"letter_number": letter.number, "letter_date": letter.date.isoformat()}


def _approved(acting: Acting, part: Part) -> Event:
    conditions = dict.fromkeys(c for vote in part.votes if vote.approve for c in vote.conditions)
    scopes = [scope.as_dict() for scope in common(part.votes_scopes)]
    return _of(acting, "application.approved", scopes=scopes, conditions=[*conditions])


def granted(acting: Acting, scopes: Iterable[Scope]) -> Event:
    """The part is granted: every dataset of it that was approved gets its grant."""
    grants = [
        {"dataset": scope.dataset, "grant": grant_id(acting.state.id, scope.dataset)}
        for scope in scopes
        if scope.granted
    ]
    return _of(acting, "application.granted", grants=grants)
