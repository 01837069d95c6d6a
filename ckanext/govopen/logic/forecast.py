"""What would become of records if they were imported now: the writer's rules, nothing written.

The writer's own order: the record is read, the rules of the mapping are asked, then the department
is looked up, then the validators of the dataset. What only the database can say (two runs that
make the same dataset at the same moment) nobody can foresee.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.lib.navl.dictization_functions import DataError
from ckan.plugins import toolkit

from ckanext.govopen.domain import catalogue as mapping
from ckanext.govopen.domain.refusal import N_
from ckanext.govopen.domain.terms import OpenClass
from ckanext.govopen.logic import departments, working_copy
from ckanext.govopen.logic.advice import advices
from ckanext.govopen.logic.bulk.schemas import TYPE, Schemas
from ckanext.govopen.logic.catalogue_import import digest_of, drop_inner_links
from ckanext.govopen.logic.catalogue_source import Source
from ckanext.govopen.logic.reasons import of_rule, of_validation, reason, said
from ckanext.govopen.model import catalogue as table
from ckanext.govopen.model import jurisdiction

#: What may become of a record. ``closed``: not open at the source and never on the portal; a run
#: counts it as unchanged.
KINDS = ("new", "changed", "unchanged", "withdrawn", "kept_back", "refused", "closed")


@dataclass
class Forecast:
    """What would become of one record. ``reasons`` are as reports keep them."""

    code: str
    kind: str
    title: str = ""
    place: str = ""
    open_class: str | None = None
    change: str = ""
    department: departments.Department | None = None
    reasons: list[dict[str, Any]] = field(default_factory=list)

    def shown(self) -> dict[str, Any]:
        """For people and programs, in the reader's language.

        ``department.id`` is empty for one that would be made; ``change`` is ``stricter`` or
        ``looser`` where the class would change; ``to_do`` says what to do, if anything.
        """
        there = self.department
        return {
            "code": self.code,
            "kind": self.kind,
            "title": self.title,
            "place": self.place,
            "open_class": self.open_class,
            "change": self.change,
            "department": None if there is None else {"id": there.id, "title": there.title},
            "reasons": said(self.reasons),
            "to_do": advices(self.reasons),
        }


class Forecaster:
    """Foretells for one source, saved or not."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.profile = jurisdiction.profile()
        self._places = departments.Places(source)
        self._schemas = Schemas()
        self._user = toolkit.get_action("get_site_user")({"ignore_auth": True}, {})["name"]

    def digest(self, record: Any) -> str:
        """What the record is compared by."""
        return digest_of(record, self.profile, self.source.copies)

    def outcome(self, record: Any) -> mapping.Outcome:
        """What the rules of the mapping say of it."""
        return mapping.classify(record, self.profile)

    def of(self, records: Sequence[tuple[Any, str]]) -> list[Forecast]:
        """What would become of records that could be read, each with its place in the source."""
        codes = [record.code for record, _place in records]
        rows = table.records(model.Session, self.source.id, codes) if self.source.id else {}
        return [self._one(record, place, rows.get(record.code)) for record, place in records]

    @staticmethod
    def unreadable(problem: mapping.RecordError, place: str) -> Forecast:
        """A record that cannot be read would be refused."""
        wrong = reason("record", problem.message, **problem.params)
        return Forecast(problem.code, "refused", place=place, reasons=[wrong])

    def _one(self, record: Any, place: str, row: table.CatalogueRecord | None) -> Forecast:
        if row is not None and row.hash == self.digest(record) and row.state != table.REFUSED:
            kind = "kept_back" if row.state == table.KEPT_BACK else "unchanged"
            kept = list(row.reasons) if kind == "kept_back" else []
            return Forecast(
                record.code, kind, record.title, place, row.open_class, reasons=kept
            )  # fmt: skip
        outcome = self.outcome(record)
        found = Forecast(
            record.code,
            "new",
            record.title,
            place,
            reasons=[of_rule(one) for one in (*outcome.reasons, *outcome.warnings)],
        )
        if outcome.action == "keep_back":
            found.kind = "kept_back"
        elif outcome.action == "withdraw":
            here = row is not None and row.state == table.LISTED
            found.kind = "withdrawn" if here else "closed"
        else:
            self._published(found, record, outcome, row)
        return found

    def _published(
        self,
        found: Forecast,
        record: Any,
        outcome: mapping.Outcome,
        row: table.CatalogueRecord | None,
    ) -> None:
        found.department, wrong = self._places.foreseen(record)
        if wrong is not None:
            found.kind, found.reasons = "kept_back", [wrong]
            return
        found.open_class = outcome.open_class.value if outcome.open_class else None
        existing = self._package(row)
        listed = row is not None and row.state == table.LISTED
        if existing is not None and existing.state == "deleted" and listed:
            here = reason("deleted_here", N_("The dataset was deleted on this portal."))
            found.kind, found.reasons = "kept_back", [*found.reasons, here]
            return
        if existing is not None and listed and row is not None:
            found.kind = "changed"
            before = OpenClass(row.open_class) if row.open_class else None
            change = outcome.change(before)
            found.change = change if change in ("stricter", "looser") else ""
        self._valid(found, record, outcome, existing)

    def _valid(self, found: Forecast, record: Any, outcome: mapping.Outcome, existing: Any) -> None:
        """Asks the validators; what they refuse, and what is left out, is noted."""
        dataset = mapping.to_dataset(record, outcome, self.profile)
        there = found.department
        dataset.update(owner_org=there.id if there else "", type=TYPE)
        if self.source.copies:
            dataset["resources"] = []  # they follow when their files have come
        else:
            found.reasons += drop_inner_links(dataset)
        wrong = self._errors(dataset)
        if not wrong and existing is None and self._taken(dataset):
            wrong = [reason("validation", N_("Another dataset has this name or identifier."))]
        if wrong:
            found.kind, found.reasons = "refused", wrong

    def _errors(self, dataset: dict[str, Any]) -> list[dict[str, Any]]:
        context: Any = {
            "model": model,
            "session": model.Session,
            "user": self._user,
            "ignore_auth": True,
        }
        try:
            working_copy.prepare_new(context, dataset)
            _, errors = self._schemas.create(dataset, context)
        except toolkit.ValidationError as error:
            return of_validation(error)
        except DataError as error:
            return [reason("validation", str(error)[:300])]
        return of_validation(toolkit.ValidationError(errors)) if errors else []

    @staticmethod
    def _package(row: table.CatalogueRecord | None) -> Any:
        if row is None or not row.package_id:
            return None
        return model.Session.get(model.Package, row.package_id)

    @staticmethod
    def _taken(dataset: dict[str, Any]) -> bool:
        package = model.package_table
        names = [str(dataset[key]) for key in ("id", "name") if dataset.get(key)]
        taken = sa.or_(package.c.id.in_(names), package.c.name.in_(names))
        return model.Session.execute(sa.select(package.c.id).where(taken)).first() is not None
