"""Is what was handed in complete, allowed and not there already? All problems at once."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping
from typing import Any

from ckanext.govopen.domain.application.commands import Counts, DatasetFacts
from ckanext.govopen.domain.application.content import RULE, Content
from ckanext.govopen.domain.application.rules import Rules
from ckanext.govopen.domain.application.scope import Wanted
from ckanext.govopen.domain.deadline import local_date
from ckanext.govopen.domain.grant import DELIVERIES
from ckanext.govopen.domain.organization import check_code
from ckanext.govopen.domain.refusal import N_, Refusal

TEXT_MAX = 5000
NAME_MAX = 200
ATTACHMENTS_MAX = 20
PERSONS_MAX = 50
NATURAL_PERSON = "natural_person"
#: Fields of a procedure that are no free text: they stand in the parts or in the period.
_STRUCTURED = frozenset({"items", "datasets", "delivery", "period", "attachments", "contact"})


class _Notes:
    """Collects refusals, each with the field that it is about."""

    def __init__(self) -> None:
        self.found: list[Refusal] = []

    def no(self, field: str, message: str, article: str | None = None, **params: Any) -> None:
        self.found.append(Refusal(RULE, article, message, {"field": field, **params}))


def is_organisation(content: Content) -> bool:
    """Does an organisation apply, and not a person for himself?"""
    return content.applicant_kind != NATURAL_PERSON


def check(
    content: Content,
    rules: Rules,
    facts: Mapping[str, DatasetFacts],
    counts: Counts,
    now: datetime.datetime,
    concerning: Collection[str] | None = None,
) -> list[Refusal]:
    """Everything that is wrong with ``content``, each with its ``field`` in ``params``.

    ``facts`` are by package id. ``concerning`` names the departments whose parts are handed in,
    None all: only their datasets are compared with the facts.
    """
    notes = _Notes()
    procedure = rules.procedure
    if not procedure.available or not procedure.steps:
        notes.no(
            "content", N_("Under this regulation nothing can be applied for."), procedure.article
        )
        return notes.found
    _applicant(content, rules, notes)
    _fields(content, rules, notes)
    _period(content, rules, now, notes)
    _attachments(content, notes)
    _datasets(content, rules, facts, concerning, notes)
    site = rules.site
    if site.max_open_cases is not None and counts.open_cases >= site.max_open_cases:
        notes.no(
            "content",
            N_("You have %(most)s open applications. Wait for a decision or withdraw one."),
            most=site.max_open_cases,
        )
    if site.max_per_day is not None and counts.today >= site.max_per_day:
        notes.no(
            "content",
            N_("At most %(most)s applications a day. Go on tomorrow."),
            most=site.max_per_day,
        )
    return notes.found


def _applicant(content: Content, rules: Rules, notes: _Notes) -> None:
    kinds = {item.id: item for item in rules.procedure.applicants}
    known = content.applicant_kind in kinds
    if not content.applicant_kind:
        notes.no("applicant_kind", N_("Choose who applies."), rules.procedure.article)
    elif not known:
        notes.no(
            "applicant_kind",
            N_("This kind of applicant is not provided for."),
            rules.procedure.article,
        )
    contact = content.contact
    if not contact.name:
        notes.no("contact.name", N_("This has to be filled in."))
    if not contact.phone and not contact.email:
        notes.no("contact.phone", N_("Give a telephone number or an e-mail address."))
    for name, value in vars(contact).items():
        _length(f"contact.{name}", value, NAME_MAX, notes)
    organisation = content.organisation
    if not is_organisation(content):
        if organisation is not None:
            notes.no("organisation", N_("A person applies for himself, without an organisation."))
        return
    if organisation is None:
        if known:  # before that nobody knows whether there is one
            notes.no("organisation", N_("Name the organisation that applies."))
        return
    for name in ("name", "authority"):
        if not getattr(organisation, name):
            notes.no(f"organisation.{name}", N_("This has to be filled in."))
    _length("organisation.name", organisation.name, NAME_MAX, notes)
    _length("organisation.authority", organisation.authority, TEXT_MAX, notes)
    answer = check_code(organisation.code, "uscc")  # what applicants are asked for
    if not answer:
        notes.no("organisation.code", answer.message, **answer.params)
    if len(organisation.persons) > PERSONS_MAX:
        notes.no("organisation.persons", N_("At most %(most)s of them."), most=PERSONS_MAX)


def _length(field: str, value: str, most: int, notes: _Notes) -> None:
    if len(value) > most:
        notes.no(field, N_("At most %(most)s characters."), most=most)


def _fields(content: Content, rules: Rules, notes: _Notes) -> None:
    known = {field.id: field for field in rules.procedure.fields}
    # A grant is bound to its purpose, whether the text asks for it or not.
    if "purpose" not in known and not content.fields.get("purpose"):
        notes.no("purpose", N_("This has to be filled in."))
    for field in rules.procedure.fields:
        if field.id in _STRUCTURED:
            if field.id == "attachments" and field.required and not content.attachments:
                notes.no(field.id, N_("This has to be filled in."), field.article)
        elif field.required and not content.fields.get(field.id):
            notes.no(field.id, N_("This has to be filled in."), field.article)
    for name, value in content.fields.items():
        if (name not in known or name in _STRUCTURED) and name != "purpose":
            notes.no(name, N_("There is no such field."))
        _length(name, value, TEXT_MAX, notes)


def _period(content: Content, rules: Rules, now: datetime.datetime, notes: _Notes) -> None:
    begin, end = content.valid_from, content.valid_to
    field = next((f for f in rules.procedure.fields if f.id == "period"), None)
    article = field.article if field else None
    for name, day in (("valid_from", begin), ("valid_to", end)):
        if day is None:
            notes.no(name, N_("This has to be filled in."), article)
    if begin is None or end is None:
        return
    if end < begin:
        notes.no("valid_to", N_("The end lies before the beginning."))
    elif end < local_date(now):
        notes.no("valid_to", N_("The end lies in the past."))
    most = rules.site.max_days
    if most is not None and (end - begin).days + 1 > most:
        notes.no("valid_to", N_("At most %(most)s days."), most=most)
    if (begin - local_date(now)).days > 366:
        notes.no("valid_from", N_("The beginning lies more than a year ahead."))


def _attachments(content: Content, notes: _Notes) -> None:
    if len(content.attachments) > ATTACHMENTS_MAX:
        notes.no("attachments", N_("At most %(most)s of them."), most=ATTACHMENTS_MAX)
    ids = [item.id for item in content.attachments]
    if len(set(ids)) != len(ids) or "" in ids:
        notes.no("attachments", N_("The same stands there twice."))


def _datasets(
    content: Content,
    rules: Rules,
    facts: Mapping[str, DatasetFacts],
    concerning: Collection[str] | None,
    notes: _Notes,
) -> None:
    wanted = [(part.organization, item) for part in content.parts for item in part.datasets]
    ids = [item.dataset for _, item in wanted]
    if not ids or any(not part.datasets for part in content.parts):
        notes.no("parts", N_("Name at least one dataset."))
    if len(ids) > rules.site.max_datasets:
        notes.no(
            "parts",
            N_("At most %(most)s datasets in one application."),
            most=rules.site.max_datasets,
        )
    organizations = [part.organization for part in content.parts]
    if len(set(ids)) != len(ids) or len(set(organizations)) != len(organizations):
        notes.no("parts", N_("The same stands there twice."))
    for organization, item in wanted:
        if concerning is None or organization in concerning:
            _dataset(organization, item, rules, facts.get(item.dataset), content, notes)


def _dataset(
    organization: str,
    item: Wanted,
    rules: Rules,
    facts: DatasetFacts | None,
    content: Content,
    notes: _Notes,
) -> None:
    place = item.dataset
    if facts is None or not facts.live or facts.organization != organization:
        notes.no("parts", N_("There is no such dataset."), dataset=place)
        return
    article = rules.procedure.article
    if not facts.conditional:
        notes.no("parts", N_("This dataset is not one to be applied for."), article, dataset=place)
        return
    if facts.open_part:
        notes.no("parts", N_("You have applied for this dataset already."), dataset=place)
    if facts.granted and content.renews is None:
        notes.no("parts", N_("You have a grant that covers this already."), dataset=place)
    delivery = rules.procedure.delivery
    modes = set(delivery.modes) if delivery else set(DELIVERIES)
    if facts.delivery:
        modes &= facts.delivery
    if not item.delivery or not set(item.delivery) <= modes:
        notes.no(
            "delivery",
            N_("This way of delivery is not offered."),
            delivery.article if delivery else None,
            dataset=place,
        )
    if item.items is not None:
        if not item.items or not set(item.items) <= facts.items:
            notes.no("items", N_("There is no such information item."), dataset=place)
        if set(item.delivery) == {"download"}:
            notes.no(
                "delivery",
                N_("Some information items cannot be delivered as a download of the file."),
                dataset=place,
            )
