"""API tokens that may decide: how they are marked, how long they work, which one a request used.

The mark stands in CKAN's table of tokens and never in the token itself, so that nothing of it is
in the hands of whoever holds the token.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from ckan import model, plugins
from ckan.lib import api_token
from ckan.plugins import toolkit
from flask import request

from ckanext.govopen.access import clock
from ckanext.govopen.model import settings

#: Key of the extension in the extras of a token.
_EXTRA = "govopen"
#: Schemes of the web server in front that come in the same header and are no tokens.
_OTHER_SCHEMES = frozenset({"basic", "digest", "negotiate", "ntlm"})


def mark(token: model.ApiToken) -> None:
    """Makes a token one that decides. Commits, as CKAN has committed the token."""
    token.set_extra(_EXTRA, {"decide": True}, commit=True)


def decides(token: model.ApiToken) -> bool:
    """Was the token made for deciding?"""
    extra = (token.plugin_extras or {}).get(_EXTRA)
    return isinstance(extra, dict) and extra.get("decide") is True


def until(token: model.ApiToken) -> datetime.datetime:
    """End of a token that decides: aware, in UTC. The option counts as it is set now."""
    made = token.created_at.replace(tzinfo=datetime.timezone.utc)
    return made + datetime.timedelta(days=settings.deciding_token_days())


def works(token: model.ApiToken) -> bool:
    """False once the time of a token that decides is over; others have no end."""
    return not decides(token) or clock.now() < until(token)


def preprocess(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """For ``IApiToken``: one that decides and is over identifies nobody any more."""
    token = model.ApiToken.get(data.get("jti")) if data else None
    return data if token is None or works(token) else {}


def given() -> str | None:
    """What this request gives as a token; None when it gives none."""
    header = request.headers.get(toolkit.config["apitoken_header_name"], "").strip()
    if not header or (" " in header and header.split(" ", 1)[0].lower() in _OTHER_SCHEMES):
        return None
    return header


def used(encoded: str) -> model.ApiToken | None:
    """The token behind its text, as CKAN reads it; None when it is none, revoked or over."""
    data = api_token.decode(encoded)
    for plugin in reversed(list(plugins.PluginImplementations(plugins.IApiToken))):
        data = plugin.preprocess_api_token(data) if data else data
    return model.ApiToken.get(data.get("jti")) if data else None
