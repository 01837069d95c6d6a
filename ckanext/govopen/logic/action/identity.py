"""Ways to sign in: taking an identity of a provider away from one's account."""

from __future__ import annotations

from typing import Any

from ckan import model
from ckan.plugins import toolkit as tk

from ckanext.govopen.access import passwords
from ckanext.govopen.logic import command
from ckanext.govopen.logic.action import account
from ckanext.govopen.logic.schema import account as schema
from ckanext.govopen.logic.schema.table import takes
from ckanext.govopen.model import identity as identities

__all__ = ["govopen_identity_unlink"]


@command.decision(by_token=False)
@takes(schema.UNLINK)
def govopen_identity_unlink(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Take an identity of a provider away from one's own account.

    :param id: the identity, as :func:`govopen_account_show` names it
    :returns: ``{"id"}``
    :raises ObjectNotFound: it is not one of the caller's
    :raises ValidationError: without it nobody could sign in to the account any more
    """
    tk.check_access("govopen_identity_unlink", context, data_dict)
    wanted = schema.UNLINK.read(data_dict)["id"]
    user = account.own(context)
    rows = identities.of_user(model.Session, user.id)
    row = next((one for one in rows if one.id == wanted), None)
    if row is None:
        raise tk.ObjectNotFound(tk._("There is no such identity."))
    if len(rows) == 1 and not passwords.kept():
        raise tk.ValidationError({"id": [tk._("This is the only way into your account.")]})
    if len(rows) == 1 and not user.password:
        raise tk.ValidationError(
            {
                "id": [
                    tk._(
                        "This is the only way into your account. Set a password first, "
                        'by "Forgotten your password?" on the login page.'
                    )
                ]
            }
        )
    model.Session.delete(row)
    command.finish(context)
    return {"id": wanted}
