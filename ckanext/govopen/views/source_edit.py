"""Adding and changing a catalogue source on one page: first it is tried, then it is saved."""

from __future__ import annotations

from typing import Any, cast

from ckan.plugins import toolkit

from ckanext.govopen.access.viewer import person
from ckanext.govopen.views import asked, source_form
from ckanext.govopen.views.forms import Reason, reasons, said, signed_in
from ckanext.govopen.views.source_form import Form

_ = toolkit._

WAYS = ("collected", "shared", "negotiated", "purchased")


def _context() -> Any:
    return cast(Any, asked.context())


def _labels() -> dict[str, str]:
    return {
        "title": _("Title"),
        "name": _("Name in the address (letters, digits, hyphens)"),
        "url": _("Address of the source"),
        "source_type": _("Source type"),
        "config": _("Settings"),
        "frequency": _("Update frequency"),
        "owner_org": _("Department"),
        "upload": _("Workbook (.xlsx) or CSV file"),
    }


def _types() -> list[dict[str, Any]]:
    """The source types that this page knows."""
    found = toolkit.get_action("harvesters_info_show")(_context(), {})
    return [one for one in found if str(one["name"]).startswith("govopen_")]


def _page(
    form: Form,
    source: dict[str, Any] | None,
    trial: dict[str, Any] | None = None,
    errors: list[Reason] | None = None,
    savable: bool = False,
) -> Any:
    user = toolkit.current_user
    return toolkit.render(
        "govopen/source/edit.html",
        {
            "form": form,
            "source": source,
            "trial": trial,
            "errors": errors or [],
            "types": _types(),
            "ways": WAYS,
            "organizations": toolkit.h.organizations_available("create_dataset"),
            "privileged": person(_context()).sees_everything,
            "savable": savable,
            "proof": source_form.proof(user.id, (source or {}).get("id", ""), form)
            if savable
            else "",
        },
    )


@signed_in
def new() -> Any:
    """A new source: the form, a look at what it would bring, and its saving."""
    if not toolkit.h.check_access("harvest_source_create"):
        return toolkit.abort(404)
    if toolkit.request.method == "POST":
        return _answer(None)
    return _page(source_form.blank(), None)


@signed_in
def edit(id: str) -> Any:
    """The same for a source that is there."""
    source = _shown(id)
    if toolkit.request.method == "POST":
        return _answer(source)
    return _page(source_form.of_source(source), source, savable=True)


def _shown(id: str) -> dict[str, Any]:
    try:
        source = toolkit.get_action("harvest_source_show")(_context(), {"id": id})
        toolkit.check_access("harvest_source_update", _context(), {"id": source["id"]})
    except (toolkit.ObjectNotFound, toolkit.NotAuthorized):
        return toolkit.abort(404)
    return source


def _answer(source: dict[str, Any] | None) -> Any:
    """Tries what was sent, and saves it when that has been seen before."""
    request = toolkit.request
    form = source_form.of_request(request.form, person(_context()).sees_everything)
    if form.wrong:
        form.typed = {}
        return _page(form, source, errors=said(form.wrong))
    wanted = "save" in request.form
    given = str(request.form.get("proof") or "")
    id = (source or {}).get("id", "")
    if wanted and source_form.proved(given, toolkit.current_user.id, id, form):
        return _saved(form, source)
    return _tried(form, source, wanted)


def _tried(form: Form, source: dict[str, Any] | None, wanted: bool) -> Any:
    values = form.values
    data: dict[str, Any] = {
        "source": (source or {}).get("id", ""),
        "url": values["url"],
        "source_type": values["source_type"],
        "config": form.config,
        "owner_org": values["owner_org"],
        "upload": toolkit.request.files.get("upload"),
    }
    try:
        trial = toolkit.get_action("govopen_catalogue_try")(_context(), data)
    except toolkit.ValidationError as error:
        form.typed = {}
        return _page(form, source, errors=reasons(error, _labels()))
    except toolkit.NotAuthorized:
        form.typed = {}
        message = _("You may not make a source for this department.")
        return _page(form, source, errors=said(message))
    form.keep(trial["config"])
    errors = said(_("Look at the result first, then save.")) if wanted and trial["works"] else None
    return _page(form, source, trial, errors, savable=bool(trial["works"]))


def _saved(form: Form, source: dict[str, Any] | None) -> Any:
    data: dict[str, Any] = {**form.values, "config": form.config}
    if not data["title"]:
        data["title"] = data["name"]
    action = "harvest_source_patch" if source else "harvest_source_create"
    if source:
        data["id"] = source["id"]
    try:
        saved = toolkit.get_action(action)(_context(), data)
    except toolkit.ValidationError as error:
        return _page(form, source, errors=reasons(error, _labels()), savable=True)
    except toolkit.NotAuthorized:
        message = _("You may not make a source for this department.")
        return _page(form, source, errors=said(message))
    file = toolkit.request.files.get("upload")
    if file is not None and file.filename:
        try:
            upload = {"source": saved["id"], "upload": file}
            toolkit.get_action("govopen_catalogue_upload")(_context(), upload)
        except toolkit.ValidationError as error:
            toolkit.h.flash_error(" ".join(one["message"] for one in reasons(error, _labels())))
    toolkit.h.flash_success(_("The source was saved."))
    return toolkit.redirect_to("govopen_source.show", id=saved["name"])
