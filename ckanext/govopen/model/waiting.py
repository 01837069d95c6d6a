"""What waits for somebody and what he waits for, without opening a single case.

Whose turn it is stands in the tables: parties (duty@body) of a part, the state of a review. From
what a person holds follow conditions on their rows; the desk and the head of every page ask them.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.types import AlchemySession
from sqlalchemy.dialects.postgresql import array

from ckanext.govopen.domain.application.state import OPEN
from ckanext.govopen.model.application import ApplicationRow, PartRow
from ckanext.govopen.model.review import ReviewRow

_CASE, _PART, _REVIEW = (one.__table__ for one in (ApplicationRow, PartRow, ReviewRow))
_PACKAGE, _GROUP = model.package_table, model.group_table
_NEVER = sa.false()

#: States of a part in which it is the applicant's turn.
APPLICANTS_TURN = ("returned", "approved")


@dataclass(frozen=True)
class OfLevel:
    """Parties (duty@body) that somebody is for some departments: for all of ``only``, or where it
    is None for all but those in ``but``."""

    parties: frozenset[str]
    only: frozenset[str] | None = None
    but: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Holder:
    """What somebody holds, as far as something can wait for him.

    ``provider`` maps a duty to the departments for which he holds it; ``parties`` are those
    (duty@body) that he is for every department, ``of_level`` those that he is for the departments
    under an authority. ``edits`` and ``reviews`` are departments whose
    datasets he changes, and on whose changes he decides; with ``reviews_rest`` on those of all
    departments that are not among ``offices``, too. ``places`` are the departments whose cases he
    reads, ``works`` those he belongs to.
    """

    user_id: str
    provider: Mapping[str, frozenset[str]] = field(default_factory=dict)
    parties: frozenset[str] = frozenset()
    of_level: tuple[OfLevel, ...] = ()
    edits: frozenset[str] = frozenset()
    reviews: frozenset[str] = frozenset()
    reviews_rest: bool = False
    offices: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()
    works: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Narrow:
    """What of it is asked for: of one kind (``review_returned``), one department, overdue."""

    kind: str = ""
    organization_id: str | None = None
    overdue: bool = False


@dataclass(frozen=True)
class Tally:
    """How many there are of a kind in a department, of his own turn or of others'."""

    kind: str
    organization_id: str
    mine: bool
    overdue: bool
    number: int


def _among(column: Any, values: Iterable[str]) -> Any:
    found = sorted(values)
    return column.in_(found) if found else _NEVER


def _turn(who: Holder) -> Any:
    """Parts in which it is his turn: as the applicant, or for a body. Never both at once."""
    own = _CASE.c.user_id == who.user_id
    turns: list[Any] = []
    for duty, places in who.provider.items():
        free: Any = sa.true()
        if duty == "handler":
            free = sa.or_(_PART.c.handler.is_(None), _PART.c.handler == who.user_id)
        turns.append(
            sa.and_(
                _PART.c.waits_for.contains([f"{duty}@provider"]),
                _among(_PART.c.organization_id, places),
                free,
            )
        )
    if who.parties:
        turns.append(_PART.c.waits_for.has_any(array(sorted(who.parties))))
    for one in who.of_level:
        place = _PART.c.organization_id
        here = ~_among(place, one.but) if one.only is None else _among(place, one.only)
        turns.append(sa.and_(_PART.c.waits_for.has_any(array(sorted(one.parties))), here))
    his = sa.and_(own, _PART.c.status.in_(APPLICANTS_TURN))
    return sa.or_(his, sa.and_(~own, sa.or_(_NEVER, *turns)))


def _concerned(who: Holder) -> Any:
    """Open parts of his own cases, and of the departments whose cases he reads."""
    own = _CASE.c.user_id == who.user_id
    here = sa.and_(
        _among(_PART.c.organization_id, who.places), ~_PART.c.status.in_(APPLICANTS_TURN)
    )
    return sa.and_(_PART.c.status.in_(sorted(OPEN)), sa.or_(own, here, _turn(who)))


def _decides(who: Holder) -> Any:
    """Reviews that wait for his decision: nobody decides on what he submitted."""
    place = _among(_REVIEW.c.organization_id, who.reviews)
    if who.reviews_rest:
        place = sa.or_(place, ~_among(_REVIEW.c.organization_id, who.offices))
    return sa.and_(
        _REVIEW.c.status == "submitted", place, ~_REVIEW.c.submitters.contains([who.user_id])
    )


def _his(who: Holder) -> Any:
    """Reviews whose next step is his."""
    changes = sa.and_(
        _REVIEW.c.status.in_(("open", "returned")), _among(_REVIEW.c.organization_id, who.edits)
    )
    return sa.or_(changes, _decides(who))


def _involved(who: Holder) -> Any:
    """Reviews on his desk: his turn, or handed in by him or his department.

    A dataset that has gone to another department takes its review out of sight of the old one.
    """
    handed = sa.and_(
        _REVIEW.c.status == "submitted",
        sa.or_(
            _among(_REVIEW.c.organization_id, who.works),
            sa.and_(
                _among(_REVIEW.c.organization_id, who.places),
                _REVIEW.c.submitters.contains([who.user_id]),
            ),
        ),
    )
    kept = sa.or_(_PACKAGE.c.id.is_(None), _PACKAGE.c.owner_org == _REVIEW.c.organization_id)
    return sa.and_(kept, sa.or_(handed, _his(who)))


def _parts() -> Any:
    return _PART.join(_CASE, _CASE.c.id == _PART.c.application_id)


def _reviews() -> Any:
    return _REVIEW.outerjoin(_PACKAGE, _PACKAGE.c.id == _REVIEW.c.package_id)


def has_reviews(who: Holder) -> bool:
    """Can a review be on his desk at all? Saves a query on every page of an applicant."""
    return bool(who.edits or who.reviews or who.reviews_rest or who.works)


def count(session: AlchemySession, who: Holder) -> tuple[int, int]:
    """(parts of applications, reviews) in which it is his turn."""
    number = sa.func.count()
    parts = session.scalar(sa.select(number).select_from(_parts()).where(_turn(who))) or 0
    if not has_reviews(who):
        return parts, 0
    waiting = sa.select(number).select_from(_reviews()).where(_involved(who), _his(who))
    return parts, session.scalar(waiting) or 0


def tallies(session: AlchemySession, who: Holder, now: datetime.datetime) -> list[Tally]:
    """All that is on his desk in numbers, by kind, department, whose turn, and overdue or not."""
    turn, late = _turn(who).label("turn"), sa.func.coalesce(_PART.c.due < now, False).label("late")
    parts = (
        sa.select(_PART.c.status, _PART.c.organization_id, turn, late, sa.func.count())
        .select_from(_parts())
        .where(_concerned(who))
        .group_by(_PART.c.status, _PART.c.organization_id, turn, late)
    )
    found = [Tally(f"application_{row[0]}", *row[1:]) for row in session.execute(parts).tuples()]
    if has_reviews(who):
        his = _his(who).label("his")
        reviews = (
            sa.select(_REVIEW.c.status, _REVIEW.c.organization_id, his, sa.func.count())
            .select_from(_reviews())
            .where(_involved(who))
            .group_by(_REVIEW.c.status, _REVIEW.c.organization_id, his)
        )
        found += [
            Tally(f"review_{status}", place, mine, False, number)
            for status, place, mine, number in session.execute(reviews).tuples()
        ]
    return found


def parts(
    session: AlchemySession,
    who: Holder,
    mine: bool,
    narrow: Narrow,
    now: datetime.datetime,
    limit: int,
) -> list[tuple[str, str, PartRow]]:
    """(case, its number, part) of his turn or of others', due first; no due date last."""
    if narrow.kind and not narrow.kind.startswith("application_"):
        return []
    turn = _turn(who)
    query = (
        sa.select(_CASE.c.id, _CASE.c.number, PartRow)
        .join(_CASE, _CASE.c.id == _PART.c.application_id)
        .where(_concerned(who), turn if mine else ~turn)
    )
    if narrow.kind:
        query = query.where(_PART.c.status == narrow.kind.removeprefix("application_"))
    if narrow.organization_id is not None:
        query = query.where(_PART.c.organization_id == narrow.organization_id)
    if narrow.overdue:
        query = query.where(_PART.c.due < now)
    query = query.order_by(_PART.c.due.asc().nulls_last(), _PART.c.received_at).limit(limit)
    return [(row[0], row[1] or "", row[2]) for row in session.execute(query)]


def reviews(
    session: AlchemySession, who: Holder, mine: bool, narrow: Narrow, limit: int
) -> list[tuple[ReviewRow, str]]:
    """(review, title of its dataset) of his turn or of others', the longest waiting first."""
    if (
        narrow.overdue
        or (narrow.kind and not narrow.kind.startswith("review_"))
        or not has_reviews(who)
    ):
        return []
    his = _his(who)
    query = (
        sa.select(ReviewRow, _PACKAGE.c.title, _PACKAGE.c.name)
        .outerjoin(_PACKAGE, _PACKAGE.c.id == _REVIEW.c.package_id)
        .where(_involved(who), his if mine else ~his)
    )
    if narrow.kind:
        query = query.where(_REVIEW.c.status == narrow.kind.removeprefix("review_"))
    if narrow.organization_id is not None:
        query = query.where(_REVIEW.c.organization_id == narrow.organization_id)
    since = sa.func.coalesce(_REVIEW.c.submitted_at, _REVIEW.c.changed_at)
    query = query.order_by(since, _REVIEW.c.id).limit(limit)
    return [(row[0], row[1] or row[2] or "") for row in session.execute(query)]


def organizations(session: AlchemySession, ids: Iterable[str]) -> dict[str, dict[str, str]]:
    """``{"id", "name", "title"}`` of departments, by their ids."""
    wanted = set(ids)
    if not wanted:
        return {}
    query = sa.select(_GROUP.c.id, _GROUP.c.name, _GROUP.c.title).where(_GROUP.c.id.in_(wanted))
    return {
        id: {"id": id, "name": name, "title": title or name}
        for id, name, title in session.execute(query).tuples()
    }
