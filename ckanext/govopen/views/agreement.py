"""The page of an agreement: read it, sign it, take the copy (``/open/agreement/…``)."""

from __future__ import annotations

from typing import Any, cast

from ckan import model
from ckan.plugins import toolkit
from flask import Blueprint, Response

from ckanext.govopen.logic.agreement import copy_of
from ckanext.govopen.views import asked
from ckanext.govopen.views.forms import Reason, carry_out, signed_in, typed

_ = toolkit._
blueprint = Blueprint(
    "govopen_agreement", __name__, url_prefix="/open/agreement/<application>/<organization>"
)


def _labels() -> dict[str, str]:
    return {
        "typed_name": _("Your name"),
        "password": _("Password"),
        "template_version": _("Agreement"),
        "text_sha256": _("Agreement"),
    }


def _shown(application: str, organization: str) -> dict[str, Any]:
    wanted = {"application": application, "organization": organization}
    try:
        return toolkit.get_action("govopen_agreement_show")(cast(Any, asked.context()), wanted)
    except (toolkit.ObjectNotFound, toolkit.NotAuthorized):
        return toolkit.abort(404, _("There is no such agreement."))


def _render(application: str, organization: str, errors: list[Reason] | None = None) -> Any:
    shown = _shown(application, organization)
    title, _line, rest = shown["text"].partition("\n")
    page = toolkit.render(
        "govopen/agreement/show.html",
        {
            "agreement": shown,
            "heading": title,
            "paragraphs": [block.split("\n") for block in rest.strip("\n").split("\n\n")],
            "errors": errors or [],
            "typed": toolkit.request.form,
        },
    )
    return (page, 409) if errors else page


@signed_in
def show(application: str, organization: str) -> Any:
    """The text in full, and the form to sign it or the signature under it."""
    return _render(application, organization)


@signed_in
def sign(application: str, organization: str) -> Any:
    """Signs what was read."""
    data: dict[str, Any] = {
        "application": application,
        "organization": organization,
        **typed("template", "template_version", "text_sha256", "typed_name"),
        "password": toolkit.request.form.get("password", ""),
    }
    errors = carry_out("govopen_agreement_sign", data, _labels())
    if errors:
        return _render(application, organization, errors)
    toolkit.h.flash_success(
        _("The agreement is signed. You may use the data within the period of the grant.")
    )
    return toolkit.redirect_to(
        "govopen_agreement.show", application=application, organization=organization
    )


@signed_in
def pdf(application: str, organization: str) -> Any:
    """The signed copy, as it was made when it was signed."""
    shown = _shown(application, organization)
    found = copy_of(model.Session, shown)
    if not found:
        return toolkit.abort(404, _("There is no copy of this agreement."))
    return _file(found, "application/pdf", f"agreement-{shown['number']}.pdf")


@signed_in
def text(application: str, organization: str) -> Any:
    """The canonical text: the very bytes whose hash is signed."""
    shown = _shown(application, organization)
    content = shown["text"].encode("utf-8")
    return _file(content, "text/plain; charset=utf-8", f"agreement-{shown['number']}.txt")


def _file(content: bytes, content_type: str, name: str) -> Response:
    return Response(
        content,
        content_type=content_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
        },
    )


blueprint.add_url_rule("", view_func=show)
blueprint.add_url_rule("/sign", view_func=sign, methods=["POST"])
blueprint.add_url_rule("/agreement.pdf", view_func=pdf)
blueprint.add_url_rule("/agreement.txt", view_func=text)
