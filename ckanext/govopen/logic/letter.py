"""The names that a decision letter (告知书) is written with, for one reader."""

from __future__ import annotations

from typing import Any

from ckan import model

from ckanext.govopen.access.viewer import person
from ckanext.govopen.logic import agreement as agreements
from ckanext.govopen.logic import application as cases
from ckanext.govopen.logic import look
from ckanext.govopen.logic.paper.letter import Names
from ckanext.govopen.model import application as stored

#: How the applicant is called to those who need not know who he is.
SOMEBODY = "申请人"


def names_of(context: Any, letter: dict[str, Any]) -> Names:
    """Names for a letter as ``govopen_letter_show`` has given it to this reader.

    The applicant's name is for himself, for those who decide and for the authority.
    """
    state = stored.state(model.Session, letter["application"])
    organization = letter["facts"]["organization"]
    part = state.part(organization) if state is not None else None
    applicant = SOMEBODY
    profile = cases.profile_of(state)
    if state is not None and part is not None:
        own = person(context).user_id == state.applicant
        rules = cases.rules_for(state)
        if own or cases.reads_all(context) or cases.decides(context, state, part, rules):
            content = state.revision(part.revision).content
            organisation, contact = content.get("organisation"), content.get("contact")
            applicant = (organisation or contact or {}).get("name") or SOMEBODY
            look.note(context, state, "letter", part)
    return Names(
        portal=agreements.site_title(),
        instrument=profile.instrument.names.zh_Hans,
        department=agreements.department(organization),
        applicant=applicant,
        datasets={row["dataset"]: row["title"] for row in letter["datasets"] if row["title"]},
        remarks={field.id: field.names.zh_Hans for field in profile.open.fields},
    )
