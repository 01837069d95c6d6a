"""Terms of use and the privacy notice: pages whose text the operator edits."""

from __future__ import annotations

from ckan.plugins import toolkit
from flask import Blueprint

blueprint = Blueprint("govopen_pages", __name__, url_prefix="/open")


def terms() -> str:
    """What one may do with the data and what not."""
    return toolkit.render("govopen/pages/terms.html")


def privacy() -> str:
    """Which personal data the portal keeps, why and for how long."""
    return toolkit.render("govopen/pages/privacy.html")


blueprint.add_url_rule("/terms", view_func=terms)
blueprint.add_url_rule("/privacy", view_func=privacy)
