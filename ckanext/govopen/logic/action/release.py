"""The history of what was released."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.plugins import toolkit

from ckanext.govopen.access.policy import Sight
from ckanext.govopen.access.sight import sight
from ckanext.govopen.domain import release as rules
from ckanext.govopen.logic import snapshot
from ckanext.govopen.logic.schema import dataset as schema
from ckanext.govopen.logic.schema.table import takes
from ckanext.govopen.model import ledger
from ckanext.govopen.model import release as releases
from ckanext.govopen.model.release import ReleaseRow
from ckanext.govopen.model.review import ReviewRow

__all__ = ["govopen_release_list"]

#: Events that begin and end a release; both name its version.
_BEGINS, _ENDS = ("release.published", "release.narrowed"), "release.withdrawn"


@toolkit.side_effect_free
@takes(schema.RELEASES)
def govopen_release_list(context: Any, data_dict: dict[str, Any]) -> list[dict[str, Any]]:
    """Releases of a dataset, newest first; for its department, the authority and the operator.

    :param id: id or name of the dataset
    :param version: only this release, with the values of its changes (optional)
    :param limit: at most so many (optional: all)
    :param offset: leave out so many (optional)
    :returns: ``[{"version", "status", "open_class", "fingerprint", "released_at", "ended_at",
        "kind", "reason", "review_by", "resources": number, "submitters": [name], "decided_by",
        "ended_by", "remarks", "changes": [{"path", "kind"}]}]``; ``changes`` are those against
        the release before it, with ``version`` also ``before`` and ``after``. ``decided_by`` is
        who approved it or took something away, ``ended_by`` who withdrew it.
    """
    given = schema.RELEASES.read(data_dict, first=("id",))
    reference = given["id"]
    toolkit.check_access("govopen_release_list", context, data_dict)
    package = model.Package.get(reference)
    if package is None or sight(context, package.id).sight is not Sight.WORKING:
        raise toolkit.ObjectNotFound(toolkit._("Dataset not found"))
    version, limit, offset = given["version"], given["limit"], given["offset"]
    rows = releases.history(model.Session, package.id)
    before = {row.version: old for row, old in zip(rows, [*rows[1:], None], strict=False)}
    if version is not None:
        chosen = [row for row in rows if row.version == version]
    else:
        chosen = rows[offset:] if limit is None else rows[offset : offset + limit]
    people = _people(package.id, chosen)
    return [
        {
            "version": row.version,
            "status": row.status,
            "open_class": row.open_class,
            "fingerprint": row.fingerprint,
            "released_at": row.released_at.isoformat(),
            "ended_at": row.ended_at.isoformat() if row.ended_at else None,
            "kind": row.kind,
            "reason": row.reason,
            "review_by": row.review_by.isoformat() if row.review_by else None,
            "resources": len(row.resource_ids),
            **people[row.version],
            "changes": _changes(before[row.version], row, values_too=version is not None),
        }
        for row in chosen
    ]


def _changes(before: ReleaseRow | None, row: ReleaseRow, values_too: bool) -> list[dict[str, Any]]:
    """What this release changed for its readers."""
    old = snapshot.released(before) if before else None
    found = [asdict(change) for change in rules.diff(old, snapshot.released(row))]
    return found if values_too else [{"path": c["path"], "kind": c["kind"]} for c in found]


def _people(package_id: str, rows: list[ReleaseRow]) -> dict[int, dict[str, Any]]:
    """Who submitted, decided and ended each release, by its version."""
    begun, ended = _actors(package_id)
    reviews = {
        review.decided_at: review
        for review in model.Session.query(ReviewRow).filter(
            ReviewRow.package_id == package_id,
            ReviewRow.decided_at.in_([row.released_at for row in rows]),
        )
    }
    found: dict[int, tuple[list[str], str | None, str | None, str]] = {}
    for row in rows:
        # A release and the decision it comes from carry the same moment.
        review = reviews.get(row.released_at) if row.kind == "review" else None
        decided_by = row.released_by if row.kind != "narrowed" else begun.get(row.version)
        found[row.version] = (
            list(review.submitters) if review else [],
            decided_by,
            ended.get(row.version),
            review.remarks if review else "",
        )
    names = _names({i for who, by, end, _ in found.values() for i in [*who, by, end] if i})
    return {
        version: {
            "submitters": [names.get(i, i) for i in who],
            "decided_by": names.get(by or ""),
            "ended_by": names.get(end or ""),
            "remarks": remarks,
        }
        for version, (who, by, end, remarks) in found.items()
    }


def _actors(package_id: str) -> tuple[dict[int, str], dict[int, str]]:
    """User ids of who brought about the beginning and the withdrawal of each version."""
    begun: dict[int, str] = {}
    ended: dict[int, str] = {}
    for event in ledger.read(model.Session, f"dataset/{package_id}"):
        version = event.payload.get("version")
        if event.actor is None or version is None:
            continue
        if event.type in _BEGINS:
            begun[version] = event.actor
        elif event.type == _ENDS:
            ended[version] = event.actor
    accounts = ledger.accounts(model.Session, [*begun.values(), *ended.values()])
    return (
        {version: accounts[n] for version, n in begun.items() if n in accounts},
        {version: accounts[n] for version, n in ended.items() if n in accounts},
    )


def _names(user_ids: set[str]) -> dict[str, str]:
    rows = model.Session.execute(
        sa.select(model.User.id, model.User.name, model.User.fullname).where(
            model.User.id.in_(user_ids)
        )
    )
    return {row.id: row.fullname or row.name for row in rows}
