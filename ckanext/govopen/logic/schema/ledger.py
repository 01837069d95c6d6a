"""Parameters of the ledger."""

from __future__ import annotations

from ckanext.govopen.domain.refusal import N_
from ckanext.govopen.logic import ledger as reading
from ckanext.govopen.logic.schema.parameter import Choice, Flag, Moment, Text, Texts
from ckanext.govopen.logic.schema.shared import OFFSET, REASON, limit
from ckanext.govopen.logic.schema.table import Table

#: Longest page of a list, and events of a page when nobody asks for a number.
LIMIT, PAGE = 500, 50

_STREAM = Text("stream", N_("Only this stream"))
_DATASET = Text("dataset", N_("Only about this dataset, by id or name"))
SHOW = Table(
    N_("Events of the ledger that one may read, newest first"),
    (
        _STREAM,
        _DATASET,
        Text("organization", N_("Only what is about this department, by id or name")),
        Text("type", N_("Only events of this type")),
        Moment("since", N_("From then on")),
        Moment("until", N_("Up to then; a bare day is included"), end=True),
        Choice("part", N_("Only what this circle reads"), known=tuple(reading.PARTS)),
        limit(PAGE, LIMIT),
        OFFSET,
    ),
    N_("A page of events, and whether there are more"),
)
EXPORT = Table(
    N_("One's part of the ledger with everything that is needed to verify it"),
    (
        _STREAM,
        _DATASET,
        Choice("reader", N_("Not more than this circle reads"), known=tuple(reading.PARTS)),
        Text("after", N_("The “next” of the answer before")),
    ),
    N_("Lines of JSON, and where to go on"),
)
VERIFY = Table(
    N_("Verify the ledger against its checkpoints"), (_STREAM,), N_("What was verified, and faults")
)
CHECKPOINT = Table(
    N_("Sign how far the ledger has come, and publish it"), answer=N_("The checkpoint")
)
ROTATE = Table(N_("Replace the signing key"), answer=N_("The public keys"))
REBUILD = Table(
    N_("Compare the tables that repeat the ledger with it, and bring them in line"),
    (Flag("check", N_("Only compare")),),
    N_("The differences"),
)
ERASE = Table(
    N_("Take personal fields out of events for good"),
    (
        Text("stream", N_("In the events of this stream, or")),
        Text("user", N_("in the events whose personal fields name this account")),
        Texts("types", N_("Only in events of these types")),
        Flag("unlink", N_("Forget as well which number of the ledger was the account's")),
        Flag("force", N_("Although the time of keeping runs")),
        REASON,
    ),
    N_("How many events it was"),
)
