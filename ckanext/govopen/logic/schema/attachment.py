"""Parameters of files and letters that belong to applications."""

from __future__ import annotations

from ckanext.govopen.domain.refusal import N_
from ckanext.govopen.logic.schema.parameter import File, Id, Text
from ckanext.govopen.logic.schema.shared import OF_CASE
from ckanext.govopen.logic.schema.table import Table

_FILE = Id("id", N_("The file"))
ADD = Table(
    N_("Attach a private file to an application"),
    (
        OF_CASE,
        File("upload", N_("The file, as multipart/form-data")),
        Text("note", N_("What it is"), most=200, too_long=N_("This is too long.")),
    ),
    N_("The file"),
)
REMOVE = Table(
    N_("Take a file out of what is being written"), (OF_CASE, _FILE), N_("The file that is gone")
)
LIST = Table(N_("The files of an application"), (OF_CASE,), N_("The files"), many=True)
SHOW = Table(N_("One file of an application"), (OF_CASE, _FILE), N_("The file"))

LETTERS = Table(
    N_("The letters of an application that one may read"), (OF_CASE,), N_("The letters"), many=True
)
LETTER = Table(
    N_("Read a letter; the applicant's first reading counts as its delivery"),
    (Id("number", N_("Number of the letter")),),
    N_("The letter"),
)
