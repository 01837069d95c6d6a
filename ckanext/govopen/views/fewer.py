"""When nothing has all the words that were looked for: what has some of them."""

from __future__ import annotations

from typing import Any, cast

from ckan.lib.search import SearchError
from ckan.plugins import toolkit

from ckanext.govopen.search import syntax
from ckanext.govopen.views import asked, listing

#: Datasets shown; the whole list is one link away.
MOST = 10
#: Parameters of a list that are no filters.
_NO_FILTER = ("q", "page", "sort")


def govopen_fewer(text: Any, organization: str | None = None) -> dict[str, Any] | None:
    """``{count, results, href}`` of a search for some of the words, under the same filters.

    None for one word, for a query with operators of its own, and where nothing is found either.

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
    try:
        found = toolkit.get_action("package_search")(
            cast(Any, asked.context()),
            {"q": query, "fq": " ".join(["+dataset_type:dataset", *filters]), "rows": MOST},
        )
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
