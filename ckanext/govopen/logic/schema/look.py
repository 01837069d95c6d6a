"""Parameters of the list of looks at personal data."""

from __future__ import annotations

from ckanext.govopen.domain.refusal import N_
from ckanext.govopen.logic.schema.parameter import Moment, Text
from ckanext.govopen.logic.schema.shared import OFFSET, limit
from ckanext.govopen.logic.schema.table import Table

#: Longest page of a list.
LIMIT = 1000
LIST = Table(
    N_("Who has looked at the personal data in applications"),
    (
        Text("application", N_("Only in this application, by id or number")),
        Text("user", N_("Only by this account, by id or name; for those who oversee")),
        Moment("since", N_("From then on")),
        Moment("until", N_("Up to then; a bare day is included"), end=True),
        limit(100, LIMIT),
        OFFSET,
    ),
    N_("How many there are, and a page of them"),
)
