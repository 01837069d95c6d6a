"""``package_search`` and its relatives: asked within limits, answered by the database's word.

Labels in Solr say who sees what, yet the index may be late. So every hit is checked against the
database in one statement before it leaves, and people of a department get their working copy.
"""

from __future__ import annotations

from typing import Any

from ckan import model
from ckan.lib.search import SearchError
from ckan.plugins import toolkit

from ckanext.govopen.access.handler import Action, Handler
from ckanext.govopen.access.labels import person_labels
from ckanext.govopen.access.policy import Access, Person, Sight
from ckanext.govopen.access.show import as_seen
from ckanext.govopen.access.sight import sight, sights
from ckanext.govopen.access.viewer import person
from ckanext.govopen.domain.classification import OpenClass
from ckanext.govopen.domain.number import NotWhole, whole
from ckanext.govopen.logic import search_asked
from ckanext.govopen.model.release import DatasetRow
from ckanext.govopen.search import query, suggest

#: Longest list of suggestions.
_MOST = 100


def package_search(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """CKAN's search within the portal's limits, without what the caller may not see."""
    who = person(context)
    asked_for = search_asked.with_sources(who, data_dict)
    if not who.internal:
        asked_for = query.sanitise(asked_for, who)
    params = query.search_defaults(search_asked.by_account(who, asked_for), who)
    if who.internal:
        return next_action(context, params)
    asked = params.get("fl")
    if asked and "id" not in _names(asked):
        params["fl"] = [*_names(asked), "id"]
    try:
        found = next_action(context, params)
    except SearchError as error:
        raise query.told(error) from None
    results = found["results"]
    kept = _checked(context, who, results, whole=not asked)
    found["count"] = max(0, found["count"] - (len(results) - len(kept)))
    if asked and "id" not in _names(asked):
        for row in kept:
            row.pop("id", None)
    found["results"] = kept
    return found


def _names(asked: Any) -> list[str]:
    return asked.replace(",", " ").split() if isinstance(asked, str) else list(asked)


def _checked(
    context: Any, who: Person, results: list[dict[str, Any]], whole: bool
) -> list[dict[str, Any]]:
    """The hits that the caller may see; with ``whole`` dicts in the form he may see."""
    ids = [row["id"] for row in results if row.get("id")]
    seen = sights(context, ids)
    changed = _changed(ids) if whole and who.is_staff else set()
    kept: list[dict[str, Any]] = []
    for row in results:
        access = seen.get(row.get("id") or "")
        if access is None or not access.visible:
            continue
        if whole and access.sight is Sight.WORKING and row["id"] in changed:
            row = as_seen(context, row["id"]) or row
        elif whole and access.sight is Sight.RELEASE and _is_late(row, access):
            row = as_seen(context, row["id"])
            if row is None:
                continue
        kept.append(row)
    return kept


def _is_late(row: dict[str, Any], access: Access) -> bool:
    """Was the hit indexed under another class? It may hold addresses that are no longer public.

    Otherwise it has the portal's own addresses, which were put in when it was indexed.
    """
    extras = {extra["key"]: extra["value"] for extra in row.get("extras") or []}
    open_class = row.get("open_class") or extras.get("open_class")
    return (open_class == OpenClass.UNCONDITIONAL.value) != (access.reason == "unconditional")


def _changed(package_ids: list[str]) -> set[str]:
    """Which of these datasets have a working copy that differs from their release."""
    if not package_ids:
        return set()
    rows = model.Session.query(DatasetRow.package_id).filter(
        DatasetRow.__table__.c.package_id.in_(package_ids), DatasetRow.__table__.c.pending
    )
    return {row.package_id for row in rows}


def package_autocomplete(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """Titles and names that contain what was typed, in Chinese as well."""
    text = data_dict.get("q")
    if not isinstance(text, str) or not text.strip():
        return next_action(context, data_dict)
    toolkit.check_access("package_autocomplete", context, data_dict)
    who = person(context)
    labels = None if who.sysadmin or who.internal else person_labels(who)
    found = suggest.titles(text, labels, _limit(data_dict))
    seen = _visible_names(context, [row.name for row in found])
    return [
        {
            "name": row.name,
            "title": row.title,
            "match_field": "title",
            "match_displayed": f"{row.title} ({row.name})",
        }
        for row in found
        if row.name in seen
    ]


def _visible_names(context: Any, names: list[str]) -> set[str]:
    """Those of the released names in the index by which the person may know a dataset."""
    return {name for name in names if sight(context, name).visible}


def _limit(data: dict[str, Any]) -> int:
    try:
        return max(1, min(whole(data.get("limit") or 10, lowest=None), _MOST))
    except NotWhole:
        raise toolkit.ValidationError({"limit": [toolkit._("Invalid integer")]}) from None


HANDLERS: dict[str, Handler] = {
    "package_search": package_search,
    "package_autocomplete": package_autocomplete,
}
