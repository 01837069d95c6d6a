"""Closing an account: what stands in the way, what ends at once, what is erased later.

At once: sessions, tokens, memberships, grants of the person alone; an organisation's grants go on
without him, and those who stay with them are told. Later: everything that names
the person in CKAN's tables and the identities at providers. What stays is the ledger, which knows
him by a number, and the record of cases for as long as the rules want it.
"""

from __future__ import annotations

import datetime
import secrets

import sqlalchemy as sa
from ckan import model
from ckan.plugins import plugin_loaded

from ckanext.govopen.domain import grant as grant_rules
from ckanext.govopen.domain import grant_persons
from ckanext.govopen.domain.event import Event
from ckanext.govopen.domain.refusal import N_, Refusal
from ckanext.govopen.logic import grant_end
from ckanext.govopen.model import duty, grant, ledger, settings
from ckanext.govopen.model.application import DRAFT, OPENED, ApplicationRow
from ckanext.govopen.model.grant import GrantRow
from ckanext.govopen.model.identity import ClosedAccountRow, ExternalIdentityRow, RegistrationRow

STREAM = "accounts"
RULE = "ID-3"


def obstacles(user: model.User, now: datetime.datetime) -> list[Refusal]:
    """Why an account cannot be closed yet."""
    found: list[Refusal] = []
    if user.sysadmin:
        found.append(
            Refusal(RULE, None, N_("An operator's right is taken by another operator first."))
        )
    if duty.held_by(model.Session, user.id, now):
        found.append(Refusal(RULE, None, N_("You hold a duty: have it taken from you first.")))
    cases = sa.exists().where(ApplicationRow.user_id == user.id, ApplicationRow.status == OPENED)
    if model.Session.scalar(sa.select(cases)):
        found.append(
            Refusal(RULE, None, N_("You have an application under way: withdraw it first."))
        )
    return found


def close(user: model.User, now: datetime.datetime) -> ClosedAccountRow:
    """Closes the account in the caller's transaction."""
    _end_grants(user.id, now)
    _end_access(user.id)
    user.state = "deleted"
    erase_at = now + datetime.timedelta(days=settings.account_erase_days())
    row = model.Session.merge(
        ClosedAccountRow(user_id=user.id, closed_at=now, erase_at=erase_at, erased_at=None)
    )
    event = Event("account.closed", {"erase_on": erase_at.date().isoformat()})
    ledger.append(model.Session, STREAM, [event], user.id, now)
    return row


def _end_grants(user_id: str, now: datetime.datetime) -> None:
    rows = model.Session.scalars(
        sa.select(GrantRow)
        .where(sa.or_(GrantRow.persons.contains([user_id]), GrantRow.authorised == user_id))
        .order_by(GrantRow.id)
        .with_for_update()
    ).all()
    for row in rows:
        rule = grant.to_rule(row)
        if rule.holder.kind == "person":
            events = grant_rules.ended(rule, "account_closed")
        else:
            events = grant_persons.without(rule, user_id)
        ledger.append(model.Session, f"grant/{row.id}", events, user_id, now)
        for event in events:
            grant.project(model.Session, event, user_id, now)
        if rule.holder.kind == "organisation" and row.state in ("active", "suspended"):
            grant_end.tell_left(row, user_id, now)


def _end_access(user_id: str) -> None:
    tokens, member, collaborator = model.ApiToken, model.Member, model.PackageMember
    model.Session.execute(sa.delete(tokens).where(tokens.user_id == user_id))
    model.Session.execute(sa.delete(collaborator).where(collaborator.user_id == user_id))
    for row in model.Session.scalars(
        sa.select(member).where(member.table_name == "user", member.table_id == user_id)
    ):
        row.delete()


def erase_due(now: datetime.datetime, limit: int = 100) -> int:
    """Erases the personal fields of accounts whose time is over; their number. Commits."""
    rows = model.Session.scalars(
        sa.select(ClosedAccountRow)
        .where(ClosedAccountRow.erase_at <= now, ClosedAccountRow.erased_at.is_(None))
        .order_by(ClosedAccountRow.erase_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        _erase(row.user_id, now)
        row.erased_at = now
    model.repo.commit()
    return len(rows)


def _erase(user_id: str, now: datetime.datetime) -> None:
    session = model.Session
    user = model.User.get(user_id)
    if user is None or user.state != "deleted":
        return  # purged, or the operator has opened the account again
    if user.email:
        email = sa.func.lower(RegistrationRow.email)
        session.execute(sa.delete(RegistrationRow).where(email == user.email.lower()))
    session.execute(sa.delete(ExternalIdentityRow).where(ExternalIdentityRow.user_id == user_id))
    for table in (model.UserFollowingDataset, model.UserFollowingGroup, model.UserFollowingUser):
        session.execute(sa.delete(table).where(table.follower_id == user_id))
    following = model.UserFollowingUser
    session.execute(sa.delete(following).where(following.object_id == user_id))
    if plugin_loaded("activity"):
        _erase_activities(user_id)
    # What he was writing and never handed in is nobody's record.
    session.execute(
        sa.update(ApplicationRow)
        .where(ApplicationRow.user_id == user_id, ApplicationRow.status == DRAFT)
        .values(draft={})
    )
    user.name = f"closed-{secrets.token_hex(8)}"
    for field in ("fullname", "email", "about", "image_url", "apikey", "reset_key"):
        setattr(user, field, None)
    user.plugin_extras = {}
    user._password = ""
    number = ledger.number_of(session, user_id)
    event = Event("account.erased", {"account": str(number) if number is not None else None})
    ledger.append(session, STREAM, [event], None, now)


def _erase_activities(user_id: str) -> None:
    """Rows of the activity stream about the account itself; those about datasets name nobody."""
    from ckanext.activity.model import Activity  # there only where the plugin is on

    table = Activity.__table__
    model.Session.execute(
        sa.delete(table).where(
            table.c.object_id == user_id,
            table.c.activity_type.in_(("new user", "changed user")),
        )
    )
