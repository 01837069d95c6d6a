"""A link that signs an operator in once: the way in where passwords are off.

Only the command line makes one, for an operator, and it works for a few minutes. What the portal
keeps of it, with the account, is made with the portal's secret: who may write to an account, by a
token for instance, cannot make a link by that. The link is no proof for a signature.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import logging
import secrets
from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.plugins import toolkit

from ckanext.govopen.access import passwords
from ckanext.govopen.domain.refusal import N_, refuse

log = logging.getLogger(__name__)

#: How long a link works.
PATIENCE = datetime.timedelta(minutes=15)
#: Where CKAN lets extensions keep what belongs to an account.
_EXTRA, _KEY = "govopen", "sign_in_once"


def make(name: str, now: datetime.datetime) -> str:
    """The key of a new link for the operator of that name; an older one ends. Commits.

    :raises Refused: passwords are on, or there is no such operator
    """
    if passwords.kept():
        raise refuse(
            "ONCE-1",
            None,
            N_("Passwords are on: sign in with one, or set one by ckan user setpass."),
        )
    user = model.User.get(name)
    if user is None or user.state != "active" or not user.sysadmin:
        raise refuse("ONCE-2", None, N_("There is no operator %(name)s."), name=name)
    secret = secrets.token_urlsafe(32)
    until = (now + PATIENCE).isoformat()
    _keep(user, {"mark": _mark(user.id, secret, until), "until": until})
    model.repo.commit()
    return f"{user.id}.{secret}"


def use(key: str, now: datetime.datetime) -> model.User | None:
    """The operator whose link it is; the link is used up. None: it does not count. Commits."""
    user_id, _dot, secret = key.partition(".")
    if passwords.kept() or not secret or len(key) > 200 or not user_id.isprintable():
        return None
    # Locked, so that of two at the same moment one finds it used up.
    user = model.Session.scalar(
        sa.select(model.User)
        .where(model.User.id == user_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    kept = _kept(user) if user is not None else {}
    until = kept.get("until", "")
    expected = _mark(user_id, secret, until).encode()
    good = hmac.compare_digest(kept.get("mark", "").encode("utf-8", "replace"), expected)
    if (
        user is None
        or not (good and now < _moment(until, now))
        or not (user.state == "active" and user.sysadmin)
    ):
        model.Session.rollback()
        return None
    _keep(user, None)
    model.repo.commit()
    log.warning("An operator signed in by a link of the command line.")
    return user


def _mark(user_id: str, secret: str, until: str) -> str:
    """What only the portal can make of a link: for this account, until this moment."""
    key = str(toolkit.config["SECRET_KEY"]).encode()
    said = f"sign-in-once\n{user_id}\n{until}\n{secret}".encode("utf-8", "replace")
    return hmac.new(key, said, hashlib.sha256).hexdigest()


def _moment(text: str, now: datetime.datetime) -> datetime.datetime:
    """When a link ends; what cannot be read has ended."""
    try:
        found = datetime.datetime.fromisoformat(text)
    except ValueError:
        return now
    return found if found.tzinfo else now


def _kept(user: model.User) -> dict[str, str]:
    extras = (user.plugin_extras or {}).get(_EXTRA)
    kept = extras.get(_KEY) if isinstance(extras, dict) else None
    if not isinstance(kept, dict):
        return {}
    return {name: value for name, value in kept.items() if isinstance(value, str)}


def _keep(user: model.User, what: dict[str, str] | None) -> None:
    extras: dict[str, Any] = dict(user.plugin_extras or {})
    own: dict[str, Any] = dict(extras.get(_EXTRA) or {})
    own.pop(_KEY, None)
    if what is not None:
        own[_KEY] = what
    # A new value: of a changed one SQLAlchemy would notice nothing.
    user.plugin_extras = {**extras, _EXTRA: own}
