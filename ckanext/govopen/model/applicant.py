"""Identities of applicants in the database: what the checks in the ledger come to."""

from __future__ import annotations

import datetime

import sqlalchemy as sa
from ckan.plugins import toolkit
from ckan.types import AlchemySession
from sqlalchemy.orm import Mapped, mapped_column

from ckanext.govopen.domain import applicant as rules
from ckanext.govopen.model import application

__all__ = ["ApplicantRow", "project", "state"]


class ApplicantRow(toolkit.BaseModel):
    """The newest check of a user as a person (``code`` empty) or for one organisation."""

    __tablename__ = "govopen_applicant"

    user_id: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    kind: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    code: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    name: Mapped[str] = mapped_column(sa.UnicodeText)
    person: Mapped[str] = mapped_column(sa.UnicodeText)
    checked_at: Mapped[datetime.datetime] = mapped_column(sa.DateTime(timezone=True))
    valid_until: Mapped[datetime.datetime] = mapped_column(sa.DateTime(timezone=True))
    withdrawn: Mapped[bool] = mapped_column(sa.Boolean, default=False)


def state(session: AlchemySession, user_id: str) -> rules.ApplicantState:
    """All checks of a user, as the rules know them."""
    return rules.fold(application.events(session, f"applicant/{user_id}"))


def project(session: AlchemySession, user_id: str, checks: rules.ApplicantState) -> None:
    """Brings the table up to the state."""
    table = ApplicantRow.__table__
    session.execute(sa.delete(table).where(table.c.user_id == user_id))
    newest = {(check.kind, check.code): check for check in checks.checks}
    for check in newest.values():
        session.execute(
            sa.insert(table).values(
                user_id=user_id,
                kind=check.kind,
                code=check.code,
                name=check.name,
                person=check.person,
                checked_at=check.checked_at,
                valid_until=check.valid_until,
                withdrawn=check.withdrawn,
            )
        )
