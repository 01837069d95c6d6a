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


#: The name that a release gives its dataset.
_RELEASED_NAME = ReleaseRow.__table__.c.data[("default", "name")].astext


def governed(package_type: str | None) -> bool:
    """Does the law of the portal apply to packages of this type? (All but harvest sources.)"""
    return (package_type or "dataset") not in NOT_GOVERNED


def facts(package_ids: Iterable[str]) -> dict[str, DatasetFacts]:
    """Facts by package id. Unknown ids are missing from the answer."""
    return _facts(model.Package.id.in_(list(package_ids)))


def named(reference: str) -> list[tuple[str, DatasetFacts]]:
    """What an id or a name may stand for, as (by what, facts): ``id``, ``name``, best first.

    As CKAN does, an id wins over a name. ``name`` is that of the working copy.
    """
    found = _facts(sa.or_(model.Package.id == reference, model.Package.name == reference))
    by_id = found.pop(reference, None)
    kinds = [("id", by_id)] if by_id is not None else []
    return [*kinds, *(("name", fact) for fact in found.values())]


def released_as(name: str) -> list[DatasetFacts]:
    """The datasets whose live release has this name, whatever they are called by now."""
    release = ReleaseRow.__table__
    ids = list(
        model.Session.execute(
            sa.select(release.c.package_id).where(release.c.status == LIVE, name == _RELEASED_NAME)
        ).scalars()
    )
    return list(facts(ids).values()) if ids else []


def released_names(package_ids: Iterable[str]) -> dict[str, str]:
    """The names under which outsiders know these datasets, by package id."""
    release = ReleaseRow.__table__
    rows = model.Session.execute(
        sa.select(release.c.package_id, _RELEASED_NAME).where(
            release.c.status == LIVE, release.c.package_id.in_(list(package_ids))
        )
    )
    return dict(rows.tuples().all())


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


def _facts(condition: sa.ColumnElement[bool]) -> dict[str, DatasetFacts]:
    package = model.package_table
    release, extra = ReleaseRow.__table__, DatasetRow.__table__
    rows = model.Session.execute(
        sa.select(
            package.c.id,
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
        result[row.id] = DatasetFacts(
            package_id=row.id,
            owner_org=row.owner_org,
            creator_user_id=row.creator_user_id,
            governed=governed(row.type),
            state=row.state,
            has_release=row.open_class is not None,
            open_class=OpenClass(row.open_class) if row.open_class else None,
            suspended=bool(row.suspended),
        )
    return result
