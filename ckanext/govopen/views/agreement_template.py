"""Templates of agreements: everybody reads them, the authority publishes (``/open/agreements``)."""

from __future__ import annotations

from typing import Any, cast

from ckan.plugins import toolkit
from flask import Blueprint

from ckanext.govopen.views import asked
from ckanext.govopen.views.forms import Reason, carry_out, reasons, signed_in, typed

_ = toolkit._
blueprint = Blueprint("govopen_agreement_template", __name__, url_prefix="/open/agreements")


def _get(action: str, **data: Any) -> Any:
    try:
        return toolkit.get_action(action)(cast(Any, asked.context()), data)
    except toolkit.ObjectNotFound:
        return toolkit.abort(404, _("There is no such template."))


def _render(errors: list[Reason] | None = None, preview: dict[str, Any] | None = None) -> Any:
    newest = _get("govopen_agreement_template_show")
    page = toolkit.render(
        "govopen/agreement/templates.html",
        {
            "newest": newest,
            "versions": _get("govopen_agreement_template_list"),
            "errors": errors or [],
            "preview": preview,
            "typed": toolkit.request.form,
        },
    )
    return (page, 409) if errors else page


def index() -> Any:
    """All versions, the newest in full; for the authority the form of a new one."""
    return _render()


def show(version: int) -> Any:
    """One version."""
    if version >= 2**31:
        return toolkit.abort(404, _("There is no such template."))
    shown = _get("govopen_agreement_template_show", version=version)
    return toolkit.render("govopen/agreement/template.html", {"shown": shown})


@signed_in
def publish() -> Any:
    """Tries a text out, or publishes it."""
    form = typed("text", "reason", "version")
    labels = {"text": _("Text"), "reason": _("Reason"), "version": _("Version")}
    if "preview" in toolkit.request.form:
        try:
            tried = toolkit.get_action("govopen_agreement_template_preview")(
                cast(Any, asked.context()), {"text": form.get("text", "")}
            )
        except toolkit.ValidationError as error:
            return _render(reasons(error, labels))
        except toolkit.NotAuthorized:
            return toolkit.abort(404)
        return _render(preview=tried)
    errors = carry_out("govopen_agreement_template_publish", form, labels)
    if errors:
        return _render(errors)
    toolkit.h.flash_success(_("The new version is published. Agreements to come use it."))
    return toolkit.redirect_to("govopen_agreement_template.index")


blueprint.add_url_rule("", view_func=index)
blueprint.add_url_rule("/publish", view_func=publish, methods=["POST"])
blueprint.add_url_rule("/<int:version>", view_func=show)
