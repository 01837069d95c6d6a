"""Parameters that many actions have."""

from __future__ import annotations

from ckanext.govopen.domain.refusal import N_
from ckanext.govopen.logic.schema.nested import Object, Rows
from ckanext.govopen.logic.schema.parameter import Id, Number, Organization, Text

GLASS = Text("break_glass", N_("The operator's reason, kept in the ledger"))
REASON = Text("reason", N_("Why"), required=True)
DATASET = Id("id", N_("The dataset, by id or name"))
CASE = Id("id", N_("The application, by id or number"))
OF_CASE = Id("application", N_("The application, by id or number"))
PLACE = Text(
    "organization", N_("The department, by id or name; not needed where there is only one")
)
ONLY_PLACE = Organization("organization", N_("Only what is about this department, by id or name"))
OFFSET = Number("offset", N_("Leave out so many at the beginning"), default=0)
BASIS = Rows(
    "basis",
    N_("The legal basis; a refusal may need it"),
    of=(
        Text("instrument", N_("Name of the law or regulation"), example="数据安全法"),
        Text("article", N_("Its article"), example="12"),
        Text("kind", N_("Kind of ground, as the profile lists them")),
    ),
    wrong=N_("Must be a list of objects with instrument, article and kind."),
    whole=True,
)  # fmt: skip
QUOTA = Object(
    "quota",
    N_("At most so much; what is left out has no limit"),
    of=(
        Number("downloads", N_("Downloads in all")),
        Number("rows_per_day", N_("Rows a day")),
        Number("requests_per_day", N_("Requests a day")),
    ),
)


def limit(default: int | None, cap: int | None = None) -> Number:
    """How many are wanted: ``default`` when nobody says, ``cap`` at most."""
    return Number("limit", N_("At most so many"), default=default, cap=cap)
