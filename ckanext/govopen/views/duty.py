"""Who holds which duty in which department, which authority a department stands under, and the
forms for both (``/open/duties``)."""

from __future__ import annotations

from typing import Any, cast

from ckan.plugins import toolkit
from flask import Blueprint

from ckanext.govopen.access.viewer import person
from ckanext.govopen.domain import duty as rules
from ckanext.govopen.domain.levels import SYSTEMS
from ckanext.govopen.logic import actor as actors
from ckanext.govopen.model import jurisdiction
from ckanext.govopen.views import asked, places
from ckanext.govopen.views.forms import Reason, reasons, said, signed_in

_ = toolkit._
blueprint = Blueprint("govopen_duty", __name__, url_prefix="/open/duties")

DUTIES = ("reviewer", "handler", "authority", "auditor")
FIELDS = ("user", "organization", "duty", "deputy_for", "until", "authority", "responsible")


def _render(errors: list[Reason] | None = None, form: str = "") -> Any:
    """``form`` is the one that was refused (``give`` or ``place``): it keeps what was typed."""
    context = cast(Any, asked.context())
    try:
        rows = toolkit.get_action("govopen_duty_list")(context, {})
    except toolkit.NotAuthorized:
        return toolkit.abort(404)
    who = person(context)
    actor = actors.of(who, who.user_id)
    levels = toolkit.get_action("govopen_level_list")(context, {})
    organizations = places.departments()
    # What he may neither give nor take is not offered to him: the command checks it all the same.
    every = any(rules.may_give(actor, duty=one) for one in rules.CENTRAL)
    typed = toolkit.request.form
    return toolkit.render(
        "govopen/duty/index.html",
        {
            "rows": [{**row, "may_take": _may_take(actor, row)} for row in rows],
            "levels": [{**row, "vacant": _vacant(row, rows)} for row in levels],
            "systems": jurisdiction.profile().provision(SYSTEMS) is not None,
            "organizations": organizations,
            "giving": [one for one in organizations if every or rules.may_give(actor, one["id"])],
            "duties": [name for name in DUTIES if rules.may_give(actor, duty=rules.Duty(name))],
            "errors": errors or [],
            "typed": typed if form == "give" else {},
            "placing": typed if form == "place" else _placed(levels),
        },
    )


def _may_take(actor: rules.Actor, row: dict[str, Any]) -> bool:
    duty = rules.Duty.of(row["duty"])
    return row["user"]["id"] != actor.user_id and rules.may_give(
        actor, row["organization"]["id"], duty
    )


def _vacant(level: dict[str, Any], rows: list[dict[str, Any]]) -> bool:
    """Does nobody hold the duty in the authority of a department? Known to who reads all duties."""
    above = level["authority"]
    return (
        above is not None
        and toolkit.h.check_access("govopen_level_set")
        and not any(
            row["in_force"]
            and row["duty"] == rules.Duty.AUTHORITY.value
            and row["organization"]["id"] == above["id"]
            for row in rows
        )
    )


def _placed(levels: list[dict[str, Any]]) -> dict[str, str]:
    """Where the department stands that the address names: the form says it, to be changed."""
    wanted = toolkit.request.args.get("place", "")
    for row in levels:
        if wanted and row["organization"]["name"] == wanted:
            names = ("organization", "authority", "responsible")
            return {name: row[name]["name"] for name in names if row[name]}
    return {}


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
        return _render(errors, "give")
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
        return _render(errors, "place")
    toolkit.h.flash_success(_("It was recorded."))
    return toolkit.redirect_to("govopen_duty.index")


blueprint.add_url_rule("", view_func=index)
blueprint.add_url_rule("/give", view_func=give, methods=["POST"])
blueprint.add_url_rule("/place", view_func=place, methods=["POST"])
blueprint.add_url_rule("/take", view_func=take, methods=["POST"])
