"""What a session of the web knows of its person beside who he is: that he proved it just now."""

from __future__ import annotations

import datetime
from typing import Any

from flask import has_request_context, session

from ckanext.govopen.access.means import Means, account_of, means
from ckanext.govopen.domain.agreement import PROOF_MAX_AGE, Proof

_KEY = "govopen_fresh"


def proved(user_id: str, at: datetime.datetime) -> None:
    """Notes that the person signed in anew at his provider at this moment (aware)."""
    session[_KEY] = {"user": user_id, "at": at.astimezone(datetime.timezone.utc).isoformat()}


def fresh_sign_in(context: Any, now: datetime.datetime) -> Proof | None:
    """The fresh sign-in of the person of a context, made in this very session; None when there is
    none that counts at ``now`` (aware): made for somebody else, too old, or asked for by a token.

    It is told to the page as well that comes right after the provider. That a command comes from
    a page of this portal, the command itself asks (``command.decision``).
    """
    if not has_request_context() or means(context) not in (Means.SESSION, Means.FOREIGN_PAGE):
        return None
    noted = session.get(_KEY)
    if not isinstance(noted, dict) or noted.get("user") != account_of(context):
        return None
    try:
        at = datetime.datetime.fromisoformat(str(noted.get("at")))
    except ValueError:
        return None
    if at.tzinfo is None or not datetime.timedelta(0) <= now - at <= PROOF_MAX_AGE:
        return None
    return Proof("identity_provider", at)


def spent() -> None:
    """Forgets the fresh sign-in: the next signature takes another one."""
    session.pop(_KEY, None)
