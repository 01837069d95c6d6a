"""One's own account: what is kept of it, and closing it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.plugins import toolkit as tk

from ckanext.govopen.access.means import account_of
from ckanext.govopen.domain.refusal import Refused
from ckanext.govopen.logic import closing, command, session
from ckanext.govopen.logic.schema import values
from ckanext.govopen.model import attempts, settings
from ckanext.govopen.model import identity as identities

__all__ = ["govopen_account_close", "govopen_account_show"]

#: Wrong passwords within an hour, after which no more are looked at.
MOST_TRIES, WINDOW = 8, 3600


def own(context: Any) -> model.User:
    """The account that a context speaks for.

    :raises NotAuthorized: there is none
    """
    user = model.User.get(account_of(context))
    if user is None:
        raise tk.NotAuthorized(tk._("Sign in first."))
    return user


LONGEST_PASSWORD = 1000


def prove(context: Any, user: model.User, password: str) -> None:
    """The person proves himself once more: by his password, or by a fresh sign-in.

    :raises ValidationError: he does not, or has tried too often
    """
    if session.fresh_sign_in(context, command.now()) is not None:
        return
    if not attempts.count("password", user.id, MOST_TRIES, WINDOW).yes:
        raise tk.ValidationError(
            {"password": [tk._("Too many wrong passwords. Try again in an hour.")]}
        )
    possible = 0 < len(password) <= LONGEST_PASSWORD  # a longer one is an error of the hasher
    if not possible or not user.password or not user.validate_password(password):
        raise tk.ValidationError({"password": [tk._("The password is not right.")]})
    attempts.forget("password", user.id)


@tk.side_effect_free
def govopen_account_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """What the portal keeps of the caller's account, and what stands in the way of closing it.

    :returns: ``{"id", "name", "fullname", "email", "has_password", "identities": [{"id",
        "issuer", "linked_at", "last_at"}], "obstacles": [{"rule", "article", "message"}],
        "erase_days"}``; times are ISO 8601 in UTC
    """
    tk.check_access("govopen_account_show", context, data_dict)
    user = own(context)
    return {
        "id": user.id,
        "name": user.name,
        "fullname": user.fullname or "",
        "email": user.email or "",
        "has_password": bool(user.password),
        "identities": [
            {
                "id": row.id,
                "issuer": row.issuer,
                "linked_at": values.iso(row.linked_at),
                "last_at": values.iso(row.last_at),
            }
            for row in identities.of_user(model.Session, user.id)
        ],
        "obstacles": [refusal.as_dict(tk._) for refusal in closing.obstacles(user, command.now())],
        "erase_days": settings.account_erase_days(),
    }


@command.decision(by_token=False)
def govopen_account_close(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Close one's own account, for good.

    Sessions, tokens, memberships and grants of the person alone end at once; the personal fields
    are erased later. No API token will do.

    :param password: the password once more; not needed after a fresh sign-in at the provider
    :returns: ``{"erase_at": ISO 8601}``
    :raises ValidationError: the password is wrong, or ``refusal`` when something is open still
    """
    tk.check_access("govopen_account_close", context, data_dict)
    errors = values.Errors()
    password = values.text(data_dict, "password", errors)
    errors.stop()
    user = own(context)
    prove(context, user, password)
    # Closing twice at the same moment is closing once: the second finds nobody.
    model.Session.execute(
        sa.select(model.User.id).where(model.User.id == user.id).with_for_update()
    )
    model.Session.refresh(user)
    if user.state != "active":
        raise tk.NotAuthorized(tk._("Sign in first."))
    now = command.now()
    with command.refusals():
        found = closing.obstacles(user, now)
        if found:
            raise Refused(found)
    row = closing.close(user, now)
    erase_at = values.iso(row.erase_at)
    command.finish(context)
    return {"erase_at": erase_at}
