"""What a body does before it decides: return, accept, pass on, ask others, lengthen, assign."""

from __future__ import annotations

from ckanext.govopen.domain.application.acting import (
    NAME_MAX,
    Acting,
    Notes,
    check_basis,
    check_identity,
)
from ckanext.govopen.domain.application.clock import running
from ckanext.govopen.domain.application.commands import (
    Accept,
    Assign,
    CloseConsultation,
    Consult,
    Decline,
    Extend,
    Forward,
    Return,
)
from ckanext.govopen.domain.application.roles import approver_of, speaks_for
from ckanext.govopen.domain.application.state import CONSULTATIONS, OUTCOMES
from ckanext.govopen.domain.deadline import local_date
from ckanext.govopen.domain.duty import Duty
from ckanext.govopen.domain.event import Event
from ckanext.govopen.domain.refusal import N_, refuse

REMARKS_MAX = 50


def check_handler(acting: Acting) -> None:
    """Refuse when another person of the department handles the part: he takes it over first."""
    part, actor = acting.part, acting.actor
    by_duty = actor.has(part.organization, Duty.HANDLER)
    if acting.glass or not by_duty or part.handler in (None, actor.user_id):
        return
    raise refuse("APP-1", None, N_("A colleague handles this. Take it over first, and say why."))


def _receiving(acting: Acting) -> None:
    receiving = acting.rules.procedure.receiving
    if receiving is not None and receiving.body == "provider":
        check_handler(acting)


def return_(acting: Acting, command: Return) -> list[Event]:
    """Back to the applicant: says what has to be changed."""
    _receiving(acting)
    notes = Notes("APP-1")
    remarks = {name: text.strip() for name, text in command.remarks.items() if text.strip()}
    if not remarks and not command.message.strip():
        notes.no(N_("Say what has to be changed."), field="message")
    notes.text("message", command.message, needed=False)
    if len(remarks) > REMARKS_MAX:
        notes.no(N_("At most %(most)s of them."), field="remarks", most=REMARKS_MAX)
    for name, text in remarks.items():
        notes.text("remarks", text)
        notes.text("remarks", name, NAME_MAX)
    notes.raise_if_any()
    return [acting.event("application.returned", remarks=remarks, message=command.message.strip())]


def decline(acting: Acting, command: Decline) -> list[Event]:
    """Not accepted, for good; it has to contain what a refusal has to contain."""
    _receiving(acting)
    notes = Notes("APP-5")
    notes.text("reason", command.reason)
    check_basis(notes, command.basis, acting.rules)
    notes.raise_if_any()
    basis = [item.as_dict() for item in command.basis]
    return [acting.event("application.declined", reason=command.reason.strip(), basis=basis)]


def accept(acting: Acting, command: Accept) -> list[Event]:
    """Accepted, once it is recorded who applies."""
    _receiving(acting)
    check_identity(command.identity, acting)
    checked = command.identity.checked_at.isoformat() if command.identity else None
    return [acting.event("application.accepted", checked_at=checked)]


def forward(acting: Acting, command: Forward) -> list[Event]:
    """Passed on, where the profile says to whom; once."""
    receiving = acting.rules.procedure.receiving
    notes = Notes("APP-1")
    if receiving is None or receiving.forward_to is None:
        raise refuse("APP-1", None, N_("Under this regulation nothing is passed on."))
    if acting.part.forwarding is not None:
        raise refuse("APP-1", receiving.article, N_("This was passed on already."))
    notes.text("letter_number", command.letter.number, NAME_MAX)
    if command.letter.date > local_date(acting.now):
        notes.no(N_("The letter's date lies in the future."), field="letter_date")
    notes.raise_if_any()
    return [
        acting.event(
            "application.forwarded",
            body=receiving.forward_to,
            letter_number=command.letter.number.strip(),
            letter_date=command.letter.date.isoformat(),
        )
    ]


def consult(acting: Acting, command: Consult) -> list[Event]:
    """Somebody is asked. Whether that stops a clock is the profile's to say."""
    known = {item.id for item in acting.rules.procedure.consultations} | CONSULTATIONS
    notes = Notes("APP-3")
    if command.kind not in known:
        notes.no(N_("There is no such consultation."), field="kind")
    if any(c.kind == command.kind and c.whom == command.whom.strip() and c.closed_at is None
           for c in acting.part.consultations):  # fmt: skip
        notes.no(N_("This body is being asked already."), field="whom")
    notes.text("whom", command.whom, NAME_MAX)
    notes.text("question", command.question)
    if command.until is not None and command.until < local_date(acting.now):
        notes.no(N_("The day lies in the past."), field="until")
    notes.raise_if_any()
    return [
        acting.event(
            "application.consulted",
            consultation=len(acting.part.consultations) + 1,
            kind=command.kind,
            whom=command.whom.strip(),
            question=command.question.strip(),
            until=command.until.isoformat() if command.until else None,
        )
    ]


def close_consultation(acting: Acting, command: CloseConsultation) -> list[Event]:
    """The answer is recorded, or that there was none."""
    notes = Notes("APP-3")
    asked = {item.id: item for item in acting.part.consultations}
    consultation = asked.get(command.consultation)
    if consultation is None or consultation.closed_at is not None:
        raise refuse("APP-3", None, N_("There is no such consultation."), field="consultation")
    if command.outcome not in OUTCOMES:
        notes.no(N_("Say how the consultation ended."), field="outcome")
    notes.text("answer", command.answer, needed=command.outcome != "no_answer")
    notes.raise_if_any()
    return [
        acting.event(
            "application.consultation_closed",
            consultation=consultation.id,
            outcome=command.outcome,
            answer=command.answer.strip(),
        )
    ]


def extend(acting: Acting, command: Extend) -> list[Event]:
    """A clock is lengthened: once, with a reason, by whom the profile names, while it runs."""
    clock = next((c for c in acting.rules.procedure.clocks if c.id == command.clock), None)
    if clock is None or clock.extension is None:
        raise refuse("APP-4", clock.article if clock else None,
                     N_("This time limit cannot be extended."), field="clock")  # fmt: skip
    article = clock.extension.article
    approver = approver_of(clock)
    if not acting.glass and not speaks_for(acting.actor, approver or "", acting.part, acting.rules):
        raise refuse("APP-4", article, N_("This is for others to do."))
    notes = Notes("APP-4")
    notes.text("reason", command.reason)
    now_running = running(acting.part, clock.id, acting.rules, acting.now)
    if now_running is None:
        notes.no(N_("This time limit is not running."), article, field="clock")
    elif now_running.overdue(acting.now):
        notes.no(N_("The time limit is over: it can only be extended before."), article,
                 field="clock")  # fmt: skip
    if any(item.clock == clock.id for item in acting.part.extensions):
        notes.no(N_("This time limit was extended already."), article, field="clock")
    most = clock.extension.n if clock.extension.n is not None else clock.extension.until_total
    if command.units is not None and not 1 <= command.units <= (most or 0):
        notes.no(N_("At most %(most)s days."), article, field="units", most=most)
    notes.raise_if_any()
    return [
        acting.event(
            "application.extended",
            clock=clock.id,
            units=command.units,
            reason=command.reason.strip(),
        )
    ]


def assign(acting: Acting, command: Assign) -> list[Event]:
    """The department names who handles its part; to take it from somebody needs a reason."""
    part = acting.part
    notes = Notes("APP-1")
    if not command.holds_duty:
        notes.no(N_("This person does not handle applications there."), field="handler")
    if command.handler in acting.state.concerned:
        notes.no(N_("Nobody decides on his own application."), field="handler")
    if command.handler == part.handler:
        notes.no(N_("This person handles it already."), field="handler")
    notes.text("reason", command.reason, needed=part.handler is not None)
    notes.raise_if_any()
    return [
        acting.event("application.assigned", handler=command.handler, reason=command.reason.strip())
    ]
