"""From a part that is granted to the grants that are given."""

from __future__ import annotations

import datetime
import uuid

from ckanext.govopen.domain.application.content import Content, parse
from ckanext.govopen.domain.application.state import Application, Part
from ckanext.govopen.domain.grant import DELIVERIES, Grant, Holder
from ckanext.govopen.domain.terms import SHANGHAI

_SPACE = uuid.UUID("5f0c6c6e-7d1e-5a53-9d1b-2f8a3c0e4b71")


def grant_id(application: str, dataset: str) -> str:
    """The id of the grant of one dataset: the same at every attempt, so never given twice."""
    return str(uuid.uuid5(_SPACE, f"{application}/{dataset}"))


def content_of(state: Application, part: Part) -> Content:
    """The revision that the part is about; ValueError once it was erased."""
    content = state.revision(part.revision).content
    if not content:
        raise ValueError("The content of this application was erased.")
    return parse(content)


def holder_of(state: Application, part: Part, content: Content) -> Holder:
    """Who holds the grants: the applicant, or the organisation with the persons it named."""
    organisation = content.organisation
    if organisation is None:
        return Holder("person", frozenset({state.applicant}))
    persons = state.revision(part.revision).persons | {state.applicant}
    return Holder(
        "organisation", persons, organisation.name, organisation.code, authorised=state.applicant
    )


def grants_of(state: Application, organization: str) -> list[Grant]:
    """The grants that a granted part gives; [] for any other."""
    part = state.part(organization)
    if part is None or part.status != "granted" or part.ended_at is None:
        return []
    content = content_of(state, part)
    holder = holder_of(state, part, content)
    found = []
    for scope in part.scopes:
        if scope.dataset in part.grants:
            assert scope.valid_from is not None and scope.valid_to is not None
            found.append(
                Grant(
                    id=part.grants[scope.dataset],
                    holder=holder,
                    package_id=scope.dataset,
                    organization=organization,
                    purpose=content.fields.get("purpose", ""),
                    delivery=frozenset(scope.delivery or DELIVERIES),
                    valid_from=max(_begin(scope.valid_from), part.ended_at),
                    valid_to=_begin(scope.valid_to + datetime.timedelta(days=1)),
                    items=None if scope.items is None else frozenset(scope.items),
                    quota=scope.quota,
                    application=state.id,
                    conditions=part.conditions,
                )
            )
    return found


def _begin(day: datetime.date) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time(), SHANGHAI)
