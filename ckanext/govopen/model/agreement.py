"""Templates of agreements, and the agreements that were signed."""

from __future__ import annotations

import datetime
import uuid

import sqlalchemy as sa
from ckan.plugins import toolkit
from ckan.types import AlchemySession
from sqlalchemy.orm import Mapped, mapped_column

from ckanext.govopen.domain import agreement as rules
from ckanext.govopen.domain.event import Event
from ckanext.govopen.model.jurisdiction import FOLDER

__all__ = ["AgreementRow", "TemplateRow", "bundled", "by_digest", "current", "of_part"]

#: What is offered where a profile has no template of its own.
_STANDARD = "standard"


class TemplateRow(toolkit.BaseModel):
    """One published version of a template; rows are never changed."""

    __tablename__ = "govopen_agreement_template"

    id: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    version: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
    profile: Mapped[str] = mapped_column(sa.UnicodeText)
    text: Mapped[str] = mapped_column(sa.UnicodeText)
    sha256: Mapped[str] = mapped_column(sa.UnicodeText)
    reason: Mapped[str] = mapped_column(sa.UnicodeText, default="")
    published_at: Mapped[datetime.datetime] = mapped_column(sa.DateTime(timezone=True))
    published_by: Mapped[str | None] = mapped_column(sa.UnicodeText)


class AgreementRow(toolkit.BaseModel):
    """One signed agreement: the text, what the portal's key signed, and the copy that went out.

    ``statement`` are the very bytes under the signature. ``pdf`` is kept as it was made: another
    version of the library that draws it would give other bytes, and another hash.
    """

    __tablename__ = "govopen_agreement"
    __table_args__ = (
        sa.UniqueConstraint("application_id", "organization_id"),
        sa.Index("govopen_agreement_text", "text_sha256"),
        sa.Index("govopen_agreement_pdf", "pdf_sha256"),
    )

    id: Mapped[str] = mapped_column(
        sa.UnicodeText, primary_key=True, default=lambda: str(uuid.uuid4())
    )
    application_id: Mapped[str] = mapped_column(sa.UnicodeText)
    organization_id: Mapped[str] = mapped_column(sa.UnicodeText)
    template: Mapped[str] = mapped_column(sa.UnicodeText)
    template_version: Mapped[int] = mapped_column(sa.Integer)
    text: Mapped[str] = mapped_column(sa.UnicodeText)
    text_sha256: Mapped[str] = mapped_column(sa.UnicodeText)
    signer: Mapped[str] = mapped_column(sa.UnicodeText, index=True)
    typed_name: Mapped[str] = mapped_column(sa.UnicodeText)
    method: Mapped[str] = mapped_column(sa.UnicodeText)
    statement: Mapped[bytes] = mapped_column(sa.LargeBinary)
    signature: Mapped[str] = mapped_column(sa.UnicodeText)
    key_id: Mapped[str] = mapped_column(sa.UnicodeText)
    signed_at: Mapped[datetime.datetime] = mapped_column(sa.DateTime(timezone=True))
    pdf: Mapped[bytes] = mapped_column(sa.LargeBinary, deferred=True)
    pdf_sha256: Mapped[str] = mapped_column(sa.UnicodeText)


def bundled(profile: str) -> rules.Template:
    """The template that comes with the extension: the first version of the profile's."""
    folder = FOLDER / "agreements"
    path = folder / f"{profile}.txt"
    if profile == _STANDARD or not path.is_file():
        path = folder / f"{_STANDARD}.txt"
    return rules.Template(profile, 1, profile, rules.normal(path.read_text(encoding="utf-8")))


def published(session: AlchemySession, template: str) -> list[TemplateRow]:
    """The published versions of a template, the newest first."""
    return list(
        session.scalars(
            sa.select(TemplateRow)
            .where(TemplateRow.id == template)
            .order_by(TemplateRow.version.desc())
        )
    )


def current(session: AlchemySession, profile: str) -> rules.Template:
    """The newest version of a profile's template; the bundled one while none was published."""
    rows = published(session, profile)
    return to_rule(rows[0]) if rows else bundled(profile)


def to_rule(row: TemplateRow) -> rules.Template:
    """The row as the rules know it."""
    return rules.Template(row.id, row.version, row.profile, row.text)


def project_template(
    session: AlchemySession, event: Event, actor: str | None, now: datetime.datetime
) -> TemplateRow:
    """The row of a template that was published."""
    template = rules.template_of(event)
    row = TemplateRow(
        id=template.id,
        version=template.version,
        profile=template.profile,
        text=template.text,
        sha256=template.sha256,
        reason=event.payload["reason"],
        published_at=now,
        published_by=actor,
    )
    session.add(row)
    session.flush()
    return row


def of_part(session: AlchemySession, application: str, organization: str) -> AgreementRow | None:
    """The agreement of one department's part of a case; None while it is not signed."""
    return session.scalars(
        sa.select(AgreementRow).where(
            AgreementRow.application_id == application,
            AgreementRow.organization_id == organization,
        )
    ).first()


def erase(session: AlchemySession, application: str, organization: str) -> None:
    """Takes what is personal out of an agreement, for good; hash, statement and signature stay."""
    session.execute(
        sa.update(AgreementRow)
        .where(
            AgreementRow.application_id == application,
            AgreementRow.organization_id == organization,
        )
        .values(text="", typed_name="", pdf=b"")
    )


def by_digest(session: AlchemySession, sha256: str) -> AgreementRow | None:
    """The agreement whose PDF copy or text has this SHA-256."""
    return session.scalars(
        sa.select(AgreementRow)
        .where(sa.or_(AgreementRow.pdf_sha256 == sha256, AgreementRow.text_sha256 == sha256))
        .limit(1)
    ).first()
