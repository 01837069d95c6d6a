"""Public figures about applications and grants."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

from ckan import model
from ckan.plugins import toolkit

from ckanext.govopen.domain import figures as rules
from ckanext.govopen.domain.deadline import local_date
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

    Over public datasets only, and over whole months. A number below ``least``, and as many beside
    it as would give it away, is None; a table is None when there is too little for it.

    :returns: ``{"least", "until": "2026-10" or None, "clock": {"id", "names", "n", "unit", "start",
        "article"} or None, "departments", "months", "grounds", "grants"}``, each of the last four
        ``{"columns": [[outcome]], "rows": [{"key", "label", "cells", "total", "times": {"cases",
        "median", "worst"} or None}], "total": {the same}}``; times are in the clock's unit
    """
    toolkit.check_access("govopen_figures", context, data_dict)
    profile = jurisdiction.profile()
    now = command.now()
    clock = cases.decision_clock(profile.open)
    known = cases.cases(model.Session, clock, working_days.calendar())
    until = rules.last_month(Counter(case.month for case in known), local_date(now))
    kinds = {kind.id for kind in profile.basis_kinds}
    counted = [
        # What somebody typed freely is no heading of a public table.
        dataclasses.replace(case, ground=case.ground if case.ground in kinds else "")
        for case in known
        if until is not None and case.month <= until
    ]
    found = rules.figures(counted, cases.grants(model.Session, now))
    return {
        "least": rules.LEAST,
        "until": until,
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
        "departments": _table(found.departments, _titles(found.departments, found.grants)),
        "months": _table(found.months),
        "grounds": _table(
            found.grounds, {k.id: dataclasses.asdict(k.names) for k in profile.basis_kinds}
        ),
        "grants": _table(found.grants, _titles(found.departments, found.grants)),
    }


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
