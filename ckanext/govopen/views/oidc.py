"""Signing in through a provider of identities (``/open/sign-in``)."""

from __future__ import annotations

from typing import Any

from ckan import model
from ckan.common import login_user, logout_user
from ckan.plugins import toolkit
from ckan.views.user import regenerate_session, rotate_token
from flask import Blueprint, request, session

from ckanext.govopen.access import passwords
from ckanext.govopen.access.means import Means, means
from ckanext.govopen.access.sign_in import place_after
from ckanext.govopen.domain.refusal import N_
from ckanext.govopen.logic import command, identity, oidc
from ckanext.govopen.logic import session as sessions
from ckanext.govopen.model import settings
from ckanext.govopen.views import asked
from ckanext.govopen.views.forms import signed_in

blueprint = Blueprint("govopen_oidc", __name__, url_prefix="/open/sign-in")

_KEY = "govopen_oidc"
#: Key of the session: it began at the provider.
_CAME = "govopen_oidc_session"
#: Sign-ins of one session that may be under way at once, in several windows.
_MOST = 4

#: Reasons why a sign-in did not count, in words.
WORDS = {
    "off": N_("This portal has no sign-in through an identity service."),
    "provider_away": N_(
        "The identity service does not answer. Try again in a few minutes, or sign in "
        "with your password."
    ),
    "provider_answer": N_(
        "The identity service gave an answer that this portal cannot use. Tell the people"
        " who run the portal."
    ),
    "provider_refused": N_("The identity service refused this sign-in. Begin again."),
    "cancelled": N_("You ended the sign-in at the identity service. Nothing has changed."),
    "late": N_("The sign-in took too long. Begin again."),
    "not_started": N_(
        "This sign-in was not begun in this browser, or it is over already. Begin again."
    ),
    "not_valid": N_(
        "The answer of the identity service could not be trusted, so it was not used. Begin again."
    ),
    "not_fresh": N_(
        "The identity service did not ask you to prove yourself again, so this does not "
        "count. Sign out there and begin again."
    ),
    "closed": N_(
        "This account is closed. Write to the people who run the portal if you think that is wrong."
    ),
    "no_account": N_(
        "No account here belongs to this identity. Sign in with your password and link it"
        " on the page of your account."
    ),
    "email_taken": N_(
        "An account with your e-mail address exists already. Sign in with its password "
        "and link the identity on the page of your account."
    ),
    "linked_elsewhere": N_("This identity belongs to another account."),
    "other_person": N_(
        "You signed in at the identity service as somebody else, or this identity is not "
        "linked to your account."
    ),
    "signed_out": N_("You are not signed in any more. Sign in and begin again."),
}

#: The same where the portal's own passwords do not count.
WITHOUT_PASSWORDS = {
    "provider_away": N_("The identity service does not answer. Try again in a few minutes."),
    "no_account": N_(
        "No account here belongs to this identity. Write to the people who run the portal."
    ),
    "email_taken": N_(
        "An account with your e-mail address exists already, and this identity is not linked to it."
        " Write to the people who run the portal."
    ),
}


def _callback_address() -> str:
    return toolkit.url_for("govopen_oidc.callback", _external=True, locale="default")


def _failed(reason: str, locale: str | None = None) -> Any:
    address = toolkit.url_for("govopen_oidc.failed", why=reason, locale=locale or asked.locale())
    return toolkit.redirect_to(address)


def begin_with(purpose: str, target: str | None) -> Any:
    """Sends the reader to the provider.

    :param purpose: ``sign_in``, ``link`` (to the account he is signed in with) or ``fresh``
    :param target: path of this portal where he goes on afterwards
    """
    try:
        address, attempt = oidc.begin(_callback_address(), command.now(), fresh=purpose == "fresh")
    except oidc.SignInFailed as failed_:
        return _failed(failed_.reason)
    user = toolkit.current_user
    under_way = [one for one in session.get(_KEY, []) if isinstance(one, dict)][1 - _MOST :]
    noted = {
        **attempt.as_dict(),
        "purpose": purpose,
        "next": place_after(target),
        "user": user.id if user.is_authenticated else None,
        "locale": asked.locale(),
    }
    session[_KEY] = [*under_way, noted]
    answer = toolkit.redirect_to(address)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def start() -> Any:
    """Begins a sign-in."""
    target = request.args.get("next") or request.args.get("came_from")
    if toolkit.current_user.is_authenticated:
        return toolkit.redirect_to(place_after(target) or toolkit.url_for("user.me"))
    return begin_with("sign_in", target)


@signed_in
def again() -> Any:
    """Lets the signed-in reader prove himself once more, for a signature."""
    return begin_with("fresh", request.form.get("next"))


def callback() -> Any:
    """The reader comes back from the provider."""
    answer = {key: value for key, value in request.args.items() if len(value) <= 4096}
    noted = _taken(answer.get("state"))
    if noted is None:
        return _failed("not_started")
    purpose = noted["purpose"]
    try:
        person = oidc.complete(
            oidc.Attempt(noted["state"], noted["nonce"], noted["verifier"], noted["started"]),
            answer,
            _callback_address(),
            command.now(),
            fresh=purpose == "fresh",
        )
        _use(purpose, person, noted)
    except oidc.SignInFailed as failed_:
        return _failed(failed_.reason, noted["locale"])
    home = toolkit.url_for("user.me" if purpose == "sign_in" else "govopen_account.index")
    return toolkit.redirect_to(noted["next"] or home)


def _taken(state: str | None) -> dict[str, Any] | None:
    """What was remembered under this state; each counts once, whatever comes of it."""
    under_way = [one for one in session.get(_KEY, []) if isinstance(one, dict)]
    found = next((one for one in under_way if state and one.get("state") == state), None)
    if found is not None:
        session[_KEY] = [one for one in under_way if one is not found]
    return found


def _use(purpose: str, person: oidc.Identity, noted: dict[str, Any]) -> None:
    now = command.now()
    if purpose == "sign_in":
        enter(identity.account_for(person, now))
        session[_CAME] = True
        return
    # The person who began it must still be the one who is signed in, and by this very session.
    user = toolkit.current_user
    if (
        not user.is_authenticated
        or user.id != noted["user"]
        or means(asked.context()) not in (Means.SESSION, Means.FOREIGN_PAGE)
    ):
        raise oidc.SignInFailed("signed_out")
    if purpose == "link":
        identity.link(person, user.id, now)
        toolkit.h.flash_success(toolkit._("The identity is linked to your account."))
        return
    if not identity.belongs(person, user.id):
        raise oidc.SignInFailed("other_person")
    assert person.auth_time is not None
    sessions.proved(user.id, min(person.auth_time, now))


def enter(user: model.User) -> None:
    """Signs a person in, in a new session."""
    session.pop(_KEY, None)
    sessions.spent()
    regenerate_session()
    login_user(user)
    rotate_token()


def failed() -> Any:
    """Why a sign-in did not count, and what to do."""
    known = WORDS if passwords.kept() else {**WORDS, **WITHOUT_PASSWORDS}
    words = known.get(request.args.get("why", ""), WORDS["provider_refused"])
    return toolkit.render(
        "govopen/account/failed.html",
        {"words": toolkit._(words), "signed_in": toolkit.current_user.is_authenticated},
    )


def sign_out() -> Any:
    """For ``IAuthenticator.logout``: ends the provider's session too where the site says so.

    None: CKAN goes on and ends the session here.
    """
    came = session.pop(_CAME, None)
    sessions.spent()
    if not came or not toolkit.current_user.is_authenticated:
        return None
    back = toolkit.url_for("user.logged_out_page", _external=True, locale="default")
    address = oidc.sign_out_address(back)
    if address is None:
        return None
    logout_user()
    return toolkit.redirect_to(address)


def govopen_sign_in_label() -> str | None:
    """What the button of the identity service says; None when there is none."""
    if not oidc.enabled():
        return None
    return settings.oidc_label() or toolkit._("Sign in with the identity service")


def govopen_passwords() -> bool:
    """Do the portal's own passwords count?"""
    return passwords.kept()


blueprint.add_url_rule("", view_func=start)
blueprint.add_url_rule("/again", view_func=again, methods=["POST"])
blueprint.add_url_rule("/callback", view_func=callback)
blueprint.add_url_rule("/failed", view_func=failed)
