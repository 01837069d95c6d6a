"""The search boxes of CKAN's table view, in words of any script.

CKAN's view makes ``_`` of everything that is no Latin letter or digit, and asks for words that
begin with what is left. Before it runs, what was typed moves into filters for rows that contain it;
all the rest, and the question who may read the rows, stays with CKAN's view and the guard.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from ckan.plugins import toolkit
from flask import request
from werkzeug.datastructures import MultiDict

from ckanext.govopen.search import rows

_AJAX = "datatablesview.ajax"
_DOWNLOAD = "datatablesview.filtered_download"


def translate() -> Any:
    """Runs before every view: changes the form of the two addresses that search a table.

    :returns: None; a form that cannot be read ends the request with 400
    """
    if request.method != "POST" or request.endpoint not in (_AJAX, _DOWNLOAD):
        return None
    form = MultiDict(request.form)
    try:
        found = _of_page(form) if request.endpoint == _AJAX else _of_download(form)
    except (AttributeError, LookupError, TypeError, ValueError):
        return toolkit.abort(400, toolkit._("The request could not be understood."))
    if found:
        asked = form.get("filters")
        before = request.args.get("filters", "") if asked is None else asked
        form["filters"] = "|".join([*([before] if before else []), *found])
    request.form = form  # pyright: ignore[reportAttributeAccessIssue]
    return None


def _of_page(form: MultiDict[str, str]) -> list[str]:
    """The filters of a page of rows; what was typed is taken out of the form."""
    for name in ("draw", "start", "length"):
        int(form[name])
    found = _filters(rows.CONTAINS, form["search[value]"])
    form["search[value]"] = ""
    number = 0
    while (place := f"columns[{number}][search][value]") in form:
        column = form.get(f"columns[{number}][name]", "")
        found += _filters(f"{rows.CONTAINS}:{column}", form[place])
        form[place] = ""
        number += 1
    return found


def _of_download(form: MultiDict[str, str]) -> list[str]:
    """The same of a download, whose script sends it as JSON."""
    asked = json.loads(form["params"])
    found = _filters(rows.CONTAINS, asked["search"]["value"])
    asked["search"]["value"] = ""
    for column in asked["columns"]:
        found += _filters(f"{rows.CONTAINS}:{column.get('name')}", column["search"]["value"])
        column["search"]["value"] = ""
    form["params"] = json.dumps(asked)
    return found


def _filters(name: str, typed: str) -> list[str]:
    """The texts as the view writes filters: ``name:value``, both quoted."""
    return [f"{quote(name, safe='')}:{quote(text, safe='')}" for text in rows.texts(typed)]
