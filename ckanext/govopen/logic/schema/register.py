"""Parameters of the registers of departments: named persons and cooperation."""

from __future__ import annotations

from ckanext.govopen.domain.cooperation import STATUSES
from ckanext.govopen.domain.refusal import N_
from ckanext.govopen.logic.schema.parameter import (
    Choice,
    Day,
    Flag,
    Id,
    Organization,
    Text,
    Texts,
)
from ckanext.govopen.logic.schema.shared import GLASS, ONLY_PLACE
from ckanext.govopen.logic.schema.table import Table

_WHERE = Organization("organization", N_("The department, by id or name"), required=True)
_COOPERATION = Id("id", N_("The cooperation"))
_ONE = N_("The cooperation")

PERSON_PUT = Table(
    N_("Name a person of a department, or correct what is written of one"),
    (
        _WHERE,
        Text("id", N_("The person who is named already; left out: another one"), most=40),
        Text("role", N_("The role, as the regulation has it"), required=True, example="contact"),
        Text("name", N_("Who it is"), required=True, most=100),
        Text("post", N_("The post"), most=200),
        Text("phone", N_("The telephone number; not public"), most=60),
    ),
    N_("The department's persons"),
)
PERSON_REMOVE = Table(
    N_("Take a person off the register of a department"),
    (_WHERE, Id("id", N_("The person, by the number of the register"))),
    N_("The department's persons"),
)
PERSONS = Table(
    N_("The persons whom departments name, and in which roles one is missing"),
    (ONLY_PLACE,),
    N_("The departments with their persons"),
    many=True,
)
PROPOSE = Table(
    N_("Ask for the authority's consent to cooperate with somebody on public data"),
    (
        _WHERE,
        Text("partner", N_("With whom"), required=True, most=200),
        Text("code", N_("The partner's unified social credit code"), most=64),
        Text("subject", N_("What about"), required=True, most=2000),
        Texts("datasets", N_("The datasets, by id or name")),
        Day("until", N_("The last day; left out: no end is set")),
    ),
    _ONE,
)
DECIDE = Table(
    N_("Consent to a cooperation, or refuse it"),
    (
        _COOPERATION,
        Flag("consent", N_("True: consent"), required=True, strict=True),
        Text("reason", N_("Why; a refusal needs it"), most=2000),
        GLASS,
    ),
    _ONE,
)
SIGN = Table(
    N_("Record that the written agreement on a cooperation was signed"),
    (
        _COOPERATION,
        Day("signed_on", N_("The day of the signature"), required=True),
        Text("sha256", N_("SHA-256 of the signed document"), required=True),
    ),
    _ONE,
)
END = Table(
    N_("End a cooperation, or take back what was proposed"),
    (_COOPERATION, Text("reason", N_("Why"), required=True, most=2000)),
    _ONE,
)
COOPERATIONS = Table(
    N_("Cooperation of departments with others on public data"),
    (ONLY_PLACE, Choice("status", N_("Only in this state"), known=STATUSES)),
    N_("The cooperations, newest first"),
    many=True,
)
