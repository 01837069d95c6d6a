"""What somebody holds, as the conditions of his desk need it."""

from __future__ import annotations

from typing import Any

from ckanext.govopen.access.viewer import person
from ckanext.govopen.domain.duty import Actor, Duty
from ckanext.govopen.logic import application as cases
from ckanext.govopen.logic import gate
from ckanext.govopen.model import jurisdiction, settings
from ckanext.govopen.model.waiting import Holder


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
    central = actor.authority and reviewer == Duty.AUTHORITY.value
    delegated = actor.authority and settings.review_delegate_to_authority() and not central
    provider: dict[str, frozenset[str]] = {}
    for duty in {duty for _place, duty in actor.duties}:
        provider[duty] = frozenset(place for place, held in actor.duties if held == duty)
    return Holder(
        user_id=who.user_id,
        provider=provider,
        parties=_parties(actor),
        edits=actor.edits,
        reviews=provider.get(reviewer, frozenset()),
        reviews_rest=central or delegated,
        offices=gate.review_offices() if delegated else frozenset(),
        places=frozenset(cases.places(context)),
        works=frozenset(who.memberships),
    )


def _parties(actor: Actor) -> frozenset[str]:
    """The parties (duty@body) that he is whatever the department.

    The authority stands in for a receiving body that has no organisation here.
    """
    if not actor.duties:
        return frozenset()
    site = cases.site()
    found = {
        f"{duty}@{body}"
        for body, organization in site.bodies.items()
        for place, duty in actor.duties
        if place == organization
    }
    found |= {f"{duty}@authority" for place, duty in actor.duties if place == site.authority}
    if actor.authority:
        found.add("authority@authority")
        receiving = cases.rules_for(None).procedure.receiving
        if receiving is not None and site.bodies.get(receiving.body) in (None, site.authority):
            found.add(f"handler@{receiving.body}")
    return frozenset(found) - {"handler@provider"}
