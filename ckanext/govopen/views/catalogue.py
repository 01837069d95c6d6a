"""The open list: every published dataset, as a page, as CSV and as JSON (``/open/list``).

It is what anybody may know: it is asked for as nobody in particular, so it is the same for all.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from ckan import model
from ckan.plugins import toolkit
from flask import Blueprint, Response, stream_with_context

from ckanext.govopen.model import department
from ckanext.govopen.views import listing, words
from ckanext.govopen.views.forms import number_of_page

blueprint = Blueprint("govopen_catalogue", __name__, url_prefix="/open")

#: Rows of one page, and of one search while the whole list is written.
PAGE_ROWS = 50
BATCH_ROWS = 500

#: Columns of the list in their order.
COLUMNS: tuple[str, ...] = (
    "resource_code",
    "title",
    "department",
    "department_code",
    "department_name",
    "open_class",
    "open_condition",
    "theme",
    "update_cycle",
    "formats",
    "license_id",
    "issued",
    "data_updated",
    "url",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def guarded(value: str) -> str:
    """Text that a spreadsheet does not take for a formula: an apostrophe goes in front."""
    return "'" + value if value.startswith(_FORMULA) else value


def row(package: Any, codes: Mapping[str, str]) -> dict[str, str]:
    """One dataset as a row of the list, every value a string.

    ``department_code`` is the official one (``codes``, by name), ``department_name`` the name under
    which the portal's addresses have the department.
    """
    organization = package.get("organization") or {}
    formats = dict.fromkeys(
        str(r["format"]).upper() for r in package.get("resources", ()) if r.get("format")
    )
    return {
        "resource_code": str(package.get("resource_code") or ""),
        "title": str(package.get("title") or package["name"]),
        "department": str(organization.get("title") or organization.get("name") or ""),
        "department_code": codes.get(str(organization.get("name")), ""),
        "department_name": str(organization.get("name") or ""),
        "open_class": str(package.get("open_class") or ""),
        "open_condition": str(package.get("open_condition") or ""),
        "theme": str(package.get("theme") or ""),
        "update_cycle": str(package.get("update_cycle") or ""),
        "formats": " ".join(formats),
        "license_id": str(package.get("license_id") or ""),
        "issued": words.day(package.get("issued")),
        "data_updated": words.day(package.get("data_updated")),
        "url": toolkit.h.url_for(
            "dataset.read", id=package["name"], qualified=True, locale="default"
        ),
    }


def _search(start: int, rows: int) -> dict[str, Any]:
    """A part of the list in a stable order, as an anonymous visitor finds it."""
    nobody = cast(Any, {"user": "", "auth_user_obj": None})
    return toolkit.get_action("package_search")(
        nobody,
        {
            "q": "*:*",
            "fq": "+dataset_type:dataset",
            "sort": "name asc",
            "rows": rows,
            "start": start,
        },
    )


def _all() -> Iterator[dict[str, str]]:
    """Every row, one search after the other: the list is never in memory as a whole."""
    start, codes = 0, department.codes(model.Session)
    while True:
        found = _search(start, BATCH_ROWS)["results"]
        yield from (row(one, codes) for one in found)
        if len(found) < BATCH_ROWS:
            return
        start += BATCH_ROWS


def index() -> str:
    """The list as a table, a hundred rows a page."""
    number = number_of_page()
    found = _search((number - 1) * PAGE_ROWS, PAGE_ROWS)
    last = max(1, -(-found["count"] // PAGE_ROWS))
    return toolkit.render(
        "govopen/catalogue/index.html",
        {
            "rows": [{**row(p, {}), "name": p["name"]} for p in found["results"]],
            "count": found["count"],
            "first": (number - 1) * PAGE_ROWS,
            "pages": listing.pages(min(number, last), last, []),
            "number": number,
            "last": last,
            "end": listing.page_link(last, []),
        },
    )


def _lines(rows: Iterable[dict[str, str]]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    # The byte order mark: without it spreadsheets take Chinese UTF-8 for the local code page.
    buffer.write("\ufeff")
    writer.writerow(COLUMNS)
    for number, one in enumerate(rows, 1):
        # Every column: codes and names of licences are what somebody wrote as well.
        writer.writerow([guarded(one[name]) for name in COLUMNS])
        if number % 100 == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def as_csv() -> Response:
    """The whole list as CSV (UTF-8 with a byte order mark)."""
    return Response(
        stream_with_context(_lines(_all())),
        content_type="text/csv; charset=utf-8",
        headers=_file("open-list.csv"),
    )


def as_json() -> Response:
    """The whole list as JSON: ``{"columns": […], "rows": [{…}]}``."""

    def parts() -> Iterator[str]:
        yield '{"columns": ' + json.dumps(COLUMNS) + ', "rows": ['
        separator = "\n"
        for one in _all():
            yield separator + json.dumps(one, ensure_ascii=False)
            separator = ",\n"
        yield "\n]}\n"

    return Response(
        stream_with_context(parts()),
        content_type="application/json; charset=utf-8",
        headers=_file("open-list.json"),
    )


def _file(name: str) -> dict[str, str]:
    return {
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
    }


blueprint.add_url_rule("/list", view_func=index)
blueprint.add_url_rule("/list.csv", endpoint="csv", view_func=as_csv)
blueprint.add_url_rule("/list.json", endpoint="json", view_func=as_json)
