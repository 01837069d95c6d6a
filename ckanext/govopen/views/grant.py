"""Grants for a conditional dataset: who may use it, for what, until when; and the commands."""

from __future__ import annotations

from typing import Any, cast

from ckan.plugins import toolkit
from flask import Blueprint

from ckanext.govopen.access.viewer import person
from ckanext.govopen.domain.terms import Provision
from ckanext.govopen.logic.action.grant import visible
from ckanext.govopen.model import jurisdiction
from ckanext.govopen.views import asked, dataset, listing
from ckanext.govopen.views.forms import Reason, carry_out, number_of_page, signed_in, typed

_ = toolkit._
blueprint = Blueprint("govopen_grant", __name__, url_prefix=f"{dataset.PREFIX}/grants")

PAGE_ROWS = 25
QUOTA = ("downloads", "rows_per_day", "requests_per_day")
DELIVERIES = ("download", "interface", "on_platform")


def _labels() -> dict[str, str]:
    return {
        "package_id": _("Dataset"),
        "persons": _("Accounts"),
        "holder": _("Organisation"),
        "holder_code": _("Unified social credit code"),
        "purpose": _("Purpose"),
        "delivery": _("Delivery"),
        "items": _("Information items"),
        "valid_from": _("From"),
        "valid_to": _("Until"),
        "quota": _("Limits"),
        "reason": _("Reason"),
        "break_glass": _("Reason of the operator"),
    }


def _render(reference: str, errors: list[Reason] | None = None, about: str = "") -> Any:
    """``about`` is the grant that the refused command was about; empty: the form that gives one."""
    package, access = dataset.found(reference)
    number = number_of_page()
    found = toolkit.get_action("govopen_grant_list")(
        cast(Any, asked.context()),
        {"package_id": package["id"], "limit": PAGE_ROWS, "offset": (number - 1) * PAGE_ROWS},
    )
    last = max(1, -(-found["count"] // PAGE_ROWS))
    return dataset.render(
        "govopen/grant/index.html",
        package,
        access,
        errors,
        grants=found["results"],
        count=found["count"],
        number=number,
        numbers=listing.pages(min(number, last), last, []),
        deliveries=DELIVERIES,
        about=about,
        authorised_use=_authorised_use(),
    )


def _authorised_use() -> Provision | None:
    """The regulation's rule on authorised use, for those who give it; None: there is none."""
    who = person(cast(Any, asked.context()))
    if not (who.authority or who.area or who.sysadmin):
        return None
    return jurisdiction.profile().provision("authorised_use")


@signed_in
def index(id: str) -> Any:
    """The grants of the dataset, newest first, and the forms."""
    return _render(id)


@signed_in
def give(id: str) -> Any:
    """Gives a grant without an application."""
    package, _access = dataset.found(id)
    form = toolkit.request.form
    data: dict[str, Any] = {
        "package_id": package["id"],
        **typed("holder", "holder_code", "purpose", "valid_from", "valid_to", "break_glass"),
        "persons": form.get("persons", "").replace(",", " ").replace("，", " ").split(),
        "delivery": form.getlist("delivery"),
        "items": form.getlist("items"),
        "quota": typed(*QUOTA),
        "authorised_use": "authorised_use" in form,
    }
    errors = carry_out("govopen_grant_give", data, _labels())
    if errors:
        return _render(id, errors)
    toolkit.h.flash_success(_("The grant was given."))
    return toolkit.redirect_to("govopen_grant.index", id=package["name"])


def _change(reference: str, grant: str, action: str, said: str) -> Any:
    package, _access = dataset.found(reference)
    try:
        row = visible(asked.context(), grant)
    except toolkit.ObjectNotFound:
        return toolkit.abort(404)
    if row.package_id != package["id"]:
        return toolkit.abort(404)
    errors = carry_out(action, {"id": grant, **typed("reason", "break_glass")}, _labels())
    if errors:
        return _render(reference, errors, grant)
    toolkit.h.flash_success(said)
    return toolkit.redirect_to("govopen_grant.index", id=package["name"])


@signed_in
def suspend(id: str, grant: str) -> Any:
    """Stops a grant for the time being."""
    said = _("The grant is suspended. From the next request on it gives nothing.")
    return _change(id, grant, "govopen_grant_suspend", said)


@signed_in
def resume(id: str, grant: str) -> Any:
    """Lets a suspended grant work again."""
    return _change(id, grant, "govopen_grant_resume", _("The grant works again."))


@signed_in
def revoke(id: str, grant: str) -> Any:
    """Ends a grant for good."""
    return _change(id, grant, "govopen_grant_revoke", _("The grant was revoked for good."))


blueprint.add_url_rule("", view_func=index)
blueprint.add_url_rule("/give", view_func=give, methods=["POST"])
blueprint.add_url_rule("/<grant>/suspend", view_func=suspend, methods=["POST"])
blueprint.add_url_rule("/<grant>/resume", view_func=resume, methods=["POST"])
blueprint.add_url_rule("/<grant>/revoke", view_func=revoke, methods=["POST"])
