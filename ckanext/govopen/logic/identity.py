"""From a person for whom a provider vouches to his account: found, linked or made."""

from __future__ import annotations

import base64
import datetime
import hashlib

import sqlalchemy as sa
from ckan import model
from sqlalchemy.exc import IntegrityError

from ckanext.govopen.logic.oidc import Identity, SignInFailed
from ckanext.govopen.model import identity as identities
from ckanext.govopen.model import settings
from ckanext.govopen.model.identity import ExternalIdentityRow


def account_for(person: Identity, now: datetime.datetime) -> model.User:
    """The account of a person, made at his first sign-in. Commits.

    :raises SignInFailed: it is closed, its e-mail address is another account's, or no accounts
        are made so
    """
    known = identities.find(model.Session, person.issuer, person.subject)
    if known is None:
        return _made(person, now)
    user = model.User.get(known.user_id)
    if user is None or user.state != "active":
        raise SignInFailed("closed")
    known.last_at = now
    model.repo.commit()
    return user


def link(person: Identity, user_id: str, now: datetime.datetime) -> None:
    """Gives an account another way to sign in. Commits.

    The caller has made sure that the owner of the account asks for it.

    :raises SignInFailed: the person has an account already
    """
    known = identities.find(model.Session, person.issuer, person.subject)
    if known is not None:
        if known.user_id == user_id:
            return
        raise SignInFailed("linked_elsewhere")
    model.Session.add(_row(person, user_id, now))
    try:
        model.repo.commit()
    except IntegrityError:
        model.Session.rollback()
        raise SignInFailed("linked_elsewhere") from None


def belongs(person: Identity, user_id: str) -> bool:
    """Is this the person behind an account?"""
    known = identities.find(model.Session, person.issuer, person.subject)
    return known is not None and known.user_id == user_id


def _row(person: Identity, user_id: str, now: datetime.datetime) -> ExternalIdentityRow:
    return ExternalIdentityRow(
        issuer=person.issuer,
        subject=person.subject,
        user_id=user_id,
        linked_at=now,
        last_at=now,
    )


def _made(person: Identity, now: datetime.datetime) -> model.User:
    if not settings.oidc_create_accounts():
        raise SignInFailed("no_account")
    if person.email is not None and _email_is_taken(person.email):
        # Never linked by the address alone: whoever gets hold of an address would get the account.
        raise SignInFailed("email_taken")
    user = model.User(
        name=_name(person), fullname=person.name or None, email=person.email, state="active"
    )
    model.Session.add(user)
    try:
        model.Session.flush()
        model.Session.add(_row(person, user.id, now))
        model.repo.commit()
    except IntegrityError:
        # Somebody with the same address, or the same person in another window, came first.
        model.Session.rollback()
        known = identities.find(model.Session, person.issuer, person.subject)
        first = model.User.get(known.user_id) if known is not None else None
        if first is None or first.state != "active":
            raise SignInFailed("email_taken") from None
        return first
    return user


def _email_is_taken(email: str) -> bool:
    table = model.User
    return bool(
        model.Session.scalar(
            sa.select(
                sa.exists().where(
                    sa.func.lower(table.email) == email.lower(), table.state != "deleted"
                )
            )
        )
    )


def _name(person: Identity) -> str:
    """A user name out of issuer and subject that tells neither: the subject may be the number of
    an identity card. The same person gets the same one."""
    digest = hashlib.sha256(f"{person.issuer}\0{person.subject}".encode()).digest()
    short = base64.b32encode(digest).decode().lower().rstrip("=")
    length = 12
    while model.User.get(f"id-{short[:length]}") is not None and length < len(short):
        length += 4
    return f"id-{short[:length]}"
