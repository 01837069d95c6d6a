"""Accounts: identities at a provider, registrations that wait for their mail, closed accounts."""

from __future__ import annotations

import datetime
import uuid

import sqlalchemy as sa
from ckan.plugins import toolkit
from ckan.types import AlchemySession
from sqlalchemy.orm import Mapped, mapped_column

__all__ = ["ClosedAccountRow", "ExternalIdentityRow", "RegistrationRow", "find", "of_user"]


def _id() -> str:
    return str(uuid.uuid4())


class ExternalIdentityRow(toolkit.BaseModel):
    """A person at a provider of identities and his account here.

    Only issuer and subject together say who it is: neither a name nor an e-mail address does.
    """

    __tablename__ = "govopen_external_identity"
    __table_args__ = (sa.UniqueConstraint("issuer", "subject"),)

    id: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True, default=_id)
    issuer: Mapped[str] = mapped_column(sa.UnicodeText)
    subject: Mapped[str] = mapped_column(sa.UnicodeText)
    user_id: Mapped[str] = mapped_column(sa.UnicodeText, index=True)
    linked_at: Mapped[datetime.datetime] = mapped_column(sa.DateTime(timezone=True))
    last_at: Mapped[datetime.datetime] = mapped_column(sa.DateTime(timezone=True))


class RegistrationRow(toolkit.BaseModel):
    """An e-mail address that asked for an account. There is none until its link is followed.

    ``digest`` is the SHA-256 of what the link holds: who reads the table cannot follow it. The
    row goes when the account is made, or when its time is over.
    """

    __tablename__ = "govopen_registration"

    id: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True, default=_id)
    digest: Mapped[str] = mapped_column(sa.UnicodeText, unique=True)
    email: Mapped[str] = mapped_column(sa.UnicodeText, index=True)
    made_at: Mapped[datetime.datetime] = mapped_column(sa.DateTime(timezone=True))
    expires_at: Mapped[datetime.datetime] = mapped_column(sa.DateTime(timezone=True), index=True)


class ClosedAccountRow(toolkit.BaseModel):
    """An account that its owner has closed, and when its personal fields go."""

    __tablename__ = "govopen_closed_account"

    user_id: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    closed_at: Mapped[datetime.datetime] = mapped_column(sa.DateTime(timezone=True))
    erase_at: Mapped[datetime.datetime] = mapped_column(sa.DateTime(timezone=True), index=True)
    erased_at: Mapped[datetime.datetime | None] = mapped_column(sa.DateTime(timezone=True))


def find(session: AlchemySession, issuer: str, subject: str) -> ExternalIdentityRow | None:
    """The identity that a provider vouches for; None when it has no account here."""
    return session.scalar(
        sa.select(ExternalIdentityRow).where(
            ExternalIdentityRow.issuer == issuer, ExternalIdentityRow.subject == subject
        )
    )


def of_user(session: AlchemySession, user_id: str) -> list[ExternalIdentityRow]:
    """Identities of an account, the oldest first."""
    return list(
        session.scalars(
            sa.select(ExternalIdentityRow)
            .where(ExternalIdentityRow.user_id == user_id)
            .order_by(ExternalIdentityRow.linked_at, ExternalIdentityRow.id)
        )
    )
