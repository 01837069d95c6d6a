"""How a part ends: signed, withdrawn, lapsed, or without the data it was about; and its letters."""

from __future__ import annotations

import datetime

from ckanext.govopen.domain import agreement
from ckanext.govopen.domain.application.acting import Acting, Notes, check_identity
from ckanext.govopen.domain.application.commands import (
    DeliverLetter,
    Drop,
    IssueLetter,
    Lapse,
    Sign,
    Withdraw,
)
from ckanext.govopen.domain.application.grants import content_of
from ckanext.govopen.domain.application.vote import granted
from ckanext.govopen.domain.deadline import local_date
from ckanext.govopen.domain.event import Event
from ckanext.govopen.domain.refusal import N_, refuse


def withdraw(acting: Acting, command: Withdraw) -> list[Event]:
    """The applicant gives up."""
    notes = Notes("APP-1")
    notes.text("reason", command.reason, needed=False)
    notes.raise_if_any()
    return [acting.event("application.withdrawn", reason=command.reason.strip())]


def sign(acting: Acting, command: Sign) -> list[Event]:
    """The applicant signs the text that is current now; then the grants are given."""
    rule = acting.rules.procedure.agreement
    notes = Notes(agreement.RULE)
    check_identity(command.identity, acting)
    name = command.identity.person if command.identity else ""
    if not name:
        name = content_of(acting.state, acting.part).contact.name
    notes.found += agreement.may_sign(
        read_sha256=command.text_sha256,
        text=command.text,
        read=(command.template, command.template_version),
        current=(command.current_template, command.current_version),
        typed_name=command.typed_name,
        checked_name=name,
        proof=command.proof,
        now=acting.now,
        max_age=acting.rules.site.proof_max_age,
    )
    today = local_date(acting.now)
    for scope in acting.part.scopes:
        facts = command.datasets.get(scope.dataset)
        if scope.granted and (facts is None or not facts.live or not facts.conditional):
            notes.no(
                N_("A dataset is not available any longer; the agreement is being changed."),
                rule.article,
                dataset=scope.dataset,
            )
        if scope.granted and scope.valid_to is not None and scope.valid_to < today:
            notes.no(N_("The period that was granted is over."), dataset=scope.dataset)
    notes.raise_if_any()
    signed = acting.event(
        "agreement.signed",
        template=command.template,
        template_version=command.template_version,
        text_sha256=command.text_sha256,
        text=command.text,
        typed_name=command.typed_name.strip(),
        method=command.proof.method,
        proved_at=command.proof.at.isoformat(),
    )
    return [signed, granted(acting, acting.part.scopes)]


def sign_until(decided_at: datetime.datetime, days: int) -> datetime.date:
    """The last day to sign on."""
    return local_date(decided_at) + datetime.timedelta(days=days)


def lapse(acting: Acting, command: Lapse) -> list[Event]:
    """Not signed in time: only where the site sets a limit, and after it."""
    days = acting.rules.site.sign_within_days
    decided = acting.part.decided_at
    if days is None or decided is None or local_date(acting.now) <= sign_until(decided, days):
        raise refuse(agreement.RULE, None, N_("The time limit is not over."))
    return [acting.event("application.lapsed", cause="not_signed")]


def drop(acting: Acting, command: Drop) -> list[Event]:
    """Datasets that became open to all, non-open, or are gone leave the part."""
    here = [item.dataset for item in acting.part.datasets if item.dataset in command.datasets]
    if not here:
        raise refuse("APP-1", None, N_("The application has no such dataset."), field="datasets")
    return [
        acting.event("application.datasets_ended", datasets=here, cause=command.cause),
    ]


def issue_letter(acting: Acting, command: IssueLetter) -> list[Event]:
    """A decision letter was made."""
    if any(letter.number == command.number for letter in acting.state.letters):
        raise refuse("APP-5", None, N_("There is a letter with this number."), field="number")
    return [
        acting.event(
            "application.letter_issued",
            number=command.number,
            kind=command.kind,
            sha256=command.sha256,
        )
    ]


def deliver_letter(acting: Acting, command: DeliverLetter) -> list[Event]:
    """A decision letter reached the applicant; the first time counts."""
    letter = next(
        (
            item
            for item in acting.state.letters
            if (item.number, item.organization) == (command.number, acting.part.organization)
        ),
        None,
    )
    if letter is None:
        raise refuse("APP-5", None, N_("There is no such letter."), field="number")
    if letter.delivered_at is not None:
        return []
    return [acting.event("application.letter_delivered", number=command.number, how=command.how)]
