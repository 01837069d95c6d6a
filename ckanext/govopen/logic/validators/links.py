"""Addresses that people write: what leads nowhere, inside, or into a script is not saved.

What is stored already may stay: nobody is kept from correcting a title by an old address.
"""

from __future__ import annotations

import json
from typing import Any

from ckan import model
from ckan.plugins import toolkit as tk

from ckanext.govopen.access import network
from ckanext.govopen.domain.refusal import N_
from ckanext.govopen.logic.validators.stored import is_blank
from ckanext.govopen.model import settings

__all__ = ["govopen_link", "govopen_source_url"]

_ = tk._

_INSIDE = N_(
    "This address leads into a private network, where the public cannot follow. "
    "Upload the file, or give an address on the Internet."
)
#: What is said about an address, by the reason why it is refused. Never the address itself.
_MESSAGES = {
    "scheme": N_("A link begins with http:// or https://. Other kinds of address are not saved."),
    "userinfo": N_("The address contains a user name or a password. Leave them out."),
    "form": N_("The host of the address is written in an unusual way. Write its name."),
    "private": _INSIDE,
    "internal_name": _INSIDE,
}


def link_problem(value: Any, *, allow_private: bool = False) -> str | None:
    """What is wrong with a link, in the reader's language; None when it can be saved."""
    if not isinstance(value, str):
        return _("Must be a text.")
    site = settings.site_url().rstrip("/")
    if site and value.strip().startswith(f"{site}/"):
        return None  # the portal's own address, wherever it runs
    reason = network.refused_link(value, allow_private=allow_private)
    return _(_MESSAGES[reason]) if reason else None


def govopen_link(key: Any, data: Any, errors: Any, context: Any) -> None:
    """The address of a resource, or another one that pages show as a link."""
    value = data.get(key)
    if is_blank(value) or str(value).strip() in _stored(key, data, context):
        return
    problem = link_problem(value)
    if problem:
        errors[key].append(problem)
        raise tk.StopOnError


def _stored(key: Any, data: Any, context: Any) -> set[str]:
    """The value that is stored now, also as CKAN shows it: with a scheme in front."""
    row: Any = context.get("package") or context.get("group")
    if len(key) > 1:
        reference = data.get((*key[:-1], "id"))
        row = model.Session.get(model.Resource, reference) if isinstance(reference, str) else None
    found = str(getattr(row, key[-1], None) or "").strip()
    return {found, f"http://{found.lstrip('/')}"} if found else set()


def govopen_source_url(key: Any, data: Any, errors: Any, context: Any) -> None:
    """Checks the source address of conditional content and never lets it into the dataset.

    The address is kept apart from the dataset by whoever calls the validators; what still arrives
    here is left out, so that it cannot end in an index document, an activity or a log.
    """
    value = data.pop(key, None)
    if not is_blank(value):
        problem = source_problem(value)
        if problem:
            errors[key].append(problem)
    raise tk.StopOnError


def source_problem(value: Any) -> str | None:
    """What is wrong with the address of conditional content, without repeating it, or None.

    The portal itself fetches from there, so that a private network may be right where the
    operator allows it.
    """
    if not isinstance(value, str):
        return _("Must be a text.")
    try:
        network.parse(value.strip())
    except network.AddressRefused as refused:
        if refused.reason != "userinfo":
            return _("The source address must begin with http:// or https:// and name a server.")
    return link_problem(value, allow_private=settings.files_allow_private_addresses())


def check_harvest_source(data: dict[str, Any], stored: str | None) -> None:
    """The address of a harvest source; those of uploaded catalogues are the harvester's affair.

    A source that is configured for a private address needs a right, which the harvester asks for.

    :raises ValidationError: at the field ``url``
    """
    url = data.get("url")
    if not isinstance(url, str) or is_blank(url) or url.strip() == (stored or "").strip():
        return
    if url.startswith(("upload:", "file:")) and data.get("source_type") == "govopen_spreadsheet":
        return
    try:
        config = json.loads(data.get("config") or "{}")
    except (TypeError, ValueError):
        config = {}  # said by the harvester
    inside = isinstance(config, dict) and config.get("private_address") is True
    private = inside or settings.harvest_allow_private_addresses()
    problem = link_problem(url, allow_private=private)
    if problem:
        raise tk.ValidationError({"url": [problem]})
