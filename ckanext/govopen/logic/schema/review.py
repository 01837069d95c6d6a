"""Parameters of reviews and of the desk."""

from __future__ import annotations

from ckanext.govopen.domain.application.state import OPEN
from ckanext.govopen.domain.refusal import N_
from ckanext.govopen.logic.schema.nested import FlagsByName, Records
from ckanext.govopen.logic.schema.parameter import Choice, Choices, Flag, Id, Number, Text
from ckanext.govopen.logic.schema.shared import GLASS, ONLY_PLACE
from ckanext.govopen.logic.schema.table import Table
from ckanext.govopen.model import review as stored

#: Decisions in one call.
MANY = 2000
STATES = ("open", "submitted", "returned", "approved", "cancelled")
KINDS = (*(f"application_{one}" for one in OPEN), *(f"review_{one}" for one in stored.WAITING))
_IMPOSSIBLE = N_("This is not a number that is possible here.")

_REVIEW = Id("id", N_("The review by its id, or the dataset by id or name"))
_ANSWER = N_("The review")
LIST = Table(
    N_("Reviews of the departments that one works or decides for"),
    (
        Choices(
            "state",
            N_("Only in these states, separated by commas; left out: those that wait"),
            known=STATES,
            unknown=N_("Unknown state."),
        ),
        Text("organization", N_("Only what is about this department, by id or name")),
        Number("limit", N_("At most so many"), default=20, highest=1000, wrong=_IMPOSSIBLE),
        Number(
            "offset",
            N_("Leave out so many at the beginning"),
            default=0,
            highest=10_000_000,
            wrong=_IMPOSSIBLE,
        ),
    ),
    N_("How many there are, and a page of them"),
)
SHOW = Table(
    N_("One review, with what changed and what is missing"), (_REVIEW,), _ANSWER
)  # fmt: skip
SUBMIT = Table(N_("Hand in the changes of a dataset for review"), (_REVIEW,), _ANSWER)

_TEXTS = (
    Text("remarks", N_("Remarks")),
    FlagsByName("answers", N_("Answers to the profile's questions")),
    GLASS,
)
#: One decision; in a list of several each has these keys.
DECISION = Table(
    N_("Decide a review"),
    (
        _REVIEW,
        Id("fingerprint", N_("Fingerprint of the version that was read")),
        Choice(
            "decision",
            N_("approve or return"),
            required=True,
            known=("approve", "return"),
            unknown=N_("Either approve or return."),
        ),
        *_TEXTS,
    ),
    _ANSWER,
)
DECIDE = Table(
    N_("Decide one review, or many"),
    (
        Records(
            "decisions",
            N_("Several decisions, each with the keys below; or these at the top for one"),
            of=DECISION.parameters,
            wrong=N_("A list of decisions is expected."),
            most=MANY,
            too_many=N_("At most {number} decisions in one call."),
        ),
    ),
    N_("What became of each"),
    one_of=DECISION.parameters,
)

DESK = Table(
    N_("What waits for one's next step, and what one waits for"),
    (
        Choice("kind", N_("Only of this kind"), known=KINDS, unknown=N_("Unknown kind.")),
        ONLY_PLACE,
        Flag("overdue", N_("Only what is overdue")),
    ),
    N_("The rows of the desk, and figures"),
)
DESK_COUNT = Table(
    N_("How much waits for one's next step"), answer=N_("A number of applications and of reviews")
)
