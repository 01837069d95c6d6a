"""What somebody holds, as the conditions of his desk need it."""

from __future__ import annotations

from typing import Any

from ckanext.govopen.access.viewer import person
from ckanext.govopen.domain.application.rules import Rules
from ckanext.govopen.domain.duty import Actor, Duty
from ckanext.govopen.logic import application as cases
from ckanext.govopen.logic import gate
from ckanext.govopen.model import jurisdiction, settings
from ckanext.govopen.model.waiting import Holder, OfLevel


def holder(context: Any) -> Holder | None:
    """The caller; None when nothing can wait for him, since he has no account.

    The operator's right to decide in an emergency puts nothing on his desk.
    """
    who = person(context)
    if who.user_id is None:
        return None
    actor = cases.actor(context)
    if not who.is_staff:
        return Holder(who.user_id)
    reviewer = jurisdiction.profile().review.reviewer
    central = reviewer == Duty.AUTHORITY.value
    delegated = settings.review_delegate_to_authority() and not central
    is_authority = actor.authority or bool(actor.area)
    offices = gate.review_offices() if delegated and is_authority else frozenset[str]()
    reviews_here = central or delegated
    # One look at the site's settings serves the whole page.
    rules = cases.rules_for(None) if actor.duties else None
    lower = rules.site.levels.lower() if rules and reviews_here and is_authority else {}
    here = {one for one in lower if (lower[one], Duty.AUTHORITY.value) in actor.duties} - offices
    provider: dict[str, frozenset[str]] = {}
    for duty in {duty for _place, duty in actor.duties}:
        provider[duty] = frozenset(place for place, held in actor.duties if held == duty)
    return Holder(
        user_id=who.user_id,
        provider=provider,
        parties=_parties(actor, rules) if rules else frozenset(),
        of_level=_of_level(actor, rules) if rules else (),
        edits=actor.edits,
        reviews=provider.get(reviewer, frozenset()) | here,
        reviews_rest=actor.authority and reviews_here,
        offices=offices | set(lower),
        places=frozenset(cases.places(context)),
        works=frozenset(who.memberships),
    )


def _parties(actor: Actor, rules: Rules) -> frozenset[str]:
    """The parties (duty@body) that he is whatever the department."""
    found = {
        f"{duty}@{body}"
        for body, organization in rules.site.bodies.items()
        for place, duty in actor.duties
        if place == organization
    }
    return frozenset(found) - {"handler@provider"}


def _of_level(actor: Actor, rules: Rules) -> tuple[OfLevel, ...]:
    """The parties that he is for the departments whose nearest authority it is.

    It stands in for a receiving body that has no organisation here. What a higher authority could
    do as well does not wait for it.
    """
    site, receiving = rules.site, rules.procedure.receiving
    lower, found = site.levels.lower(), list[OfLevel]()
    stands_in = (
        receiving is not None
        and receiving.body != "provider"
        and site.bodies.get(receiving.body) in (None, site.authority)
    )
    for place in {place for place, _duty in actor.duties} & {site.authority, *site.levels.seats}:
        duties = {duty for held, duty in actor.duties if held == place}
        parties = {f"{duty}@authority" for duty in duties}
        if stands_in and receiving is not None and Duty.AUTHORITY.value in duties:
            parties.add(f"handler@{receiving.body}")
        if place == site.authority:
            found.append(OfLevel(frozenset(parties), but=frozenset(lower)))
        else:
            here = frozenset(one for one in lower if lower[one] == place)
            found.append(OfLevel(frozenset(parties), only=here))
    return tuple(found)
