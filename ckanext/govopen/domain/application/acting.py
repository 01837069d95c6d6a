"""What every command's rule is given once the person has been let through."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ckanext.govopen.domain.applicant import Identity, Kind
from ckanext.govopen.domain.application.check import NATURAL_PERSON
from ckanext.govopen.domain.application.rules import Rules
from ckanext.govopen.domain.application.scope import Basis
from ckanext.govopen.domain.application.state import Application, Part
from ckanext.govopen.domain.duty import Actor
from ckanext.govopen.domain.event import Event
from ckanext.govopen.domain.organization import normalize_code
from ckanext.govopen.domain.refusal import N_, Refusal, Refused, refuse

TEXT_MAX = 5000
NAME_MAX = 200
BASES_MAX = 20


@dataclass(frozen=True)
class Acting:
    """Somebody acts on a part. ``glass`` is the operator's reason, empty for everybody else."""

    state: Application
    part: Part
    actor: Actor
    now: datetime.datetime
    rules: Rules
    glass: str = ""

    def event(self, type: str, **payload: Any) -> Event:
        """An event of this part."""
        if self.glass:
            payload["break_glass"] = self.glass
        return Event(type, {"organization": self.part.organization, **payload})


class Notes:
    """Collects refusals of one rule, so that all can be named at once."""

    def __init__(self, rule: str) -> None:
        self.rule = rule
        self.found: list[Refusal] = []

    def no(self, message: str, article: str | None = None, **params: Any) -> None:
        """Note a reason against; ``field`` among ``params`` names the field it is about."""
        self.found.append(Refusal(self.rule, article, message, params))

    def text(self, field: str, value: str, most: int = TEXT_MAX, needed: bool = True) -> None:
        """Note a text that is missing or too long."""
        if needed and not value.strip():
            self.no(N_("This has to be filled in."), field=field)
        if len(value) > most:
            self.no(N_("At most %(most)s characters."), field=field, most=most)

    def raise_if_any(self) -> None:
        """Refuse when anything was noted."""
        if self.found:
            raise Refused(self.found)


def wanted_identity(state: Application, part: Part) -> tuple[Kind, str]:
    """As whom the applicant has to be checked: kind and normal credit code."""
    content = state.revision(part.revision).content
    if content.get("applicant_kind") == NATURAL_PERSON:
        return "person", ""
    organisation = content.get("organisation") or {}
    return "organisation", normalize_code(organisation.get("code", ""))


def check_identity(identity: Identity | None, acting: Acting) -> None:
    """Refuse when the applicant was not checked as the one he applies as."""
    if not acting.rules.site.identity:
        return
    fits = (
        identity is not None
        and identity.in_force(acting.now)
        and (identity.kind, identity.code) == wanted_identity(acting.state, acting.part)
    )
    if not fits:
        raise refuse(
            "ID-4", None, N_("First record that the applicant's identity was checked."),
            field="identity",
        )  # fmt: skip


def check_basis(
    notes: Notes, basis: Sequence[Basis], rules: Rules, *, demanded: bool = True
) -> None:
    """Note what a refusal's legal basis lacks, as the profile's rule on refusals says."""
    rule = rules.procedure.refusal
    if demanded and rule.basis and not basis:
        notes.no(N_("A refusal names its legal basis."), rule.article, field="basis")
    if len(basis) > BASES_MAX:
        notes.no(N_("At most %(most)s of them."), field="basis", most=BASES_MAX)
    for item in basis:
        notes.text("basis", item.instrument, NAME_MAX)
        notes.text("basis", item.article, NAME_MAX, needed=False)
        if rule.basis_kinds and item.kind not in rule.basis_kinds:
            notes.no(
                N_("This kind of legal basis does not count here."), rule.article, field="basis"
            )
