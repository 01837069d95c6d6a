"""What time brings for grants: notice before the end, and the end of what the access log keeps."""

from __future__ import annotations

import datetime

import sqlalchemy as sa
from ckan import model

from ckanext.govopen.domain import usage as rules
from ckanext.govopen.logic import grant_end
from ckanext.govopen.model import access_log, jurisdiction, look, settings, usage
from ckanext.govopen.model.grant import GrantRow

__all__ = ["forget", "notify"]

#: Grants whose holders are told in one round.
MANY = 500


def notify(now: datetime.datetime) -> int:
    """Tells the holders of grants that end soon, once for each number of days of the option."""
    told = 0
    for days in sorted(settings.grants_notice_days()):
        rows = model.Session.scalars(
            sa.select(GrantRow)
            .where(
                GrantRow.state == "active",
                GrantRow.valid_to > now,
                GrantRow.valid_to <= now + datetime.timedelta(days=days),
                # A shorter notice that went out already makes the longer one needless.
                sa.or_(GrantRow.noticed.is_(None), GrantRow.noticed > days),
            )
            .order_by(GrantRow.valid_to)
            .limit(MANY)
            .with_for_update(skip_locked=True)
        ).all()
        for row in rows:
            row.noticed = days
            grant_end.tell("grant-expiring", row, now, until=row.valid_to.isoformat())
        model.Session.flush()
        told += len(rows)
    model.repo.commit()
    return told


def forget(now: datetime.datetime) -> int:
    """Deletes what the access log and the list of looks have kept for long enough; the number of
    the log's rows."""
    kept = rules.keeping(jurisdiction.profile(), settings.access_log_keep_days())
    gone = access_log.forget_before(model.Session, now - kept)
    look.forget_before(model.Session, now - kept)
    usage.forget_before(model.Session, rules.today(now - kept))
    model.repo.commit()
    return gone
