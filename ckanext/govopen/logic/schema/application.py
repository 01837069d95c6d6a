"""Parameters of applications: what applicants send."""

from __future__ import annotations

import dataclasses

from ckanext.govopen.domain.application.state import STATUSES
from ckanext.govopen.domain.grant import DELIVERIES
from ckanext.govopen.domain.refusal import N_
from ckanext.govopen.logic.schema.nested import Document, Rows, TextsByName
from ckanext.govopen.logic.schema.parameter import (
    Choice,
    Day,
    Id,
    Number,
    Organization,
    Text,
    Texts,
)
from ckanext.govopen.logic.schema.shared import CASE, OFFSET, ONLY_PLACE, limit
from ckanext.govopen.logic.schema.table import Table
from ckanext.govopen.model import application as stored

#: Longest page of a list.
LIMIT = 1000

_CONTENT = Document(
    "content",
    N_("The application, as much of it as is known"),
    of=(
        Text("applicant_kind", N_("As whom one applies"), example="natural_person"),
        Rows(
            "parts",
            N_("What is wanted of each department"),
            of=(
                Text("organization", N_("The department; may be left out")),
                Rows(
                    "datasets",
                    N_("The datasets"),
                    of=(
                        Text("dataset", N_("The dataset, by id or name")),
                        Texts("delivery", N_("How it is wanted"), known=DELIVERIES),
                        Texts("items", N_("The information items; left out: all")),
                    ),
                ),
            ),
        ),
        TextsByName("fields", N_("The profile's fields, such as purpose and scenario")),
        Day("valid_from", N_("First day of the use")),
        Day("valid_to", N_("Last day of the use")),
        Document(
            "contact",
            N_("How the applicant is reached"),
            of=(
                Text("name", N_("Name")),
                Text("phone", N_("Telephone")),
                Text("email", N_("E-mail")),
            ),
        ),
        Document(
            "organisation",
            N_("The organisation that applies"),
            of=(
                Text("name", N_("Name")),
                Text("code", N_("Unified social credit code")),
                Text("authority", N_("On what ground he acts for it")),
                Texts("persons", N_("Accounts of those who shall use the data")),
            ),
        ),
        Text("renews", N_("The grant that it carries on")),
    ),
    example={
        "applicant_kind": "natural_person",
        "parts": [{"datasets": [{"dataset": "…", "delivery": ["download"]}]}],
        "fields": {"purpose": "…"},
        "valid_from": "2026-11-22",
        "valid_to": "2027-11-21",
        "contact": {"name": "…", "phone": "…", "email": "…"},
    },
)  # fmt: skip
_WRITING = Number("writing", N_("Number of the save that was read; a later one by another is kept"))
_THE_CASE = N_("The application, as far as it is one's own to read")

CREATE = Table(
    N_("Begin an application: a draft that nobody else sees"),
    (dataclasses.replace(_CONTENT, empty=True),),
    _THE_CASE,
)
RENEW = Table(
    N_("Begin an application that carries a grant on"), (Id("id", N_("The grant")),), _THE_CASE
)
UPDATE = Table(
    N_("Save what is being written"),
    (CASE, _CONTENT, _WRITING),
    _THE_CASE,
)
SUBMIT = Table(N_("Hand an application in"), (CASE, _WRITING), _THE_CASE)
WITHDRAW = Table(
    N_("Give an application up; a draft is deleted"),
    (
        CASE,
        Organization(
            "organization", N_("Only the part of this department, by id or name")
        ),
        Text("reason", N_("Why")),
    ),
    _THE_CASE,
)  # fmt: skip
SHOW = Table(N_("One application"), (CASE,), _THE_CASE)
LIST = Table(
    N_("Applications: one's own, or those of one's department"),
    (
        Choice("scope", N_("Whose"), known=("mine", "department")),
        Text("q", N_("Part of the number")),
        Choice("status", N_("Only in this state"), known=(*stored.STATUSES, *STATUSES)),
        ONLY_PLACE,
        Text("package_id", N_("Only about this dataset, by id or name")),
        Choice("due", N_("Only what is due by then"), known=("overdue", "week")),
        limit(100, LIMIT),
        OFFSET,
    ),
    N_("How many there are, and a page of them"),
)
