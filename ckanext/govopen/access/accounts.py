"""What would let somebody speak for an account later on: tokens that decide, passwords, addresses.

An ordinary token works where scripts run and is easily lost. It must not be able to make a stronger
one, nor to change what one signs in with: both would let it decide and sign by a detour.
"""

from __future__ import annotations

from typing import Any

from ckan import model
from ckan.plugins import toolkit
from flask import has_request_context

from ckanext.govopen.access import passwords, tokens
from ckanext.govopen.access.handler import Action, Handler
from ckanext.govopen.access.means import Means, account_of, means
from ckanext.govopen.access.viewer import person
from ckanext.govopen.model import settings

#: Parameter of ``api_token_create``: the token may decide.
DECIDE = "govopen_decide"
_PASSWORDS = ("password", "password1", "password_hash")
#: Means that must not open another door to the same account.
_NOT_ENOUGH = frozenset({Means.TOKEN, Means.DECIDING_TOKEN, Means.FOREIGN_PAGE})


def api_token_create(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """With ``govopen_decide`` a token that may decide: in a session, for oneself, for some days."""
    data = dict(data_dict)
    wanted = data.pop(DECIDE, None)
    if not _is_true(wanted, DECIDE):
        return next_action(context, data)
    if settings.deciding_token_days() <= 0:
        raise toolkit.ValidationError({DECIDE: [toolkit._("This portal makes no such tokens.")]})
    how = means(context)
    owner = model.User.get(data.get("user")) if isinstance(data.get("user"), str) else None
    # Nobody makes one in the name of somebody else, whatever else he may do.
    own = owner is not None and owner.id == account_of(context)
    if how is not Means.TRUSTED and not (how is Means.SESSION and own):
        raise toolkit.NotAuthorized(
            toolkit._("A token for decisions is made by its owner, signed in on the portal.")
        )
    made = next_action(context, data)
    token = model.ApiToken.get(made["id"])
    assert token is not None
    tokens.mark(token)
    return {**made, DECIDE: True, "govopen_until": tokens.until(token).isoformat()}


def api_token_list(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """Says of each token whether it may decide, and until when."""
    rows = next_action(context, data_dict)
    for row in rows:
        token = model.ApiToken.get(row["id"])
        decides = token is not None and tokens.decides(token)
        row[DECIDE] = decides
        row["govopen_until"] = tokens.until(token).isoformat() if token and decides else None
    return rows


def user_update(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """What one signs in with is changed in a session, not by a token."""
    passwords.refuse_new(data_dict)
    reference = data_dict.get("id")
    user = model.User.get(reference) if isinstance(reference, str) else None
    changes = any(data_dict.get(key) for key in _PASSWORDS)
    if user is not None:
        email = data_dict.get("email")
        changes = changes or (email is not None and email != user.email)
        right = data_dict.get("sysadmin")
        changes = changes or (right is not None and _is_true(right, "sysadmin") != user.sysadmin)
    if changes:
        _in_person(context)
    return next_action(context, data_dict)


def user_create(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """A new operator is named in a session, not by a token.

    Outsiders get an account by registration alone, which calls as the portal itself.
    """
    if has_request_context() and not passwords.kept():
        # CKAN makes no account without a password, not even by an invitation.
        raise toolkit.ValidationError({"password": [toolkit._(passwords.REFUSED)]})
    if has_request_context() and "api_version" not in context and not _runs(context):
        raise toolkit.NotAuthorized(toolkit._("Accounts are made by registration."))
    if _is_true(data_dict.get("sysadmin"), "sysadmin"):
        _in_person(context)
    return next_action(context, data_dict)


def _runs(context: Any) -> bool:
    who = person(context)
    return who.internal or who.sysadmin


def _in_person(context: Any) -> None:
    if means(context) in _NOT_ENOUGH:
        raise toolkit.NotAuthorized(
            toolkit._(
                "Password, e-mail address and operator's rights are changed after signing in."
            )
        )


def _is_true(value: Any, field: str) -> bool:
    if value is None or value == "":
        return False
    try:
        if isinstance(value, (bool, int, str)):
            return toolkit.asbool(value)
    except ValueError:
        pass
    raise toolkit.ValidationError({field: [toolkit._("Either true or false.")]})


HANDLERS: dict[str, Handler] = {
    "api_token_create": api_token_create,
    "api_token_list": api_token_list,
    "user_update": user_update,
    "user_create": user_create,
}
