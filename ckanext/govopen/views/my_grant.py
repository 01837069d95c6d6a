"""The pages of whoever holds grants: what they are for, how much is used, how to use them."""

from __future__ import annotations

from typing import Any, cast

from ckan.plugins import toolkit
from flask import Blueprint

from ckanext.govopen.logic import on_platform
from ckanext.govopen.views import asked, listing
from ckanext.govopen.views.forms import Reason, carry_out, number_of_page, signed_in, typed

_ = toolkit._
blueprint = Blueprint("govopen_my_grant", __name__, url_prefix="/open")

PAGE_ROWS = 25
#: Uses shown on the page of a grant itself.
LAST_USES = 10


def _call(action: str, **data: Any) -> Any:
    try:
        return toolkit.get_action(action)(cast(Any, asked.context()), data)
    except (toolkit.ObjectNotFound, toolkit.NotAuthorized):
        return toolkit.abort(404)


def _numbers(count: int, number: int) -> Any:
    last = max(1, -(-count // PAGE_ROWS))
    return listing.pages(min(number, last), last, [])


@signed_in
def index() -> Any:
    """The reader's own grants; for a department and the authority those that concern them."""
    number = number_of_page()
    everything = toolkit.request.args.get("of") == "departments"
    only = {} if everything else {"user": toolkit.current_user.name}
    found = _call("govopen_grant_list", limit=PAGE_ROWS, offset=(number - 1) * PAGE_ROWS, **only)
    return toolkit.render(
        "govopen/grant/mine.html",
        {
            "grants": found["results"],
            "count": found["count"],
            "numbers": _numbers(found["count"], number),
            "number": number,
            "everything": everything,
        },
    )


def _render(grant_id: str, errors: list[Reason] | None = None, about: str = "") -> Any:
    grant = _call("govopen_grant_show", id=grant_id)
    log = _call("govopen_access_log_list", grant_id=grant["id"], limit=LAST_USES)
    return toolkit.render(
        "govopen/grant/show.html",
        {
            "grant": grant,
            "tables": _tables(grant),
            "log": log,
            "errors": errors or [],
            "about": about,
            "typed": toolkit.request.form,
            "site": toolkit.config.get("ckan.site_url", "").rstrip("/"),
        },
    )


def _tables(grant: dict[str, Any]) -> list[dict[str, Any]]:
    """The resources of the dataset as the reader sees them; none that he may not see."""
    try:
        package = toolkit.get_action("package_show")(
            cast(Any, asked.context()), {"id": grant["dataset"]["id"]}
        )
    except (toolkit.ObjectNotFound, toolkit.NotAuthorized):
        return []
    return package.get("resources") or []


@signed_in
def show(id: str) -> Any:
    """One grant: what, for what, until when, how much of it is used, and how to use it."""
    return _render(id)


@signed_in
def persons(id: str) -> Any:
    """Says who of an organisation may use it."""
    names = toolkit.request.form.get("persons", "").replace(",", " ").replace("，", " ").split()
    data = {"id": id, "persons": names, **typed("break_glass")}
    errors = carry_out("govopen_grant_persons_set", data, {"persons": _("Accounts")})
    if errors:
        return _render(id, errors, "persons")
    toolkit.h.flash_success(_("The persons were named. Who is not among them has no access now."))
    return toolkit.redirect_to("govopen_my_grant.show", id=id)


@signed_in
def leave(id: str) -> Any:
    """Gives up one's own use."""
    errors = carry_out("govopen_grant_leave", {"id": id})
    if errors:
        return _render(id, errors, "leave")
    toolkit.h.flash_success(_("You have given up this grant: it gives you nothing from now on."))
    return toolkit.redirect_to("govopen_my_grant.index")


@signed_in
def report(id: str) -> Any:
    """Hands in a report of use."""
    data = {"id": id, **typed("text")}
    errors = carry_out("govopen_grant_report", data, {"text": _("Report of use")})
    if errors:
        return _render(id, errors, "report")
    toolkit.h.flash_success(_("The report was handed in."))
    return toolkit.redirect_to("govopen_my_grant.show", id=id)


@signed_in
def table(id: str, resource_id: str) -> Any:
    """The data on the portal's own page; no file, no program."""
    grant = _call("govopen_grant_show", id=id)
    args = toolkit.request.args
    words, sort = args.get("q", "").strip(), args.get("sort", "")
    descending = args.get("order") == "desc"
    try:
        page = on_platform.look(
            asked.context(),
            grant["id"],
            resource_id,
            words=words,
            sort=sort,
            descending=descending,
            number=number_of_page(),
        )
    except toolkit.NotAuthorized as refused:
        return toolkit.abort(403, refused.message or "")
    except toolkit.ObjectNotFound:
        return toolkit.abort(404)
    grant = _call("govopen_grant_show", id=id)  # with this page in what is used
    last = max(1, -(-page.total // on_platform.PAGE))
    kept = [(key, args[key]) for key in ("q", "sort", "order") if args.get(key)]
    return toolkit.render(
        "govopen/grant/table.html",
        {
            "grant": grant,
            "resource_id": resource_id,
            "page": page,
            "words": words,
            "sort": sort,
            "descending": descending,
            "numbers": listing.pages(min(page.number, last), last, kept),
        },
    )


@signed_in
def log() -> Any:
    """The access log: each his own uses, a department those of its data."""
    number = number_of_page()
    wanted = {
        name: value
        for name in ("grant_id", "package_id", "kind", "outcome")
        if (value := toolkit.request.args.get(name, "").strip())
    }
    try:
        found = _call(
            "govopen_access_log_list", limit=PAGE_ROWS, offset=(number - 1) * PAGE_ROWS, **wanted
        )
    except toolkit.ValidationError:
        return toolkit.abort(400)
    last = max(1, -(-found["count"] // PAGE_ROWS))
    return toolkit.render(
        "govopen/grant/log.html",
        {
            "log": found,
            "wanted": wanted,
            "numbers": listing.pages(min(number, last), last, list(wanted.items())),
            "number": number,
        },
    )


blueprint.add_url_rule("/grants", view_func=index)
blueprint.add_url_rule("/grant/<id>", view_func=show)
blueprint.add_url_rule("/grant/<id>/persons", view_func=persons, methods=["POST"])
blueprint.add_url_rule("/grant/<id>/leave", view_func=leave, methods=["POST"])
blueprint.add_url_rule("/grant/<id>/report", view_func=report, methods=["POST"])
blueprint.add_url_rule("/grant/<id>/table/<resource_id>", view_func=table)
blueprint.add_url_rule("/access-log", view_func=log)
