"""The desk: what waits for the reader, and what he waits for (``/open/desk``)."""

from __future__ import annotations

from typing import Any, cast

from ckan.plugins import toolkit
from flask import Blueprint

from ckanext.govopen.views import asked
from ckanext.govopen.views.forms import signed_in

blueprint = Blueprint("govopen_desk", __name__, url_prefix="/open")


@signed_in
def index() -> Any:
    """Everything with the reader's name on it, the most urgent first."""
    desk = toolkit.get_action("govopen_desk")(cast(Any, asked.context()), {})
    return toolkit.render("govopen/desk/index.html", {"desk": desk})


blueprint.add_url_rule("/desk", view_func=index)
