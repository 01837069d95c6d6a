"""No mark on every record in every run: what a run missed stands in its report.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("govopen_record", "seen_run")


def downgrade() -> None:
    op.add_column("govopen_record", sa.Column("seen_run", sa.UnicodeText(), nullable=True))
