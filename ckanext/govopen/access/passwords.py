"""Whether the portal's own passwords count, and what is closed where they do not.

Where ``ckanext.govopen.oidc.only`` is on, people sign in at the provider of identities and nowhere
else: no password is taken, set or asked for. Decided here alone, from the site's settings; while
they name no provider the passwords stay off, and the portal does not start.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ckan.exceptions import CkanConfigurationException
from ckan.plugins import toolkit
from flask import has_request_context

from ckanext.govopen.domain.refusal import N_
from ckanext.govopen.model import settings

#: Fields of an account that set a password, or that prove something by a link for a new one.
FIELDS = ("password", "password1", "password2", "password_hash", "reset_key")
#: CKAN's pages that lead to a new password.
_PAGES = frozenset({"user.request_reset", "user.perform_reset"})
REFUSED = N_("This portal keeps no passwords: people sign in at the identity service.")


class NobodyCanSignIn(ValueError, CkanConfigurationException):
    """The settings leave no way to sign in; the message says what to do."""


def kept() -> bool:
    """Do the portal's own passwords count?"""
    return not settings.oidc_only()


def check() -> None:
    """Called at the start.

    :raises NobodyCanSignIn: passwords are off and there is no provider of identities
    """
    if not kept() and not (settings.oidc_issuer() and settings.oidc_client_id()):
        raise NobodyCanSignIn(
            "ckanext.govopen.oidc.only is on, and there is no identity service: nobody could sign"
            " in. Set ckanext.govopen.oidc.issuer and ckanext.govopen.oidc.client_id, or switch"
            " ckanext.govopen.oidc.only off."
        )


def page_is_closed(endpoint: str) -> bool:
    """Is this a page that leads to a password, where there are none?"""
    return endpoint in _PAGES and not kept()


def refuse_new(data: Mapping[str, Any]) -> None:
    """Refuses a request that sets a password, whoever sends it.

    The command line may: what it sets counts for nothing as long as passwords are off.

    :raises ValidationError: passwords are off
    """
    if kept() or not has_request_context():
        return
    if any(data.get(field) not in (None, "") for field in FIELDS):
        raise toolkit.ValidationError({"password": [toolkit._(REFUSED)]})
