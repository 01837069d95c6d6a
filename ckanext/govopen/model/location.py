"""Where conditional content lies that the portal streams instead of keeping a copy.

The address is known to staff only. It never stands in a dataset dict: there the resource has the
portal's own download address and the ``url_type`` ``govopen_location``.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Sequence
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from ckanext.govopen.domain.release import FileFact

__all__ = ["LINKED", "LocationRow", "address", "current", "digest", "record"]

#: ``url_type`` of a resource that is streamed from a kept address.
URL_TYPE = "govopen_location"

#: Media type of a fact that stands for an address; its digest is that of the address.
LINKED = "application/x-linked-content"


class LocationRow(tk.BaseModel):
    """One source address of a resource from a moment on (``at``, UTC with its zone).

    Rows stay: a release names its address by digest, so that an address which the department
    changed later is not used before it was reviewed.
    """

    __tablename__ = "govopen_location"
    __table_args__ = (
        sa.UniqueConstraint("resource_id", "sha256", name="govopen_location_resource_sha256"),
        sa.Index("govopen_location_package", "package_id", "resource_id", "id"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    resource_id: Mapped[str] = mapped_column(sa.UnicodeText)
    package_id: Mapped[str] = mapped_column(sa.UnicodeText)
    sha256: Mapped[str] = mapped_column(sa.UnicodeText)
    url: Mapped[str] = mapped_column(sa.UnicodeText)
    current: Mapped[bool] = mapped_column(sa.Boolean, default=True)
    at: Mapped[datetime.datetime] = mapped_column(sa.DateTime(timezone=True))


def digest(url: str) -> str:
    """The name of an address in a fingerprint and in a release."""
    return hashlib.sha256(url.encode()).hexdigest()


def record(
    session: Any, resource_id: str, package_id: str, url: str, now: datetime.datetime
) -> None:
    """Say that the working copy of this resource is streamed from ``url`` from ``now`` on."""
    record_many(session, [(resource_id, package_id, url)], now)


def record_many(session: Any, rows: Sequence[tuple[str, str, str]], now: datetime.datetime) -> None:
    """:func:`record` for many resources, with one question.

    ``rows`` are (resource id, dataset id, address), each resource once.
    """
    if not rows:
        return
    there: dict[tuple[str, str], list[LocationRow]] = {}
    for row in session.scalars(
        sa.select(LocationRow).where(LocationRow.resource_id.in_([one[0] for one in rows]))
    ):
        there.setdefault((row.resource_id, row.package_id), []).append(row)
    for resource_id, package_id, url in rows:
        name, known = digest(url), False
        for row in there.get((resource_id, package_id), []):
            row.current = row.sha256 == name
            known = known or row.current
        if not known:
            session.add(
                LocationRow(
                    resource_id=resource_id,
                    package_id=package_id,
                    sha256=name,
                    url=url,
                    current=True,
                    at=now,
                )
            )
    session.flush()


def current(session: Any, package_id: str) -> dict[str, str]:
    """The addresses of the working copy by resource id: one statement. Staff only."""
    return current_many(session, [package_id])


def current_many(session: Any, package_ids: Sequence[str]) -> dict[str, str]:
    """:func:`current` of many datasets at once."""
    rows = session.execute(
        sa.select(LocationRow.resource_id, LocationRow.url)
        .join(model.Resource, model.Resource.id == LocationRow.resource_id)
        .where(
            LocationRow.package_id.in_(package_ids),
            LocationRow.current,
            model.Resource.package_id == LocationRow.package_id,
            model.Resource.state == "active",
            model.Resource.url_type == URL_TYPE,
        )
    )
    return {row.resource_id: row.url for row in rows}


def facts(session: Any, package_id: str) -> dict[str, FileFact]:
    """The same as facts for a release: digests instead of addresses."""
    return {resource_id: fact(url) for resource_id, url in current(session, package_id).items()}


def fact(url: str) -> FileFact:
    """The fact that stands for an address in a snapshot and in a release."""
    return FileFact(sha256=digest(url), size=0, name="", media_type=LINKED)


def record_new(session: Any, rows: Sequence[tuple[str, str, str]], now: datetime.datetime) -> None:
    """:func:`record` for resources that were made just now, in one statement.

    ``rows`` are (resource id, dataset id, address).
    """
    if rows:
        session.execute(
            sa.insert(LocationRow.__table__),
            [
                {
                    "resource_id": resource_id,
                    "package_id": package_id,
                    "sha256": digest(url),
                    "url": url,
                    "current": True,
                    "at": now,
                }
                for resource_id, package_id, url in rows
            ],
        )


def address(session: Any, resource_id: str, sha256: str) -> str | None:
    """The address that a release names by its digest, or None."""
    return session.scalars(
        sa.select(LocationRow.url).where(
            LocationRow.resource_id == resource_id, LocationRow.sha256 == sha256
        )
    ).first()


def newest(session: Any, resource_id: str, package_id: str) -> str | None:
    """The address of the working copy of one resource, or None. Staff only."""
    return session.scalars(
        sa.select(LocationRow.url).where(
            LocationRow.resource_id == resource_id,
            LocationRow.package_id == package_id,
            LocationRow.current,
        )
    ).first()


def hold(
    session: Any, resource_id: str, package_id: str, url: str, now: datetime.datetime
) -> FileFact:
    """Keep the address of a released link whose dataset became conditional; gives its fact.

    The row is not the working copy's own unless that has the same address.
    """
    name = digest(url)
    found = session.scalars(
        sa.select(LocationRow).where(
            LocationRow.resource_id == resource_id, LocationRow.sha256 == name
        )
    ).first()
    if found is None:
        session.add(
            LocationRow(
                resource_id=resource_id,
                package_id=package_id,
                sha256=name,
                url=url,
                current=False,
                at=now,
            )
        )
        session.flush()
    return FileFact(sha256=name, size=0, name="", media_type=LINKED)
