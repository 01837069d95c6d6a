"""What changes something by a session must come from a page of this portal.

CKAN exempts a view from its check for the whole life of the worker as soon as one request with a
token or without an account has reached it. Afterwards any page of the web could send forms in the
name of whoever is signed in. Here an exemption holds for the request it was made for, and what
comes by session has to show where it comes from.
"""

from __future__ import annotations

from typing import Any

from ckan.config.middleware.flask_app import csrf
from ckan.plugins import toolkit
from ckan.views.api import _finish
from flask import g, has_request_context, request

from ckanext.govopen.access.means import COMMAND_LINE, from_own_page

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_EXEMPT = "govopen.exempt_view"


class _Exemptions(set[str]):
    """Views without CKAN's check: those that code names at the start, and the one of a request."""

    def add(self, element: str) -> None:
        if has_request_context():
            request.environ[_EXEMPT] = element
        else:
            super().add(element)

    def __contains__(self, element: object) -> bool:
        if super().__contains__(element):
            return True
        if not has_request_context():
            return False
        # Scripts of a page carry no token where the browser itself says where they come from.
        return request.environ.get(_EXEMPT) == element or (_by_session() and from_own_page())


def limit_exemptions() -> None:
    """CKAN's exemptions hold for one request from now on; those by design stay."""
    if not isinstance(csrf._exempt_views, _Exemptions):
        csrf._exempt_views = _Exemptions(csrf._exempt_views)


def refusal() -> Any:
    """The answer to a request that another site may have sent in somebody's name; else None."""
    if request.method in _SAFE or request.environ.get(COMMAND_LINE) is True:
        return None
    if not _by_session() or from_own_page():
        return None
    text = toolkit._(
        "Nothing shows that this request comes from a page of this portal: load the page again "
        "and send the form from there, or use a token."
    )
    if (request.endpoint or "").startswith("api."):
        error = {"__type": "Authorization Error", "message": text}
        return _finish(403, {"success": False, "error": error}, "json")
    return toolkit.abort(403, text)


def _by_session() -> bool:
    """Is the account known by anything that a browser sends by itself?"""
    return toolkit.current_user.is_authenticated and not g.get("login_via_auth_header")
