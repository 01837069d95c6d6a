"""Decisions on applications: by a body of this portal, or by letter from one outside."""

from __future__ import annotations

from typing import Any

from ckanext.govopen.domain.application import commands as orders
from ckanext.govopen.domain.application.scope import Scope
from ckanext.govopen.domain.application.state import Application, Part
from ckanext.govopen.domain.grant import Quota
from ckanext.govopen.logic import application as cases
from ckanext.govopen.logic.action.application_handle import Who, bases, on_part, outside_letter
from ckanext.govopen.logic.schema import handling as schema
from ckanext.govopen.logic.schema.table import Given

__all__ = ["govopen_application_decide", "govopen_application_forward_answer"]


@on_part(schema.DECIDE)
def govopen_application_decide(state: Application, part: Part, who: Who, given: Given) -> Any:
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
    return orders.Decide(
        **who,
        **_read(given),
        datasets=cases.facts_of(state, part),
        party=given["party"] or None,
    )


@on_part(schema.FORWARD_ANSWER)
def govopen_application_forward_answer(
    state: Application, part: Part, who: Who, given: Given
) -> Any:
    """Record what a body outside this portal has decided, with its letter.

    :param party: the body, as duty@body
    :param letter_number: number of its letter
    :param letter_date: its day, as 2026-11-22

    The others as in :func:`govopen_application_decide`.
    """
    return orders.RecordForwardAnswer(
        **who,
        **_read(given),
        datasets=cases.facts_of(state, part),
        party=given["party"],
        letter=outside_letter(given),
    )


def _read(given: Given) -> dict[str, Any]:
    """The opinion, and the version that it is about."""
    opinion = orders.Opinion(
        approve=given["approve"],
        reason=given["reason"],
        basis=bases(given),
        conditions=tuple(given["conditions"]),
        scopes=tuple(_scope(row) for row in given["scopes"]),
    )
    return {
        "opinion": opinion,
        "revision": given["revision"],
        "sha256": given["sha256"].lower(),
    }


def _scope(row: dict[str, Any]) -> Scope:
    return Scope(
        **{
            **row,
            "items": _tuple(row["items"]),
            "delivery": _tuple(row["delivery"]),
            "quota": Quota(**row["quota"]),
        }
    )


def _tuple(found: list[Any] | None) -> tuple[Any, ...] | None:
    return None if found is None else tuple(found)
