"""Departments: their code and its scheme, their kind, their name."""

from __future__ import annotations

import re
from typing import Any

from ckan.plugins import toolkit as tk

from ckanext.govopen.domain import organization
from ckanext.govopen.logic.validators.stored import is_blank
from ckanext.govopen.model import jurisdiction

__all__ = [
    "govopen_group_name",
    "govopen_org_code",
    "govopen_org_code_scheme",
    "govopen_org_type",
    "govopen_phone",
]

_ = tk._

_PHONE = re.compile(r"[0-9+()（）\-－—–/、,，;；#转轉ext. ]{3,60}", re.IGNORECASE)


def govopen_group_name(key: Any, data: Any, errors: Any, context: Any) -> None:
    """A name is needed to create an organisation; an update without one keeps what there is."""
    if not is_blank(data.get(key)):
        return
    if context.get("group") is None:
        errors[key].append(_("Missing value"))
    else:
        data.pop(key, None)
    raise tk.StopOnError


def govopen_org_code_scheme(value: Any) -> Any:
    """``uscc`` (unified social credit code), ``tw`` or ``other``; empty: the form decides."""
    if is_blank(value):
        return value
    if value not in organization.SCHEMES:
        raise tk.Invalid(
            _("Unknown value %(name)s. Use one of: %(known)s.")
            % {"name": str(value)[:100], "known": ", ".join(organization.SCHEMES)}
        )
    return value


def govopen_org_code(key: Any, data: Any, errors: Any, context: Any) -> None:
    """The code of an organisation: its check character is verified where its scheme has one.

    Stored without blanks and hyphens, in capitals (GB 32100-2015). A code already stored may stay
    as it is: nobody is kept from editing a department by an old code.
    """
    value = data.get(key)
    if is_blank(value):
        return
    if not isinstance(value, str):
        errors[key].append(_("Must be a text."))
        raise tk.StopOnError
    plain = organization.normalize_code(value)
    stored = getattr(context.get("group"), "extras", None) or {}
    scheme = data.get((*key[:-1], "org_code_scheme"))
    if plain != stored.get(key[-1]):
        answer = organization.check_code(plain, None if is_blank(scheme) else scheme)
        if not answer and answer.code != "scheme":
            errors[key].append(answer.text(_))
            raise tk.StopOnError
    data[key] = plain


def govopen_org_type(value: Any) -> Any:
    """One of the kinds of bodies that the profile names, by id or by name (GOV-3)."""
    if is_blank(value):
        return value
    kinds = jurisdiction.profile().provider_types
    for kind in kinds:
        if value in (kind.id, *kind.names.values()):
            return kind.id
    raise tk.Invalid(
        _("The regulation does not name bodies of the kind %(name)s. Use one of: %(known)s.")
        % {"name": str(value)[:100], "known": ", ".join(kind.id for kind in kinds)}
    )


def govopen_phone(value: Any) -> Any:
    """A telephone number as people write it, with an extension or several of them."""
    if is_blank(value):
        return value
    text = str(value).strip()
    if not _PHONE.fullmatch(text) or sum(char.isdigit() for char in text) < 3:
        raise tk.Invalid(_("This is no telephone number. Write it as 0431-12345678."))
    return text
