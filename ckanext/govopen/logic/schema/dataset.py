"""Parameters of classes, releases, files, standing approvals and takeovers of datasets."""

from __future__ import annotations

from ckanext.govopen.domain.refusal import N_
from ckanext.govopen.domain.terms import OpenClass
from ckanext.govopen.logic.schema.nested import FlagsByName, Records, Rows
from ckanext.govopen.logic.schema.parameter import (
    Account,
    Choice,
    Day,
    Id,
    Moment,
    Number,
    Text,
)
from ckanext.govopen.logic.schema.shared import BASIS, DATASET, OFFSET, REASON, limit
from ckanext.govopen.logic.schema.table import Table

_ACCESS = N_("What one may see of the dataset, and why")
ACCESS = Table(N_("What one may see of a dataset, and why"), (DATASET,), _ACCESS)
RECLASSIFY = Table(
    N_("Put a dataset into another opening class"),
    (
        DATASET,
        Id(
            "open_class",
            N_("The new class"),
            example=OpenClass.CONDITIONAL.value,
        ),
        Id("reason", N_("Why")),
        Records(
            "legal_basis",
            N_("The legal basis, where the profile asks for it"),
            of=BASIS.of,
            wrong=N_("A list of instrument, article and kind is expected."),
        ),
        Text("open_condition", N_("The conditions, for data that is open on conditions")),
        FlagsByName(
            "answers",
            N_("Answers to the profile's criteria"),
            wrong=N_("Yes or no per criterion."),
        ),
    ),
    _ACCESS,
)
SUSPEND = Table(
    N_("Take a dataset from the public at once"), (DATASET, Id("reason", N_("Why"))), _ACCESS
)
RESTORE = Table(N_("Lift a suspension"), (DATASET, Id("reason", N_("Why"))), _ACCESS)

RELEASES = Table(
    N_("The releases of a dataset, newest first"),
    (
        DATASET,
        Number("version", N_("Only this release, with the values of its changes")),
        limit(None),
        OFFSET,
    ),
    N_("The releases"),
    many=True,
)

_ANY_DATASET = Text("id", N_("The dataset, by id or name"))
FILES = Table(
    N_("What the portal holds of the files of a dataset"),
    (_ANY_DATASET,),
    N_("The files"),
    many=True,
)
LOAD = Table(
    N_("Load the released rows of a dataset again"), (_ANY_DATASET,), N_("The dataset")
)  # fmt: skip
COLLECT = Table(
    N_("Delete bytes that nothing has named for a while"),
    (Moment("older_than", N_("Only what nothing has named since then")),),
    N_("How many files were deleted"),
)

_RESOURCE = Text("resource_id", N_("The resource"), required=True)
_COLUMNS = N_("Name the columns: a list of objects with id and type.")
STANDING_GIVE = Table(
    N_("Approve in advance what a source may deliver to a released resource"),
    (
        _RESOURCE,
        Account("source", N_("The account that delivers, by id or name"), required=True),
        Moment("until", N_("Until when; a bare day is included"), required=True, end=True),
        REASON,
        Rows(
            "fields",
            N_("The columns that may be delivered"),
            required=True,
            of=(
                Text("id", N_("Column"), required=True, strip=False),
                Text("type", N_("Its type in the DataStore"), required=True, strip=False),
            ),
            more=True,
            whole=True,
            wrong=_COLUMNS,
        ),
    ),
    N_("The standing approval"),
)
STANDING_TAKE = Table(
    N_("End the standing approval of a resource at once"),
    (_RESOURCE, REASON),
    N_("The standing approval"),
)
STANDINGS = Table(
    N_("Standing approvals of a resource, or of all resources of a dataset"),
    (
        Text("resource_id", N_("The resource")),
        _ANY_DATASET,
    ),
    N_("The standing approvals, newest first"),
    many=True,
)

CHOICES = ("release_as_is", "withhold")
LIMIT = 1000
TO_ADOPT = Table(
    N_("Datasets that the extension has not seen yet"),
    (
        Text("after", N_("Leave out datasets up to this id")),
        limit(LIMIT, LIMIT),
    ),
    N_("How many there are, and a page of them"),
)
ADOPT = Table(
    N_("Bring a dataset that was there before under its class"),
    (
        DATASET,
        Choice(
            "choice",
            N_("Release it as it is, or withhold it until it is reviewed"),
            required=True,
            known=CHOICES,
        ),
        Day(
            "review_by",
            N_("Day by which it is to be reviewed, when it is released as it is"),
            example="2027-03-31",
        ),
    ),
    N_("The dataset, and whether it was released"),
)
