"""Which CKAN organisation a record's provider is: found by code, prefix or name, never guessed.

The rules are those of the mapping: by the provider's code; else by the part of the resource code
before its slash; else by the name, as long as the codes do not contradict it. Two candidates are
no answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.plugins import toolkit

from ckanext.govopen.domain.refusal import N_
from ckanext.govopen.logic.catalogue_source import Source
from ckanext.govopen.logic.reasons import of_validation, reason
from ckanext.govopen.model import catalogue as table
from ckanext.govopen.model import settings

_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")


class Ambiguous(Exception):
    """More than one organisation answers to the provider: a person has to tell them apart."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(", ".join(names))
        self.names = names


@dataclass(frozen=True)
class Department:
    """An active organisation as far as finding it takes."""

    id: str
    name: str
    title: str
    code: str


def normal(code: str | None) -> str:
    """A code as it is compared: without spaces and hyphens, in capitals."""
    return re.sub(r"[\s\-]", "", code or "").upper()


class Directory:
    """All active organisations, read once; those created through it are added."""

    def __init__(self) -> None:
        self._all: list[Department] = []
        self.read()

    def read(self) -> None:
        """Reads the organisations anew."""
        group = model.group_table
        rows = model.Session.execute(
            sa.select(group.c.id, group.c.name, group.c.title, group.c.extras).where(
                group.c.is_organization.is_(True), group.c.state == "active"
            )
        )
        self._all = [
            Department(
                row.id, row.name, row.title or "", normal((row.extras or {}).get("org_code"))
            )
            for row in rows
        ]

    def find(self, name: str, code: str = "", resource_code: str = "") -> Department | None:
        """The provider's organisation, or None. Raises :class:`Ambiguous`."""
        prefix = resource_code.split("/", 1)[0] if "/" in resource_code else ""
        for wanted in filter(None, (normal(code), normal(prefix))):
            if found := self._one([d for d in self._all if d.code == wanted]):
                return found
        same = [d for d in self._all if name.strip() and d.title.strip() == name.strip()]
        if code:
            # The name alone does not outweigh a code that says it is somebody else.
            same = [d for d in same if not d.code]
        return self._one(same)

    @staticmethod
    def _one(found: list[Department]) -> Department | None:
        if len(found) > 1:
            raise Ambiguous(sorted(d.title or d.name for d in found))
        return found[0] if found else None

    def create(self, context: Any, name: str, code: str = "", scheme: str = "") -> Department:
        """Makes the organisation of a provider, through CKAN's own action.

        Its name comes from the code, or from a number when it has none: CKAN would drop Chinese
        characters. Raises :class:`toolkit.ValidationError`.
        """
        stem = _NOT_IN_NAMES.sub("-", code.lower()).strip("-") or "department"
        taken = set(
            model.Session.scalars(
                sa.select(model.group_table.c.name).where(
                    model.group_table.c.name.startswith(f"org-{stem}")
                )
            )
        )
        slug, number = f"org-{stem}"[:90], 1
        while slug in taken:
            number += 1
            slug = f"org-{stem}"[:90] + f"-{number}"
        made = toolkit.get_action("organization_create")(
            context,
            {
                "name": slug,
                "title": name,
                **({"org_code": code} if code else {}),
                **({"org_code_scheme": scheme} if scheme else {}),
            },
        )
        department = Department(made["id"], slug, name, normal(code))
        self._all.append(department)
        return department


class Places:
    """The organisations of a source's providers, as far as the source may write for them."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._directory: Directory | None = None
        self._known: dict[tuple[str, str, str], str | dict[str, Any]] = {}

    def of(self, record: Any) -> str | dict[str, Any]:
        """The id of the provider's organisation, or the reason why there is none.

        Makes the organisation where the source may, and commits then.
        """
        provider = record.provider
        key = (provider.name, provider.code, record.code.split("/", 1)[0])
        if key not in self._known:
            self._known[key] = self._found(provider, record.code)
        return self._known[key]

    def foreseen(self, record: Any) -> tuple[Department | None, dict[str, Any] | None]:
        """Where a record would go and why it would not, without making anything.

        A department that the source would make has no id.
        """
        provider = record.provider
        found = self._looked_up(provider, record.code)
        if isinstance(found, Department):
            return found, None
        if found is None and self._creates():
            return Department("", "", provider.name, normal(provider.code)), None
        return None, found or self._unknown(provider)

    def _found(self, provider: Any, code: str) -> str | dict[str, Any]:
        found = self._looked_up(provider, code)
        if found is None and self._creates():
            try:
                found = self._made(self._everybody(), provider, code)
            except Ambiguous as error:
                return _ambiguous(error)
            except toolkit.ValidationError as error:
                return of_validation(error)[0]
        if found is None:
            return self._unknown(provider)
        return found.id if isinstance(found, Department) else found

    def _everybody(self) -> Directory:
        if self._directory is None:
            self._directory = Directory()
        return self._directory

    def _looked_up(self, provider: Any, code: str) -> Department | dict[str, Any] | None:
        """The provider's organisation, why it may not be it, or None: there is none."""
        try:
            found = self._everybody().find(provider.name, provider.code, code)
        except Ambiguous as error:
            return _ambiguous(error)
        if found is not None and not self._for_all() and found.id != self._source.owner_org:
            return reason(
                "provider_foreign",
                N_("This source publishes for its own department only, not for %(name)s."),
                name=provider.name,
            )
        return found

    def _unknown(self, provider: Any) -> dict[str, Any]:
        if not self._for_all():
            return reason("provider_unknown", N_("The provider is not an organisation here."))
        return reason(
            "provider_unknown",
            N_("There is no organisation %(name)s, and this source may not create it."),
            name=provider.name,
        )

    def _for_all(self) -> bool:
        return table.OTHER_DEPARTMENTS in self._source.powers

    def _creates(self) -> bool:
        return self._for_all() and self._may_create()

    def _may_create(self) -> bool:
        return (
            table.CREATE_ORGANIZATIONS in self._source.powers
            and settings.harvest_may_create_organizations()
        )

    def _made(self, directory: Directory, provider: Any, code: str) -> Department:
        """Makes the organisation unless another consumer did so meanwhile: they take turns."""
        lock = sa.func.pg_advisory_xact_lock(sa.func.hashtextextended("govopen:organizations", 0))
        model.Session.execute(sa.select(lock))
        directory.read()
        found = directory.find(provider.name, provider.code, code)
        if found is None:
            user = toolkit.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
            found = directory.create(
                {"user": user, "ignore_auth": True},
                provider.name,
                provider.code,
                self._source.org_code_scheme,
            )
        model.Session.commit()
        return found


def _ambiguous(error: Ambiguous) -> dict[str, Any]:
    return reason(
        "provider_ambiguous",
        N_("More than one organisation could be the provider: %(names)s."),
        names=str(error),
    )
