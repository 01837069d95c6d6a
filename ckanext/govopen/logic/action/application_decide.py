"""Decisions on applications: by a body of this portal, or by letter from one outside."""

from __future__ import annotations

import dataclasses
from typing import Any

from ckan.plugins import toolkit as tk

from ckanext.govopen.domain.application import commands as orders
from ckanext.govopen.domain.application.scope import Scope
from ckanext.govopen.domain.grant import DELIVERIES, Quota
from ckanext.govopen.logic import application as cases
from ckanext.govopen.logic import command
from ckanext.govopen.logic.action.application_handle import (
    bases,
    carry_out,
    day,
    outside_letter,
)
from ckanext.govopen.logic.schema import values

__all__ = ["govopen_application_decide", "govopen_application_forward_answer"]

_SCOPE = {
    "dataset", "granted", "items", "delivery", "valid_from", "valid_to", "quota", "reason",
}  # fmt: skip
_QUOTA = tuple(one.name for one in dataclasses.fields(Quota))
ROWS_MAX = 200


@command.decision()
def govopen_application_decide(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Approve or refuse one department's part, as the party whose turn it is.

    :param id: the case, by id or number
    :param organization: id or name of the department (optional where there is one part only)
    :param approve: true or false
    :param revision: number of the version that was read
    :param sha256: its hash
    :param reason: why
    :param basis: ``[{"instrument", "article", "kind"}]`` (a refusal may need it)
    :param conditions: texts (optional)
    :param scopes: ``[{"dataset", "granted", "items", "delivery", "valid_from", "valid_to",
        "quota": {"downloads", "rows_per_day", "requests_per_day"}, "reason"}]``: what is granted
        narrower than applied for (optional)
    :param party: for which body, where one speaks for several (optional)
    :param break_glass: the operator's reason, kept in the ledger (optional)
    :returns: the case as in :func:`govopen_application_show`
    :raises ObjectNotFound: there is none, or it does not concern the caller
    :raises ValidationError: a parameter is wrong, or ``refusal`` when a rule says no
    """
    errors = values.Errors()
    opinion, revision, sha256 = _opinion(data_dict, errors)
    party = values.text(data_dict, "party", errors) or None
    return carry_out(
        context,
        data_dict,
        "govopen_application_decide",
        errors,
        lambda state, part, who: orders.Decide(
            **who,
            opinion=opinion,
            revision=revision,
            sha256=sha256,
            datasets=cases.facts_of(state, part),
            party=party,
        ),
    )


@command.decision()
def govopen_application_forward_answer(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Record what a body outside this portal has decided, with its letter.

    :param party: the body, as duty@body
    :param letter_number: number of its letter
    :param letter_date: its day, as 2026-11-22

    The others as in :func:`govopen_application_decide`.
    """
    errors = values.Errors()
    opinion, revision, sha256 = _opinion(data_dict, errors)
    party = values.text(data_dict, "party", errors, required=True)
    letter = outside_letter(data_dict, errors)
    return carry_out(
        context,
        data_dict,
        "govopen_application_forward_answer",
        errors,
        lambda state, part, who: orders.RecordForwardAnswer(
            **who,
            party=party,
            letter=letter,
            opinion=opinion,
            revision=revision,
            sha256=sha256,
            datasets=cases.facts_of(state, part),
        ),
    )


def _opinion(data: dict[str, Any], errors: values.Errors) -> tuple[orders.Opinion, int, str]:
    approve = data.get("approve")
    if not isinstance(approve, bool):
        errors.add("approve", tk._("Say whether you approve: true or false."))
    revision = values.number(data, "revision", errors)
    if revision is None and "revision" not in errors:
        errors.add("revision", tk._("Missing value"))
    sha256 = values.text(data, "sha256", errors, required=True)
    opinion = orders.Opinion(
        approve=approve is True,
        reason=values.text(data, "reason", errors),
        basis=bases(data, errors),
        conditions=tuple(values.texts(data, "conditions", errors)),
        scopes=_scopes(data.get("scopes"), errors),
    )
    return opinion, revision or 0, sha256.lower()


def _scopes(rows: Any, errors: values.Errors) -> tuple[Scope, ...]:
    if rows is None:
        return ()
    if (
        not isinstance(rows, list)
        or len(rows) > ROWS_MAX
        or not all(isinstance(row, dict) and set(row) <= _SCOPE for row in rows)
    ):
        errors.add("scopes", tk._("Must be a list of objects, one for a dataset."))
        return ()
    return tuple(_scope(row, errors) for row in rows)


def _scope(row: dict[str, Any], errors: values.Errors) -> Scope:
    granted = row.get("granted", True)
    if not isinstance(granted, bool):
        errors.add("granted", tk._("Must be true or false."))
    delivery: Any = _list(row, "delivery", errors)
    if delivery is not None and not set(delivery) <= set(DELIVERIES):
        errors.add(
            "delivery",
            tk._("Unknown value %(name)s. Use one of: %(known)s.")
            % {"name": ", ".join(delivery)[:100], "known": ", ".join(DELIVERIES)},
        )
        delivery = None
    return Scope(
        dataset=values.text(row, "dataset", errors, required=True),
        granted=granted is not False,
        items=_list(row, "items", errors),
        delivery=delivery,
        valid_from=day(row, "valid_from", errors),
        valid_to=day(row, "valid_to", errors),
        quota=_quota(row.get("quota"), errors),
        reason=values.text(row, "reason", errors),
    )


def _list(row: dict[str, Any], field: str, errors: values.Errors) -> tuple[str, ...] | None:
    return None if row.get(field) is None else tuple(values.texts(row, field, errors))


def _quota(value: Any, errors: values.Errors) -> Quota:
    if value is None:
        return Quota()
    if not isinstance(value, dict) or set(value) - set(_QUOTA):
        errors.add(
            "quota", tk._("Must be an object with %(known)s.") % {"known": ", ".join(_QUOTA)}
        )
        return Quota()
    return Quota(
        **{
            name: values.number({"quota": number}, "quota", errors)
            for name, number in value.items()
        }
    )
