"""Parameters of what bodies do with one department's part of an application."""

from __future__ import annotations

import dataclasses

from ckanext.govopen.domain.grant import DELIVERIES, Quota
from ckanext.govopen.domain.refusal import N_
from ckanext.govopen.logic.schema.nested import Rows, TextsByName
from ckanext.govopen.logic.schema.parameter import Account, Day, Flag, Number, Text, Texts
from ckanext.govopen.logic.schema.shared import BASIS, CASE, GLASS, PLACE, QUOTA, REASON
from ckanext.govopen.logic.schema.table import Table

ROWS_MAX = 200
_ANSWER = N_("The application as it is now")
_LETTER = (
    Text("letter_number", N_("Number of the letter that went with it"), required=True),
    Day("letter_date", N_("Day of that letter"), required=True),
)


def _part(text: str, *own: object) -> Table:
    """A table of a command on a part: which part, and what the command needs of its own."""
    return Table(text, (CASE, PLACE, *own, GLASS), _ANSWER)  # type: ignore[arg-type]


RETURN = _part(
    N_("Send a part back to the applicant, with what has to be changed"),
    TextsByName("remarks", N_("Remarks, by the names of the fields")),
    Text("message", N_("Remark in general")),
)
DECLINE = _part(N_("Do not accept a part, for good"), REASON, BASIS)
ACCEPT = _part(N_("Accept a part for decision"))
FORWARD = _part(N_("Record that a part was passed on to the body that decides"), *_LETTER)
CONSULT = _part(
    N_("Ask somebody else for an opinion"),
    Text(
        "kind",
        N_("Which consultation of the profile"),
        required=True,
        example="third_party_consultation",
    ),
    Text("whom", N_("Who is asked"), required=True),
    Text("question", N_("What is asked"), required=True),
    Day("until", N_("Day by which the answer is wanted")),
)
CONSULT_CLOSE = _part(
    N_("Record the answer of who was asked, or that there was none"),
    Number("consultation", N_("Number of the consultation")),
    Text("outcome", N_("consent, objection, answered or no_answer"), required=True),
    Text("answer", N_("What was answered")),
)
EXTEND = _part(
    N_("Lengthen a time limit, as the profile allows"),
    Text("clock", N_("The time limit, by its id"), required=True),
    REASON,
    Number("units", N_("By how many of its days; left out: all that is allowed")),
)
ASSIGN = _part(
    N_("Name who handles a part for its department"),
    Account("handler", N_("The account, by id or name"), required=True),
    Text("reason", N_("Why; needed when somebody else handles it")),
)

_SCOPE = (
    Text("dataset", N_("The dataset, by id or name"), required=True),
    Flag("granted", N_("Is it granted at all?"), default=True, strict=True),
    Texts("items", N_("The information items; left out: all that were applied for"), or_none=True),
    Texts("delivery", N_("How it is given"), known=DELIVERIES, or_none=True),
    Day("valid_from", N_("First day of the use")),
    Day("valid_to", N_("Last day of the use")),
    QUOTA,
    Text("reason", N_("Why")),
)
_OPINION = (
    Flag(
        "approve",
        N_("Approve or not"),
        required=True,
        strict=True,
        wrong=N_("Say whether you approve: true or false."),
    ),
    Number("revision", N_("Number of the version that was read"), required=True),
    Text("sha256", N_("Hash of the version that was read"), required=True),
    Text("reason", N_("Why")),
    BASIS,
    Texts("conditions", N_("Conditions")),
    Rows("scopes", N_("What is granted narrower than applied for"), of=_SCOPE, most=ROWS_MAX),
)
DECIDE = _part(
    N_("Approve or refuse one department's part"),
    *_OPINION,
    Text("party", N_("For which body, where one speaks for several")),
)
FORWARD_ANSWER = _part(
    N_("Record what a body outside this portal has decided"),
    *_OPINION,
    Text("party", N_("The body, as duty@body"), required=True),
    *_LETTER,
)

assert {one.name for one in QUOTA.of} == {one.name for one in dataclasses.fields(Quota)}
