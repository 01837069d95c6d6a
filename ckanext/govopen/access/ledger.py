"""Who may read which event of the ledger: one SQL condition for each circle of readers.

Staff reads what concerns its own department, the authority, the auditor and the operator read
everything, a party what is about him. The public reads events that are public by their type, of
datasets that are public now and were so when it happened: what was withdrawn is not named by the
record of its withdrawal either. What no condition lets through is read by nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from ckan import model

from ckanext.govopen.access.policy import Person
from ckanext.govopen.access.viewer import person
from ckanext.govopen.domain.duty import Duty
from ckanext.govopen.domain.event import EVENT_TYPES, Readers
from ckanext.govopen.domain.terms import OpenClass
from ckanext.govopen.model import release as releases
from ckanext.govopen.model import settings
from ckanext.govopen.model.grant import GrantRow
from ckanext.govopen.model.ledger import EventRow

__all__ = ["PARTIES", "STAFF", "knows_names", "oversees", "readable", "reader"]

Condition = sa.ColumnElement[bool]

_PUBLIC_TYPES = sorted(name for name, kind in EVENT_TYPES.items() if kind.readers == "public")
#: Duties by which one knows who applies, and who uses a grant.
_DECIDING = frozenset({Duty.HANDLER.value, Duty.REVIEWER.value})
#: Events that name people and their department, and those that name people and no department.
_NAMED_THERE = ("agreement.signed", "grant.given")
_NAMED_IN_STREAM = ("grant.persons_changed",)
_RELEASED = ("release.published", "release.narrowed")


def _grants_of(user_id: str) -> sa.Select[Any]:
    mine = sa.or_(GrantRow.persons.contains([user_id]), GrantRow.authorised == user_id)
    return sa.select(sa.literal("grant/") + GrantRow.id).where(mine)


def _grants_by(organizations: list[str]) -> sa.Select[Any]:
    return sa.select(sa.literal("grant/") + GrantRow.id).where(
        GrantRow.organization_id.in_(organizations)
    )


def _applications_of(user_id: str) -> sa.Select[Any]:
    handed_in = EventRow.__table__.alias("handed_in")
    return sa.select(handed_in.c.stream).where(
        handed_in.c.type == "application.submitted",
        handed_in.c.payload["applicant"].astext == user_id,
    )


#: Streams that are about a person: from his id to a query of stream names. A new kind of case adds
#: its own query here.
PARTIES: list[Callable[[str], sa.Select[Any]]] = [_grants_of, _applications_of]
#: Streams of departments some of whose events name no department, by organisation ids: it is those
#: events that the department reads as its own.
STAFF: list[Callable[[list[str]], sa.Select[Any]]] = [_grants_by]


def oversees(who: Person) -> bool:
    """Does he read all of it? The authority, its auditors, the operator, the portal itself do."""
    if who.sees_everything:
        return True
    name = settings.authority()
    group = model.Group.get(name) if name else None
    return group is not None and (group.id, "auditor") in who.duties


def knows_names(who: Person) -> frozenset[str] | None:
    """The departments of which he reads who applies for data and who uses a grant; None: of all.

    It takes a duty there, or for the area that it is in: a mere member works with the case and the
    grant, not with the people.
    """
    return None if oversees(who) else _deciding(who)


def _deciding(who: Person) -> frozenset[str]:
    return who.area | {held for held, duty in who.duties if duty in _DECIDING}


def reader(context: Any, most: Readers = "staff") -> sa.ColumnElement[Any]:
    """An SQL expression that says as whom the person reads an event; NULL: not at all.

    ``most`` narrows the answer: with ``public`` everybody reads what an outsider reads.
    """
    who, event = person(context), EventRow.__table__
    cases: list[tuple[Condition, Any]] = []
    if most == "public":
        return _as_public(event)
    if oversees(who):
        return sa.literal(most)
    own = sorted(who.departments)
    if own:
        place = event.c.payload["organization"].astext
        # What names the applicant or who uses a grant is for those who decide there.
        deciding = sorted(_deciding(who))
        named = sa.and_(event.c.type.in_(_NAMED_THERE), place.not_in(deciding))
        of_streams = sa.or_(
            *(event.c.stream.in_(query(deciding)) for query in STAFF),
            sa.and_(
                event.c.type.not_in(_NAMED_IN_STREAM),
                sa.or_(*(event.c.stream.in_(query(own)) for query in STAFF)),
            ),
        )
        staff = [sa.and_(place.in_(own), sa.not_(named)), sa.and_(place.is_(None), of_streams)]
        cases.append((sa.or_(*staff), sa.literal(most)))
    if who.user_id:
        party = [event.c.stream.in_(query(who.user_id)) for query in PARTIES]
        cases.append((sa.and_(sa.or_(*party), _told(event)), sa.literal("party")))
    return sa.case(*cases, else_=_as_public(event)) if cases else _as_public(event)


def _told(event: Any) -> Condition:
    """A party reads what one body has decided once all have: then the letter goes out."""
    outcome = EventRow.__table__.alias("outcome")
    place = outcome.c.payload["organization"].astext == event.c.payload["organization"].astext
    closing = ("application.approved", "application.refused")
    return sa.or_(
        event.c.type != "application.decided",
        sa.exists().where(outcome.c.stream == event.c.stream, outcome.c.type.in_(closing), place),
    )


def readable(as_whom: sa.ColumnElement[Any]) -> Condition:
    """The condition that an event says something to the reader of :func:`reader`.

    An event of a type for a narrower circle does not: its place in the chain is all there is.
    """
    event = EventRow.__table__
    party = [name for name, kind in EVENT_TYPES.items() if kind.readers != "staff"]
    return sa.or_(
        as_whom == "staff",
        sa.and_(as_whom == "party", event.c.type.in_(sorted(party))),
        as_whom == "public",
    )


def _as_public(event: Any) -> sa.ColumnElement[Any]:
    released = EventRow.__table__.alias("released")
    stopped = EventRow.__table__.alias("stopped")
    # How the dataset stood when it happened; a withdrawal ends what was public until then.
    was_released = (
        sa.select(
            sa.and_(
                released.c.type.in_(_RELEASED),
                released.c.payload["open_class"].astext != OpenClass.NON_OPEN.value,
            )
        )
        .where(
            released.c.stream == event.c.stream,
            released.c.type.in_((*_RELEASED, "release.withdrawn")),
            sa.or_(
                released.c.version < event.c.version,
                sa.and_(
                    released.c.version == event.c.version, released.c.type != "release.withdrawn"
                ),
            ),
        )
        .order_by(released.c.version.desc())
        .limit(1)
        .correlate(event)
        .scalar_subquery()
    )
    was_stopped = (
        sa.select(stopped.c.type == "dataset.suspended")
        .where(
            stopped.c.stream == event.c.stream,
            stopped.c.type.in_(("dataset.suspended", "dataset.restored")),
            stopped.c.version < event.c.version,
        )
        .order_by(stopped.c.version.desc())
        .limit(1)
        .correlate(event)
        .scalar_subquery()
    )
    seen = event.c.payload["dataset"].astext.in_(
        releases.public(releases.ReleaseRow.__table__.c.package_id)
    )
    of_dataset = sa.and_(
        event.c.stream == sa.literal("dataset/") + event.c.payload["dataset"].astext,
        seen,
        sa.func.coalesce(was_released, sa.false()),
        sa.not_(sa.func.coalesce(was_stopped, sa.false())),
    )
    return sa.case(
        (
            sa.and_(
                event.c.type.in_(_PUBLIC_TYPES),
                sa.or_(event.c.type.startswith("ledger.", autoescape=True), of_dataset),
            ),
            sa.literal("public"),
        ),
        else_=sa.null(),
    )
