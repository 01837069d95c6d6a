"""Parameters of looking at a catalogue source, and of what waits in it for a person."""

from __future__ import annotations

from ckanext.govopen.domain.refusal import N_
from ckanext.govopen.logic.schema.parameter import File, Number, Organization, Text
from ckanext.govopen.logic.schema.table import Table

_NO_NUMBER = N_("Must be a whole number.")


def _number(name: str, text: str, default: int, cap: int) -> Number:
    return Number(name, text, default=default, cap=cap, any_sign=True, wrong=_NO_NUMBER)


TRY = Table(
    N_("Try a harvest source before it is saved: some of its records and what each would become"),
    (
        Text("source", N_("The harvest source that would be changed; left out: a new one")),
        Text("url", N_("The address of the source"), required=True, most=2000),
        Text("source_type", N_("The type of the source"), required=True),
        Text("config", N_("The configuration, as JSON"), most=100_000),
        Organization("owner_org", N_("The department of the source")),
        File(
            "upload",
            N_("A table to try, as multipart/form-data"),
            required=False,
            wrong=N_("Choose a file: a workbook (.xlsx) or a CSV file."),
        ),
    ),
    N_("Whether it can be read, how many records were looked at, and up to ten of them"),
)
DRY_RUN = Table(
    N_("What a run of a source would do, without doing it"),
    (Text("source", N_("The harvest source, by id or name"), required=True),),
    N_("Figures, and the first records of each kind"),
)
KEPT = Table(
    N_("Records of one's departments that harvesting kept back, and why"),
    (
        Organization("organization", N_("Only those of this department")),
        _number("limit", N_("At most so many"), 50, 1000),
        _number("offset", N_("Leave out so many at the beginning"), 0, 10**7),
    ),
    N_("The records, and how many there are"),
)
