"""One's own account: what is kept of it, and closing it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.plugins import toolkit as tk

from ckanext.govopen.access import passwords
from ckanext.govopen.access.means import account_of
from ckanext.govopen.domain.refusal import Refused
from ckanext.govopen.logic import closing, command, language, proof
from ckanext.govopen.logic.schema import account as schema
from ckanext.govopen.logic.schema import values
from ckanext.govopen.logic.schema.table import takes
from ckanext.govopen.model import identity as identities
from ckanext.govopen.model import settings

__all__ = ["govopen_account_close", "govopen_account_language", "govopen_account_show"]


def own(context: Any) -> model.User:
    """The account that a context speaks for.

    :raises NotAuthorized: there is none
    """
    user = model.User.get(account_of(context))
    if user is None:
        raise tk.NotAuthorized(tk._("Sign in first."))
    return user


@tk.side_effect_free
@takes(schema.SHOW)
def govopen_account_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """What the portal keeps of the caller's account, and what stands in the way of closing it.

    :returns: ``{"id", "name", "fullname", "email", "has_password", "identities": [{"id",
        "issuer", "linked_at", "last_at"}], "obstacles": [{"rule", "article", "message"}],
        "erase_days", "language", "languages": [names]}``; times are ISO 8601 in UTC;
        ``language`` is the one chosen for mail, empty where none is
    """
    tk.check_access("govopen_account_show", context, data_dict)
    user = own(context)
    return {
        "id": user.id,
        "name": user.name,
        "fullname": user.fullname or "",
        "email": user.email or "",
        "has_password": bool(user.password) and passwords.kept(),
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
        "language": language.chosen(user),
        "languages": list(language.offered()),
    }


@takes(schema.LANGUAGE)
def govopen_account_language(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Choose the language of the mail that one's own account gets.

    :param language: CKAN's name of a language that the site offers; empty: no choice
    :returns: ``{"language"}``
    :raises ValidationError: the site does not offer it
    """
    tk.check_access("govopen_account_language", context, data_dict)
    wanted = schema.LANGUAGE.read(data_dict)["language"]
    if wanted and wanted not in language.offered():
        raise tk.ValidationError({"language": [tk._("The site does not offer this language.")]})
    user = own(context)
    language.choose(user, wanted)
    command.finish(context)
    return {"language": wanted}


@command.decision(by_token=False)
@takes(schema.CLOSE)
def govopen_account_close(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Close one's own account, for good.

    Sessions, tokens, memberships and grants of the person alone end at once; the personal fields
    are erased later. No API token will do.

    :param password: the password once more; not needed after a fresh sign-in at the provider
    :returns: ``{"erase_at": ISO 8601}``
    :raises ValidationError: the password is wrong, or ``refusal`` when something is open still
    """
    tk.check_access("govopen_account_close", context, data_dict)
    password = schema.CLOSE.read(data_dict)["password"]
    user = own(context)
    proof.prove(context, password, command.now())
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
