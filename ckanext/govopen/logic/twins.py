"""One source for each data (CAT-10): other datasets that use a code or a title already."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.plugins import toolkit

from ckanext.govopen.access.policy import Sight
from ckanext.govopen.access.sight import sights
from ckanext.govopen.model import release as releases

#: How many are named: enough to look into, and a page that can be read.
NAMED = 5
#: How many are looked at for a reader who may not see some of them.
_LOOKED_AT = 100


def same_code(context: Any, fields: dict[str, Any]) -> list[str]:
    """Names of other datasets of the portal with this resource code, as far as the reader sees."""
    code = str(fields.get("resource_code") or "").strip()
    return _seen(context, fields, "resource_code", code) if code else []


def same_title(context: Any, fields: dict[str, Any]) -> list[str]:
    """Names of datasets of other departments under this title, as far as the reader sees."""
    title = str(fields.get("title") or "").strip()
    return _seen(context, fields, "title", title, elsewhere=True) if title else []


def _seen(
    context: Any, fields: dict[str, Any], field: str, value: str, *, elsewhere: bool = False
) -> list[str]:
    """Of which the reader sees the working copy or the release, that very one having the value.

    What another department has not published, or is only about to change, is not told here.
    """
    package, release = model.package_table, releases.ReleaseRow
    worked = package.c.title if field == "title" else package.c.extras.op("->>")(field)
    shown = release.data[("shown", field)].astext
    query = (
        sa.select(
            package.c.id,
            package.c.name,
            (worked == value).label("worked"),
            release.data[("shown", "name")].astext.label("public_name"),
            (shown == value).label("released"),
        )
        .select_from(
            sa.outerjoin(
                package,
                release,
                sa.and_(release.package_id == package.c.id, release.status == releases.LIVE),
            )
        )
        .where(
            package.c.state == "active",
            package.c.type == "dataset",
            package.c.id != fields["id"],
            sa.or_(worked == value, shown == value),
        )
        .order_by((package.c.owner_org == fields.get("owner_org")).desc(), package.c.name)
        .limit(_LOOKED_AT)
    )
    if elsewhere:
        query = query.where(package.c.owner_org != fields.get("owner_org"))
    rows = model.Session.execute(query).all()
    seen = sights(context, [row.id for row in rows])
    names = []
    for row in rows:
        sight = seen[row.id].sight if row.id in seen else Sight.NOTHING
        if sight is Sight.WORKING and row.worked:
            names.append(row.name)
        elif sight is Sight.RELEASE and row.released:
            names.append(row.public_name or row.name)
    return names[:NAMED]


def warnings(context: Any, fields: dict[str, Any]) -> list[str]:
    """What a reviewer is told of them, in his language: a person has to judge it."""
    found = []
    names = same_code(context, fields)
    if names:
        found.append(
            toolkit._("The resource code is used by other datasets as well: {names}.").format(
                names=", ".join(names)
            )
        )
    titled = [name for name in same_title(context, fields) if name not in names]
    if titled:
        found.append(
            toolkit._("Other departments have datasets under this title: {names}.").format(
                names=", ".join(titled)
            )
        )
    return found
