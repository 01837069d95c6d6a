"""The reports of a catalogue source, with what people do there (``/open/source/…``).

Upload its table, start a run, read what each run did, confirm a mass withdrawal.
"""

from __future__ import annotations

from typing import Any, cast

from ckan.plugins import toolkit
from flask import Blueprint

from ckanext.govopen.views import asked
from ckanext.govopen.views.forms import reasons, signed_in

_ = toolkit._
blueprint = Blueprint("govopen_source", __name__, url_prefix="/open/source")

KINDS = ("refused", "kept_back", "missing", "withdrawn", "warning")
REMARKS = 200


def _call(action: str, data: dict[str, Any]) -> Any:
    """An action for the person who asks; a source that is not his is one that is not there."""
    try:
        return toolkit.get_action(action)(cast(Any, asked.context()), data)
    except (toolkit.ObjectNotFound, toolkit.NotAuthorized):
        return toolkit.abort(404)


def _render(name: str, errors: list[dict[str, str]] | None = None) -> Any:
    source = _call("harvest_source_show", {"id": name})
    runs = _call("govopen_catalogue_run_list", {"source": source["id"]})
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
            "kinds": KINDS,
            "kind": kind,
            "most": REMARKS,
            "uploads": str(source.get("url") or "").startswith("upload:"),
            "errors": errors or [],
        },
    )


@signed_in
def show(id: str) -> Any:
    """A source with its runs and the report of one of them (``?run=``, ``?kind=``)."""
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


blueprint.add_url_rule("/<id>", view_func=show)
blueprint.add_url_rule("/<id>/upload", view_func=upload, methods=["POST"])
blueprint.add_url_rule("/<id>/confirm", view_func=confirm, methods=["POST"])
