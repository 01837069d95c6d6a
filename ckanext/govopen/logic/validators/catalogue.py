"""Fields of the catalogue: information items, cycles, ways of acquisition, dates."""

from __future__ import annotations

import datetime
from typing import Any

from ckan.plugins import toolkit as tk

from ckanext.govopen.domain import words
from ckanext.govopen.logic.validators.stored import is_blank, stored_value

__all__ = [
    "govopen_acquired_by",
    "govopen_choice",
    "govopen_date",
    "govopen_drop_blank_rows",
    "govopen_item_type",
    "govopen_keep_stored",
    "govopen_row_name",
    "govopen_update_cycle",
    "govopen_yes_no",
]


def _scheming_validator(function: Any) -> Any:
    """Marks a validator that scheming calls with field and schema.

    As scheming's own decorator does, which cannot be imported here: scheming looks validators up
    while it is itself being imported, and comes to this module when the plugin stands before it.
    """
    function.is_a_scheming_validator = True
    return function


_ = tk._

#: Lists of rows; the values that a row may have without anybody having filled it in.
ROW_FIELDS = ("legal_basis", "info_items")
PRESET = frozenset({"open", "type", "kind"})


def govopen_row_name(key: Any, data: Any, errors: Any, context: Any) -> None:
    """The field that every written row needs: the name of an item, the instrument of a basis.

    A row in which nothing was written (a blank row of the form) needs none and is left out later.
    """
    value = data.get(key)
    if not is_blank(value):
        data[key] = str(value).strip()
        return
    data.pop(key, None)
    if _written(data, key[:-1]):
        errors[key].append(_("Missing value"))
    raise tk.StopOnError


def govopen_drop_blank_rows(key: Any, data: Any, errors: Any, context: Any) -> None:
    """After validation: leaves out blank rows; the others close up in their order."""
    found: dict[str, dict[int, bool]] = {field: {} for field in ROW_FIELDS}
    for name, value in data.items():
        if len(name) > 2 and name[0] in found:
            rows = found[name[0]]
            rows[name[1]] = rows.get(name[1], False) or _says(name, value)
    for field, written in found.items():
        kept = sorted(number for number, says in written.items() if says)
        if len(kept) == len(written):
            continue
        rows = {name: data.pop(name) for name in list(data) if name[0] == field and len(name) > 2}
        for name, value in rows.items():
            if name[1] in kept:
                data[(field, kept.index(name[1]), *name[2:])] = value
        if not kept:
            data.pop((field,), None)


def _written(data: Any, row: tuple[Any, ...]) -> bool:
    return any(_says(name, value) for name, value in data.items() if name[: len(row)] == row)


def _says(name: tuple[Any, ...], value: Any) -> bool:
    """Does a cell of a row say something that somebody has written?"""
    return name[-1] not in PRESET and not is_blank(value) and value != {}


def govopen_keep_stored(key: Any, data: Any, errors: Any, context: Any) -> None:
    """An internal field that an update does not mention keeps its stored value.

    Clients read the dataset without internal fields and write back what they read.
    """
    if data.get(key) is tk.missing:
        value = stored_value(context, key[-1])
        if not is_blank(value):
            data[key] = value


def govopen_item_type(value: Any) -> Any:
    """The letter of an information item type (发改高技〔2017〕1272号); names are understood."""
    if is_blank(value):
        return value
    code = words.item_type(value) if isinstance(value, str) else None
    if code is None:
        raise tk.Invalid(
            _("Unknown type of information item %(name)s. Use one of: %(known)s.")
            % {"name": str(value)[:100], "known": ", ".join(words.ITEM_TYPES)}
        )
    return code


def govopen_update_cycle(value: Any) -> Any:
    """The canonical update cycle; 每月, monthly and the like are understood."""
    if is_blank(value):
        return value
    code = words.cycle(value) if isinstance(value, str) else None
    if code is None:
        raise tk.Invalid(
            _("Unknown update cycle %(name)s. Use one of: %(known)s.")
            % {"name": str(value)[:100], "known": ", ".join(words.CYCLES)}
        )
    return code


def govopen_acquired_by(value: Any) -> Any:
    """How the department came by its data: collected, shared, negotiated or purchased."""
    if is_blank(value):
        return value
    code = words.way(value) if isinstance(value, str) else None
    if code is None:
        raise tk.Invalid(
            _("Unknown way of acquisition %(name)s. Use one of: %(known)s.")
            % {"name": str(value)[:100], "known": "collected, shared, negotiated, purchased"}
        )
    return code


@_scheming_validator
def govopen_choice(field: dict[str, Any], schema: dict[str, Any]) -> Any:
    """A validator for a field with fixed choices; their labels are understood as well."""
    choices = field.get("choices") or ()

    def validate(value: Any) -> Any:
        if is_blank(value):
            return value
        for choice in choices:
            label = choice.get("label")
            if value == choice["value"] or (isinstance(label, dict) and value in label.values()):
                return choice["value"]
        raise tk.Invalid(
            _("Unknown value %(name)s. Use one of: %(known)s.")
            % {"name": str(value)[:100], "known": ", ".join(str(c["value"]) for c in choices)}
        )

    return validate


def govopen_yes_no(value: Any) -> bool:
    """True or false; 是/否, Y/N and the like are understood. Left out means yes."""
    if isinstance(value, bool):
        return value
    if is_blank(value):
        return True
    answer = words.yes_or_no(str(value))
    if answer is None:
        raise tk.Invalid(_("Must be yes or no."))
    return answer


def govopen_date(value: Any) -> Any:
    """A day as ``YYYY-MM-DD``; of a point in time its day. Empty clears the field."""
    if isinstance(value, datetime.datetime):
        return value.date().isoformat()
    if isinstance(value, datetime.date):
        return value.isoformat()
    if is_blank(value):
        return None
    text = str(value).strip().replace("/", "-")
    try:
        if len(text) > 10:
            moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
            return moment.date().isoformat()
        year, month, day = (int(part) for part in text.split("-"))
        return datetime.date(year, month, day).isoformat()
    except ValueError:
        message = _("Not a date: %(value)s. Write it as 2026-11-22.") % {"value": text[:40]}
        raise tk.Invalid(message) from None
