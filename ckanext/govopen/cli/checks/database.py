"""Migrations, the data authority, duties, the profile, demo accounts, the ledger's key."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import sqlalchemy as sa
from ckan import model
from ckan.cli.db import _get_pending_plugins
from ckan.plugins import toolkit as tk

from ckanext.govopen.cli import common
from ckanext.govopen.cli.checks.finding import Finding, error, note, warning
from ckanext.govopen.domain.duty import Duty
from ckanext.govopen.logic import unhandled
from ckanext.govopen.model import edition, jurisdiction, levels, settings, signing, waiting
from ckanext.govopen.model.duty import DutyRow, offices

#: Demonstration accounts begin with this.
DEMO = "demo-"
#: Most applications that a finding names.
CASES = 10


def pending_migrations() -> dict[str, int]:
    """Number of migrations that are not applied, by plugin; those of CKAN itself as ``ckan``."""
    pending = dict(_get_pending_plugins())
    if not model.repo.are_tables_created():
        return {"ckan": 1, **pending}
    return pending


def check() -> list[Finding]:
    """All findings of this area."""
    pending = pending_migrations()
    if pending:
        # Nothing else can be asked of a database whose tables are not there.
        return [
            error(
                "migrations",
                f"Migrations are missing for: {', '.join(sorted(pending))}.",
                "Run: ckan db upgrade",
            )
        ]
    checks = (profile, editions, authority, seats, handlers, adoption, demo, ledger_key)
    return [finding for one in checks for finding in one()]


def profile() -> Iterator[Finding]:
    """Is the active profile law?"""
    active = jurisdiction.profile()
    reason = active.usable(datetime.datetime.now(datetime.timezone.utc))
    if reason:
        yield error(
            "profile-not-in-force",
            reason,
            "Choose a profile that is in force: ckanext.govopen.jurisdiction.",
        )
    elif active.status.verify_before_use:
        yield warning(
            "profile-verify",
            f"Profile {active.id}: {active.status.verify_before_use.en}",
            "Have it verified before the portal serves the public.",
        )


def editions() -> Iterator[Finding]:
    """Are the texts of the law there under which the open applications began?"""
    for problem, cases in edition.missing(model.Session).values():
        shown = ", ".join(cases[:CASES])
        more = f" and {len(cases) - CASES} more" if len(cases) > CASES else ""
        yield error(
            "profile-text",
            f"{problem} Open applications that began under it can be neither read nor decided:"
            f" {shown}{more}.",
            "Restore the text: the event profile.recorded from a backup of the database, or a file"
            " with this SHA-256 as ckanext.govopen.jurisdiction. ckan govopen ledger verify says"
            " whether more was changed.",
        )


def authority() -> Iterator[Finding]:
    """Is there a data authority, and does somebody review?"""
    name = settings.authority()
    found = model.Group.get(name) if name else None
    if not name:
        yield warning(
            "authority-none",
            "No data authority is named.",
            "Set ckanext.govopen.authority, then run ckan govopen init.",
        )
    elif found is None or not found.is_organization or found.state != "active":
        yield error(
            "authority-missing",
            f"The data authority {name} does not exist as an organisation.",
            "Run: ckan govopen init",
        )
    now = datetime.datetime.now(datetime.timezone.utc)
    held = set(
        model.Session.scalars(
            sa.select(DutyRow.duty).where(sa.or_(DutyRow.until.is_(None), DutyRow.until > now))
        )
    )
    # The same duty in an authority of a lower level decides for its own area alone.
    highest = offices(model.Session, Duty.AUTHORITY.value, now)
    if name and (found is None or found.id not in highest):
        yield warning(
            "authority-nobody",
            "Nobody holds the duty authority.",
            f"Run: ckan govopen duty give USER {name} authority",
        )
    if (
        settings.review_on()
        and "reviewer" not in held
        and not (settings.review_delegate_to_authority() and "authority" in held)
    ):
        yield warning(
            "review-nobody",
            "Nobody can review: nothing will become public.",
            "Run: ckan govopen duty give USER ORGANIZATION reviewer",
        )


def seats() -> Iterator[Finding]:
    """Does somebody decide in each authority of a lower level?"""
    known = levels.find(model.Session)
    now = datetime.datetime.now(datetime.timezone.utc)
    vacant = sorted(known.seats - offices(model.Session, Duty.AUTHORITY.value, now))
    places = waiting.organizations(model.Session, vacant)
    for id in vacant:
        name = places.get(id, {}).get("name", id)
        yield warning(
            "authority-vacant",
            f"Departments stand under the authority {name}, and nobody holds the duty there.",
            f"Run: ckan govopen duty give USER {name} authority",
        )


def handlers() -> Iterator[Finding]:
    """Has every department that gives data on application somebody who handles it?"""
    now = datetime.datetime.now(datetime.timezone.utc)
    left = [one["name"] for one in unhandled.departments(now)]
    if left:
        more = f" and {len(left) - CASES} more" if len(left) > CASES else ""
        yield warning(
            "handler-nobody",
            "Nobody handles applications for the conditional data of these departments, so they"
            f" would wait: {', '.join(left[:CASES])}{more}.",
            "Run for each: ckan govopen duty give USER ORGANIZATION handler",
        )


def adoption() -> Iterator[Finding]:
    """Are there datasets from the time before the extension that nobody has decided on?"""
    answer = common.act("govopen_adopt_list", {"limit": 0})
    if answer["count"]:
        yield warning(
            "adopt",
            f"{answer['count']} datasets are from before the extension: outsiders see none of"
            " them until somebody chooses.",
            "Run: ckan govopen adopt",
        )


def demo() -> Iterator[Finding]:
    """Demonstration accounts have passwords that anybody can look up."""
    accounts = model.Session.scalar(
        sa.select(sa.func.count())
        .select_from(model.User)
        .where(model.User.name.startswith(DEMO), model.User.state == "active")
    )
    if not accounts:
        return
    text = f"There are {accounts} demonstration accounts."
    todo = "Take the demo away before the portal serves anybody: ckan govopen demo --remove"
    yield note("demo", text, todo) if settings.demo() else error("demo", text, todo)


def ledger_key() -> Iterator[Finding]:
    """Can checkpoints be signed?"""
    target = signing.path()
    if target is None:
        yield error(
            "ledger-key", "There is no place for the ledger's key.", "Set ckan.storage_path."
        )
        return
    problem = signing.problem(target) or signing.mismatch(model.Session, target)
    if problem:
        yield warning("ledger-key", problem, "See the message.")
    storage = tk.config.get("ckan.storage_path")
    if storage and str(target).startswith(f"{storage.rstrip('/')}/storage/"):
        yield error(
            "ledger-key-public",
            "The ledger's key lies in a folder that is served to everybody.",
            "Move it and set ckanext.govopen.ledger.key_file.",
        )
