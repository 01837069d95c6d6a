"""The register of cooperation on public data: proposed, consented to, signed, ended."""

from __future__ import annotations

import uuid
from typing import Any

from ckan import model
from ckan.plugins import toolkit as tk

from ckanext.govopen.access.ledger import oversees
from ckanext.govopen.access.sight import sights
from ckanext.govopen.access.viewer import person
from ckanext.govopen.domain import cooperation as rules
from ckanext.govopen.domain import organization as codes
from ckanext.govopen.domain.deadline import local_date
from ckanext.govopen.logic import actor as actors
from ckanext.govopen.logic import command
from ckanext.govopen.logic.application_names import Names
from ckanext.govopen.logic.schema import register as schema
from ckanext.govopen.logic.schema import values
from ckanext.govopen.logic.schema.table import takes
from ckanext.govopen.model import jurisdiction, ledger

__all__ = [
    "govopen_cooperation_decide",
    "govopen_cooperation_end",
    "govopen_cooperation_list",
    "govopen_cooperation_propose",
    "govopen_cooperation_sign",
]

KIND = "cooperation/"


@takes(schema.PROPOSE)
def govopen_cooperation_propose(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Ask for the authority's consent to cooperate with somebody on public data.

    :param organization: the department, by id or name
    :param partner: with whom
    :param code: the partner's unified social credit code (optional)
    :param subject: what about
    :param datasets: the datasets, by id or name (optional)
    :param until: the last day (optional)
    :returns: the cooperation as in :func:`govopen_cooperation_list`
    :raises ValidationError: a parameter is wrong, or ``refusal`` when a rule says no
    """
    tk.check_access("govopen_cooperation_propose", context, data_dict)
    given = schema.PROPOSE.read(data_dict)
    code = given["code"]
    packages = _packages(context, given["datasets"], given.errors)
    answer = codes.check_code(code, "uscc") if code else None
    if answer is not None and not answer:
        given.errors.add("code", answer.text(tk._))
    given.check()
    wanted = rules.Cooperation(
        id=str(uuid.uuid4()),
        organization=given["organization"].id,
        partner=given["partner"],
        subject=given["subject"],
        code=codes.normalize_code(code),
        datasets=tuple(dict.fromkeys(packages)),
        until=given["until"],
    )
    return _carry_out(context, wanted.id, rules.Propose(_actor(context), wanted))


@command.decision()
@takes(schema.DECIDE)
def govopen_cooperation_decide(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Consent to a cooperation, or refuse it: the data authority's decision.

    :param id: the cooperation
    :param consent: true: consent
    :param reason: why; a refusal needs it
    :param break_glass: the operator's reason, kept in the ledger (optional)
    :returns: the cooperation as in :func:`govopen_cooperation_list`
    :raises ObjectNotFound: there is none, or it does not concern the caller
    :raises ValidationError: a parameter is wrong, or ``refusal`` when a rule says no
    """
    tk.check_access("govopen_cooperation_decide", context, data_dict)
    given = schema.DECIDE.read(data_dict, first=("id",))
    given.check()
    order = rules.Decide(_actor(context), given["consent"], given["reason"], given["break_glass"])
    return _carry_out(context, given["id"], order)


@command.decision()
@takes(schema.SIGN)
def govopen_cooperation_sign(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Record that the written agreement was signed, once the authority has consented.

    :param id: the cooperation
    :param signed_on: the day of the signature
    :param sha256: SHA-256 of the signed document, which the department keeps
    :returns: the cooperation as in :func:`govopen_cooperation_list`
    :raises ObjectNotFound: there is none, or it does not concern the caller
    :raises ValidationError: a parameter is wrong, or ``refusal`` when a rule says no
    """
    tk.check_access("govopen_cooperation_sign", context, data_dict)
    given = schema.SIGN.read(data_dict, first=("id",))
    given.check()
    order = rules.Sign(_actor(context), given["signed_on"], given["sha256"].lower())
    return _carry_out(context, given["id"], order)


@command.decision()
@takes(schema.END)
def govopen_cooperation_end(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """End a cooperation, or take back what was proposed.

    :param id: the cooperation
    :param reason: why
    :returns: the cooperation as in :func:`govopen_cooperation_list`
    :raises ObjectNotFound: there is none, or it does not concern the caller
    :raises ValidationError: a parameter is wrong, or ``refusal`` when a rule says no
    """
    tk.check_access("govopen_cooperation_end", context, data_dict)
    given = schema.END.read(data_dict, first=("id",))
    given.check()
    return _carry_out(context, given["id"], rules.End(_actor(context), given["reason"]))


@tk.side_effect_free
@takes(schema.COOPERATIONS)
def govopen_cooperation_list(context: Any, data_dict: dict[str, Any]) -> list[dict[str, Any]]:
    """Cooperation of departments with others, for their own staff and for the authority.

    :param organization: only of this department, by id or name (optional)
    :param status: only in this state (optional)
    :returns: ``[{"id", "organization": {"id", "name", "title"}, "partner", "code", "subject",
        "datasets": [{"dataset", "name", "title"}], "until", "status": ``proposed``,
        ``consented``, ``refused``, ``signed`` or ``ended``, "reason", "signed_on", "sha256",
        "proposed_at", "changed_at", "may": [commands]}]``, newest first
    """
    tk.check_access("govopen_cooperation_list", context, data_dict)
    given = schema.COOPERATIONS.read(data_dict)
    place, status = given["organization"], given["status"]
    known: dict[str, tuple[rules.Cooperation, list[str]]] = {}
    for sealed in ledger.read_kind(model.Session, KIND):
        before, times = known.get(sealed.stream, (None, []))
        state = rules.apply(before, sealed.type, sealed.payload)
        known[sealed.stream] = (state, [*times, sealed.at])
    names = Names(context)
    found = [
        _shown(context, names, state, times)
        for state, times in known.values()
        if _concerns(context, state.organization)
        and (place is None or state.organization == place.id)
        and (not status or state.status == status)
    ]
    return sorted(found, key=lambda one: one["proposed_at"], reverse=True)


def _actor(context: Any) -> Any:
    return actors.of(person(context), command.actor(context))


def _concerns(context: Any, organization_id: str) -> bool:
    who = person(context)
    return oversees(who) or who.works_for(organization_id)


def _packages(context: Any, references: list[str], errors: values.Errors) -> list[str]:
    """Ids of the datasets; one that the caller does not see is answered like none at all."""
    found: list[str] = []
    for reference in references:
        package = model.Package.get(reference)
        seen = sights(context, [package.id])[package.id] if package is not None else None
        if package is None or seen is None or not seen.visible:
            message = tk._("There is no dataset %(name)s.") % {"name": reference[:100]}
            errors.add("datasets", message)
        else:
            found.append(package.id)
    return found


def _carry_out(context: Any, cooperation: str, order: rules.Command) -> dict[str, Any]:
    stream, now = f"{KIND}{cooperation}", command.now()
    ledger.lock(model.Session, stream)
    events = list(ledger.read(model.Session, stream))
    state = rules.fold((one.type, one.payload) for one in events)
    if state is None and not isinstance(order, rules.Propose):
        model.Session.rollback()
        raise _none()
    if state is not None and not _concerns(context, state.organization):
        model.Session.rollback()
        raise _none()
    with command.refusals():
        happened = rules.decide(state, order, local_date(now), jurisdiction.profile())
    ledger.append(model.Session, stream, happened, command.actor(context), now)
    for event in happened:
        state = rules.apply(state, event.type, event.payload)
    command.finish(context)
    assert state is not None
    moment = values.iso(now) or ""
    times = [events[0].at if events else moment, moment]
    return _shown(context, Names(context), state, times)


def _none() -> tk.ObjectNotFound:
    return tk.ObjectNotFound(tk._("There is no such cooperation."))


def _shown(
    context: Any, names: Names, state: rules.Cooperation, times: list[str]
) -> dict[str, Any]:
    names.look_up(state.datasets)
    return {
        "id": state.id,
        "organization": names.organization(state.organization),
        "partner": state.partner,
        "code": state.code,
        "subject": state.subject,
        "datasets": [
            {key: names.datasets[one][key] for key in ("dataset", "name", "title")}
            for one in state.datasets
        ],
        "until": state.until.isoformat() if state.until else None,
        "status": state.status,
        "reason": state.reason,
        "signed_on": state.signed_on.isoformat() if state.signed_on else None,
        "sha256": state.sha256,
        "proposed_at": times[0],
        "changed_at": times[-1],
        "may": rules.may(state, _actor(context)),
    }
