"""Rows that somebody reads under a grant: only its columns, and each row counted.

A query that looks at another column, be it only to compare or to sort, is refused: its answer
would tell of the content of that column.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ckan.plugins import toolkit
from flask import g, has_request_context, request

from ckanext.govopen.access import clock, uses
from ckanext.govopen.access.handler import Action
from ckanext.govopen.domain import usage as rules
from ckanext.govopen.domain.grant import Grant
from ckanext.govopen.domain.number import whole
from ckanext.govopen.domain.refusal import N_, Answer

__all__ = ["check_dump", "cut", "search"]


def search(
    next_action: Action,
    context: Any,
    data: dict[str, Any],
    package_id: str,
    grants: Sequence[Grant],
) -> Any:
    """``datastore_search`` under the first of the grants that covers the query and has room.

    Fewer rows than were asked for come back when fewer are left today; ``limit`` in the answer
    says how many they are, as with the site's own highest number.

    :raises ValidationError: the query looks at columns that no grant covers
    :raises UsedUp: no grant has room today
    """
    target = uses.Target(package_id, data["resource_id"], "rows")
    columns = None
    usable = [grant for grant in grants if grant.items is None]
    if not usable:
        usable, columns, data = _cut_to_one(context, target, data, grants)
    wanted = _limit(data)
    use: uses.Use | uses.Part
    if _is_file(grants):
        use = _page_of_file(context, target, usable, wanted)
    else:
        use = uses.begin(context, target, usable, rows=wanted, columns=columns)
    try:
        result = next_action(context, {**data, "limit": use.rows})
    except BaseException:
        use.settle(0, failed=True)
        raise
    use.settle(_count(result))
    return result


def _cut_to_one(
    context: Any, target: uses.Target, data: dict[str, Any], grants: Sequence[Grant]
) -> tuple[list[Grant], list[str], dict[str, Any]]:
    """The grants for some columns that cover the query, the columns, and the query cut to them."""
    problem: toolkit.ValidationError | None = None
    usable: list[Grant] = []
    limited: dict[str, Any] = {}
    for grant in grants:
        try:
            found = cut(data, grant.items or frozenset())
        except toolkit.ValidationError as error:
            problem = problem or error
            continue
        if not usable or found["fields"] == limited["fields"]:
            usable.append(grant)
            limited = limited or found
    if not usable:
        assert problem is not None
        outside = Answer(False, "items", N_("The grant does not cover these information items."))
        uses.refused(context, target, outside)
        raise problem
    return usable, [name for name in limited["fields"] if name != "_id"], limited


def _names(value: Any) -> list[str]:
    """A list of names as the DataStore takes it: a list, or a text with commas."""
    if isinstance(value, str):
        return [part.strip().strip('"') for part in value.split(",") if part.strip()]
    return [str(part) for part in value or []]


def cut(data: dict[str, Any], columns: frozenset[str]) -> dict[str, Any]:
    """The query without anything that reads other columns, be it only to compare with them.

    Full-text search is not offered: the DataStore looks into the text of whole rows even when it
    is asked for one column.

    :raises ValidationError: the query names a column that the grant does not cover
    """
    allowed = columns | {"_id"}
    fields = _names(data.get("fields"))
    sort, used = _sorting(data.get("sort"), allowed)
    used |= set(fields)
    used |= _filtered(data.get("filters"))
    used |= {name for name in ("q", "full_text") if data.get(name)}
    outside = sorted(used - allowed)
    if outside:
        message = toolkit._("Your grant does not cover this: %(names)s") % {
            "names": ", ".join(outside)
        }
        raise toolkit.ValidationError({"fields": [message]})
    kept = {key: value for key, value in data.items() if key not in ("sort", "q", "full_text")}
    return {**kept, "fields": fields or sorted(columns), **({"sort": sort} if sort else {})}


def _filtered(value: Any) -> set[str]:
    """The columns that a filter looks at; its own name where it cannot be read."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = json.loads(value)
        except ValueError:
            return {"filters"}
    if isinstance(value, Mapping):
        return {str(key) for key in value}
    return {"filters"} if value else set()


def _sorting(value: Any, allowed: frozenset[str]) -> tuple[list[str], set[str]]:
    """(the clauses, what stands in them that is no covered column), read as the DataStore does."""
    from ckanext.datastore.backend import (
        _parse_sort_clause,  # pyright: ignore[reportPrivateUsage]
    )

    clauses = value.split(",") if isinstance(value, str) else value or []
    if not isinstance(clauses, list):
        return [], {"sort"}
    clauses = [str(clause).strip() for clause in clauses if str(clause).strip()]
    outside = {clause for clause in clauses if not _parse_sort_clause(clause, allowed)}
    return clauses, outside


def _limit(data: Mapping[str, Any]) -> int:
    """The rows that the query asks for, within what the site gives at most.

    :raises ValidationError: this is no number from 0 on
    """
    value = data.get("limit")
    if value in (None, ""):
        value = toolkit.config.get("ckan.datastore.search.rows_default") or 100
    try:
        asked = whole(value)
    except ValueError:
        message = toolkit._("Must be a number from 0 on.")
        raise toolkit.ValidationError({"limit": [message]}) from None
    return min(asked, int(toolkit.config.get("ckan.datastore.search.rows_max") or 32000))


def _count(result: Mapping[str, Any]) -> int:
    """How many rows an answer of ``datastore_search`` holds, whatever its format."""
    records = result.get("records")
    if isinstance(records, str):
        tab = result.get("records_format") == "tsv"
        lines = csv.reader(io.StringIO(records), delimiter="\t" if tab else ",")
        return sum(1 for line in lines if line)
    lazy = getattr(records, "encoded_json", None)
    # Counted on a copy: read once, the answer would be written anew with other numbers.
    return len(json.loads(lazy)) if lazy else len(records or [])


# Files of rows (the dump)


def _is_file(grants: Sequence[Grant]) -> bool:
    """Is the answer the file of a resource that has no other, under a right to download?"""
    return (
        has_request_context()
        and request.endpoint == "datastore.dump"
        and all("interface" not in grant.delivery for grant in grants)
    )


def _page_of_file(
    context: Any, target: uses.Target, usable: Sequence[Grant], wanted: int
) -> uses.Part:
    """A file counts once, however many pages the dump reads for it."""
    begun: uses.Use | None = g.get("govopen_file")
    if begun is None:
        begun = g.govopen_file = uses.begin(
            context, uses.Target(target.package_id, target.resource_id, "download"), usable
        )
    return uses.Part(begun, wanted)


def check_dump(
    next_action: Action,
    context: Any,
    resource_id: str,
    grants: Sequence[Grant],
    asked: Mapping[str, str],
) -> None:
    """A file that would break off for want of rows is refused before it begins.

    :raises UsedUp: it takes more rows than any grant has left today, and some are left
    """
    best: Answer | None = None
    for grant in grants:
        left = uses.rows_left(grant)
        if left is None or "interface" not in grant.delivery:
            return
        query: dict[str, Any] = {
            name: asked[name] for name in ("filters", "q", "distinct", "fields") if asked.get(name)
        }
        try:
            if grant.items is not None:
                query = cut(query, grant.items)
            total = next_action(
                {**context, "ignore_auth": True},
                {**query, "resource_id": resource_id, "limit": 0, "include_total": True},
            )["total"]
        except toolkit.ValidationError:
            continue  # it will be refused in its turn
        limit = asked.get("limit", "")
        needed = min(total, int(limit)) if limit.isascii() and limit.isdigit() else total
        if needed <= left or not left:
            return
        best = best or rules.too_many(needed, left, clock.now())
    if best is not None:
        raise uses.UsedUp(best, rules.opens_in(best.code, clock.now()))
