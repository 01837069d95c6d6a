"""By what means does the person of a context speak? Decisions ask this, beside who he is.

The person of a context is a name that code has put there. Inside a request of the web only two
things prove that it is really he who speaks: the session in which he signed in, or a token of his
that this very request carries. Whatever else an action is called with has no means, and fails.
"""

from __future__ import annotations

import enum
from typing import Any
from urllib.parse import urlsplit

from ckan import model
from ckan.plugins import toolkit
from flask import current_app, g, has_request_context, request, session
from flask_wtf.csrf import validate_csrf
from wtforms import ValidationError

from ckanext.govopen.access import tokens

#: Key of the WSGI environment by which the command line says that a request is only its own: no
#: client can set a key that is no header.
COMMAND_LINE = "govopen.command_line"


class Means(enum.Enum):
    """How a person speaks, from the strongest to nothing."""

    #: No request: the command line, a job, code of the portal.
    TRUSTED = enum.auto()
    #: The session in which he signed in, from a page of this portal.
    SESSION = enum.auto()
    #: A token of his that was made for deciding.
    DECIDING_TOKEN = enum.auto()
    #: Any other token of his.
    TOKEN = enum.auto()
    #: His session, but nothing shows that a page of this portal sent the request.
    FOREIGN_PAGE = enum.auto()
    #: The request does not come from the person of the context.
    NONE = enum.auto()


def means(context: Any) -> Means:
    """By what means the person of ``context`` speaks in this request.

    A request that carries a token is judged by the token alone, also beside a session: a token
    that is revoked, over or none at all proves nothing. ``ignore_auth`` changes nothing here.
    """
    if not has_request_context() or request.environ.get(COMMAND_LINE) is True:
        return Means.TRUSTED
    account = account_of(context)
    asking = toolkit.current_user
    if account is None or not asking.is_authenticated or getattr(asking, "id", None) != account:
        return Means.NONE
    encoded = tokens.given()
    if encoded is not None:
        token = tokens.used(encoded)
        if token is None or token.user_id != account:
            return Means.NONE
        return Means.DECIDING_TOKEN if tokens.decides(token) else Means.TOKEN
    if session.get("_user_id") != account or g.get("login_via_auth_header"):
        return Means.NONE
    return Means.SESSION if from_own_page() else Means.FOREIGN_PAGE


def account_of(context: Any) -> str | None:
    """Id of the active account that a context names; None when it names none."""
    name = context.get("user")
    user = model.User.get(name) if name else None
    return user.id if user is not None and user.state == "active" else None


def from_own_page() -> bool:
    """Was the request sent by a page of this portal?

    CKAN's own check is not enough: it exempts a view for everybody as soon as somebody has called
    it with a token or without an account. A browser says by ``Sec-Fetch-Site``, which no page can
    set, where a request comes from; without it the token against forgery or the origin counts.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    return _forgery_token_is_valid() or _origin(request.headers.get("Origin")) in {
        _origin(request.host_url),
        _origin(toolkit.config.get("ckan.site_url")),
    } - {None}


def _origin(address: str | None) -> tuple[str, str] | None:
    parts = urlsplit(address or "")
    return (parts.scheme, parts.netloc.lower()) if parts.scheme and parts.netloc else None


def _forgery_token_is_valid() -> bool:
    given = request.form.get(current_app.config["WTF_CSRF_FIELD_NAME"])
    for name in current_app.config["WTF_CSRF_HEADERS"]:
        given = given or request.headers.get(name)
    try:
        validate_csrf(given)
    except ValidationError:
        return False
    return True
