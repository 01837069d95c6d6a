"""Under which data authority a department stands, in the database."""

from __future__ import annotations

import datetime
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from ckan.types import AlchemySession
from sqlalchemy.orm import Mapped, mapped_column

from ckanext.govopen.domain.event import Event
from ckanext.govopen.domain.levels import OWN_LEVEL, PROVISION, SYSTEMS, Levels
from ckanext.govopen.model import jurisdiction, settings

__all__ = ["LevelRow", "find", "lock", "project", "rows", "systems"]


class LevelRow(tk.BaseModel):
    """Where a department stands: the authority of a lower level right above it, None for the
    site's highest one, and the department that is responsible for the data of its system.

    No foreign keys: what a purge leaves behind gives nobody a right, since the organisations are
    looked up.
    """

    __tablename__ = "govopen_level"
    __table_args__ = (sa.Index("govopen_level_authority", "authority_id"),)

    organization_id: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    authority_id: Mapped[str | None] = mapped_column(sa.UnicodeText)
    responsible_id: Mapped[str | None] = mapped_column(sa.UnicodeText)
    placed_by: Mapped[str | None] = mapped_column(sa.UnicodeText)
    placed_at: Mapped[datetime.datetime] = mapped_column(sa.DateTime(timezone=True))


def find(session: AlchemySession) -> Levels:
    """The levels as they are now, in one statement.

    Where one of the two organisations is gone the department stands under the highest authority.
    """
    table = LevelRow.__table__
    group = model.group_table
    name = settings.authority()

    def live(column: Any) -> Any:
        found = group.alias()
        here = sa.exists().where(found.c.id == column, found.c.state == "active")
        return sa.case((here, column))

    below = group.alias("below")
    placed = (
        sa.select(table.c.organization_id, live(table.c.authority_id), live(table.c.responsible_id))
        .join(below, below.c.id == table.c.organization_id)
        .where(below.c.state == "active")
    )
    highest = sa.select(sa.cast(None, sa.UnicodeText), group.c.id, sa.cast(None, sa.UnicodeText))
    highest = highest.where(
        sa.true() if name else sa.false(),
        group.c.name == name,
        group.c.state == "active",
        group.c.is_organization,
    )
    under: dict[str, str] = {}
    responsible: dict[str, str] = {}
    top: str | None = None
    for place, above, named in session.execute(sa.union_all(placed, highest)):
        if place is None:
            top = above
            continue
        if above is not None:
            under[place] = above
        if named is not None:
            responsible[place] = named
    return Levels(top, under, own_level(), responsible)


def own_level() -> bool:
    """Do the powers of a higher authority end where a lower one's begin? The profile says."""
    rule = jurisdiction.profile().provision(PROVISION)
    return rule is not None and OWN_LEVEL in rule.values


def systems() -> bool:
    """Does the profile know departments that are responsible for a system?"""
    return jurisdiction.profile().provision(SYSTEMS) is not None


def rows(session: AlchemySession, organization_id: str | None = None) -> list[LevelRow]:
    """The row of a department, or all; in a steady order. Departments that are gone have none."""
    group = model.group_table
    query = sa.select(LevelRow).join(group, group.c.id == LevelRow.organization_id)
    query = query.where(group.c.state == "active")
    if organization_id is not None:
        query = query.where(LevelRow.organization_id == organization_id)
    return list(session.scalars(query.order_by(LevelRow.authority_id, LevelRow.organization_id)))


def lock(session: AlchemySession) -> None:
    """Lets one decision on levels at a time through, until the end of the transaction."""
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext("govopen_level"))))


def project(
    session: AlchemySession, event: Event, placed_by: str | None, now: datetime.datetime
) -> None:
    """Brings the table up to an event ``level.set``."""
    payload = event.payload
    place, above, named = payload["organization"], payload["authority"], payload["responsible"]
    session.execute(sa.delete(LevelRow).where(LevelRow.organization_id == place))
    if above is not None or named is not None:
        session.add(
            LevelRow(
                organization_id=place,
                authority_id=above,
                responsible_id=named,
                placed_by=placed_by,
                placed_at=now,
            )
        )
    session.flush()
