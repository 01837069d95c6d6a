"""A look at who uses a grant says of which grant.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "govopen_look", sa.Column("grant_id", sa.UnicodeText(), nullable=False, server_default="")
    )


def downgrade() -> None:
    op.drop_column("govopen_look", "grant_id")
