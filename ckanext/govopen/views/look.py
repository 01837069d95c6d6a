"""Who has looked at the personal data in applications and grants (``/open/looks``)."""

from __future__ import annotations

from typing import Any, cast

from ckan.plugins import toolkit
from flask import Blueprint

from ckanext.govopen.access.ledger import oversees
from ckanext.govopen.access.viewer import person
from ckanext.govopen.views import application_words, asked, listing
from ckanext.govopen.views.forms import number_of_page, signed_in

_ = toolkit._
blueprint = Blueprint("govopen_look", __name__, url_prefix="/open/looks")

PAGE_ROWS = 50


def what(name: str) -> str:
    """The paper that was read."""
    return {
        "case": _("The application with who applies"),
        "files": _("The files handed in with it"),
        "identity": _("How it was checked who applies"),
        "letter": _("A letter with the applicant's name"),
        "agreement": _("The agreement"),
        "record": _("The record of decisions"),
        "grant": _("A grant with who may use it"),
        "uses": _("The access log of a grant"),
    }.get(name, name)


def capacity(name: str) -> str:
    """In which capacity somebody read it, which is why he may."""
    return {
        "handler": _("handles applications there"),
        "reviewer": _("disclosure office there"),
        "authority": _("decides and supervises for the data authority"),
        "auditor": _("audits"),
        "operator": _("runs the portal"),
        "decides": _("decides on the application"),
    }.get(name, name)


@signed_in
def index() -> Any:
    """Looks at the reader's own data, or at all for who oversees; ``application`` narrows."""
    number = number_of_page()
    application = toolkit.request.args.get("application", "").strip()
    context = cast(Any, asked.context())
    wanted = {"application": application} if application else {}
    try:
        found = toolkit.get_action("govopen_look_list")(
            context, {"limit": PAGE_ROWS, "offset": (number - 1) * PAGE_ROWS, **wanted}
        )
    except (toolkit.NotAuthorized, toolkit.ValidationError):
        return toolkit.abort(404)
    last = max(1, -(-found["count"] // PAGE_ROWS))
    return toolkit.render(
        "govopen/application/looks.html",
        {
            "looks": found["results"],
            "count": found["count"],
            "narrowed": bool(application),
            "oversees": oversees(person(context)),
            "what": what,
            "capacity": capacity,
            "status": application_words.status,
            "number": number,
            "numbers": listing.pages(min(number, last), last, list(wanted.items())),
        },
    )


blueprint.add_url_rule("", view_func=index)
