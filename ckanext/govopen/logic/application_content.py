"""What an applicant writes, made into what the rules read."""

from __future__ import annotations

import dataclasses
import datetime
import json
import secrets
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.plugins import toolkit as tk

from ckanext.govopen.access.sight import dataset_sight
from ckanext.govopen.domain.application.content import Attachment, Content, parse
from ckanext.govopen.domain.refusal import N_, refuse
from ckanext.govopen.logic.schema import values
from ckanext.govopen.model import attachment as attachments
from ckanext.govopen.model import duty as duties
from ckanext.govopen.model import grant as grants
from ckanext.govopen.model import release as releases

#: Largest draft, in characters of JSON, and most datasets that are looked up for one.
DRAFT_MAX = 200_000
WANTED_MAX = 200


def drafted(context: Any, value: Any) -> dict[str, Any]:
    """A draft as it is stored: of the right form, however little of it is filled in.

    Datasets may be named by id or name, and without their department. Files are added by their own
    action, the salt by the portal.

    :raises ValidationError: it has no form that could be an application, or is too large
    :raises Refused: naming every field of the wrong form
    """
    if not isinstance(value, dict):
        raise tk.ValidationError({"content": [tk._("Must be an object.")]})
    given = {key: one for key, one in value.items() if key not in ("attachments", "salt")}
    try:
        size = len(json.dumps(given, ensure_ascii=False, allow_nan=False))
    except (TypeError, ValueError):
        raise tk.ValidationError({"content": [tk._("Must be an object.")]}) from None
    if size > DRAFT_MAX:
        raise tk.ValidationError({"content": [tk._("This is too long.")]})
    content = parse(given)
    wanted = [one for part in content.parts for one in part.datasets]
    if len(wanted) > WANTED_MAX:
        raise refuse("APP-2", None, N_("At most %(most)s of them."), field="parts",
                     most=WANTED_MAX)  # fmt: skip
    draft = content.as_dict()
    del draft["attachments"], draft["salt"]
    draft["parts"] = _parts(context, content)
    return draft


def _parts(context: Any, content: Content) -> list[dict[str, Any]]:
    """The datasets by the departments that answer for them; an unknown one stays as it was."""
    grouped: dict[str, list[dict[str, Any]]] = {}
    for part in content.parts:
        for one in part.datasets:
            package_id, access = dataset_sight(context, one.dataset)
            row, place = one.as_dict(), part.organization
            if access.visible and package_id:
                row["dataset"] = package_id
                live = releases.live(package_id)
                shown = live.data["default"] if live else {}
                place = shown.get("owner_org") or place
            grouped.setdefault(place, []).append(row)
    return [{"organization": place, "datasets": rows} for place, rows in grouped.items()]


def handed_in(application: str, user_id: str, draft: dict[str, Any]) -> Content:
    """The content that is submitted: the draft with its files and a new salt.

    :raises ValidationError: the grant to renew is not his
    """
    content = parse(draft)
    errors = values.Errors()
    if content.renews is not None:
        row = grants.get(model.Session, content.renews)
        if row is None or user_id not in (*row.persons, row.authorised):
            errors.add("renews", tk._("There is no such grant."))
    errors.stop()
    files = tuple(
        Attachment(row.id, row.name, row.sha256, row.size, row.media_type)
        for row in attachments.of_case(model.Session, application)
    )
    return dataclasses.replace(content, attachments=files, salt=secrets.token_hex(16))


def persons_of(content: Content, bodies: Collection[str], now: datetime.datetime) -> frozenset[str]:
    """The accounts that count of those whom an organisation names, by their ids.

    Whoever works for one of ``bodies`` (ids of organisations that have a say in the case) is none:
    else an applicant could bar those who decide by naming them. Neither is an unknown name. Which
    of the two it was, or that it was one of them, is not told: names would be tried out.
    """
    names = content.organisation.persons if content.organisation else ()
    if not names:
        return frozenset()
    user, member = model.User, model.member_table
    found = set(
        model.Session.scalars(
            sa.select(user.id).where(
                sa.or_(user.name.in_(names), user.id.in_(names)), user.state == "active"
            )
        )
    )
    members = model.Session.scalars(
        sa.select(member.c.table_id).where(
            member.c.table_name == "user",
            member.c.table_id.in_(found),
            member.c.group_id.in_(bodies),
            member.c.state == "active",
        )
    )
    staff = {row.user_id for row in duties.concerned(model.Session, found)
             if row.organization_id in bodies and not (row.until and row.until <= now)}  # fmt: skip
    return frozenset(found - set(members) - staff)
