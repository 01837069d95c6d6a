"""Parameters of levels."""

from __future__ import annotations

from ckanext.govopen.domain.refusal import N_
from ckanext.govopen.logic.schema.parameter import Organization
from ckanext.govopen.logic.schema.shared import GLASS
from ckanext.govopen.logic.schema.table import Table

SET = Table(
    N_("Say under which data authority a department stands"),
    (
        Organization("organization", N_("The department, by id or name"), required=True),
        Organization("authority", N_("The authority right above it; left out: the highest one")),
        Organization(
            "responsible",
            N_("The department responsible for the data of its system; left out: none"),
        ),
        GLASS,
    ),
    N_("Where the department stands"),
)
LIST = Table(
    N_("Departments that stand under an authority of a lower level"),
    (Organization("organization", N_("Only this department, by id or name")),),
    N_("The departments"),
    many=True,
)
