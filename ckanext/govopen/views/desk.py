"""The desk: what waits for the reader, and what he waits for (``/open/desk``)."""

from __future__ import annotations

from typing import Any, cast

from ckan.plugins import toolkit
from flask import Blueprint

from ckanext.govopen.access.viewer import person
from ckanext.govopen.views import asked
from ckanext.govopen.views.forms import signed_in

blueprint = Blueprint("govopen_desk", __name__, url_prefix="/open")


@signed_in
def index() -> Any:
    """Everything with the reader's name on it, the most urgent first.

    ``?kind=…&organization=…&overdue=1`` narrow it; what means nothing narrows nothing.
    """
    args = toolkit.request.args
    wanted = {
        name: args[name].strip()
        for name in ("kind", "organization", "overdue")
        if args.get(name, "").strip()
    }
    action, context = toolkit.get_action("govopen_desk"), cast(Any, asked.context())
    try:
        desk = action(context, wanted)
    except toolkit.ValidationError:
        wanted = {}
        desk = action(context, wanted)
    return toolkit.render("govopen/desk/index.html", {"desk": desk, "typed": wanted})


@signed_in
def start() -> Any:
    """Where somebody begins who has just signed in and asked for no page.

    People with duties at their desk, who has applied for data at his applications, all others at
    the home page.
    """
    context = cast(Any, asked.context())
    if person(context).is_staff:
        return toolkit.redirect_to("govopen_desk.index")
    found = toolkit.get_action("govopen_application_list")(context, {"scope": "mine", "limit": 1})
    return toolkit.redirect_to("govopen_application.index" if found["count"] else "home.index")


blueprint.add_url_rule("/desk", view_func=index)
blueprint.add_url_rule("/start", view_func=start)
