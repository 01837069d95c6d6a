"""Cooperation of departments on public data (``/open/cooperation``)."""

from __future__ import annotations

from typing import Any, cast

from ckan.plugins import toolkit
from flask import Blueprint

from ckanext.govopen.access.viewer import person
from ckanext.govopen.domain import state_words
from ckanext.govopen.domain.cooperation import acts_for
from ckanext.govopen.logic import actor as actors
from ckanext.govopen.model import jurisdiction
from ckanext.govopen.views import asked, places
from ckanext.govopen.views.forms import Reason, carry_out, signed_in, typed

_ = toolkit._
blueprint = Blueprint("govopen_cooperation", __name__, url_prefix="/open/cooperation")

#: What a button gives: the action and what it sends beside the fields of its form.
COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "consent": ("govopen_cooperation_decide", {"consent": True}),
    "refuse": ("govopen_cooperation_decide", {"consent": False}),
    "sign": ("govopen_cooperation_sign", {}),
    "end": ("govopen_cooperation_end", {}),
}
_FIELDS = {
    "consent": ("reason", "break_glass"),
    "refuse": ("reason", "break_glass"),
    "sign": ("signed_on", "sha256"),
    "end": ("reason",),
}


def _labels() -> dict[str, str]:
    return {
        "organization": _("Department"),
        "partner": _("Partner"),
        "code": _("Unified social credit code"),
        "subject": _("Subject"),
        "datasets": _("Datasets"),
        "until": _("Until"),
        "reason": _("Reason"),
        "signed_on": _("Day of the signature"),
        "sha256": _("SHA-256 of the signed document"),
    }


def status(name: str) -> str:
    """The state of a cooperation in words."""
    return state_words.told(state_words.COOPERATION, name, _)


def _places() -> list[dict[str, str]]:
    """The departments for which the reader may propose."""
    who = person(cast(Any, asked.context()))
    actor = actors.of(who, who.user_id)
    return [one for one in places.departments() if acts_for(actor, one["id"])]


def _render(errors: list[Reason] | None = None, about: str = "") -> Any:
    """``about`` is the cooperation whose form was refused; empty: the form that proposes one."""
    try:
        rows = toolkit.get_action("govopen_cooperation_list")(cast(Any, asked.context()), {})
    except toolkit.NotAuthorized:
        return toolkit.abort(404)
    rule = jurisdiction.profile().provision("cooperation")
    return toolkit.render(
        "govopen/register/cooperation.html",
        {
            "rows": rows,
            "rule": rule,
            "demand": asked.govopen_pick(vars(rule.text)) if rule else "",
            "places": _places() if rule else [],
            "status": status,
            "errors": errors or [],
            "about": about,
            "typed": toolkit.request.form,
        },
    )


@signed_in
def index() -> Any:
    """The cooperations that concern the reader, and the forms."""
    return _render()


@signed_in
def propose() -> Any:
    """Asks for the authority's consent."""
    names = toolkit.request.form.get("datasets", "").replace(",", " ").replace("，", " ").split()
    data = {
        **typed("organization", "partner", "code", "subject", "until"),
        "datasets": names,
    }
    errors = carry_out("govopen_cooperation_propose", data, _labels())
    if errors:
        return _render(errors)
    toolkit.h.flash_success(_("It was proposed and waits for the data authority."))
    return toolkit.redirect_to("govopen_cooperation.index")


@signed_in
def act(id: str, command: str) -> Any:
    """A command on one cooperation."""
    if command not in COMMANDS:
        return toolkit.abort(404)
    action, more = COMMANDS[command]
    errors = carry_out(action, {"id": id, **typed(*_FIELDS[command]), **more}, _labels())
    if errors:
        return _render(errors, id)
    toolkit.h.flash_success(_("It was recorded."))
    return toolkit.redirect_to("govopen_cooperation.index")


blueprint.add_url_rule("", view_func=index)
blueprint.add_url_rule("/propose", view_func=propose, methods=["POST"])
blueprint.add_url_rule("/<id>/<command>", view_func=act, methods=["POST"])
