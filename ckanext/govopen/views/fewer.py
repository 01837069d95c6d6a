"""When nothing has all the words that were looked for: what has some of them."""

from __future__ import annotations

from typing import Any, cast

from ckan.lib.search import SearchError
from ckan.plugins import toolkit

from ckanext.govopen.search import syntax
from ckanext.govopen.views import asked, listing

#: Datasets shown; the whole list is one link away.
MOST = 10
#: Parts of a query that are asked for one by one, when all of them together say nothing.
PARTS = 8
#: Parameters of a list that are no filters.
_NO_FILTER = ("q", "page", "sort")


def govopen_fewer(text: Any, organization: str | None = None) -> dict[str, Any] | None:
    """``{count, results, href}`` of a search for some of the words, under the same filters.

    Words that most datasets of the list have (the name of the city) say nothing: they are left out,
    and a search that finds most of the list all the same is none. None also for one word, for a
    query with operators of its own, and where nothing is found either.

    :param organization: id of the department whose page it is
    """
    query = syntax.some_of(str(text or ""))
    if query is None:
        return None
    params = list(toolkit.request.args.items(multi=True))
    filters = [
        f"{name}:{syntax.quoted(value)}"
        for name, value in params
        if value and name not in _NO_FILTER and not name.startswith("_")
    ]
    if organization:
        filters.append(f"owner_org:{syntax.quoted(organization)}")
    within = " ".join(["+dataset_type:dataset", *filters])
    try:
        found = _search(query, within, MOST)
        if found["count"]:
            query, found = _telling(query, found, within)
    except (SearchError, toolkit.ValidationError):
        return None
    if not found["count"]:
        return None
    rest = [row for row in params if row[0] not in ("q", "page")]
    return {
        "count": found["count"],
        "results": found["results"],
        "href": listing.query([("q", query), *rest]),
    }


def _telling(query: str, found: dict[str, Any], within: str) -> tuple[str, dict[str, Any]]:
    """The query without words that say nothing, and what it finds; nothing if none is left."""
    nothing = {"count": 0, "results": []}
    total = _search("", within, 0)["count"]
    if found["count"] < total and not _are_most(found["count"], total):
        return query, found
    kept: list[str] = []
    for part in query.split(syntax.OR)[:PARTS]:
        count = _search(part, within, 0)["count"]
        says_nothing = 1 < total <= count or _are_most(count, total)
        if count and not says_nothing:
            kept.append(part)
    if not kept:
        return query, nothing
    query = syntax.OR.join(kept)
    found = _search(query, within, MOST)
    return query, nothing if _are_most(found["count"], total) else found


def _are_most(count: int, total: int) -> bool:
    """Are these most of a long list?"""
    return count > MOST and 2 * count > total


def _search(query: str, within: str, rows: int) -> dict[str, Any]:
    return toolkit.get_action("package_search")(
        cast(Any, asked.context()), {"q": query, "fq": within, "rows": rows}
    )
