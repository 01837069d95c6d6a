"""Parameters of one's own account, of identities and of applicants."""

from __future__ import annotations

from ckanext.govopen.domain.refusal import N_
from ckanext.govopen.logic.schema.parameter import Moment, Text
from ckanext.govopen.logic.schema.shared import GLASS, OF_CASE, PLACE
from ckanext.govopen.logic.schema.table import Table

SHOW = Table(
    N_("What the portal keeps of one's own account"),
    answer=N_("The account, its ways to sign in, and what stands in the way of closing it"),
)
LANGUAGE = Table(
    N_("Choose the language of the mail that one's own account gets"),
    (Text("language", N_("One that the site offers; empty: that of the pages one applied in")),),
    N_("The language that is kept now"),
)
CLOSE = Table(
    N_("Close one's own account, for good"),
    (Text("password", N_("The password once more; not needed after a fresh sign-in")),),
    N_("When the personal data will be erased"),
)
UNLINK = Table(
    N_("Take a way to sign in away from one's own account"),
    (Text("id", N_("The identity, as the account shows it"), required=True),),
    N_("The identity that is gone"),
)

_KIND = Text("kind", N_("person or organisation; left out: as he applies"))
_CODE = Text("code", N_("The unified social credit code; left out: as stated in the application"))
CHECK = Table(
    N_("Record that an applicant's identity was checked"),
    (
        OF_CASE,
        PLACE,
        _KIND,
        Text("name", N_("Name of the person or the organisation, as shown")),
        Text("document", N_("Kind of the document that was seen")),
        Text("document_tail", N_("At most its last four characters")),
        Text("person", N_("Who acts for the organisation")),
        _CODE,
        Text("authority", N_("On what ground he acts for it")),
        Moment("valid_until", N_("Until when it counts"), end=True),
        GLASS,
    ),
    N_("What was recorded"),
)
WITHDRAW_CHECK = Table(
    N_("Take back that an applicant's identity was checked"),
    (OF_CASE, PLACE, _KIND, _CODE, Text("reason", N_("Why")), GLASS),
    N_("What is recorded now"),
)
SHOW_CHECK = Table(
    N_("Was the applicant's identity checked?"), (OF_CASE, PLACE), N_("What was recorded")
)
