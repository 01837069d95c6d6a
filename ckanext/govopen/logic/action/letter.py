"""Decision letters: for the applicant, the department that wrote them, the authority."""

from __future__ import annotations

from typing import Any

from ckan import model
from ckan.plugins import toolkit as tk

from ckanext.govopen.domain.application import commands as orders
from ckanext.govopen.domain.application.decide import decide
from ckanext.govopen.logic import application as cases
from ckanext.govopen.logic import application_names as naming
from ckanext.govopen.logic import application_record as recording
from ckanext.govopen.logic import application_show as showing
from ckanext.govopen.logic import command
from ckanext.govopen.logic.schema import attachment as schema
from ckanext.govopen.logic.schema.table import takes
from ckanext.govopen.model import application as stored
from ckanext.govopen.model import letter as letters

__all__ = ["govopen_letter_list", "govopen_letter_show"]


@tk.side_effect_free
@takes(schema.LETTERS)
def govopen_letter_list(context: Any, data_dict: dict[str, Any]) -> list[dict[str, Any]]:
    """The letters of a case that the caller may read, the oldest first.

    :param application: the case, by id or number
    :returns: ``[{"number", "organization", "kind", "issued_at", "delivered_at"}]``
    :raises ObjectNotFound: there is no such case, or it does not concern the caller
    """
    tk.check_access("govopen_letter_list", context, data_dict)
    case = cases.found(context, schema.LETTERS.read(data_dict)["application"])
    return showing.compose(context, *case)["letters"]


@takes(schema.LETTER)
def govopen_letter_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """One letter. That the applicant reads it for the first time counts as its delivery.

    :param number: its number
    :returns: as in :func:`govopen_letter_list`, with ``case`` (number), ``application``,
        ``sha256``, ``department`` and ``datasets`` (``[{"dataset", "name", "title"}]``), and
        ``facts`` as :meth:`~ckanext.govopen.domain.application.letter.DecisionLetter.as_dict`
    :raises ObjectNotFound: there is none, or it does not concern the caller
    """
    tk.check_access("govopen_letter_show", context, data_dict)
    row = letters.get(model.Session, schema.LETTER.read(data_dict)["number"])
    if row is None:
        raise _none()
    try:
        case, state = cases.found(context, row.application_id)
    except tk.ObjectNotFound:
        raise _none() from None
    part = state.part(row.organization_id) if state is not None else None
    if state is None or part is None:
        raise _none()
    user_id = command.actor(context)
    mine = user_id is not None and user_id == case.user_id
    if not mine and not cases.sees_part(context, state, part, cases.rules_for(state)):
        raise _none()
    if mine and row.delivered_at is None:
        _deliver(context, row)
    names = naming.Names(context)
    ids = row.facts["datasets"]
    names.look_up(ids)
    return {
        **naming.letter(row),
        "case": case.number,
        "application": row.application_id,
        "sha256": row.sha256,
        "department": names.organization(row.organization_id),
        "datasets": [
            {key: names.datasets[one][key] for key in ("dataset", "name", "title")} for one in ids
        ],
        "facts": row.facts,
    }


def _deliver(context: Any, row: letters.LetterRow) -> None:
    now = command.now()
    stored.get(model.Session, row.application_id, lock=True)
    state = stored.state(model.Session, row.application_id)
    assert state is not None
    order = orders.DeliverLetter(cases.actor(context), row.organization_id, row.number, "page")
    with command.refusals():
        events = decide(state, order, now, cases.rules_for(state))
    if events:
        recording.record(context, state, state.id, events, now, command.actor(context))
        row.delivered_at = now
    command.finish(context)


def _none() -> tk.ObjectNotFound:
    return tk.ObjectNotFound(tk._("There is no such letter."))
