"""How many parts of applications wait for somebody: one query, for the head of every page."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from ckan.types import AlchemySession

from ckanext.govopen.model.application import ApplicationRow, PartRow


def count(session: AlchemySession, user_id: str, handles: Collection[str], authority: bool) -> int:
    """Parts in which it is this person's turn.

    As an applicant those returned to him or to be signed; as a handler of the departments
    ``handles`` those that are his or nobody's; for the authority what its body has to do. Nobody
    acts for a body on his own case.
    """
    case, part = ApplicationRow.__table__, PartRow.__table__
    mine = case.c.user_id == user_id
    turns = [sa.and_(mine, part.c.status.in_(("returned", "approved")))]
    if handles:
        free = sa.or_(part.c.handler.is_(None), part.c.handler == user_id)
        turns.append(
            sa.and_(
                ~mine,
                part.c.waits_for.contains(["handler@provider"]),
                part.c.organization_id.in_(list(handles)),
                free,
            )
        )
    if authority:
        turns.append(sa.and_(~mine, part.c.waits_for.contains(["authority@authority"])))
    query = sa.select(sa.func.count()).select_from(
        part.join(case, case.c.id == part.c.application_id)
    )
    return session.scalar(query.where(sa.or_(*turns))) or 0
