"""What is said in a decision: reasons, conditions, and how much of each dataset is granted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ckanext.govopen.domain.application.acting import Acting, Notes, check_basis
from ckanext.govopen.domain.application.commands import DatasetFacts, Opinion
from ckanext.govopen.domain.application.grants import content_of
from ckanext.govopen.domain.application.scope import (
    Scope,
    as_wanted,
    check,
    is_empty,
    meet,
    narrowed,
)
from ckanext.govopen.domain.deadline import local_date
from ckanext.govopen.domain.procedure import Consultation
from ckanext.govopen.domain.refusal import N_

CONDITIONS_MAX = 30


def check_reasons(notes: Notes, opinion: Opinion, acting: Acting) -> None:
    """Every decision has a reason; a refusal, in part or whole, has what the profile demands."""
    rule = acting.rules.procedure.refusal
    refuses = not opinion.approve
    if not opinion.reason.strip():
        article = rule.article if refuses and rule.reason else None
        notes.no(N_("Say why."), article, field="reason")
    notes.text("reason", opinion.reason, needed=False)
    partly = any(not scope.granted for scope in opinion.scopes)
    check_basis(notes, opinion.basis, acting.rules, demanded=refuses or partly)
    if refuses and (opinion.scopes or opinion.conditions):
        notes.no(N_("A refusal has no conditions and no scope."), field="scopes")
    if len(opinion.conditions) > CONDITIONS_MAX:
        notes.no(N_("At most %(most)s of them."), field="conditions", most=CONDITIONS_MAX)
    for condition in opinion.conditions:
        notes.text("conditions", condition)


def scopes_of(
    acting: Acting, opinion: Opinion, facts: Mapping[str, DatasetFacts], notes: Notes
) -> tuple[Scope, ...]:
    """The decider's scope of every dataset of the part, checked; problems go to ``notes``."""
    part = acting.part
    content = content_of(acting.state, part)
    assert content.valid_from is not None and content.valid_to is not None
    delivery = acting.rules.procedure.delivery
    modes = delivery.modes if delivery else ()
    given = {scope.dataset: scope for scope in opinion.scopes}
    if len(given) != len(opinion.scopes) or not set(given) <= {w.dataset for w in part.datasets}:
        notes.no(N_("The application has no such dataset, or it stands there twice."),
                 field="scopes")  # fmt: skip
    closed = _closed(acting)
    if closed is not None:
        notes.no(
            N_("Without an answer of the one who was asked this stays closed."), closed.article
        )
    found: list[Scope] = []
    for wanted in part.datasets:
        whole = as_wanted(wanted, content.valid_from, content.valid_to)
        scope = given.get(wanted.dataset)
        if scope is not None and scope.granted:
            notes.found += check(scope, wanted, whole, modes)
        found.append(whole if scope is None else _complete(scope, whole))
        if scope is not None and not scope.granted:
            notes.text("scopes", scope.reason)
        else:
            _still_there(wanted.dataset, facts, notes)
    if not any(scope.granted for scope in common([*part.votes_scopes, tuple(found)])):
        notes.no(N_("Nothing would be granted. Refuse instead."), field="scopes")
    over = [s for s in found if s.granted and s.valid_to and s.valid_to < local_date(acting.now)]
    if over:
        notes.no(N_("The period that was applied for is over."), field="valid_to")
    return tuple(found)


def _complete(scope: Scope, whole: Scope) -> Scope:
    """With all that was not narrowed. Of a dataset that is refused only the reason counts."""
    if scope.granted:
        return narrowed(scope, whole)
    return replace(whole, granted=False, reason=scope.reason.strip())


def _still_there(dataset: str, facts: Mapping[str, DatasetFacts], notes: Notes) -> None:
    now = facts.get(dataset)
    if now is None or not now.live or not now.conditional:
        notes.no(
            N_("A dataset cannot be applied for any longer. Leave it out of what you grant."),
            field="scopes",
            dataset=dataset,
        )


def _closed(acting: Acting) -> Consultation | None:
    """The consultation without whose answer the profile keeps the data closed; None: none."""
    silent = {c.kind for c in acting.part.consultations if c.outcome == "no_answer"}
    asked = acting.rules.procedure.consultations
    return next((c for c in asked if c.no_answer == "closed" and c.id in silent), None)


def common(all_scopes: Iterable[tuple[Scope, ...]]) -> tuple[Scope, ...]:
    """What several approvals have in common, dataset by dataset."""
    merged: dict[str, Scope] = {}
    for scopes in all_scopes:
        for scope in scopes:
            known = merged.get(scope.dataset)
            merged[scope.dataset] = scope if known is None else meet(known, scope)
    return tuple(
        replace(scope, granted=scope.granted and not is_empty(scope)) for scope in merged.values()
    )
