"""Data authorities of several levels.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "govopen_level",
        sa.Column("organization_id", sa.UnicodeText(), nullable=False),
        sa.Column("authority_id", sa.UnicodeText(), nullable=True),
        sa.Column("responsible_id", sa.UnicodeText(), nullable=True),
        sa.Column("placed_by", sa.UnicodeText(), nullable=True),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organization_id"),
    )
    op.create_index("govopen_level_authority", "govopen_level", ["authority_id"], unique=False)
    op.add_column("govopen_dataset", sa.Column("suspended_by", sa.UnicodeText(), nullable=True))


def downgrade() -> None:
    op.drop_column("govopen_dataset", "suspended_by")
    op.drop_index("govopen_level_authority", table_name="govopen_level")
    op.drop_table("govopen_level")
