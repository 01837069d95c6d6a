"""The active regulation, article by article, with what the portal does for each (``/open/law``)."""

from __future__ import annotations

from typing import Any, cast

from ckan.plugins import toolkit
from flask import Blueprint

from ckanext.govopen.views import asked, law

blueprint = Blueprint("govopen_jurisdiction", __name__, url_prefix="/open")


def index() -> str:
    """The profile: its status, classes, clocks and every article."""
    clocks = toolkit.get_action("govopen_deadline_list")(cast(Any, asked.context()), {})
    return toolkit.render(
        "govopen/jurisdiction/index.html",
        {"profile": law.govopen_profile(), "clocks": clocks},
    )


blueprint.add_url_rule("/law", view_func=index)
