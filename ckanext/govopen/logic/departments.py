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


def normal(code: str) -> str:
    """A code as it is compared: without spaces and hyphens, in capitals."""
    return re.sub(r"[\s\-]", "", code or "").upper()


class Directory:
    """All active organisations, read once; those created through it are added."""

    def __init__(self) -> None:
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
