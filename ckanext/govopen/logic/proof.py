"""Proving once more who one is: by the password, or by a fresh sign-in at the provider."""

from __future__ import annotations

import datetime
from typing import Any

from ckan import model
from ckan.plugins import toolkit

from ckanext.govopen.access import passwords
from ckanext.govopen.access.means import Means, account_of, means
from ckanext.govopen.domain.agreement import Proof
from ckanext.govopen.logic import session
from ckanext.govopen.model import attempts, settings

_ = toolkit._

#: A longer password is an error of the hasher; nobody has one.
LONGEST_PASSWORD = 1000


def prove(context: Any, password: str, now: datetime.datetime) -> Proof:
    """The proof of the person of a context; a password counts before a fresh sign-in,
    and where passwords are off not at all.

    Wrong passwords are counted for each account; after a number of them none is looked at for a
    while, not even the right one. A token never proves who somebody is.

    :raises NotAuthorized: there is no interactive session
    :raises ValidationError: nothing was proved, or tried too often (field ``password``)
    """
    if means(context) is not Means.SESSION:
        raise toolkit.NotAuthorized(
            _("This takes the person: sign in on the portal. No API token will do.")
        )
    if not password or not passwords.kept():
        fresh = session.fresh_sign_in(context, now)
        if fresh is None and passwords.kept():
            raise _wrong(_("Enter your password, or sign in anew at your provider."))
        if fresh is None:
            raise _wrong(_("Sign in anew at your provider first: that is the proof."))
        return fresh
    user = model.User.get(account_of(context))
    if user is None:
        raise toolkit.NotAuthorized(_("Sign in first."))
    most, minutes = settings.agreement_attempts(), settings.agreement_lock_minutes()
    allowed = attempts.count("proof", user.id, most, minutes * 60)
    if not allowed.yes:
        raise _wrong(
            _("Tried too often. Try again in {minutes} minutes.").format(
                minutes=-(-allowed.wait // 60)
            )
        )
    possible = len(password) <= LONGEST_PASSWORD and bool(user.password)
    if not possible or not user.validate_password(password):
        raise _wrong(_("The password is wrong."))
    attempts.forget("proof", user.id)
    return Proof("password", now)


def _wrong(message: str) -> toolkit.ValidationError:
    return toolkit.ValidationError({"password": [message]})
