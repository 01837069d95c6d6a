"""The history of what was released."""

from __future__ import annotations

from typing import Any

from ckan import model
from ckan.plugins import toolkit

from ckanext.govopen.access.policy import Sight
from ckanext.govopen.access.sight import sight
from ckanext.govopen.logic import command
from ckanext.govopen.model import release as releases

__all__ = ["govopen_release_list"]


@toolkit.side_effect_free
def govopen_release_list(context: Any, data_dict: dict[str, Any]) -> list[dict[str, Any]]:
    """Releases of a dataset, newest first; for its department, the authority and the operator.

    :param id: id or name of the dataset
    :returns: ``[{"version", "status", "open_class", "fingerprint", "released_at", "ended_at",
        "kind", "reason", "review_by", "resources": number}]``
    """
    (reference,) = command.required(data_dict, "id")
    toolkit.check_access("govopen_release_list", context, data_dict)
    package = model.Package.get(reference)
    if package is None or sight(context, package.id).sight is not Sight.WORKING:
        raise toolkit.ObjectNotFound(toolkit._("Dataset not found"))
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
        }
        for row in releases.history(model.Session, package.id)
    ]
