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
from ckanext.govopen.access.policy import Person, Sight
from ckanext.govopen.access.show import present
from ckanext.govopen.access.sight import sight, sights
from ckanext.govopen.access.viewer import person
from ckanext.govopen.model.release import DatasetRow
from ckanext.govopen.search import query, suggest

#: Longest list of suggestions.
_MOST = 100


def package_search(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """CKAN's search within the portal's limits, without what the caller may not see."""
    who = person(context)
    if who.internal:
        return next_action(context, query.search_defaults(data_dict, who))
    params = query.search_defaults(query.sanitise(data_dict, who), who)
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
            row = _shown(context, row["id"]) or row
        elif whole and access.sight is Sight.RELEASE:
            present(row)
        kept.append(row)
    return kept


def _changed(package_ids: list[str]) -> set[str]:
    """Which of these datasets have a working copy that differs from their release."""
    if not package_ids:
        return set()
    rows = model.Session.query(DatasetRow.package_id).filter(
        DatasetRow.__table__.c.package_id.in_(package_ids), DatasetRow.__table__.c.pending
    )
    return {row.package_id for row in rows}


def _shown(context: Any, package_id: str) -> dict[str, Any] | None:
    asking: Any = {"user": context.get("user"), "auth_user_obj": context.get("auth_user_obj")}
    try:
        return toolkit.get_action("package_show")(asking, {"id": package_id})
    except (toolkit.ObjectNotFound, toolkit.NotAuthorized):
        return None


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
        return max(1, min(int(data.get("limit") or 10), _MOST))
    except (TypeError, ValueError):
        raise toolkit.ValidationError({"limit": [toolkit._("Invalid integer")]}) from None


HANDLERS: dict[str, Handler] = {
    "package_search": package_search,
    "package_autocomplete": package_autocomplete,
}
