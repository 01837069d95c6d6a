"""The persons whom departments name (``/open/persons``): shown, named, taken off."""

from __future__ import annotations

from typing import Any, cast

from ckan.plugins import toolkit
from flask import Blueprint

from ckanext.govopen.model import jurisdiction
from ckanext.govopen.views import asked, words
from ckanext.govopen.views.forms import Reason, carry_out, signed_in, typed

_ = toolkit._
blueprint = Blueprint("govopen_named_persons", __name__, url_prefix="/open/persons")


def _labels() -> dict[str, str]:
    return {
        "organization": _("Department"),
        "role": _("Role"),
        "name": _("Name of the person"),
        "post": _("Post"),
        "phone": _("Telephone"),
    }


def _render(errors: list[Reason] | None = None, about: str = "") -> Any:
    """``about`` is the department whose form was refused."""
    try:
        rows = toolkit.get_action("govopen_named_person_list")(cast(Any, asked.context()), {})
    except toolkit.NotAuthorized:
        return toolkit.abort(404)
    rule = jurisdiction.profile().provision("named_persons")
    return toolkit.render(
        "govopen/register/persons.html",
        {
            "rows": rows,
            "rule": rule,
            "demand": asked.govopen_pick(vars(rule.text)) if rule else "",
            "roles": words.named_roles(),
            "errors": errors or [],
            "about": about,
            "typed": toolkit.request.form,
        },
    )


@signed_in
def index() -> Any:
    """Departments with their persons, and the roles in which nobody is named."""
    return _render()


@signed_in
def put() -> Any:
    """Names a person."""
    data = typed("organization", "role", "name", "post", "phone")
    errors = carry_out("govopen_named_person_put", data, _labels())
    if errors:
        return _render(errors, data.get("organization", ""))
    toolkit.h.flash_success(_("The person was named."))
    return toolkit.redirect_to("govopen_named_persons.index")


@signed_in
def remove() -> Any:
    """Takes a person off."""
    data = typed("organization", "id")
    errors = carry_out("govopen_named_person_remove", data, _labels())
    if errors:
        return _render(errors, data.get("organization", ""))
    toolkit.h.flash_success(_("The person was taken off."))
    return toolkit.redirect_to("govopen_named_persons.index")


blueprint.add_url_rule("", view_func=index)
blueprint.add_url_rule("/put", view_func=put, methods=["POST"])
blueprint.add_url_rule("/remove", view_func=remove, methods=["POST"])
