"""The reports of a catalogue source, with what people do there (``/open/source/…``).

Upload its table, start a run, see how far it is and what each run did, look at what a run would do,
confirm a mass withdrawal.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any, cast

from ckan.plugins import toolkit
from flask import Blueprint, Response

from ckanext.govopen.model.catalogue import COUNTED
from ckanext.govopen.views import asked, listing, source_edit
from ckanext.govopen.views.catalogue import guarded
from ckanext.govopen.views.forms import number_of_page, reasons, signed_in

_ = toolkit._
blueprint = Blueprint("govopen_source", __name__, url_prefix="/open/source")

KINDS = ("refused", "kept_back", "missing", "withdrawn", "file", "warning")
REMARKS = 200
#: Remarks that one call gives, and most that a file holds.
PART, MOST = 1000, 200_000
#: Runs in the table of runs and in its file.
RUNS = 100
KEPT_PAGE = 50
#: Seconds after which the page of a source that is running asks for itself again.
AGAIN = 5


def _call(action: str, data: dict[str, Any]) -> Any:
    """An action for the person who asks; a source that is not his is one that is not there."""
    try:
        return toolkit.get_action(action)(cast(Any, asked.context()), data)
    except (toolkit.ObjectNotFound, toolkit.NotAuthorized):
        return toolkit.abort(404)


def _source(name: str) -> dict[str, Any]:
    return _call("harvest_source_show", {"id": name})


def _render(
    name: str, errors: list[dict[str, str]] | None = None, dry: dict[str, Any] | None = None
) -> Any:
    source = _source(name)
    runs = _call("govopen_catalogue_run_list", {"source": source["id"], "limit": RUNS})
    wanted = toolkit.request.args.get("run") or (runs[0]["id"] if runs else "")
    kind = toolkit.request.args.get("kind", "")
    report = None
    if wanted:
        asked_for = {"run": wanted, "kind": kind if kind in KINDS else "", "limit": REMARKS}
        report = _call("govopen_catalogue_run_show", asked_for)
        if report["source_id"] != source["id"]:
            return toolkit.abort(404)
    return toolkit.render(
        "govopen/source/show.html",
        {
            "source": source,
            "runs": runs,
            "report": report,
            "before": _before(runs, report),
            "kinds": KINDS,
            "kind": kind,
            "most": REMARKS,
            "uploads": str(source.get("url") or "").startswith("upload:"),
            "errors": errors or [],
            "dry": dry,
            "again": AGAIN if _running(runs) and not (errors or dry) else None,
        },
    )


def _running(runs: Sequence[dict[str, Any]]) -> bool:
    return bool(runs) and runs[0]["state"] == "running"


def _before(runs: Sequence[dict[str, Any]], report: dict[str, Any] | None) -> Any:
    """The run that a report is compared with: ``?with=``, or else the one before it that ended."""
    if report is None:
        return None
    earlier = [run for run in runs if run["started_at"] < report["started_at"]]
    chosen = toolkit.request.args.get("with", "")
    named = [run for run in runs if run["id"] == chosen and chosen != report["id"]]
    return next(iter(named or [run for run in earlier if run["state"] == "finished"]), None)


@signed_in
def show(id: str) -> Any:
    """A source with its runs and the report of one of them (``?run=``, ``?kind=``, ``?with=``)."""
    return _render(id)


def _do(name: str, action: str, data: dict[str, Any], said: str) -> Any:
    """Carries out a command of the page and comes back to it."""
    try:
        _call(action, data)
    except toolkit.ValidationError as error:
        return _render(name, reasons(error))
    toolkit.h.flash_success(said)
    return toolkit.redirect_to("govopen_source.show", id=name)


@signed_in
def upload(id: str) -> Any:
    """Takes a new table for the source; the next run reads it."""
    data = {"source": id, "upload": toolkit.request.files.get("upload")}
    return _do(id, "govopen_catalogue_upload", data, _("The file was uploaded. Start a run now."))


@signed_in
def confirm(id: str) -> Any:
    """Withdraws what a run missed: a person has looked at it."""
    data = {"run": toolkit.request.form.get("run", "")}
    return _do(id, "govopen_catalogue_confirm", data, _("The missing records were withdrawn."))


@signed_in
def dry_run(id: str) -> Any:
    """What a run would do now; nothing is written."""
    source = _source(id)
    return _render(id, dry=_call("govopen_catalogue_dry_run", {"source": source["id"]}))


@signed_in
def kept() -> Any:
    """What harvesting kept back of the reader's departments, and why."""
    number = number_of_page()
    found = _call(
        "govopen_catalogue_kept_list",
        {"limit": KEPT_PAGE, "offset": (number - 1) * KEPT_PAGE},
    )
    last = max(1, -(-found["count"] // KEPT_PAGE))
    return toolkit.render(
        "govopen/source/kept.html",
        {
            "found": found,
            "pages": listing.pages(min(number, last), last, []),
            "number": number,
        },
    )


@signed_in
def runs_csv(id: str) -> Any:
    """The runs of a source as CSV, newest first."""
    source = _source(id)
    runs = _call("govopen_catalogue_run_list", {"source": source["id"], "limit": RUNS})
    columns = ("started_at", "finished_at", "state", "seconds", "rate", *COUNTED, "message", "run")
    return _csv(
        "runs.csv",
        columns,
        ({**run, **run["counts"], "run": run["id"]} for run in runs),
    )


@signed_in
def remarks_csv(id: str) -> Any:
    """The remarks of one run (``?run=``) as CSV."""
    source = _source(id)
    run = toolkit.request.args.get("run", "")
    rows: list[dict[str, Any]] = []
    while len(rows) < MOST:
        report = _call(
            "govopen_catalogue_run_show", {"run": run, "limit": PART, "offset": len(rows)}
        )
        if report["source_id"] != source["id"]:
            return toolkit.abort(404)
        rows += report["remarks"]
        if len(report["remarks"]) < PART:
            break
    columns = ("code", "kind", "place", "rules", "articles", "reasons", "to_do")
    return _csv("remarks.csv", columns, map(_remark, rows))


def _remark(row: dict[str, Any]) -> dict[str, Any]:
    said = row["reasons"]
    return {
        "code": row["code"],
        "kind": row["kind"],
        "place": row["place"],
        "rules": " ".join(str(one["rule"]) for one in said),
        "articles": " ".join(str(one["article"]) for one in said if one["article"]),
        "reasons": " ".join(str(one["message"]) for one in said),
        "to_do": " ".join(row["to_do"]),
    }


def _csv(name: str, columns: Sequence[str], rows: Iterable[dict[str, Any]]) -> Response:
    """UTF-8 with a byte order mark; what people wrote is guarded, figures stay figures."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        values = [row.get(column) for column in columns]
        writer.writerow(
            ["" if v is None else guarded(v) if isinstance(v, str) else v for v in values]
        )
    answer = Response("\ufeff" + out.getvalue(), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


blueprint.add_url_rule("/new", view_func=source_edit.new, methods=["GET", "POST"])
blueprint.add_url_rule("/kept-back", view_func=kept)
blueprint.add_url_rule("/<id>", view_func=show)
blueprint.add_url_rule("/<id>/edit", view_func=source_edit.edit, methods=["GET", "POST"])
blueprint.add_url_rule("/<id>/upload", view_func=upload, methods=["POST"])
blueprint.add_url_rule("/<id>/confirm", view_func=confirm, methods=["POST"])
blueprint.add_url_rule("/<id>/dry-run", view_func=dry_run, methods=["POST"])
blueprint.add_url_rule("/<id>/runs.csv", view_func=runs_csv)
blueprint.add_url_rule("/<id>/remarks.csv", view_func=remarks_csv)
