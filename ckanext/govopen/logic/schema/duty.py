"""Parameters of duties."""

from __future__ import annotations

from ckanext.govopen.domain.refusal import N_
from ckanext.govopen.logic.schema.parameter import Account, Moment, Organization, Text
from ckanext.govopen.logic.schema.shared import GLASS
from ckanext.govopen.logic.schema.table import Table

_WHO, _WHERE = N_("The account, by id or name"), N_("The organisation, by id or name")
_DUTY = Text(
    "duty", N_("reviewer, handler, authority or auditor"), required=True, example="reviewer"
)
GIVE = Table(
    N_("Give a duty in an organisation to a person"),
    (
        Account("user", _WHO, required=True),
        Organization("organization", _WHERE, required=True),
        _DUTY,
        Account("deputy_for", N_("The account whose place is taken meanwhile; needs an end")),
        Moment("since", N_("Beginning; left out: now")),
        Moment("until", N_("Until when; a bare day is included"), end=True),
        GLASS,
    ),
    N_("The duty"),
)
#: An account or organisation that is gone may still have duties: those are taken by id.
TAKE = Table(
    N_("Take a duty away from a person, and from those who stand in for him"),
    (
        Text("user", _WHO, required=True),
        Text("organization", _WHERE, required=True),
        _DUTY,
        GLASS,
    ),
    N_("How many duties ended"),
)
LIST = Table(
    N_("Duties that one may know of"),
    (
        Account("user", N_("Only those of this account, by id or name")),
        Organization("organization", N_("Only those in this organisation, by id or name")),
    ),
    N_("The duties"),
    many=True,
)
