"""Uses of grants that were refused stood in the access log as allowed.

Revision ID: 0005
Revises: 0004
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A use that was given is called granted: nothing else was ever called allowed.
    op.execute("UPDATE govopen_access_log SET outcome = 'refused' WHERE outcome = 'allowed'")


def downgrade() -> None:
    """What was refused stays refused."""
