"""One's own account (``/open/account``): what is kept, ways to sign in, closing it."""

from __future__ import annotations

from typing import Any, cast

from ckan import model
from ckan.common import logout_user
from ckan.plugins import toolkit
from flask import Blueprint, request

from ckanext.govopen.access.means import Means, means
from ckanext.govopen.logic import command, oidc, proof
from ckanext.govopen.logic import session as sessions
from ckanext.govopen.model import settings
from ckanext.govopen.views import asked
from ckanext.govopen.views.forms import Reason, carry_out, reasons, said, signed_in
from ckanext.govopen.views.oidc import begin_with

_ = toolkit._
blueprint = Blueprint("govopen_account", __name__, url_prefix="/open/account")


def _render(errors: list[Reason] | None = None) -> Any:
    context = cast(Any, asked.context())
    page = toolkit.render(
        "govopen/account/index.html",
        {
            "account": toolkit.get_action("govopen_account_show")(context, {}),
            "language_names": asked.LANGUAGES,
            "provider": oidc.enabled(),
            "fresh": sessions.fresh_sign_in(context, command.now()) is not None,
            "errors": errors or [],
        },
    )
    return page, 400 if errors else 200


@signed_in
def index() -> Any:
    """What the portal keeps of the reader's account."""
    return _render()


@signed_in
def link() -> Any:
    """Begins the linking of an identity; the password says that the owner himself asks."""
    context = cast(Any, asked.context())
    if means(context) is not Means.SESSION:
        return _render(
            said(_("This takes the person: sign in on the portal. No API token will do."))
        )
    try:
        proof.prove(context, request.form.get("password", ""), command.now())
    except toolkit.ValidationError as error:
        return _render(reasons(error, {"password": _("Password")}))
    return begin_with("link", None)


@signed_in
def unlink() -> Any:
    """Takes an identity away."""
    errors = carry_out("govopen_identity_unlink", {"id": request.form.get("id", "")}, {"id": ""})
    if errors:
        return _render(errors)
    toolkit.h.flash_success(_("The identity was taken away."))
    return toolkit.redirect_to("govopen_account.index")


@signed_in
def language() -> Any:
    """Keeps the language of the reader's mail."""
    wanted = {"language": request.form.get("language", "").strip()}
    errors = carry_out("govopen_account_language", wanted, {"language": _("Language of mail")})
    if errors:
        return _render(errors)
    toolkit.h.flash_success(_("Mail comes in this language from now on."))
    return toolkit.redirect_to("govopen_account.index")


@signed_in
def close() -> Any:
    """Closes the account, and the session with it."""
    if request.form.get("sure") != "yes":
        return _render(said(_("Say that you are sure: tick the box.")))
    errors = carry_out(
        "govopen_account_close",
        {"password": request.form.get("password", "")},
        {"password": _("Password")},
    )
    if errors:
        model.Session.rollback()
        return _render(errors)
    logout_user()
    return toolkit.redirect_to("govopen_account.closed")


def closed() -> Any:
    """Said after closing."""
    return toolkit.render("govopen/account/closed.html")


def govopen_erase_days() -> int:
    """Days after which the personal fields of a closed account are erased."""
    return settings.account_erase_days()


blueprint.add_url_rule("", view_func=index)
blueprint.add_url_rule("/language", view_func=language, methods=["POST"])
blueprint.add_url_rule("/link", view_func=link, methods=["POST"])
blueprint.add_url_rule("/unlink", view_func=unlink, methods=["POST"])
blueprint.add_url_rule("/close", view_func=close, methods=["POST"])
blueprint.add_url_rule("/closed", view_func=closed)
