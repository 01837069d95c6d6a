"""What happens before CKAN signs somebody in by a password."""

from __future__ import annotations

import functools
import re
import secrets
from collections.abc import Mapping
from typing import Any

from ckan import model
from ckan.plugins import toolkit
from flask import has_request_context, request
from passlib.hash import pbkdf2_sha512  # pyright: ignore[reportAttributeAccessIssue]
from werkzeug.datastructures import ImmutableMultiDict

from ckanext.govopen.access import passwords
from ckanext.govopen.access.means import Means, means

#: Browsers drop these or read them as something else, so that an address leads elsewhere.
_NO_ADDRESS = re.compile(r"[\x00-\x20\x7f\\]")


def login() -> Any:
    """The form again when its fields are missing; an address to go on to must be plain.

    :returns: None when CKAN is to go on
    """
    for name in ("next", "came_from"):
        if _NO_ADDRESS.search(request.args.get(name, "")):
            rest = [pair for pair in request.args.items(multi=True) if pair[0] != name]
            request.args = ImmutableMultiDict(rest)  # type: ignore[assignment]
    if request.method != "POST" or toolkit.current_user.is_authenticated:
        return None
    if not passwords.kept():
        toolkit.h.flash_error(toolkit._(passwords.REFUSED))
        return toolkit.render("user/login.html", {})
    if request.form.get("login") and request.form.get("password"):
        return None
    toolkit.h.flash_error(toolkit._("Login failed. Bad username or password."))  # CKAN's msgid
    return toolkit.render("user/login.html", {})


def place_after(target: str | None, longest: int = 2000) -> str | None:
    """A path of this portal to go on to; None for anything that could lead elsewhere.

    :param longest: in characters
    """
    if not target or len(target) > longest or not target.startswith("/"):
        return None
    if target.startswith("//") or _NO_ADDRESS.search(target):
        return None
    return target if toolkit.h.url_is_local(target) else None


def authenticate(identity: Mapping[str, Any]) -> model.User | None:
    """Takes as long for a name that nobody has as for one that somebody has.

    CKAN looks at the password only of an active account: the time it takes would tell which names
    and addresses have one. Signs nobody in.

    :returns: where passwords are off, the operator who edits an account and whom CKAN's page asks
        for his own password; otherwise None, and CKAN looks at the password
    :raises NotAuthorized: passwords are off; CKAN, which is asked next, does not look at it then
    """
    if not passwords.kept():
        operator = _editing_operator()
        if operator is not None and operator.name == identity.get("login"):
            return operator
        raise toolkit.NotAuthorized(toolkit._(passwords.REFUSED))
    name, password = identity.get("login"), identity.get("password")
    if not isinstance(name, str) or not isinstance(password, str):
        return None
    user = model.User.by_name(name) or model.User.by_email(name)
    if user is None or not user.is_active or not user.password:
        pbkdf2_sha512.verify(password, _of_nobody())
    return None


def _editing_operator() -> model.User | None:
    """Who runs the portal and edits an account in a session; nobody else needs no password."""
    user = toolkit.current_user
    if not has_request_context() or request.endpoint != "user.edit" or not user.is_authenticated:
        return None
    context = {"user": user.name, "auth_user_obj": user}
    found = model.User.get(user.name)
    if means(context) is not Means.SESSION or found is None or not found.sysadmin:
        return None
    return found


@functools.lru_cache(maxsize=1)
def _of_nobody() -> str:
    """A hash of what nobody knows, made as CKAN makes those of passwords."""
    return str(pbkdf2_sha512.hash(secrets.token_hex(16)))
