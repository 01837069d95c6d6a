"""The cases and grants that the public figures are made of, from the ledger's own events.

Only what is about a dataset that the public could see counts, and it goes on counting when the
dataset is taken away: else the figures before and after would tell how many cases it had. So all of
it comes from events: a purge takes releases and grants along, and leaves those. Nobody's name is
read.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from ckan.types import AlchemySession

from ckanext.govopen.domain.deadline import Calendar, local_date
from ckanext.govopen.domain.figures import Case, Outcome
from ckanext.govopen.domain.procedure import Clock, Procedure
from ckanext.govopen.model.ledger import EventRow

_ENDS: Mapping[str, Outcome] = {
    "application.approved": "approved",
    "application.refused": "refused",
    "application.declined": "refused",
    "application.withdrawn": "ended",
    "application.lapsed": "ended",
}
_TYPES = ("application.submitted", "application.accepted", "application.decided", *_ENDS)
_STREAM = "application/"
_RELEASED = EventRow.__table__.alias("released")
_DATASET = _RELEASED.c.payload["dataset"].astext
_PUBLISHED = "release.published"


def decision_clock(procedure: Procedure) -> Clock | None:
    """The clock of the decision itself: what an applicant waits for after the acceptance."""
    ends = (None, "decision", "data_supplied")
    found = [
        clock
        for clock in procedure.clocks
        if clock.until in ends and clock.id not in ("acceptance", "forwarding")
    ]
    of_provider = [clock for clock in found if clock.actor in ("provider", "authority")]
    numbered = [clock for clock in of_provider if clock.n is not None]
    return next(iter(numbered or of_provider), None)


def cases(
    session: AlchemySession,
    clock: Clock | None,
    calendar: Calendar | None,
    until: Callable[[str], datetime.datetime],
) -> list[Case]:
    """Every part of every application about a dataset that was public, as it stood at the moment
    that ``until`` gives for the month of its submission.

    Days are counted as ``clock`` counts them, from the moment it starts at; calendar days and from
    the submission without one; not at all without a calendar. The month is the Chinese one, such
    as ``2026-03``.
    """
    public = _released(session)
    table = EventRow.__table__
    rows = session.execute(
        sa.select(
            table.c.stream,
            table.c.type,
            table.c.at,
            table.c.payload["organization"].astext.label("organization"),
            table.c.payload["parts"].label("parts"),
            table.c.payload["basis"].label("basis"),
            table.c.payload["approve"].label("approve"),
        )
        .where(table.c.stream.startswith(_STREAM), table.c.type.in_(_TYPES))
        .order_by(table.c.stream, table.c.version)
    )
    parts: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        if row.type == "application.submitted":
            for part in row.parts or ():
                key = (row.stream, part["organization"])
                if key not in parts:
                    month = local_date(row.at).strftime("%Y-%m")
                    parts[key] = {
                        "submitted": row.at, "month": month, "until": until(month),
                        "outcome": "open", "public": False,
                    }  # fmt: skip
                known = parts[key]
                if row.at < known["until"]:
                    known["public"] = any(
                        one["dataset"] in public and public[one["dataset"]] < known["until"]
                        for one in part["datasets"]
                    )
            continue
        named = [row.organization] if row.organization else _of(parts, row.stream)
        for organization in named:
            part = parts.get((row.stream, organization))
            if part is not None and row.at < part["until"]:
                _happened(part, row)
    return [
        Case(
            department=organization,
            month=part["month"],
            outcome=part["outcome"],
            ground=part.get("ground", ""),
            days=_days(part, clock, calendar),
        )
        for (_stream, organization), part in parts.items()
        if part["public"]
    ]


def grants(session: AlchemySession, at: datetime.datetime) -> dict[str, int]:
    """Grants for what was public that were given and not over at a moment, by department.

    One that was suspended for a while counts: that it was is nobody's business.
    """
    table, ended = EventRow.__table__, EventRow.__table__.alias("ended")

    def moment(name: str) -> sa.ColumnElement[datetime.datetime]:
        return sa.cast(table.c.payload[name].astext, sa.DateTime(timezone=True))

    found = session.execute(
        sa.select(table.c.payload["organization"].astext).where(
            table.c.type == "grant.given",
            table.c.at < at,
            moment("valid_from") < at,
            moment("valid_to") >= at,
            ~sa.exists().where(
                ended.c.stream == table.c.stream,
                ended.c.type.in_(("grant.revoked", "grant.ended")),
                ended.c.at < at,
            ),
            table.c.payload["dataset"].astext.in_(
                sa.select(_DATASET).where(_RELEASED.c.type == _PUBLISHED, _RELEASED.c.at < at)
            ),
        )
    ).scalars()
    return dict(Counter(found))


def _released(session: AlchemySession) -> dict[str, datetime.datetime]:
    """When each dataset was public for the first time."""
    found = session.execute(
        sa.select(_DATASET.label("dataset"), sa.func.min(_RELEASED.c.at).label("first"))
        .where(_RELEASED.c.type == _PUBLISHED)
        .group_by(_DATASET)
    )
    return {row.dataset: row.first for row in found}


def _of(parts: Mapping[tuple[str, str], Any], stream: str) -> list[str]:
    return [organization for name, organization in parts if name == stream]


def _happened(part: dict[str, Any], row: Any) -> None:
    if row.type == "application.accepted":
        part.setdefault("accepted", row.at)
    if row.type in ("application.decided", "application.declined") and not row.approve:
        kinds = [one.get("kind") or "" for one in row.basis or () if isinstance(one, dict)]
        part["ground"] = next(iter(kinds), "")
    outcome = _ENDS.get(row.type)
    # What was decided stays decided, whatever the applicant does with it afterwards.
    if outcome is not None and part["outcome"] == "open":
        part["outcome"], part["ended"] = outcome, row.at


def _days(part: Mapping[str, Any], clock: Clock | None, calendar: Calendar | None) -> int | None:
    if calendar is None or part["outcome"] not in ("approved", "refused"):
        return None
    start = part["submitted"]
    if clock is not None and clock.start == "acceptance":
        start = part.get("accepted", start)
    first, last = local_date(start), local_date(part["ended"])
    if clock is None or clock.unit != "wd":
        return (last - first).days
    days = (first + datetime.timedelta(days=n + 1) for n in range((last - first).days))
    return sum(calendar.is_workday(day) for day in days)
