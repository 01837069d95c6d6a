"""Tables of what the portal says about its regulation and in figures."""

from __future__ import annotations

from ckanext.govopen.domain.refusal import N_
from ckanext.govopen.logic.schema.parameter import Text
from ckanext.govopen.logic.schema.table import Table

PROFILE = Table(
    N_("The regulation under which the portal runs, article by article"),
    answer=N_("The regulation's values, each with its article"),
)
DEADLINES = Table(
    N_("The time limits of the regulation"), answer=N_("The time limits"), many=True
)  # fmt: skip
FIGURES = Table(
    N_("Applications, their outcomes and the time taken, in figures"),
    (Text("period", N_("A closed quarter such as 2026-Q1; else the last one"), most=7),),
    answer=N_("Tables; small numbers are not shown"),
)
