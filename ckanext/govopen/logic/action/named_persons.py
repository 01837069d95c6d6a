"""The register of the persons whom departments name: head, leader in charge, contact."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from ckan import model
from ckan.plugins import toolkit as tk

from ckanext.govopen.access.ledger import oversees
from ckanext.govopen.access.policy import Person
from ckanext.govopen.access.viewer import person
from ckanext.govopen.domain import named_persons as rules
from ckanext.govopen.logic import actor as actors
from ckanext.govopen.logic import command
from ckanext.govopen.logic.schema import register as schema
from ckanext.govopen.logic.schema.table import takes
from ckanext.govopen.model import jurisdiction, ledger

__all__ = [
    "govopen_named_person_list",
    "govopen_named_person_put",
    "govopen_named_person_remove",
]

Events = list[tuple[str, Mapping[str, Any]]]


@takes(schema.PERSON_PUT)
def govopen_named_person_put(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Name a person of a department, or correct what is written of one.

    :param organization: the department, by id or name
    :param id: the person who is named already (optional)
    :param role: as the regulation has it, such as ``head``, ``leader``, ``contact``, ``staff``;
        a new head takes the place of the one before
    :param name: who it is
    :param post: the post (optional)
    :param phone: the telephone number, which is not public (optional)
    :returns: the department as in :func:`govopen_named_person_list`
    :raises ValidationError: a parameter is wrong, or ``refusal`` when a rule says no
    """
    tk.check_access("govopen_named_person_put", context, data_dict)
    given = schema.PERSON_PUT.read(data_dict)
    known = {one.id for one in _state(given["organization"].id).values()}
    if given["id"] and given["id"] not in known:
        raise tk.ObjectNotFound(tk._("Nobody is named under this number."))
    fields = given.some("role", "name", "post", "phone")
    named = rules.NamedPerson(given["id"] or uuid.uuid4().hex[:12], **fields)
    place, who = given["organization"], person(context)
    actor = actors.of(who, command.actor(context))
    order = rules.Put(actor, place.id, named, _administers(who, place.id))
    return _carry_out(context, place, order)


@takes(schema.PERSON_REMOVE)
def govopen_named_person_remove(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Take a person off the register of a department.

    :param organization: the department, by id or name
    :param id: the person, by the number of the register
    :returns: the department as in :func:`govopen_named_person_list`
    :raises ValidationError: a parameter is wrong, or ``refusal`` when a rule says no
    """
    tk.check_access("govopen_named_person_remove", context, data_dict)
    given = schema.PERSON_REMOVE.read(data_dict, first=("organization", "id"))
    given.check()
    place, who = given["organization"], person(context)
    actor = actors.of(who, command.actor(context))
    order = rules.Remove(actor, place.id, given["id"], _administers(who, place.id))
    return _carry_out(context, place, order)


@tk.side_effect_free
@takes(schema.PERSONS)
def govopen_named_person_list(context: Any, data_dict: dict[str, Any]) -> list[dict[str, Any]]:
    """The persons whom departments name, for their own staff and for the authority.

    :param organization: only this department, by id or name (optional)
    :returns: ``[{"organization": {"id", "name", "title"}, "persons": [{"id", "role", "name",
        "post", "phone"}], "missing": [roles in which nobody is named], "may": bool}]`` by title;
        empty where the regulation asks no department to name persons
    """
    tk.check_access("govopen_named_person_list", context, data_dict)
    place = schema.PERSONS.read(data_dict)["organization"]
    if not rules.roles(jurisdiction.profile()):
        return []
    who = person(context)
    query = model.Session.query(model.Group).filter_by(is_organization=True, state="active")
    if place is not None:
        query = query.filter_by(id=place.id)
    everything = oversees(who)
    places = [one for one in query if everything or who.works_for(one.id)]
    events: dict[str, Events] = {}
    kind = "department/"
    if len(places) == 1:
        kind += places[0].id
    for sealed in ledger.read_kind(model.Session, kind):
        known = events.setdefault(sealed.stream.partition("/")[2], [])
        known.append((sealed.type, sealed.payload))
    places.sort(key=lambda one: (one.title or one.name, one.name))
    return [_shown(context, one, rules.fold(events.get(one.id, []))) for one in places]


def _administers(who: Person, organization_id: str) -> bool:
    return who.memberships.get(organization_id) == "admin"


def _stream(organization_id: str) -> str:
    return f"department/{organization_id}"


def _state(organization_id: str) -> dict[str, rules.NamedPerson]:
    stream = ledger.read(model.Session, _stream(organization_id))
    return rules.fold((sealed.type, sealed.payload) for sealed in stream)


def _carry_out(context: Any, place: Any, order: rules.Put | rules.Remove) -> dict[str, Any]:
    ledger.lock(model.Session, _stream(place.id))
    with command.refusals():
        events = rules.decide(_state(place.id), order, jurisdiction.profile())
    ledger.append(model.Session, _stream(place.id), events, command.actor(context), command.now())
    command.finish(context)
    return _shown(context, place, _state(place.id))


def _shown(context: Any, place: Any, state: Mapping[str, rules.NamedPerson]) -> dict[str, Any]:
    who, profile = person(context), jurisdiction.profile()
    order = {role: number for number, role in enumerate(rules.roles(profile))}
    persons = sorted(state.values(), key=lambda one: (order.get(one.role, 99), one.name))
    actor = actors.of(who, who.user_id)
    return {
        "organization": {"id": place.id, "name": place.name, "title": place.title or place.name},
        "persons": [vars(one) for one in persons],
        "missing": rules.missing(profile, state),
        "may": rules.may(actor, place.id, _administers(who, place.id)),
    }
