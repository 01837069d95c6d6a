"""How content may be delivered: what a grant covers, and what a standing approval lets through."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.plugins import toolkit

from ckanext.govopen.access import clock, uses
from ckanext.govopen.access.viewer import person
from ckanext.govopen.domain import standing as rules
from ckanext.govopen.domain.grant import Delivery, Grant, allows
from ckanext.govopen.domain.refusal import ALLOWED, N_, Answer, Refusal
from ckanext.govopen.model import grant as grants
from ckanext.govopen.model import ledger
from ckanext.govopen.model import release as releases
from ckanext.govopen.model import standing as standing_model

__all__ = ["by_way", "deliver", "download", "is_released", "lock", "refusal", "whole"]


def _grants(context: Any, package_id: str) -> list[Grant]:
    who = person(context)
    if who.user_id is None:
        return []
    return grants.of_holder(model.Session, package_id, who.user_id)


_NONE = Answer(False, "none", N_("There is no such grant."))


def download(context: Any, package_id: str) -> tuple[list[Grant], Answer]:
    """(the person's grants that cover downloading the files of this dataset, why not if none)."""
    now = clock.now()
    held = _grants(context, package_id)
    answers = [(grant, allows(grant, now, "download")) for grant in held]
    usable = [grant for grant, answer in answers if answer]
    if usable:
        return usable, ALLOWED
    # Of several grants the one that works otherwise says best what is missing.
    refusals = sorted(answers, key=lambda found: not allows(found[0], now))
    return [], refusals[0][1] if refusals else _NONE


def by_way(context: Any, package_id: str, way: Delivery) -> list[Grant]:
    """The person's grants that may be used this way now, those for the whole dataset first.

    A way is what was agreed: a right to the file is none to the interface, and neither is one to
    the other's page. Which columns a grant covers is the caller's question.
    """
    now = clock.now()
    usable = [grant for grant in _grants(context, package_id) if allows(grant, now, way, items=())]
    return sorted(usable, key=lambda grant: (grant.items is not None, -len(grant.items or ())))


def whole(context: Any, package_id: str) -> bool:
    """Does a grant give the whole content out of the portal now, and with it the views of it?

    Not one whose quota is used up: a view tells of the content that is not given.
    """
    now = clock.now()
    held = [grant for grant in _grants(context, package_id) if grant.items is None]
    files = [grant for grant in held if allows(grant, now, "download")]
    rows = [grant for grant in held if allows(grant, now, "interface")]
    return uses.peek(files, "download") or uses.peek(rows, "rows")


def lock(package_id: str) -> None:
    """The row lock of a dataset until the end of the transaction, as every write takes it."""
    table = model.package_table
    model.Session.execute(
        sa.select(table.c.id).where(table.c.id == package_id).with_for_update()
    ).first()


def is_released(resource: Any) -> bool:
    """Is this resource part of a live release?"""
    return releases.has_resource(model.Session, resource.package_id, resource.id)


def refusal(message: str, params: Mapping[str, Any] | None = None) -> toolkit.ValidationError:
    """The refusal of a write to released rows, in the form of every refusal."""
    row = Refusal("REV-2", None, message, params or {}).as_dict(toolkit._)
    return toolkit.ValidationError(
        {"refusal": [row]},  # pyright: ignore[reportArgumentType]
        error_summary={"REV-2": str(row["message"])},
    )


def deliver(resource: Any, data: Mapping[str, Any], context: Any, write: Callable[[], Any]) -> Any:
    """Carry out ``write`` on released rows when a standing approval covers it.

    The source of a delivery by API is the name of the account that makes it. A delivery that is
    held back is recorded as well as one that goes out.

    :raises ValidationError: refused, with the rule and the reason
    """
    now = clock.now()
    row = standing_model.in_force(model.Session, resource.id)
    package = model.Session.get(model.Package, resource.package_id)
    if row is None or package is None:
        raise refusal(N_("Released rows change only with a review or under a standing approval."))
    approval = standing_model.rule_state(row, package.owner_org or "")
    delivery = _delivery(resource.id, data, str(context.get("user") or ""))
    answer = rules.check(approval, delivery, now)
    ledger.append(
        model.Session,
        f"standing/{resource.id}",
        rules.deliver(approval, delivery, now),
        person(context).user_id,
        now,
    )
    if not answer:
        model.repo.commit()
        raise refusal(answer.message, answer.params)
    try:
        result = write()
    except BaseException:
        model.Session.rollback()
        raise
    model.repo.commit()
    return result


def _delivery(resource_id: str, data: Mapping[str, Any], source: str) -> rules.Delivery:
    """A write as the rules see it: its columns with the types that the table gives them."""
    records = data.get("records")
    records = records if isinstance(records, list) else []
    names = {str(key) for record in records if isinstance(record, Mapping) for key in record}
    filters = data.get("filters")
    if isinstance(filters, Mapping):
        names |= {str(key) for key in filters}
    types = _column_types(resource_id)
    body = json.dumps(
        {"records": records, "filters": filters, "method": data.get("method")},
        sort_keys=True,
        default=str,
        ensure_ascii=False,
    ).encode()
    return rules.Delivery(
        columns=[rules.Column(name, types.get(name, "")) for name in sorted(names - {"_id"})],
        source=source,
        sha256=hashlib.sha256(body).hexdigest(),
        size=len(body),
        rows=len(records),
    )


def _column_types(resource_id: str) -> dict[str, str]:
    from ckanext.datastore.backend import DatastoreBackend

    backend: Any = DatastoreBackend.get_active_backend()
    if not backend.resource_exists(resource_id):
        return {}
    info = backend.resource_fields(resource_id, False, False)
    return {field["id"]: field["type"] for field in info["fields"]}
