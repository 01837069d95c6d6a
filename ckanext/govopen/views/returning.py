"""The way back from the address of a form: reloading it, going back to it, a bookmark of it.

A refused form is answered at the address to which it was sent, which takes forms only. Whoever asks
for such an address finds the page on which the form stands.
"""

from __future__ import annotations

from typing import Any

from ckan.plugins import toolkit
from flask import current_app, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect, Rule

PREFIX = "/open/"
#: Forms whose page does not stand above them.
_BESIDE = {"suspend": "suspension", "restore": "suspension"}


def back() -> Any:
    """The redirect to the page of the form; None where the address is no form's.

    It says nothing about what the address names: the page decides who sees it.
    """
    if request.method not in ("GET", "HEAD") or not request.path.startswith(PREFIX):
        return None
    adapter = current_app.create_url_adapter(request)
    if adapter is None:
        return None
    try:
        found = adapter.match(method="POST", return_rule=True)
    except (HTTPException, RequestRedirect):
        return None
    # Whatever has no page of its own is a file to CKAN, or a thing of that name to a wider rule.
    own = request.url_rule
    if (
        own is not None
        and own.endpoint != "static"
        and len(own.arguments) <= len(found[0].arguments)
    ):
        return None
    page = page_of(found[0], list(current_app.url_map.iter_rules()))
    if page is None:
        return None
    arguments = {name: value for name, value in found[1].items() if name in page.arguments}
    return toolkit.redirect_to(page.endpoint, **arguments)


def page_of(form: Rule, rules: list[Rule]) -> Rule | None:
    """The page of a form's address: the nearest one above it that can be read.

    That of ``/open/review/<id>/submit`` is ``/open/review/<id>``.
    """
    pages = {rule.rule: rule for rule in rules if "GET" in (rule.methods or ())}
    above, _slash, last = form.rule.rpartition("/")
    place = f"{above}/{_BESIDE.get(last, last)}"
    if place in pages:
        return pages[place]
    while place.startswith(PREFIX):
        place = place.rstrip("/").rpartition("/")[0]
        if place in pages:
            return pages[place]
    return None
