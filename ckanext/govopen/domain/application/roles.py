"""In which roles somebody meets a part, and which step is whose turn."""

from __future__ import annotations

from ckanext.govopen.domain.application.rules import Rules
from ckanext.govopen.domain.application.state import Application, Part
from ckanext.govopen.domain.application.table import Role
from ckanext.govopen.domain.duty import Actor, Duty
from ckanext.govopen.domain.procedure import Clock, Step

#: Who approves an extension, as texts call him, and the party that he is here.
_APPROVERS = {
    "disclosure_office_head": "reviewer@provider",
    "disclosure_office": "reviewer@provider",
    "provider": "handler@provider",
    "authority": "authority@authority",
}


def organization_of(body: str, part: Part, rules: Rules) -> str | None:
    """The organisation of this portal that a body is for the part; None: it works outside."""
    if body == "provider":
        return part.organization
    if body == "authority":
        return rules.site.levels.nearest(part.organization)
    return rules.site.bodies.get(body)


def speaks_for(actor: Actor, party: str, part: Part, rules: Rules) -> bool:
    """Does he hold the duty of ``party`` (duty@body) for this part? Never for one outside."""
    duty_name, _, body = party.partition("@")
    duty = Duty.of(duty_name)
    if duty is None:
        return False
    if body == "authority" and duty is Duty.AUTHORITY:
        return actor.is_authority_of(part.organization)
    organization = organization_of(body, part, rules)
    if organization is None:
        return False
    if duty is Duty.AUTHORITY and organization == rules.site.authority:
        return actor.is_authority_of(part.organization)
    return actor.has(organization, duty)


def is_outside(party: str, step: Step, part: Part, rules: Rules) -> bool:
    """Does the party decide outside this portal, so that its letter is recorded here?"""
    if party in step.outside:
        return True
    duty, _, body = party.partition("@")
    if Duty.of(duty) is None:
        return True
    return body != "authority" and organization_of(body, part, rules) is None


def step_done(step: Step, part: Part) -> bool:
    """Has everybody approved whom the step needs?"""
    agreed = {v.party for v in part.votes if v.step == step.id and v.approve}
    return set(step.parties) <= agreed if step.joint else bool(agreed)


def current_step(part: Part, rules: Rules) -> Step | None:
    """The step whose turn it is: the first one that is not done; None when all are."""
    return next((s for s in rules.procedure.steps if not step_done(s, part)), None)


def waiting_parties(part: Part, rules: Rules) -> tuple[str, ...]:
    """The parties whose decision the current step still needs."""
    step = current_step(part, rules)
    if step is None:
        return ()
    voted = {vote.party for vote in part.votes if vote.step == step.id}
    return tuple(party for party in step.parties if party not in voted)


def approver_of(clock: Clock) -> str | None:
    """The party (duty@body) that may lengthen a clock; None where it cannot be lengthened."""
    if clock.extension is None:
        return None
    approver = clock.extension.approver
    return _APPROVERS.get(approver, approver)


def receives(actor: Actor, part: Part, rules: Rules) -> bool:
    """Does he belong to the body that receives applications?

    A receiving body that has no organisation here is stood in for by the authority that is
    competent for the department.
    """
    receiving = rules.procedure.receiving
    body = receiving.body if receiving else "authority"
    organization = None if body == "authority" else organization_of(body, part, rules)
    if organization is None or organization == rules.site.authority:
        return actor.is_authority_of(part.organization)
    return actor.has(organization, Duty.HANDLER)


def roles(
    actor: Actor, state: Application | None, part: Part | None, rules: Rules
) -> frozenset[Role]:
    """His roles for one part; before the first submission everybody is an applicant."""
    found: set[Role] = set()
    if actor.system:
        return frozenset({"system"})
    if state is None or actor.user_id == state.applicant:
        found.add("applicant")
    if actor.operator:
        found.add("operator")
    if actor.authority if part is None else actor.is_authority_of(part.organization):
        found.add("authority")
    if state is None or part is None:
        return frozenset(found)
    if receives(actor, part, rules):
        found.add("receiver")
    if actor.has(part.organization, Duty.HANDLER):
        found.add("provider")
    if any(speaks_for(actor, party, part, rules) for party in waiting_parties(part, rules)):
        found.add("party")
    for clock in rules.procedure.clocks:
        approver = approver_of(clock)
        if approver is not None and speaks_for(actor, approver, part, rules):
            found.add("approver")
    return frozenset(found)
