"""All tables of the extension.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "govopen_access_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("grant_id", sa.UnicodeText(), nullable=False),
        sa.Column("user_id", sa.UnicodeText(), nullable=False),
        sa.Column("organization_id", sa.UnicodeText(), nullable=False),
        sa.Column("package_id", sa.UnicodeText(), nullable=False),
        sa.Column("resource_id", sa.UnicodeText(), nullable=True),
        sa.Column("kind", sa.UnicodeText(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("columns", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("address", sa.UnicodeText(), nullable=True),
        sa.Column("outcome", sa.UnicodeText(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("govopen_access_log_at", "govopen_access_log", ["at"], unique=False)
    op.create_index(
        "govopen_access_log_grant", "govopen_access_log", ["grant_id", "at"], unique=False
    )
    op.create_index(
        "govopen_access_log_organization",
        "govopen_access_log",
        ["organization_id", "at"],
        unique=False,
    )
    op.create_index(
        "govopen_access_log_user", "govopen_access_log", ["user_id", "at"], unique=False
    )
    op.create_table(
        "govopen_actor",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.UnicodeText(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("user_id"),
    )
    op.create_table(
        "govopen_agreement",
        sa.Column("id", sa.UnicodeText(), nullable=False),
        sa.Column("application_id", sa.UnicodeText(), nullable=False),
        sa.Column("organization_id", sa.UnicodeText(), nullable=False),
        sa.Column("template", sa.UnicodeText(), nullable=False),
        sa.Column("template_version", sa.Integer(), nullable=False),
        sa.Column("text", sa.UnicodeText(), nullable=False),
        sa.Column("text_sha256", sa.UnicodeText(), nullable=False),
        sa.Column("signer", sa.UnicodeText(), nullable=False),
        sa.Column("typed_name", sa.UnicodeText(), nullable=False),
        sa.Column("method", sa.UnicodeText(), nullable=False),
        sa.Column("statement", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.UnicodeText(), nullable=False),
        sa.Column("key_id", sa.UnicodeText(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pdf", sa.LargeBinary(), nullable=False),
        sa.Column("pdf_sha256", sa.UnicodeText(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("application_id", "organization_id"),
    )
    op.create_index("govopen_agreement_pdf", "govopen_agreement", ["pdf_sha256"], unique=False)
    op.create_index("govopen_agreement_text", "govopen_agreement", ["text_sha256"], unique=False)
    op.create_index(
        op.f("ix_govopen_agreement_signer"), "govopen_agreement", ["signer"], unique=False
    )
    op.create_table(
        "govopen_agreement_template",
        sa.Column("id", sa.UnicodeText(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("profile", sa.UnicodeText(), nullable=False),
        sa.Column("text", sa.UnicodeText(), nullable=False),
        sa.Column("sha256", sa.UnicodeText(), nullable=False),
        sa.Column("reason", sa.UnicodeText(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_by", sa.UnicodeText(), nullable=True),
        sa.PrimaryKeyConstraint("id", "version"),
    )
    op.create_table(
        "govopen_applicant",
        sa.Column("user_id", sa.UnicodeText(), nullable=False),
        sa.Column("kind", sa.UnicodeText(), nullable=False),
        sa.Column("code", sa.UnicodeText(), nullable=False),
        sa.Column("name", sa.UnicodeText(), nullable=False),
        sa.Column("person", sa.UnicodeText(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "kind", "code"),
    )
    op.create_table(
        "govopen_application",
        sa.Column("id", sa.UnicodeText(), nullable=False),
        sa.Column("number", sa.UnicodeText(), nullable=False),
        sa.Column("user_id", sa.UnicodeText(), nullable=False),
        sa.Column("status", sa.UnicodeText(), nullable=False),
        sa.Column("kind", sa.UnicodeText(), server_default="", nullable=False),
        sa.Column("draft", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("writing", sa.Integer(), server_default="1", nullable=False),
        sa.Column("rules", sa.UnicodeText(), server_default="", nullable=False),
        sa.Column("revision", sa.Integer(), server_default="0", nullable=False),
        sa.Column("renews", sa.UnicodeText(), nullable=True),
        sa.Column("language", sa.UnicodeText(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number"),
    )
    op.create_index(
        "govopen_application_user", "govopen_application", ["user_id", "status"], unique=False
    )
    op.create_table(
        "govopen_application_dataset",
        sa.Column("application_id", sa.UnicodeText(), nullable=False),
        sa.Column("organization_id", sa.UnicodeText(), nullable=False),
        sa.Column("package_id", sa.UnicodeText(), nullable=False),
        sa.PrimaryKeyConstraint("application_id", "organization_id", "package_id"),
    )
    op.create_index(
        "govopen_application_dataset_package",
        "govopen_application_dataset",
        ["package_id"],
        unique=False,
    )
    op.create_table(
        "govopen_application_part",
        sa.Column("application_id", sa.UnicodeText(), nullable=False),
        sa.Column("organization_id", sa.UnicodeText(), nullable=False),
        sa.Column("status", sa.UnicodeText(), nullable=False),
        sa.Column("handler", sa.UnicodeText(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cause", sa.UnicodeText(), server_default="", nullable=False),
        sa.Column("waits_for", postgresql.JSONB(), server_default="[]", nullable=False),
        sa.Column("clock", sa.UnicodeText(), server_default="", nullable=False),
        sa.Column("due", sa.DateTime(timezone=True), nullable=True),
        sa.Column("article", sa.UnicodeText(), nullable=True),
        sa.Column("provisional", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("internal", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("reminded", postgresql.JSONB(), server_default="[]", nullable=False),
        sa.PrimaryKeyConstraint("application_id", "organization_id"),
    )
    op.create_index(
        "govopen_application_part_due", "govopen_application_part", ["due"], unique=False
    )
    op.create_index(
        "govopen_application_part_organization",
        "govopen_application_part",
        ["organization_id", "status"],
        unique=False,
    )
    op.create_table(
        "govopen_attachment",
        sa.Column("id", sa.UnicodeText(), nullable=False),
        sa.Column("application_id", sa.UnicodeText(), nullable=False),
        sa.Column("user_id", sa.UnicodeText(), nullable=False),
        sa.Column("name", sa.UnicodeText(), nullable=False),
        sa.Column("sha256", sa.UnicodeText(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.UnicodeText(), nullable=False),
        sa.Column("note", sa.UnicodeText(), server_default="", nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "govopen_attachment_case", "govopen_attachment", ["application_id"], unique=False
    )
    op.create_index("govopen_attachment_sha256", "govopen_attachment", ["sha256"], unique=False)
    op.create_table(
        "govopen_checkpoint",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("document", postgresql.JSONB(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "govopen_checkpoint_head",
        sa.Column("stream", sa.UnicodeText(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("stream"),
    )
    op.create_table(
        "govopen_closed_account",
        sa.Column("user_id", sa.UnicodeText(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("erase_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("user_id"),
    )
    op.create_index(
        op.f("ix_govopen_closed_account_erase_at"),
        "govopen_closed_account",
        ["erase_at"],
        unique=False,
    )
    op.create_table(
        "govopen_copy",
        sa.Column("source_id", sa.UnicodeText(), nullable=False),
        sa.Column("resource_id", sa.UnicodeText(), nullable=False),
        sa.Column("code", sa.UnicodeText(), nullable=False),
        sa.Column("package_id", sa.UnicodeText(), nullable=False),
        sa.Column("url", sa.UnicodeText(), nullable=False),
        sa.Column("name", sa.UnicodeText(), nullable=False),
        sa.Column("format", sa.UnicodeText(), nullable=False),
        sa.Column("sha256", sa.UnicodeText(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("columns", postgresql.JSONB(), nullable=True),
        sa.Column("state", sa.UnicodeText(), nullable=False),
        sa.Column("run_id", sa.UnicodeText(), nullable=True),
        sa.Column("reasons", postgresql.JSONB(), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_sha256", sa.UnicodeText(), nullable=False),
        sa.Column("held_size", sa.BigInteger(), nullable=False),
        sa.Column("held_name", sa.UnicodeText(), nullable=False),
        sa.Column("held_type", sa.UnicodeText(), nullable=False),
        sa.Column("held_url", sa.UnicodeText(), nullable=False),
        sa.Column("held_columns", postgresql.JSONB(), nullable=True),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("etag", sa.UnicodeText(), nullable=False),
        sa.Column("last_modified", sa.UnicodeText(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "resource_id"),
    )
    op.create_index("govopen_copy_code", "govopen_copy", ["source_id", "code"], unique=False)
    op.create_index("govopen_copy_state", "govopen_copy", ["source_id", "state"], unique=False)
    op.create_table(
        "govopen_dataset",
        sa.Column("package_id", sa.UnicodeText(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("pending", sa.Boolean(), nullable=False),
        sa.Column("suspended", sa.Boolean(), nullable=False),
        sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("suspended_reason", sa.UnicodeText(), nullable=True),
        sa.Column("suspended_by_authority", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("package_id"),
    )
    op.create_table(
        "govopen_duty",
        sa.Column("id", sa.UnicodeText(), nullable=False),
        sa.Column("user_id", sa.UnicodeText(), nullable=False),
        sa.Column("organization_id", sa.UnicodeText(), nullable=False),
        sa.Column("duty", sa.UnicodeText(), nullable=False),
        sa.Column("deputy_for", sa.UnicodeText(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("given_by", sa.UnicodeText(), nullable=True),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "govopen_duty_holder",
        "govopen_duty",
        ["user_id", "organization_id", "duty", sa.literal_column("coalesce(deputy_for, '')")],
        unique=True,
    )
    op.create_index(
        "govopen_duty_organization", "govopen_duty", ["organization_id", "duty"], unique=False
    )
    op.create_table(
        "govopen_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("stream", sa.UnicodeText(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("type", sa.UnicodeText(), nullable=False),
        sa.Column("payload", postgresql.JSONB(), nullable=False),
        sa.Column("salts", postgresql.JSONB(), nullable=False),
        sa.Column("digests", postgresql.JSONB(), nullable=False),
        sa.Column("actor", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("stream", "version"),
    )
    op.create_index(
        "govopen_event_dataset",
        "govopen_event",
        [sa.literal_column("(payload ->> 'dataset')")],
        unique=False,
    )
    op.create_index("govopen_event_type", "govopen_event", ["type", "at"], unique=False)
    op.create_index(op.f("ix_govopen_event_at"), "govopen_event", ["at"], unique=False)
    op.create_table(
        "govopen_external_identity",
        sa.Column("id", sa.UnicodeText(), nullable=False),
        sa.Column("issuer", sa.UnicodeText(), nullable=False),
        sa.Column("subject", sa.UnicodeText(), nullable=False),
        sa.Column("user_id", sa.UnicodeText(), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("issuer", "subject"),
    )
    op.create_index(
        op.f("ix_govopen_external_identity_user_id"),
        "govopen_external_identity",
        ["user_id"],
        unique=False,
    )
    op.create_table(
        "govopen_file",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("resource_id", sa.UnicodeText(), nullable=False),
        sa.Column("package_id", sa.UnicodeText(), nullable=False),
        sa.Column("sha256", sa.UnicodeText(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.UnicodeText(), nullable=False),
        sa.Column("media_type", sa.UnicodeText(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shape", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "govopen_file_package", "govopen_file", ["package_id", "resource_id", "id"], unique=False
    )
    op.create_index("govopen_file_sha256", "govopen_file", ["sha256"], unique=False)
    op.create_table(
        "govopen_grant",
        sa.Column("id", sa.UnicodeText(), nullable=False),
        sa.Column("package_id", sa.UnicodeText(), nullable=False),
        sa.Column("organization_id", sa.UnicodeText(), nullable=False),
        sa.Column("holder_kind", sa.UnicodeText(), nullable=False),
        sa.Column("persons", postgresql.JSONB(), nullable=False),
        sa.Column("holder_name", sa.UnicodeText(), nullable=False),
        sa.Column("holder_code", sa.UnicodeText(), nullable=False),
        sa.Column("authorised", sa.UnicodeText(), server_default="", nullable=False),
        sa.Column("items", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("purpose", sa.UnicodeText(), nullable=False),
        sa.Column("delivery", postgresql.JSONB(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=False),
        sa.Column("quota", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.UnicodeText(), nullable=False),
        sa.Column("reason", sa.UnicodeText(), nullable=False),
        sa.Column("cause", sa.UnicodeText(), server_default="", nullable=False),
        sa.Column("application", sa.UnicodeText(), server_default="", nullable=False),
        sa.Column("authorised_use", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("conditions", postgresql.JSONB(), server_default="[]", nullable=False),
        sa.Column("report", sa.UnicodeText(), server_default="", nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("noticed", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.UnicodeText(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "govopen_grant_organization", "govopen_grant", ["organization_id"], unique=False
    )
    op.create_index("govopen_grant_package", "govopen_grant", ["package_id", "state"], unique=False)
    op.create_index(
        "govopen_grant_persons",
        "govopen_grant",
        ["persons"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"persons": "jsonb_path_ops"},
    )
    op.create_table(
        "govopen_letter",
        sa.Column("number", sa.UnicodeText(), nullable=False),
        sa.Column("application_id", sa.UnicodeText(), nullable=False),
        sa.Column("organization_id", sa.UnicodeText(), nullable=False),
        sa.Column("kind", sa.UnicodeText(), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("sha256", sa.UnicodeText(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("govopen_letter_case", "govopen_letter", ["application_id"], unique=False)
    op.create_table(
        "govopen_loaded",
        sa.Column("resource_id", sa.UnicodeText(), nullable=False),
        sa.Column("package_id", sa.UnicodeText(), nullable=False),
        sa.Column("sha256", sa.UnicodeText(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("written", sa.Boolean(), nullable=False),
        sa.Column("problem", sa.UnicodeText(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("resource_id"),
    )
    op.create_index("govopen_loaded_package", "govopen_loaded", ["package_id"], unique=False)
    op.create_table(
        "govopen_location",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("resource_id", sa.UnicodeText(), nullable=False),
        sa.Column("package_id", sa.UnicodeText(), nullable=False),
        sa.Column("sha256", sa.UnicodeText(), nullable=False),
        sa.Column("url", sa.UnicodeText(), nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("resource_id", "sha256", name="govopen_location_resource_sha256"),
    )
    op.create_index(
        "govopen_location_package",
        "govopen_location",
        ["package_id", "resource_id", "id"],
        unique=False,
    )
    op.create_table(
        "govopen_number",
        sa.Column("kind", sa.UnicodeText(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "year"),
    )
    op.create_table(
        "govopen_look",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.UnicodeText(), nullable=False),
        sa.Column("subject_id", sa.UnicodeText(), nullable=False),
        sa.Column("actor", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.UnicodeText(), nullable=False),
        sa.Column("capacity", sa.UnicodeText(), nullable=False),
        sa.Column("organization_id", sa.UnicodeText(), nullable=True),
        sa.Column("status", sa.UnicodeText(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "govopen_look_application", "govopen_look", ["application_id", "last_at"], unique=False
    )
    op.create_index("govopen_look_actor", "govopen_look", ["actor", "last_at"], unique=False)
    op.create_index("govopen_look_at", "govopen_look", ["last_at"], unique=False)
    op.create_index("govopen_look_subject", "govopen_look", ["subject_id", "last_at"], unique=False)
    op.create_table(
        "govopen_outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.UnicodeText(), nullable=False),
        sa.Column("payload", postgresql.JSONB(), nullable=False),
        sa.Column("due", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.UnicodeText(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_govopen_outbox_due"), "govopen_outbox", ["due"], unique=False)
    op.create_table(
        "govopen_record",
        sa.Column("source_id", sa.UnicodeText(), nullable=False),
        sa.Column("code", sa.UnicodeText(), nullable=False),
        sa.Column("package_id", sa.UnicodeText(), nullable=True),
        sa.Column("hash", sa.UnicodeText(), nullable=False),
        sa.Column("state", sa.UnicodeText(), nullable=False),
        sa.Column("open_class", sa.UnicodeText(), nullable=True),
        sa.Column("reasons", postgresql.JSONB(), nullable=False),
        sa.Column("bulk", sa.Boolean(), nullable=False),
        sa.Column("title", sa.UnicodeText(), nullable=True),
        sa.Column("organization_id", sa.UnicodeText(), nullable=True),
        sa.Column("version", sa.UnicodeText(), nullable=True),
        sa.Column("seen_run", sa.UnicodeText(), nullable=True),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "code"),
    )
    op.create_index(
        op.f("ix_govopen_record_organization_id"),
        "govopen_record",
        ["organization_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_govopen_record_package_id"), "govopen_record", ["package_id"], unique=False
    )
    op.create_table(
        "govopen_registration",
        sa.Column("id", sa.UnicodeText(), nullable=False),
        sa.Column("digest", sa.UnicodeText(), nullable=False),
        sa.Column("email", sa.UnicodeText(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest"),
    )
    op.create_index(
        op.f("ix_govopen_registration_email"), "govopen_registration", ["email"], unique=False
    )
    op.create_index(
        op.f("ix_govopen_registration_expires_at"),
        "govopen_registration",
        ["expires_at"],
        unique=False,
    )
    op.create_table(
        "govopen_release",
        sa.Column("id", sa.UnicodeText(), nullable=False),
        sa.Column("package_id", sa.UnicodeText(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.UnicodeText(), nullable=False),
        sa.Column("kind", sa.UnicodeText(), nullable=False),
        sa.Column("open_class", sa.UnicodeText(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("data", postgresql.JSONB(), nullable=False),
        sa.Column("files", postgresql.JSONB(), nullable=False),
        sa.Column("views", postgresql.JSONB(), nullable=False),
        sa.Column("resource_ids", postgresql.JSONB(), nullable=False),
        sa.Column("tags", postgresql.JSONB(), nullable=False),
        sa.Column("formats", postgresql.JSONB(), nullable=False),
        sa.Column("profile", sa.UnicodeText(), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_by", sa.UnicodeText(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.UnicodeText(), nullable=False),
        sa.Column("review_by", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("package_id", "version"),
    )
    op.create_index(
        "govopen_release_live",
        "govopen_release",
        ["package_id"],
        unique=True,
        postgresql_where=sa.text("status = 'live'"),
    )
    op.create_index(
        "govopen_release_name",
        "govopen_release",
        [sa.literal_column("(data #>> '{default,name}')")],
        unique=False,
        postgresql_where=sa.text("status = 'live'"),
    )
    op.create_table(
        "govopen_review",
        sa.Column("id", sa.UnicodeText(), nullable=False),
        sa.Column("package_id", sa.UnicodeText(), nullable=False),
        sa.Column("organization_id", sa.UnicodeText(), nullable=False),
        sa.Column("status", sa.UnicodeText(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("submitters", postgresql.JSONB(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("submitted_fingerprint", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.UnicodeText(), nullable=True),
        sa.Column("approved_fingerprint", sa.Text(), nullable=False),
        sa.Column("remarks", sa.UnicodeText(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "govopen_review_organization", "govopen_review", ["organization_id", "status"], unique=False
    )
    op.create_index(
        "govopen_review_package", "govopen_review", ["package_id", "opened_at"], unique=False
    )
    op.create_index(
        "govopen_review_waiting",
        "govopen_review",
        ["package_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('open', 'submitted', 'returned')"),
    )
    op.create_table(
        "govopen_run",
        sa.Column("id", sa.UnicodeText(), nullable=False),
        sa.Column("source_id", sa.UnicodeText(), nullable=False),
        sa.Column("started_by", sa.UnicodeText(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.UnicodeText(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("counts", postgresql.JSONB(), nullable=False),
        sa.Column("message", postgresql.JSONB(), nullable=True),
        sa.Column("progress", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_govopen_run_source", "govopen_run", ["source_id", "started_at"], unique=False
    )
    op.create_table(
        "govopen_source",
        sa.Column("source_id", sa.UnicodeText(), nullable=False),
        sa.Column("last_editor", sa.UnicodeText(), nullable=True),
        sa.Column("powers", postgresql.JSONB(), nullable=False),
        sa.Column("org_code_scheme", sa.UnicodeText(), nullable=False),
        sa.Column("language", sa.UnicodeText(), nullable=False),
        sa.Column("memory", sa.LargeBinary(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("source_id"),
    )
    op.create_table(
        "govopen_standing",
        sa.Column("id", sa.UnicodeText(), nullable=False),
        sa.Column("resource_id", sa.UnicodeText(), nullable=False),
        sa.Column("package_id", sa.UnicodeText(), nullable=False),
        sa.Column("fields", postgresql.JSONB(), nullable=False),
        sa.Column("source", sa.UnicodeText(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.UnicodeText(), nullable=False),
        sa.Column("given_by", sa.UnicodeText(), nullable=True),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "govopen_standing_resource", "govopen_standing", ["resource_id", "ended_at"], unique=False
    )
    op.create_table(
        "govopen_usage",
        sa.Column("grant_id", sa.UnicodeText(), nullable=False),
        sa.Column("period", sa.UnicodeText(), nullable=False),
        sa.Column("downloads", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("requests", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rows", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("taken", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("grant_id", "period"),
    )
    op.create_table(
        "govopen_run_remark",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("run_id", sa.UnicodeText(), nullable=False),
        sa.Column("code", sa.UnicodeText(), nullable=False),
        sa.Column("kind", sa.UnicodeText(), nullable=False),
        sa.Column("place", sa.UnicodeText(), nullable=True),
        sa.Column("reasons", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["govopen_run.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_govopen_run_remark_run", "govopen_run_remark", ["run_id", "id"], unique=False
    )


def downgrade() -> None:
    op.drop_index("ix_govopen_run_remark_run", table_name="govopen_run_remark")
    op.drop_table("govopen_run_remark")
    op.drop_table("govopen_usage")
    op.drop_index("govopen_standing_resource", table_name="govopen_standing")
    op.drop_table("govopen_standing")
    op.drop_table("govopen_source")
    op.drop_index("ix_govopen_run_source", table_name="govopen_run")
    op.drop_table("govopen_run")
    op.drop_index(
        "govopen_review_waiting",
        table_name="govopen_review",
        postgresql_where=sa.text("status IN ('open', 'submitted', 'returned')"),
    )
    op.drop_index("govopen_review_package", table_name="govopen_review")
    op.drop_index("govopen_review_organization", table_name="govopen_review")
    op.drop_table("govopen_review")
    op.drop_index(
        "govopen_release_name",
        table_name="govopen_release",
        postgresql_where=sa.text("status = 'live'"),
    )
    op.drop_index(
        "govopen_release_live",
        table_name="govopen_release",
        postgresql_where=sa.text("status = 'live'"),
    )
    op.drop_table("govopen_release")
    op.drop_index(op.f("ix_govopen_registration_expires_at"), table_name="govopen_registration")
    op.drop_index(op.f("ix_govopen_registration_email"), table_name="govopen_registration")
    op.drop_table("govopen_registration")
    op.drop_index(op.f("ix_govopen_record_package_id"), table_name="govopen_record")
    op.drop_index(op.f("ix_govopen_record_organization_id"), table_name="govopen_record")
    op.drop_table("govopen_record")
    op.drop_index(op.f("ix_govopen_outbox_due"), table_name="govopen_outbox")
    op.drop_table("govopen_outbox")
    op.drop_index("govopen_look_subject", table_name="govopen_look")
    op.drop_index("govopen_look_at", table_name="govopen_look")
    op.drop_index("govopen_look_actor", table_name="govopen_look")
    op.drop_index("govopen_look_application", table_name="govopen_look")
    op.drop_table("govopen_look")
    op.drop_table("govopen_number")
    op.drop_index("govopen_location_package", table_name="govopen_location")
    op.drop_table("govopen_location")
    op.drop_index("govopen_loaded_package", table_name="govopen_loaded")
    op.drop_table("govopen_loaded")
    op.drop_index("govopen_letter_case", table_name="govopen_letter")
    op.drop_table("govopen_letter")
    op.drop_index(
        "govopen_grant_persons",
        table_name="govopen_grant",
        postgresql_using="gin",
        postgresql_ops={"persons": "jsonb_path_ops"},
    )
    op.drop_index("govopen_grant_package", table_name="govopen_grant")
    op.drop_index("govopen_grant_organization", table_name="govopen_grant")
    op.drop_table("govopen_grant")
    op.drop_index("govopen_file_sha256", table_name="govopen_file")
    op.drop_index("govopen_file_package", table_name="govopen_file")
    op.drop_table("govopen_file")
    op.drop_index(
        op.f("ix_govopen_external_identity_user_id"), table_name="govopen_external_identity"
    )
    op.drop_table("govopen_external_identity")
    op.drop_index(op.f("ix_govopen_event_at"), table_name="govopen_event")
    op.drop_index("govopen_event_type", table_name="govopen_event")
    op.drop_index("govopen_event_dataset", table_name="govopen_event")
    op.drop_table("govopen_event")
    op.drop_index("govopen_duty_organization", table_name="govopen_duty")
    op.drop_index("govopen_duty_holder", table_name="govopen_duty")
    op.drop_table("govopen_duty")
    op.drop_table("govopen_dataset")
    op.drop_index("govopen_copy_state", table_name="govopen_copy")
    op.drop_index("govopen_copy_code", table_name="govopen_copy")
    op.drop_table("govopen_copy")
    op.drop_index(op.f("ix_govopen_closed_account_erase_at"), table_name="govopen_closed_account")
    op.drop_table("govopen_closed_account")
    op.drop_table("govopen_checkpoint_head")
    op.drop_table("govopen_checkpoint")
    op.drop_index("govopen_attachment_sha256", table_name="govopen_attachment")
    op.drop_index("govopen_attachment_case", table_name="govopen_attachment")
    op.drop_table("govopen_attachment")
    op.drop_index("govopen_application_part_organization", table_name="govopen_application_part")
    op.drop_index("govopen_application_part_due", table_name="govopen_application_part")
    op.drop_table("govopen_application_part")
    op.drop_index("govopen_application_dataset_package", table_name="govopen_application_dataset")
    op.drop_table("govopen_application_dataset")
    op.drop_index("govopen_application_user", table_name="govopen_application")
    op.drop_table("govopen_application")
    op.drop_table("govopen_applicant")
    op.drop_table("govopen_agreement_template")
    op.drop_index(op.f("ix_govopen_agreement_signer"), table_name="govopen_agreement")
    op.drop_index("govopen_agreement_text", table_name="govopen_agreement")
    op.drop_index("govopen_agreement_pdf", table_name="govopen_agreement")
    op.drop_table("govopen_agreement")
    op.drop_table("govopen_actor")
    op.drop_index("govopen_access_log_user", table_name="govopen_access_log")
    op.drop_index("govopen_access_log_organization", table_name="govopen_access_log")
    op.drop_index("govopen_access_log_grant", table_name="govopen_access_log")
    op.drop_index("govopen_access_log_at", table_name="govopen_access_log")
    op.drop_table("govopen_access_log")
