"""The person of a context as the rules of ``domain`` know him."""

from __future__ import annotations

from ckanext.govopen.access.policy import Person
from ckanext.govopen.domain.duty import Actor

#: CKAN capacities that may change an organisation's datasets.
EDITING = frozenset({"admin", "editor"})


def of(who: Person, user_id: str | None) -> Actor:
    """The rules' actor. The portal itself (``internal``) acts for nobody.

    An account in whose name the portal writes (a harvest, a department's form) is an actor of its
    own, so that it counts among the submitters.
    """
    return Actor(
        user_id=user_id or who.user_id or "",
        duties=who.duties,
        edits=frozenset(org for org, capacity in who.memberships.items() if capacity in EDITING),
        authority=who.authority,
        area=who.area,
        beyond=who.beyond,
        operator=who.sysadmin,
        system=who.internal,
    )
