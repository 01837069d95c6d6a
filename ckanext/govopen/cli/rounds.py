"""The jobs of the scheduler: each can run twice without harm, and one that fails stops no other."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable

import sqlalchemy as sa
from ckan import model
from ckan.plugins import plugin_loaded
from ckan.plugins import toolkit as tk

from ckanext.govopen.access import incoming
from ckanext.govopen.cli import common
from ckanext.govopen.logic import (
    application_round,
    closing,
    copying,
    deliver,
    file_upkeep,
    grant_upkeep,
    overdue,
    registration,
)
from ckanext.govopen.logic import command as commands
from ckanext.govopen.model import checkpoint, settings
from ckanext.govopen.model.review import ReviewRow

log = logging.getLogger(__name__)

#: Reviews handed in by themselves in one round.
MANY = 500
#: Least time between two runs of ckanext-harvest's dispatcher and of the collection of bytes.
HARVEST_EVERY = datetime.timedelta(minutes=1)
APPLICATIONS_EVERY = datetime.timedelta(minutes=5)
COPIES_EVERY = datetime.timedelta(minutes=10)
COLLECT_EVERY = datetime.timedelta(days=1)
NOTIFY_EVERY = datetime.timedelta(hours=1)


class Rounds:
    """What one long-lived scheduler remembers between its rounds."""

    def __init__(self) -> None:
        #: Reviews that lacked something, with the moment of their last change: asking again
        #: before the dataset changes would give the same answer.
        self._lacking: dict[str, datetime.datetime] = {}
        self._last: dict[str, datetime.datetime] = {}

    def run(self) -> dict[str, int | None]:
        """One round; number of things done by job, None for a job that failed."""
        jobs: dict[str, Callable[[], int]] = {
            "reviews": self.submit_settled,
            "applications": self.applications,
            "outbox": self.deliver,
            "harvest": self.harvest,
            "files": self.collect,
            "copies": self.copies,
            "checkpoint": self.checkpoint,
            "grants": self.notify_holders,
            "access log": self.forget,
            "accounts": self.accounts,
            "overdue": self.overdue,
        }
        done: dict[str, int | None] = {}
        for name, job in jobs.items():
            try:
                with common.request():
                    done[name] = job()
            except Exception:
                # The next round tries again; the other jobs must run meanwhile.
                log.exception("The job %s failed.", name)
                model.Session.rollback()
                done[name] = None
            finally:
                model.Session.remove()
        return done

    def submit_settled(self) -> int:
        """Hands in the reviews of active datasets that nobody has changed for a while."""
        if not settings.review_on():
            return 0
        before = commands.now() - datetime.timedelta(minutes=settings.review_settle_minutes())
        rows = model.Session.execute(
            sa.select(ReviewRow.id, ReviewRow.changed_at)
            .join(model.Package, model.Package.id == ReviewRow.package_id)
            .where(
                ReviewRow.status == "open",
                ReviewRow.changed_at <= before,
                model.Package.state == "active",
            )
            .order_by(ReviewRow.changed_at)
        ).all()
        self._lacking = {row.id: row.changed_at for row in rows if self._lacks(row)}
        done = 0
        for row in [row for row in rows if not self._lacks(row)][:MANY]:
            try:
                common.act("govopen_review_submit", {"id": row.id}, common.site_context())
                done += 1
            except common.Failed:
                self._lacking[row.id] = row.changed_at
        return done

    def _lacks(self, row: sa.Row[tuple[str, datetime.datetime]]) -> bool:
        return self._lacking.get(row[0]) == row[1]

    def deliver(self) -> int:
        """Delivers what earlier commits left in the outbox."""
        return deliver.due_now(commands.now())

    def harvest(self) -> int:
        """Lets ckanext-harvest start what is due and mark what has ended."""
        if not plugin_loaded("harvest") or not self._due("harvest", HARVEST_EVERY):
            return 0
        tk.get_action("harvest_jobs_run")(common.site_context(), {})
        return 1

    def copies(self) -> int:
        """Files of catalogues that wait: a worker that was killed left them."""
        if not plugin_loaded("harvest") or not self._due("copies", COPIES_EVERY):
            return 0
        return copying.wake()

    def collect(self) -> int:
        """Deletes bytes that nothing names any more, and what was left half fetched, once a day."""
        if not self._due("files", COLLECT_EVERY):
            return 0
        before = commands.now() - datetime.timedelta(days=settings.files_collect_after_days())
        return incoming.sweep(before) + len(file_upkeep.collect(model.Session, before))

    def notify_holders(self) -> int:
        """Tells the holders of grants that end soon, once an hour."""
        if not self._due("grants", NOTIFY_EVERY):
            return 0
        return grant_upkeep.notify(commands.now())

    def forget(self) -> int:
        """Deletes what the access log has kept for long enough, once a day."""
        if not self._due("access log", COLLECT_EVERY):
            return 0
        return grant_upkeep.forget(commands.now())

    def checkpoint(self) -> int:
        """Signs how far the ledger has come, when something happened and the time has come."""
        every = datetime.timedelta(minutes=settings.ledger_checkpoint_minutes())
        if not every or not self._due("checkpoint", every):
            return 0
        last = checkpoint.latest(model.Session)
        if last is not None and commands.now() - last.made_at < every:
            return 0
        made = common.act("govopen_ledger_checkpoint", {}, common.site_context())["made"]
        return int(made is not None)

    def applications(self) -> int:
        """Reports time limits that are over, and ends what the rules let end by itself."""
        if not self._due("applications", APPLICATIONS_EVERY):
            return 0
        return application_round.run(commands.now())

    def accounts(self) -> int:
        """Erases what names the owners of closed accounts, and registrations never finished."""
        now = commands.now()
        done = registration.forget(now)
        return done + closing.erase_due(now)

    def overdue(self) -> int:
        """Tells departments of data that is older than its update cycle, once an hour."""
        if not settings.overdue_mail() or not self._due("overdue", NOTIFY_EVERY):
            return 0
        return overdue.tell(commands.now())

    def _due(self, job: str, every: datetime.timedelta) -> bool:
        now = commands.now()
        last = self._last.get(job)
        if last is not None and now - last < every:
            return False
        self._last[job] = now
        return True
