"""Public figures about applications and grants."""

from __future__ import annotations

import dataclasses
import datetime
import functools
from typing import Any

from ckan import model
from ckan.plugins import toolkit

from ckanext.govopen.domain import figures as rules
from ckanext.govopen.domain.deadline import local_date
from ckanext.govopen.domain.figures_crossed import figures_of
from ckanext.govopen.domain.figures_periods import Period, published
from ckanext.govopen.domain.terms import SHANGHAI
from ckanext.govopen.logic import command
from ckanext.govopen.logic.schema import public as schema
from ckanext.govopen.logic.schema.table import takes
from ckanext.govopen.model import figures as cases
from ckanext.govopen.model import jurisdiction, working_days

__all__ = ["govopen_figures"]


@toolkit.side_effect_free
@takes(schema.FIGURES)
def govopen_figures(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Applications, their outcomes, the time taken, refusals by ground and grants alive.

    Over datasets that are or were public only, and for one closed quarter: the applications that
    were submitted in it, as they stood two months after its end. What is published about a
    quarter does not change, and no application is in two of them. A number below ``least``, and as
    many beside it as would give it away, is None; a table is None when there is too little for it.
    Grants are those alive at the quarter's end, in whole steps of ``least``.

    :param period: a quarter of ``periods``, such as ``2026-Q1``; the last one when left out
    :returns: ``{"least", "period": {"id", "first", "last", "as_of"} or None, "periods": [id, the
        last one first], "clock": {"id", "names", "n", "unit", "start", "article"} or None,
        "departments", "months", "crossed", "grounds", "grants"}``, each of the
        last five ``{"columns": [[outcome]], "rows": [{"key", "label", "cells", "total", "times":
        {"cases", "median", "worst"} or None}], "total": {the same}}``; times are in the clock's
        unit. The columns of ``crossed`` are months; its row or column with an empty key holds
        the departments or months that have none of their own
    :raises ObjectNotFound: nothing is published about the period
    """
    toolkit.check_access("govopen_figures", context, data_dict)
    wanted = schema.FIGURES.read(data_dict)["period"]
    profile = jurisdiction.profile()
    clock = cases.decision_clock(profile.open)
    periods = published(
        cases.cases(
            model.Session,
            clock,
            working_days.calendar(),
            lambda month: _begin(Period.of(month).closed),
        ),
        local_date(command.now()),
    )
    names = {period.name: period for period in sorted(periods, reverse=True)}
    if wanted and wanted not in names:
        raise toolkit.ObjectNotFound(toolkit._("No figures are published for this period."))
    period = names[wanted] if wanted else next(iter(names.values()), None)
    counted = [
        # What somebody typed freely is no heading of a public table.
        dataclasses.replace(case, ground=case.ground if case.ground in rules.GROUNDS else "")
        for case in (periods[period] if period is not None else ())
    ]
    alive = cases.grants(model.Session, _begin(period.end)) if period is not None else {}
    found = _made(tuple(sorted(counted, key=dataclasses.astuple)), tuple(sorted(alive.items())))
    titles = _titles(found.departments, found.grants, found.crossed)
    return {
        "least": rules.LEAST,
        "period": None
        if period is None
        else {
            "id": period.name,
            "first": period.first,
            "last": period.last,
            "as_of": period.closed.isoformat(),
        },
        "periods": list(names),
        "clock": None
        if clock is None
        else {
            "id": clock.id,
            "names": dataclasses.asdict(clock.names),
            "n": clock.n,
            "unit": clock.unit,
            "start": clock.start,
            "article": clock.article,
        },
        "departments": _table(found.departments, titles),
        "months": _table(found.months),
        "crossed": _table(found.crossed, titles),
        "grounds": _table(
            found.grounds, {k.id: dataclasses.asdict(k.names) for k in profile.basis_kinds}
        ),
        "grants": _table(found.grants, titles),
    }


def _begin(day: datetime.date) -> datetime.datetime:
    """The first moment of a day in China."""
    return datetime.datetime.combine(day, datetime.time(), SHANGHAI)


@functools.lru_cache(maxsize=32)
def _made(counted: tuple[rules.Case, ...], alive: tuple[tuple[str, int], ...]) -> rules.Figures:
    """What is published of these cases and grants: it takes a while, and anybody may ask."""
    return figures_of(counted, dict(alive))


def _titles(*tables: rules.Table | None) -> dict[str, str]:
    keys = {row.key for table in tables if table is not None for row in table.rows}
    groups = model.Session.query(model.Group).filter(model.Group.id.in_(keys))
    return {group.id: group.title or group.name for group in groups}


def _table(table: rules.Table | None, labels: dict[str, Any] | None = None) -> Any:
    if table is None:
        return None
    return {
        "columns": [list(column) for column in table.columns],
        "rows": [_row(row, labels or {}) for row in table.rows],
        "total": _row(table.total, {}),
    }


def _row(row: rules.Row, labels: dict[str, Any]) -> dict[str, Any]:
    return {
        "key": row.key,
        "label": labels.get(row.key, row.key),
        "cells": list(row.cells),
        "total": row.total,
        "times": None if row.times is None else dataclasses.asdict(row.times),
    }
