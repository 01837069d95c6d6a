"""Parameters of grants and of the log of their use."""

from __future__ import annotations

from ckanext.govopen.domain import usage
from ckanext.govopen.domain.grant import DELIVERIES
from ckanext.govopen.domain.refusal import N_
from ckanext.govopen.logic.schema.parameter import (
    Account,
    Accounts,
    Choice,
    Flag,
    Id,
    Moment,
    Text,
    Texts,
)
from ckanext.govopen.logic.schema.shared import GLASS, OFFSET, QUOTA, REASON, limit
from ckanext.govopen.logic.schema.table import Table

#: Longest page of a list.
LIMIT = 1000
STATES = ("active", "suspended", "revoked", "ended")

_GRANT = Id("id", N_("The grant"))
_ANSWER = N_("The grant")
GIVE = Table(
    N_("Give a grant for data that is open on conditions, without an application"),
    (
        Text("package_id", N_("The dataset, by id or name"), required=True),
        Accounts("persons", N_("Accounts that may use it")),
        Text("holder", N_("The organisation that holds it; left out: it is the person's")),
        Text("holder_code", N_("Its unified social credit code")),
        Text("purpose", N_("What the data is used for"), required=True),
        # The rules say which ways there are, with their article.
        Texts("delivery", N_("How it is given"), known=DELIVERIES, check=False),
        Texts("items", N_("The information items; left out: the whole dataset")),
        Moment("valid_from", N_("Beginning; left out: now")),
        Moment("valid_to", N_("Until when; a bare day is included"), required=True, end=True),
        QUOTA,
        Flag(
            "authorised_use",
            N_("With the right to the income of re-use, where the regulation knows that"),
        ),
        GLASS,
    ),
    _ANSWER,
)
SUSPEND = Table(
    N_("Stop a grant for the time being"),
    (
        _GRANT,
        REASON,
        Text("code", N_("What is examined meanwhile: misuse, data_problem or other")),
        GLASS,
    ),
    _ANSWER,
)
RESUME = Table(N_("Let a suspended grant work again"), (_GRANT, REASON, GLASS), _ANSWER)
REVOKE = Table(N_("End a grant for good"), (_GRANT, REASON, GLASS), _ANSWER)
SHOW = Table(N_("One grant"), (_GRANT,), _ANSWER)
LIST = Table(
    N_("Grants that concern the caller"),
    (
        Text("package_id", N_("Only about this dataset, by id or name")),
        Account("user", N_("Only those of this account, by id or name")),
        Choice("state", N_("Only in this state"), known=STATES),
        limit(100, LIMIT),
        OFFSET,
    ),
    N_("How many there are, and a page of them"),
)
PERSONS = Accounts("persons", N_("Accounts that may use it: these and no others"))
PERSONS_SET = Table(
    N_("Say which persons of the holding organisation may use a grant"),
    (_GRANT, PERSONS, GLASS),
    _ANSWER,
)
LEAVE = Table(
    N_("Give up one's own use of an organisation's grant"), (_GRANT,), N_("What was left")
)
REPORT = Table(
    N_("Report what was done with the data of a grant"),
    (_GRANT, Text("text", N_("The report"), required=True)),
    _ANSWER,
)
USES = Table(
    N_("Uses of grants: one's own, those of one's department's data, or all"),
    (
        Text("grant_id", N_("Only under this grant")),
        Text("package_id", N_("Only about this dataset, by id or name")),
        Text("user", N_("Only those of this account, by id or name")),
        Choice("kind", N_("Only of this kind"), known=usage.KINDS),
        Text("outcome", N_("granted, failed, or the code of a refusal")),
        Moment("since", N_("From then on")),
        Moment("until", N_("Up to then; a bare day is included"), end=True),
        limit(100, LIMIT),
        OFFSET,
    ),
    N_("How many there are, and a page of them"),
)
