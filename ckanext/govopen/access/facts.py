"""The facts of datasets on which access is decided: one statement for any number of them."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from ckan import model

from ckanext.govopen.access.policy import DatasetFacts
from ckanext.govopen.domain.classification import OpenClass
from ckanext.govopen.model.release import LIVE, DatasetRow, ReleaseRow

#: Package types that are not datasets of the portal; everything else is governed.
NOT_GOVERNED = frozenset({"harvest"})


def governed(package_type: str | None) -> bool:
    """Does the law of the portal apply to packages of this type? (All but harvest sources.)"""
    return (package_type or "dataset") not in NOT_GOVERNED


def facts(package_ids: Iterable[str]) -> dict[str, DatasetFacts]:
    """Facts by package id. Unknown ids are missing from the answer."""
    return _facts(model.Package.id.in_(list(package_ids)))


def facts_by_reference(references: Iterable[str]) -> dict[str, DatasetFacts]:
    """Facts by whatever was given, id or name; as CKAN does, an id wins over a name."""
    wanted = list(references)
    found = _facts(
        sa.or_(model.Package.id.in_(wanted), model.Package.name.in_(wanted)), with_names=True
    )
    return {reference: found[reference] for reference in wanted if reference in found}


def resource_package(resource_id: str) -> str | None:
    """The dataset a resource belongs to, deleted or not."""
    return model.Session.execute(
        sa.select(model.Resource.package_id).where(model.Resource.id == resource_id)
    ).scalar()


def view_resource(view_id: str) -> str | None:
    """The resource that a resource view shows."""
    return model.Session.execute(
        sa.select(model.ResourceView.resource_id).where(model.ResourceView.id == view_id)
    ).scalar()


def _facts(condition: sa.ColumnElement[bool], with_names: bool = False) -> dict[str, DatasetFacts]:
    package = model.package_table
    release, extra = ReleaseRow.__table__, DatasetRow.__table__
    rows = model.Session.execute(
        sa.select(
            package.c.id,
            package.c.name,
            package.c.owner_org,
            package.c.creator_user_id,
            package.c.type,
            package.c.state,
            release.c.open_class,
            extra.c.suspended,
        )
        .outerjoin(release, sa.and_(release.c.package_id == package.c.id, release.c.status == LIVE))
        .outerjoin(extra, extra.c.package_id == package.c.id)
        .where(condition)
    ).all()
    result: dict[str, DatasetFacts] = {}
    for row in rows:
        fact = DatasetFacts(
            package_id=row.id,
            owner_org=row.owner_org,
            creator_user_id=row.creator_user_id,
            governed=governed(row.type),
            state=row.state,
            has_release=row.open_class is not None,
            open_class=OpenClass(row.open_class) if row.open_class else None,
            suspended=bool(row.suspended),
        )
        result[row.id] = fact
        if with_names:
            result.setdefault(row.name, fact)
    return result
