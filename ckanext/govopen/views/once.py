"""The page behind a link of ``ckan govopen sign-in`` (``/open/sign-in/once``)."""

from __future__ import annotations

from typing import Any

from ckan.config.middleware.flask_app import csrf
from ckan.plugins import toolkit
from flask import Blueprint, current_app, request

from ckanext.govopen.access import passwords
from ckanext.govopen.logic import command, once
from ckanext.govopen.views.oidc import enter

blueprint = Blueprint("govopen_once", __name__, url_prefix="/open/sign-in")


def index() -> Any:
    """Signs an operator in by a link that counts once; opening the page uses nothing up."""
    if passwords.kept():
        return toolkit.abort(404, toolkit._("Nothing is found at this address."))
    if request.method == "POST":
        # CKAN's own check leaves out views without sessions.
        if current_app.config.get("WTF_CSRF_ENABLED"):
            csrf.protect()
        user = once.use(request.form.get("key", ""), command.now())
        if user is not None:
            enter(user)
            return toolkit.redirect_to("user.me")
        return toolkit.render("govopen/account/once.html", {"key": None}), 410
    answer = toolkit.render("govopen/account/once.html", {"key": request.args.get("key", "")[:200]})
    response = current_app.make_response(answer)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


blueprint.add_url_rule("/once", view_func=index, methods=["GET", "POST"])
