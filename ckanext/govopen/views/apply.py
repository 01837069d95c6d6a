"""Applying for conditional data: the form, its draft, its attachments (``/open/apply/<dataset>``).

Every button saves what was typed first. Without a draft that is stored already the form of a
dataset makes one; from then on it lives at ``/open/application/<id>/edit``.
"""

from __future__ import annotations

from typing import Any, cast

from ckan.plugins import toolkit
from flask import Blueprint

from ckanext.govopen.domain.application.check import ATTACHMENTS_MAX
from ckanext.govopen.model import settings
from ckanext.govopen.views import application_form as form
from ckanext.govopen.views import application_words as words
from ckanext.govopen.views import asked, law
from ckanext.govopen.views.forms import Reason, named, reasons, said, signed_in

_ = toolkit._
blueprint = Blueprint("govopen_apply", __name__, url_prefix="/open")


def _render(
    content: dict[str, Any],
    action: str,
    case: dict[str, Any] | None = None,
    errors: list[Reason] | None = None,
    writing: Any = None,
) -> Any:
    """``writing`` is the save that the form goes on from, else the one that was read."""
    procedure = form.procedure()
    rows = form.chosen(content)
    for row in rows:
        package = row["package"] or {}
        row["known_items"] = form.items(package)
        row["modes"] = law.govopen_deliveries(package)
        row["delivery"] = row.get("delivery") or []
    search = toolkit.request.form.get("words", "").strip()
    looked = toolkit.request.form.get("what") == "search" or bool(errors)
    found = form.offered(search, [row["dataset"] for row in rows]) if search and looked else []
    return toolkit.render(
        "govopen/apply/edit.html",
        {
            "action": action,
            "case": case,
            "content": {**content, "contact": content.get("contact") or {}},
            "attachments": (case or {}).get("attachments") or [],
            "errors": errors or [],
            "summary": named(errors or [], form.labels()),
            "labels": form.labels(),
            "limits": limits(),
            "messages": words.messages(case),
            "offered": found,
            "procedure": procedure,
            "remarks": words.remarks(case),
            "rows": rows,
            "steps": words.way(procedure, settings.agreement()),
            "texts": [{**field, "help": form.help_text(field["id"])} for field in form.texts()],
            "words": search if looked else "",
            "writing": writing
            or toolkit.request.form.get("writing")
            or (case or {}).get("writing"),
        },
    )


def limits() -> dict[str, Any]:
    """What the form says beforehand about numbers and sizes."""
    types = settings.attachment_types()
    return {
        "datasets": settings.application_datasets(),
        "attachments": ATTACHMENTS_MAX,
        "size": settings.attachment_bytes(),
        "types": types,
        "accept": ",".join(f".{kind.lstrip('.')}" for kind in types),
    }


def _start(reference: str) -> dict[str, Any]:
    """The dataset that is to be applied for, or the 404 page."""
    package = form.dataset(reference)
    if package is None or package.get("open_class") != "conditional":
        return toolkit.abort(404)
    if not form.procedure()["available"] or not form.procedure()["steps"]:
        return toolkit.abort(404)
    return package


def new(id: str) -> Any:
    """The empty form for one dataset; whoever has not signed in is told that he has to."""
    if not toolkit.current_user.is_authenticated:
        back = toolkit.request.full_path.rstrip("?")
        return toolkit.render("govopen/apply/enter.html", {"pkg": _start(id), "back": back})
    return _form_for(id)


@signed_in
def _form_for(id: str) -> Any:
    package = _start(id)
    content = form.blank(package)
    content["renews"] = toolkit.request.args.get("renews") or None
    return _render(content, toolkit.h.url_for("govopen_apply.create", id=package["name"]))


@signed_in
def create(id: str) -> Any:
    """The first time that the form is sent: makes a draft of it."""
    package = _start(id)
    content = form.typed()
    here = toolkit.h.url_for("govopen_apply.create", id=package["name"])
    try:
        case = toolkit.get_action("govopen_application_create")(
            cast(Any, asked.context()), {"content": content}
        )
    except toolkit.ValidationError as error:
        return _render(content, here, None, reasons(error, form.labels()))
    except toolkit.NotAuthorized as error:
        return _render(content, here, None, said(error.message or str(error)))
    return _go_on(case["id"], content)


def _case(id: str) -> dict[str, Any]:
    """One of the reader's own cases that can be edited, or the 404 page."""
    case = words.found(id)
    if "submit" not in words.may(case):
        return toolkit.abort(404)
    return case


@signed_in
def edit(id: str) -> Any:
    """A draft, or what was returned."""
    case = _case(id)
    return _render(words.content(case), _edit_address(id), case)


@signed_in
def save(id: str) -> Any:
    """Stores what was typed, and does what the button says."""
    case = _case(id)
    content = form.typed()
    try:
        toolkit.get_action("govopen_application_update")(
            cast(Any, asked.context()),
            {"id": id, "content": content, "writing": toolkit.request.form.get("writing", "")},
        )
    except toolkit.ValidationError as error:
        return _render(content, _edit_address(id), case, reasons(error, form.labels()))
    return _go_on(id, content)


def _edit_address(id: str) -> str:
    return toolkit.h.url_for("govopen_apply.save", id=id)


def _go_on(id: str, content: dict[str, Any]) -> Any:
    """After the draft was stored: files, the search, the submission, or the same page again."""
    what = toolkit.request.form.get("what", "")
    errors: list[Reason] = []
    upload = toolkit.request.files.get("file")
    if upload is not None and upload.filename:
        errors += _carry("govopen_attachment_add", {"application": id, "upload": upload})
    elif what == "attach":
        errors += _about("upload", _("Choose a file first."))
    if toolkit.request.form.get("detach"):
        attachment = toolkit.request.form["detach"]
        errors += _carry("govopen_attachment_remove", {"application": id, "id": attachment})
    if what == "submit" and not errors:
        errors += _carry("govopen_application_submit", {"id": id})
        if not errors:
            toolkit.h.flash_success(_("Submitted. You see below what happens next."))
            return toolkit.redirect_to("govopen_application.show", id=id)
    if errors or what == "search":
        case = words.found(id)
        return _render(content, _edit_address(id), case, errors, case.get("writing"))
    if what == "save":
        toolkit.h.flash_success(
            _("The draft is saved. Nobody but you sees it until you submit it.")
        )
    return toolkit.redirect_to("govopen_apply.edit", id=id)


def _carry(action: str, data: dict[str, Any]) -> list[Reason]:
    try:
        toolkit.get_action(action)(cast(Any, asked.context()), data)
    except toolkit.ValidationError as error:
        return reasons(error, form.labels())
    except toolkit.ObjectNotFound:
        return toolkit.abort(404)
    except toolkit.NotAuthorized as error:
        return said(error.message or str(error))
    return []


def _about(field: str, message: str) -> list[Reason]:
    return [{"rule": "", "article": "", "message": message, "field": field}]


blueprint.add_url_rule("/apply/<id>", view_func=new)
blueprint.add_url_rule("/apply/<id>", view_func=create, methods=["POST"])
blueprint.add_url_rule("/application/<id>/edit", view_func=edit)
blueprint.add_url_rule("/application/<id>/edit", view_func=save, methods=["POST"])
