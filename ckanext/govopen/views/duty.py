"""Who holds which duty in which department, which authority a department stands under, and the
forms for both (``/open/duties``)."""

from __future__ import annotations

from typing import Any, cast

from ckan.plugins import toolkit
from flask import Blueprint

from ckanext.govopen.domain.levels import SYSTEMS
from ckanext.govopen.model import jurisdiction
from ckanext.govopen.views import asked
from ckanext.govopen.views.forms import Reason, reasons, said, signed_in

_ = toolkit._
blueprint = Blueprint("govopen_duty", __name__, url_prefix="/open/duties")

DUTIES = ("reviewer", "handler", "authority", "auditor")
FIELDS = ("user", "organization", "duty", "deputy_for", "until", "authority", "responsible")


def _render(errors: list[Reason] | None = None) -> Any:
    context = cast(Any, asked.context())
    try:
        rows = toolkit.get_action("govopen_duty_list")(context, {})
    except toolkit.NotAuthorized:
        return toolkit.abort(404)
    organizations = toolkit.get_action("organization_list")(
        context, {"all_fields": True, "sort": "title asc", "include_dataset_count": False}
    )
    return toolkit.render(
        "govopen/duty/index.html",
        {
            "rows": rows,
            "levels": toolkit.get_action("govopen_level_list")(context, {}),
            "systems": jurisdiction.profile().provision(SYSTEMS) is not None,
            "organizations": organizations,
            "duties": DUTIES,
            "errors": errors or [],
            "typed": toolkit.request.form,
        },
    )


@signed_in
def index() -> Any:
    """Duties in force, and the form that gives one."""
    return _render()


def _command(action: str) -> list[Reason] | None:
    """Carries out a command of the form; what stands in the way, or None."""
    form = toolkit.request.form
    given = {name: form[name].strip() for name in FIELDS if form.get(name, "").strip()}
    try:
        toolkit.get_action(action)(cast(Any, asked.context()), given)
    except toolkit.ValidationError as error:
        return reasons(error)
    except toolkit.ObjectNotFound:
        return said(_("There is no such user or department."))
    except toolkit.NotAuthorized:
        return said(_("Only the data authority or the operator gives and takes duties."))
    return None


@signed_in
def give() -> Any:
    """Gives a duty."""
    errors = _command("govopen_duty_give")
    if errors:
        return _render(errors)
    toolkit.h.flash_success(_("The duty was given."))
    return toolkit.redirect_to("govopen_duty.index")


@signed_in
def take() -> Any:
    """Takes a duty away."""
    errors = _command("govopen_duty_take")
    if errors:
        return _render(errors)
    toolkit.h.flash_success(_("The duty was taken away."))
    return toolkit.redirect_to("govopen_duty.index")


@signed_in
def place() -> Any:
    """Places a department under an authority."""
    errors = _command("govopen_level_set")
    if errors:
        return _render(errors)
    toolkit.h.flash_success(_("It was recorded."))
    return toolkit.redirect_to("govopen_duty.index")


blueprint.add_url_rule("", view_func=index)
blueprint.add_url_rule("/give", view_func=give, methods=["POST"])
blueprint.add_url_rule("/place", view_func=place, methods=["POST"])
blueprint.add_url_rule("/take", view_func=take, methods=["POST"])
