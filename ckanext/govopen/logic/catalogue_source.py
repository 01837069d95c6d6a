"""A catalogue source as the bulk writer knows it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ckan import model
from ckan.plugins import toolkit

from ckanext.govopen.model import catalogue as table


class SourceFault(Exception):
    """A source cannot be read; the message says why and what to do, and holds no secret."""


@dataclass(frozen=True)
class Source:
    """What the writer has to know about a source."""

    id: str
    owner_org: str | None
    powers: frozenset[str]
    org_code_scheme: str = ""
    #: Accounts that count as having submitted what the source delivers.
    submitters: tuple[str, ...] = ()
    #: Are the files of its records copied into the portal?
    copies: bool = False


def source_of(source_id: str, *people: str | None) -> Source:
    """A source with its powers, and who counts as submitter: its owner, its last editor, and the
    ``people`` given (who started the run, who calls).

    :raises ObjectNotFound: there is no such harvest source
    """
    from ckanext.harvest.model import HarvestSource

    package = model.Package.get(source_id)
    harvest = model.Session.get(HarvestSource, package.id) if package is not None else None
    if package is None or harvest is None or package.type != "harvest":
        raise toolkit.ObjectNotFound(toolkit._("Harvest source not found"))
    row = model.Session.get(table.CatalogueSource, package.id)
    submitters = [package.creator_user_id, row.last_editor if row else None, *people]
    return Source(
        id=package.id,
        owner_org=package.owner_org,
        powers=frozenset(row.powers or []) if row else frozenset(),
        org_code_scheme=(row.org_code_scheme or "") if row else "",
        submitters=tuple(dict.fromkeys(person for person in submitters if person)),
        copies=_copies(str(harvest.config or "")),
    )


def _copies(config: str) -> bool:
    """Copying is what a source does unless its configuration says otherwise."""
    try:
        return json.loads(config or "{}").get("files", "copy") == "copy"
    except (ValueError, AttributeError):
        return False


def admitted(source: Source, record: Any) -> Any:
    """A record as far as its source may say it: only one that may keep the identifiers of another
    portal names the id and the name of a dataset.
    """
    if table.KEEP_IDENTIFIERS in source.powers or not isinstance(record, dict):
        return record
    return {key: value for key, value in record.items() if key != "identity"}
