"""Opening class, its condition and its legal basis."""

from __future__ import annotations

from typing import Any

from ckan.plugins import toolkit as tk

from ckanext.govopen.domain.terms import OpenClass
from ckanext.govopen.logic.validators.stored import is_blank, stored_value
from ckanext.govopen.model import jurisdiction

__all__ = ["govopen_basis_kind", "govopen_open_class", "govopen_open_condition"]

_ = tk._

#: Kinds of legal basis that the form offers whatever the profile; the profile may know more.
BASIS_KINDS = frozenset({"law", "regulation", "rule", "document", "policy", "sector_rule", "other"})


def govopen_open_class(key: Any, data: Any, errors: Any, context: Any) -> None:
    """A canonical class. Left out: the stored one, for a new dataset the profile's default.

    A profile without a default leaves the field empty: the review then waits for a person's
    choice (CLS-2). What a client leaves out of an update never widens anything. The names of
    the regulation are not accepted here: what is not conditional by its canonical name would
    have its content placed as if it were open before this is called.
    """
    value = data.get(key)
    if is_blank(value):
        value = stored_value(context, key[-1])
        if is_blank(value):
            default = jurisdiction.profile().default_class
            value = default.value if default else None
        if is_blank(value):
            data.pop(key, None)
            raise tk.StopOnError
        data[key] = value
        return
    found = OpenClass.of(value)
    if found is None:
        raise tk.Invalid(
            _("Unknown opening class %(name)s. Use one of: %(known)s.")
            % {"name": str(value)[:100], "known": ", ".join(item.value for item in OpenClass)}
        )
    data[key] = found.value


def govopen_open_condition(key: Any, data: Any, errors: Any, context: Any) -> None:
    """The condition of conditional data: required for them, kept when an update leaves it out."""
    value = data.get(key)
    if value is tk.missing:
        value = stored_value(context, key[-1])
    text = value.strip() if isinstance(value, str) else value
    class_key = (*key[:-1], "open_class")
    conditional = data.get(class_key) == OpenClass.CONDITIONAL.value
    if is_blank(text):
        if conditional and not errors.get(class_key):
            errors[key].append(_("Say under which condition this conditional data may be used."))
        elif data.get(key) is tk.missing or data.get(key) is None:
            data.pop(key, None)
        raise tk.StopOnError
    if not isinstance(text, str):
        errors[key].append(_("Must be a text."))
        raise tk.StopOnError
    data[key] = text


def govopen_basis_kind(value: Any) -> Any:
    """A kind of legal basis: one that the form offers or the profile knows, or its name."""
    if is_blank(value):
        return value
    kinds = jurisdiction.profile().basis_kinds
    for kind in kinds:
        if value in (kind.id, *kind.names.values()):
            return kind.id
    if value in BASIS_KINDS:
        return value
    known = sorted(BASIS_KINDS | {kind.id for kind in kinds})
    raise tk.Invalid(
        _("Unknown kind of legal basis %(name)s. Use one of: %(known)s.")
        % {"name": str(value)[:100], "known": ", ".join(known)}
    )
