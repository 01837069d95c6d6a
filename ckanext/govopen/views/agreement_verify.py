"""Anybody asks whether an agreement was signed here: ``/open/verify``."""

from __future__ import annotations

from typing import Any, cast

from ckan.plugins import toolkit
from flask import Blueprint

from ckanext.govopen.views import asked
from ckanext.govopen.views.forms import reasons

_ = toolkit._
blueprint = Blueprint("govopen_agreement_verify", __name__, url_prefix="/open/verify")


def index() -> Any:
    """The form; with ``?sha256=`` the answer. The file itself never leaves the browser."""
    sha256 = "".join(toolkit.request.args.get("sha256", "").split()).lower()
    found, errors, status = None, [], 200
    if sha256:
        try:
            found = toolkit.get_action("govopen_agreement_verify")(
                cast(Any, asked.context()), {"sha256": sha256}
            )
        except toolkit.ValidationError as error:
            errors = reasons(error, {"sha256": "SHA-256", "limit": _("Limit")})
            status = 429 if "limit" in error.error_dict else 400
    page = toolkit.render(
        "govopen/agreement/verify.html",
        {"sha256": sha256[:200], "found": found, "errors": errors},
    )
    return page, status


blueprint.add_url_rule("", view_func=index)
