"""What the portal's lists say of all departments at once."""

from __future__ import annotations

from typing import Any

import ckan.model as model
import sqlalchemy as sa


def groups_exist(session: Any) -> bool:
    """Is there any group that is no department?"""
    group = model.Group
    found = sa.select(group.id).where(
        group.is_organization.is_(False), group.state == "active", group.type == "group"
    )
    return session.execute(found.limit(1)).first() is not None


def codes(session: Any) -> dict[str, str]:
    """The official codes of the departments by their names; those without one are left out."""
    group = model.group_table.c
    rows = session.execute(
        sa.select(group.name, group.extras).where(
            group.is_organization.is_(True), group.state == "active"
        )
    )
    found = {row.name: str((row.extras or {}).get("org_code") or "") for row in rows}
    return {name: code for name, code in found.items() if code}
