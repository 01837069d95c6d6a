"""Public figures: charts and tables, and the same as CSV and JSON (``/open/figures``)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any, cast

from ckan.plugins import toolkit
from flask import Blueprint, Response

from ckanext.govopen.views import asked, words
from ckanext.govopen.views.catalogue import guarded

_ = toolkit._
blueprint = Blueprint("govopen_figures", __name__, url_prefix="/open")

TABLES = ("departments", "months", "crossed", "grounds", "grants")
#: Width of the longest bar in the units of the picture.
_WIDTH = 100.0


def _found() -> dict[str, Any]:
    """The figures of the period that the address names, else of the last one."""
    # The same for everybody: asked for as nobody in particular.
    nobody = cast(Any, {"user": "", "auth_user_obj": None})
    wanted = {"period": toolkit.request.args.get("period", "")}
    try:
        return toolkit.get_action("govopen_figures")(nobody, wanted)
    except (toolkit.ObjectNotFound, toolkit.ValidationError):
        return toolkit.abort(404, _("No figures are published for this period."))


def outcome(name: str) -> str:
    """An outcome in words."""
    return {
        "approved": _("Approved"),
        "refused": _("Not approved"),
        "ended": _("Withdrawn or ended"),
        "open": _("Not decided yet"),
        "all": _("Number"),
    }.get(name, name)


def _column(table: str, names: list[str]) -> str:
    if table == "crossed":
        return names[0] or _("Other months")
    return _(" or ").join(outcome(name) for name in names)


def _label(table: str, row: dict[str, Any]) -> str:
    if table == "grounds" and not row["key"]:
        return _("No legal basis named")
    if table == "crossed" and not row["key"]:
        return _("Other departments")
    return words.pick(row["label"], asked.locale())


def laid_out(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """The tables for the page: words for codes, and the bars of the charts."""
    found = []
    for name in TABLES:
        table = figures[name]
        if table is None:
            continue
        rows = [{**row, "label": _label(name, row)} for row in table["rows"]]
        most = max((row["total"] or 0 for row in rows), default=0) or 1
        highest = max((cell or 0 for row in rows for cell in row["cells"]), default=0) or 1
        for row in rows:
            row["bars"] = list(_bars(row["cells"], _WIDTH / most))
            row["widths"] = [round((cell or 0) * _WIDTH / highest, 2) for cell in row["cells"]]
        found.append(
            {
                "name": name,
                "columns": [_column(name, column) for column in table["columns"]],
                "rows": rows,
                "total": table["total"],
                "times": any(row["times"] for row in [*rows, table["total"]]),
            }
        )
    return found


def _bars(cells: list[int | None], scale: float) -> Iterator[tuple[int, float, float]]:
    """Column, begin and width of each part of a bar; a bar ends where a number is hidden."""
    begin = 0.0
    for place, number in enumerate(cells):
        if number is None:
            return
        yield place, round(begin, 2), round(number * scale, 2)
        begin += number * scale


def index() -> Any:
    """The figures as charts, each with its table."""
    figures = _found()
    return toolkit.render(
        "govopen/figures/index.html", {"figures": figures, "tables": laid_out(figures)}
    )


def as_json() -> Response:
    """What the action gives."""
    text = json.dumps(_found(), ensure_ascii=False, indent=1)
    return _answer(text, "application/json", "figures.json")


def as_csv() -> Response:
    """One row a number: period, table, row, column, number; an empty number is not shown."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(("period", "table", "row", "column", "number"))
    figures = _found()
    period = figures["period"]["id"] if figures["period"] else ""
    for name in TABLES:
        table = figures[name] or {"rows": [], "total": None, "columns": []}
        for row in [*table["rows"], *([table["total"]] if table["total"] else [])]:
            label = guarded(_label(name, row)) if row is not table["total"] else "total"
            names = ["+".join(column) or "other" for column in table["columns"]]
            values = dict(zip(names, row["cells"], strict=True))
            values["total"] = row["total"]
            for kind in ("cases", "median", "worst") if row["times"] else ():
                values[f"days_{kind}"] = row["times"][kind]
            for column, number in values.items():
                shown = "" if number is None else number
                writer.writerow((period, name, label, column, shown))
    return _answer("\ufeff" + out.getvalue(), "text/csv", "figures.csv")


def _answer(text: str, kind: str, name: str) -> Response:
    answer = Response(text, content_type=f"{kind}; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


blueprint.add_url_rule("/figures", view_func=index)
blueprint.add_url_rule("/figures.json", view_func=as_json, endpoint="json")
blueprint.add_url_rule("/figures.csv", view_func=as_csv, endpoint="csv")
