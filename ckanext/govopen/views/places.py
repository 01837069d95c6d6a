"""The departments of this portal, for lists to choose from."""

from __future__ import annotations

import sqlalchemy as sa
from ckan import model


def departments() -> list[dict[str, str]]:
    """``{"id", "name", "title"}`` of every department, by title.

    CKAN's own list ends after as many as ``ckan.group_and_organization_list_all_fields_max`` says
    (25 unless it is set): the others could not be chosen, and nothing would say so.
    """
    group = model.group_table
    title = sa.func.coalesce(sa.func.nullif(group.c.title, ""), group.c.name)
    rows = model.Session.execute(
        sa.select(group.c.id, group.c.name, title.label("title"))
        .where(group.c.is_organization, group.c.state == "active")
        .order_by(title, group.c.name)
    )
    return [dict(row) for row in rows.mappings()]
