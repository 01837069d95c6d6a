"""The tables that only repeat what the ledger says, made from it again.

Each projection folds the events of its streams and says what its rows should hold. What an event
no longer holds because it was erased is not compared, and is not written: the table keeps it.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from ckan.types import AlchemySession
from sqlalchemy.exc import IntegrityError

from ckanext.govopen.domain.ledger import SealedEvent
from ckanext.govopen.model import agreement_folds, application_folds, ledger
from ckanext.govopen.model import projection_folds as folds
from ckanext.govopen.model.agreement import AgreementRow, TemplateRow
from ckanext.govopen.model.application import ApplicationDatasetRow, ApplicationRow, PartRow
from ckanext.govopen.model.duty import DutyRow
from ckanext.govopen.model.grant import GrantRow
from ckanext.govopen.model.levels import LevelRow
from ckanext.govopen.model.projection_folds import UNKNOWN, Facts, Key, Row
from ckanext.govopen.model.release import DatasetRow, ReleaseRow
from ckanext.govopen.model.review import WAITING, ReviewRow
from ckanext.govopen.model.standing import StandingRow

__all__ = ["PROJECTIONS", "Difference", "Projection", "check", "rebuild"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Projection:
    """One table: its streams, its key, and the fold of one stream to rows by key.

    ``complete`` False: rows hold more than the ledger does and are corrected only, never made or
    deleted. ``generated`` names a primary key that is made anew for a new row.
    """

    name: str
    table: sa.Table
    prefix: str
    key: tuple[str, ...]
    fold: Callable[[list[SealedEvent], Facts], dict[Key, Row]]
    complete: bool = True
    generated: str | None = None


@dataclass(frozen=True)
class Difference:
    """``field`` None: the whole row is ``missing`` or ``too_much``; else it is ``changed``."""

    table: str
    key: str
    kind: str
    field: str | None = None
    stored: str = ""
    rebuilt: str = ""


def _table(model_class: Any) -> sa.Table:
    return model_class.__table__


#: What can be made again. A new kind of case adds its own line.
PROJECTIONS: list[Projection] = [
    Projection(
        "agreement templates",
        _table(TemplateRow),
        "agreement/",
        ("id", "version"),
        agreement_folds.templates,
    ),
    Projection(
        "agreements",
        _table(AgreementRow),
        "application/",
        ("application_id", "organization_id"),
        agreement_folds.agreements,
        complete=False,
    ),
    Projection(
        "applications",
        _table(ApplicationRow),
        "application/",
        ("id",),
        application_folds.applications,
        complete=False,
    ),
    Projection(
        "application parts",
        _table(PartRow),
        "application/",
        ("application_id", "organization_id"),
        application_folds.parts,
    ),
    Projection(
        "application datasets",
        _table(ApplicationDatasetRow),
        "application/",
        ("application_id", "organization_id", "package_id"),
        application_folds.datasets,
    ),
    Projection(
        "duties",
        _table(DutyRow),
        "duty/",
        ("user_id", "organization_id", "duty", "deputy_for"),
        folds.duties,
        generated="id",
    ),
    Projection("levels", _table(LevelRow), "level/", ("organization_id",), folds.levels),
    Projection("grants", _table(GrantRow), "grant/", ("id",), folds.grants),
    Projection(
        "standing approvals",
        _table(StandingRow),
        "standing/",
        ("resource_id", "given_at"),
        folds.standings,
        generated="id",
    ),
    Projection("reviews", _table(ReviewRow), "review/", ("id",), folds.reviews),
    Projection(
        "releases",
        _table(ReleaseRow),
        "dataset/",
        ("package_id", "version"),
        folds.releases,
        complete=False,
    ),
    Projection(
        "datasets", _table(DatasetRow), "dataset/", ("package_id",), folds.datasets, complete=False
    ),
]


def check(session: AlchemySession) -> Iterator[Difference]:
    """What the tables hold otherwise than the ledger says; writes nothing."""
    facts = _facts(session)
    for projection in PROJECTIONS:
        for difference, _key, _values in _differences(session, projection, facts):
            yield difference


_ORDER = {"too_much": 0, "changed": 1, "missing": 2}


def rebuild(session: AlchemySession) -> list[Difference]:
    """Brings the tables in line with the ledger, in the caller's transaction; what was otherwise.

    A release that is missing is named and cannot be made: the ledger knows its fingerprint only.
    """
    facts = _facts(session)
    found: list[Difference] = []
    for projection in PROJECTIONS:
        table = projection.table
        # What goes makes room first: at most one review of a dataset may wait.
        differences = sorted(
            _differences(session, projection, facts),
            key=lambda one: (_ORDER[one[0].kind], one[2].get("status") in WAITING),
        )
        for difference, key, values in differences:
            found.append(difference)
            names = zip(projection.key, key, strict=True)
            here = sa.and_(*(table.c[name].is_not_distinct_from(value) for name, value in names))
            written = {name: value for name, value in values.items() if value is not UNKNOWN}
            if difference.kind == "changed":
                session.execute(sa.update(table).where(here).values(written))
            elif difference.kind == "missing" and projection.complete:
                written.update(zip(projection.key, key, strict=True))
                if projection.generated:
                    written[projection.generated] = str(uuid.uuid4())
                _insert(session, table, name=str(key), written=written)
            elif difference.kind == "too_much" and projection.complete:
                session.execute(sa.delete(table).where(here))
    session.expire_all()
    return found


def _insert(session: AlchemySession, table: Any, name: str, written: Row) -> None:
    """Makes a missing row; one that another row keeps out is named in the log and stays missing."""
    try:
        with session.begin_nested():
            session.execute(sa.insert(table).values(written))
    except IntegrityError:
        log.warning("The row %s of %s cannot be made beside those that are there.", name, table)


def _facts(session: AlchemySession) -> Facts:
    actor, event = ledger.ActorRow.__table__, ledger.EventRow.__table__
    people = {str(row.number): row.user_id for row in session.execute(sa.select(actor))}
    purged = session.scalars(
        sa.select(event.c.payload["dataset"].astext).where(event.c.type == "dataset.purged")
    )
    return Facts(people, frozenset(purged))


def _differences(
    session: AlchemySession, projection: Projection, facts: Facts
) -> Iterator[tuple[Difference, Key, Row]]:
    expected = _expected(session, projection, facts)
    stored = dict(_stored(session, projection, expected))
    for key in sorted({*expected, *stored}, key=str):
        name = "/".join("" if part is None else str(part) for part in key)
        if key not in stored:
            if projection.name != "datasets" or expected[key]["suspended"]:
                yield Difference(projection.name, name, "missing"), key, expected[key]
        elif key not in expected:
            if projection.complete or projection.name == "releases":
                yield Difference(projection.name, name, "too_much"), key, {}
        else:
            for field, value in expected[key].items():
                if value is not UNKNOWN and stored[key][field] != value:
                    yield (
                        Difference(
                            projection.name,
                            name,
                            "changed",
                            field,
                            str(stored[key][field]),
                            str(value),
                        ),
                        key,
                        {field: value},
                    )


def _expected(session: AlchemySession, projection: Projection, facts: Facts) -> dict[Key, Row]:
    expected: dict[Key, Row] = {}
    events: Iterable[SealedEvent] = ledger.read_kind(session, projection.prefix)
    for _stream, group in groupby(events, key=lambda event: event.stream):
        expected.update(projection.fold(list(group), facts))
    return expected


def _stored(
    session: AlchemySession, projection: Projection, expected: Mapping[Key, Row]
) -> Iterator[tuple[Key, Row]]:
    fields = sorted({name for row in expected.values() for name in row})
    columns = [projection.table.c[name] for name in dict.fromkeys((*projection.key, *fields))]
    for row in session.execute(sa.select(*columns).execution_options(yield_per=1000)):
        found = dict(row._mapping)
        yield tuple(found[name] for name in projection.key), found
