"""Parameters of catalogue sources."""

from __future__ import annotations

from ckanext.govopen.domain.refusal import N_
from ckanext.govopen.logic.schema.nested import Records
from ckanext.govopen.logic.schema.parameter import File, Number, Text
from ckanext.govopen.logic.schema.table import Table

#: Most records of one call: a batch is one transaction, and a caller can make several.
BATCH_LIMIT = 1000
_NO_NUMBER = N_("Must be a whole number.")
_SOURCE = Text("source", N_("The harvest source, by id or name"), required=True)
_RUN = Text("run", N_("The run"), required=True)


def _number(name: str, text: str, default: int, cap: int) -> Number:
    return Number(name, text, default=default, cap=cap, any_sign=True, wrong=_NO_NUMBER)


IMPORT = Table(
    N_("Write records of a catalogue source"),
    (
        _SOURCE,
        Records(
            "records",
            N_("Records as the exchange catalogue has them"),
            required=True,
            most=BATCH_LIMIT,
        ),
        Text("run", N_("The run they belong to; left out: a run of its own")),
    ),
    N_("How many became what, and which were refused"),
)
CONFIRM = Table(
    N_("Withdraw the records that a run missed and that were too many to withdraw without a word"),
    (_RUN,),
    N_("How many became what, and which were refused"),
)
RUNS = Table(
    N_("The runs of a source, newest first"),
    (_SOURCE, _number("limit", N_("At most so many"), 20, 100)),
    N_("The runs"),
    many=True,
)
RUN = Table(
    N_("The report of one run"),
    (
        _RUN,
        Text("kind", N_("Only remarks of this kind")),
        _number("limit", N_("At most so many"), 100, 1000),
        _number("offset", N_("Leave out so many at the beginning"), 0, 10**7),
    ),
    N_("The run with its figures and remarks"),
)
COPIES = Table(
    N_("How far the copying of a source's files has come"),
    (
        _SOURCE,
        _number("limit", N_("At most so many"), 100, 1000),
        _number("offset", N_("Leave out so many at the beginning"), 0, 10**7),
    ),
    N_("Figures, and the files that could not be had"),
)
UPLOAD = Table(
    N_("Upload the table of a source; the next run reads it"),
    (
        _SOURCE,
        File(
            "upload",
            N_("The file, as multipart/form-data"),
            wrong=N_("Choose a file: a workbook (.xlsx) or a CSV file."),
        ),
    ),
    N_("The file"),
)
