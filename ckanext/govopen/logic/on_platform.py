"""Data that is looked at within the portal: one page of a table for somebody who has signed in.

No action gives it: what a program could fetch would be the interface. Search and order look at the
columns of the grant only, and every row counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from ckan.plugins import plugin_loaded, toolkit

from ckanext.govopen.access import datastore, uses
from ckanext.govopen.access.means import Means, means

__all__ = ["PAGE", "Page", "look"]

#: Rows on one page, and the last page that can be asked for.
PAGE = 25
_LAST = 100_000
#: Longest words that are searched for, longest time that a query may take.
_WORDS = 200
_PATIENCE = "10s"


@dataclass(frozen=True)
class Page:
    """One page: texts, row by row; ``total`` rows fit. ``cut``: the day's quota ended it early."""

    columns: list[str]
    rows: list[list[str]]
    total: int
    number: int
    cut: bool


def look(
    context: Any,
    grant_id: str,
    resource_id: str,
    *,
    words: str = "",
    sort: str = "",
    descending: bool = False,
    number: int = 1,
) -> Page:
    """The rows whose columns hold ``words``, one page of them; counted before they are read.

    :raises NotAuthorized: this is a program with a token
    :raises ObjectNotFound: there is no such table, or the grant does not give it now
    :raises UsedUp: the grant's rows or requests of today are used
    """
    if means(context) not in (Means.SESSION, Means.FOREIGN_PAGE, Means.TRUSTED):
        raise toolkit.NotAuthorized(
            toolkit._("This table is for people who have signed in. No API token will do.")
        )
    may = datastore.on_platform(context, grant_id, resource_id)
    if not may.readable or not plugin_loaded("datastore"):
        raise toolkit.ObjectNotFound(toolkit._("There is no such table."))
    columns = _columns(resource_id, may.columns)
    if not columns:
        raise toolkit.ObjectNotFound(toolkit._("There is no such table."))
    sort = sort if sort in columns else ""
    number = min(max(1, number), _LAST)
    target = uses.Target(may.package_id, resource_id, "on_platform")
    use = uses.begin(context, target, may.grants, rows=PAGE, columns=columns)
    try:
        rows, total = _read(
            resource_id, columns, words.strip()[:_WORDS], sort, descending, number, use.rows
        )
    except BaseException:
        use.settle(0, failed=True)
        raise
    use.settle(len(rows))
    return Page(columns, rows, total, number, use.rows < min(PAGE, total - (number - 1) * PAGE))


def _columns(resource_id: str, covered: frozenset[str] | None) -> list[str]:
    from ckanext.datastore.backend import DatastoreBackend

    backend: Any = DatastoreBackend.get_active_backend()
    if not backend.resource_exists(resource_id):
        return []
    names = [field["id"] for field in backend.resource_fields(resource_id, False, False)["fields"]]
    return [
        name for name in names if not name.startswith("_") and (covered is None or name in covered)
    ]


def _read(
    resource_id: str,
    columns: list[str],
    words: str,
    sort: str,
    descending: bool,
    number: int,
    most: int,
) -> tuple[list[list[str]], int]:
    from ckanext.datastore.backend.postgres import get_read_engine

    position = sa.column("_id")
    fields = [sa.column(name) for name in columns]
    table = sa.table(resource_id, position, *fields)
    # Under names of their own: ORDER BY would take a text for the column that it is made from, and
    # put 10 before 9.
    texts = [sa.cast(field, sa.Text).label(f"text_{at}") for at, field in enumerate(fields)]
    where = [
        sa.or_(*(text.icontains(word, autoescape=True) for text in texts)) for word in words.split()
    ]
    order = [] if not sort else [sa.column(sort).desc() if descending else sa.column(sort).asc()]
    query = sa.select(*texts).select_from(table).where(*where)
    page = query.order_by(*order, position).limit(most).offset((number - 1) * PAGE)
    with get_read_engine().connect() as connection:
        connection.execute(sa.text(f"SET LOCAL statement_timeout = '{_PATIENCE}'"))
        total = connection.execute(
            sa.select(sa.func.count()).select_from(table).where(*where)
        ).scalar_one()
        found = connection.execute(page).all()
    return [["" if cell is None else str(cell) for cell in row] for row in found], total
