"""Who is asking: from the context alone, never from globals such as ``current_user``."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from ckan import model

from ckanext.govopen.access import clock
from ckanext.govopen.access.policy import ANONYMOUS, INTERNAL, Person
from ckanext.govopen.domain.classification import OpenClass
from ckanext.govopen.domain.duty import Duty
from ckanext.govopen.domain.levels import Levels
from ckanext.govopen.model import duty as duties
from ckanext.govopen.model import jurisdiction, levels, settings
from ckanext.govopen.model.duty import DutyRow

_MEMO = "govopen_person"


def person(context: Any) -> Person:
    """The person a context speaks for.

    ``ignore_auth`` is the portal itself. An unknown or inactive user name is anonymous. The
    answer is kept in the context's own cache, which CKAN hands down within one call; not where
    collaborators count, who come and go while a caller keeps his context.
    """
    if context.get("ignore_auth"):
        return INTERNAL
    name = context.get("user")
    if not name:
        return ANONYMOUS
    memo = context.setdefault("context_cache", {})
    known = memo.get(_MEMO)
    if known is not None and known[0] == name and not settings.collaborators():
        return known[1]
    user = context.get("auth_user_obj")
    if user is None or getattr(user, "name", None) != name:
        user = model.User.get(name)
    found = ANONYMOUS
    if user is not None and getattr(user, "state", None) == "active":
        found = _of_user(user)
    memo[_MEMO] = (name, found)
    return found


def _of_user(user: Any) -> Person:
    member, group = model.member_table, model.group_table
    rows = (
        model.Session.execute(
            sa.select(member.c.group_id, member.c.capacity, group.c.is_organization)
            .join(group, group.c.id == member.c.group_id)
            .where(
                member.c.table_name == "user",
                member.c.table_id == user.id,
                member.c.state == "active",
                group.c.state == "active",
            )
        )
        .tuples()
        .all()
    )
    now = clock.now()
    duty = DutyRow.__table__
    held = model.Session.execute(
        sa.select(duty.c.organization_id, duty.c.duty)
        .join(group, group.c.id == duty.c.organization_id)
        .where(
            duty.c.user_id == user.id,
            group.c.state == "active",
            duties.in_force(duty, now),
        )
    ).all()
    held_in = frozenset(place for place, kind in held if kind == Duty.AUTHORITY.value)
    known = levels.find(model.Session) if held_in else Levels()
    highest = known.top is not None and known.top in held_in
    return Person(
        user_id=user.id,
        sysadmin=bool(user.sysadmin),
        authority=highest,
        area=known.area(held_in),
        beyond=known.beyond() if highest else frozenset(),
        memberships={key: capacity for key, capacity, organization in rows if organization},
        duties=frozenset((place, kind) for place, kind in held),
        runs_group=any(
            capacity == "admin" and not organization for _, capacity, organization in rows
        ),
        collaborates=_collaborates(user.id) if settings.collaborators() else frozenset(),
    )


def _collaborates(user_id: str) -> frozenset[str]:
    """The datasets of which he is a collaborator and whose working copy is *unconditional*.

    One without a class has the profile's.
    """
    package, collaborator = model.package_table, model.PackageMember
    default = jurisdiction.profile().default_class
    open_class = sa.func.coalesce(
        package.c.extras["open_class"].astext, default.value if default else ""
    )
    return frozenset(
        model.Session.execute(
            sa.select(package.c.id)
            .join(collaborator, collaborator.package_id == package.c.id)
            .where(collaborator.user_id == user_id, open_class == OpenClass.UNCONDITIONAL.value)
        ).scalars()
    )
