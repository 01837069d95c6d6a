"""What is named of cases: organisations, people, datasets, files and letters, for each reader."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ckan import model

from ckanext.govopen.access.policy import Sight
from ckanext.govopen.access.sight import sights
from ckanext.govopen.logic.schema import values
from ckanext.govopen.model import attachment as attachments
from ckanext.govopen.model import letter as letters
from ckanext.govopen.model import release as releases


@dataclass
class Names:
    """Names of organisations, people and datasets, looked up once, as the reader may know them."""

    context: Any
    datasets: dict[str, dict[str, Any]] = field(default_factory=dict)
    known: dict[str, dict[str, str]] = field(default_factory=dict)

    def organization(self, organization_id: str) -> dict[str, str]:
        """``{"id", "name", "title"}``"""
        if organization_id not in self.known:
            group = model.Group.get(organization_id)
            name = group.name if group else ""
            self.known[organization_id] = {
                "id": organization_id,
                "name": name,
                "title": (group.title or name) if group else "",
            }
        return self.known[organization_id]

    def look_up(self, package_ids: Iterable[str]) -> None:
        """Titles of datasets; one that the reader does not see (any more) has none."""
        ids = [one for one in dict.fromkeys(package_ids) if one not in self.datasets]
        if not ids:
            return
        seen = sights(self.context, ids)
        live = releases.live_many(model.Session, ids)
        packages = {
            row.id: row for row in model.Session.query(model.Package).filter(
                model.Package.id.in_(ids)
            )
        }  # fmt: skip
        for package_id in ids:
            access, package, release = seen[package_id], packages.get(package_id), None
            shown: Mapping[str, Any] = {}
            if access.visible and package is not None:
                release = live.get(package_id)
                shown = release.data["shown"] if release else {}
            name, title = shown.get("name", ""), shown.get("title") or shown.get("name", "")
            if access.sight is Sight.WORKING and package is not None:
                name, title = package.name, package.title or package.name
            self.datasets[package_id] = {
                "id": package_id,
                "dataset": package_id,
                "name": name,
                "title": title,
                "known_items": [
                    row["name"] for row in shown.get("info_items") or [] if row.get("name")
                ],
            }


def account(user_id: str | None) -> dict[str, str] | None:
    """``{"id", "name", "fullname"}`` of an account; None for none."""
    user = model.User.get(user_id) if user_id else None
    if user is None:
        return None
    return {"id": user.id, "name": user.name, "fullname": user.fullname or user.name}


def attachment(row: attachments.AttachmentRow) -> dict[str, Any]:
    """A file of a case as the API shows it."""
    return {
        "id": row.id,
        "name": row.name,
        "size": row.size,
        "sha256": row.sha256,
        "media_type": row.media_type,
        "note": row.note,
        "added_at": values.iso(row.added_at),
    }


def letter(row: letters.LetterRow) -> dict[str, Any]:
    """A letter in a list."""
    return {
        "number": row.number,
        "organization": row.organization_id,
        "kind": row.kind,
        "issued_at": values.iso(row.issued_at),
        "delivered_at": values.iso(row.delivered_at),
    }
