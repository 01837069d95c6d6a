"""How content may be delivered: what a grant covers, and what a standing approval lets through."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.plugins import toolkit

from ckanext.govopen.access import clock
from ckanext.govopen.access.viewer import person
from ckanext.govopen.domain import standing as rules
from ckanext.govopen.domain.grant import Grant, allows
from ckanext.govopen.domain.refusal import N_, Answer, Refusal
from ckanext.govopen.model import grant as grants
from ckanext.govopen.model import ledger
from ckanext.govopen.model import release as releases
from ckanext.govopen.model import standing as standing_model

__all__ = ["deliver", "download", "granted_rows", "is_released", "lock", "refusal"]

#: A right to the whole file is a right to read its rows.
_ROW_DELIVERIES = ("interface", "on_platform", "download")


def _grants(context: Any, package_id: str) -> list[Grant]:
    who = person(context)
    if who.user_id is None:
        return []
    return grants.of_holder(model.Session, package_id, who.user_id)


def download(context: Any, package_id: str) -> Answer:
    """Does a grant of the person cover downloading the files of this dataset?"""
    now = clock.now()
    answers = [allows(grant, now, "download") for grant in _grants(context, package_id)]
    return next(
        (answer for answer in answers if answer),
        answers[0] if answers else Answer(False, "none", N_("There is no such grant.")),
    )


def granted_rows(context: Any, package_id: str) -> tuple[bool, frozenset[str] | None]:
    """(may rows be read, which columns) by the person's grants; None stands for all columns."""
    now = clock.now()
    usable = [
        grant
        for grant in _grants(context, package_id)
        if any(allows(grant, now, delivery) for delivery in _ROW_DELIVERIES)
    ]
    if any(grant.items is None for grant in usable):
        return True, None
    columns = frozenset[str]().union(*(grant.items or () for grant in usable))
    return bool(columns), columns


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
