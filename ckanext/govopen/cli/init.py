"""``ckan govopen init``: what a site needs once; it may be run again at any time."""

from __future__ import annotations

import click
from ckan import model

from ckanext.govopen.cli import common
from ckanext.govopen.cli.checks.database import pending_migrations
from ckanext.govopen.logic import command as commands
from ckanext.govopen.model import jurisdiction, settings, signing


@click.command(
    "init",
    help="""Set the site up: checks the migrations and the profile, makes the organisation of the
    data authority and the key of the ledger. Running it again changes nothing.""",
)
def command() -> None:
    """Set up what is missing."""
    pending = pending_migrations()
    if pending:
        common.fail(
            f"The database lacks migrations of: {', '.join(sorted(pending))}.\nRun: ckan db upgrade"
        )
    profile = jurisdiction.profile()
    click.echo(f"Profile: {profile.id} ({profile.instrument.names.zh_Hans})")
    _authority()
    _key()
    click.secho("The site is set up. Look it over with: ckan govopen doctor", fg="green")


def _authority() -> None:
    name = settings.authority()
    if not name:
        click.secho(
            "No data authority: set ckanext.govopen.authority to the name of its organisation.",
            fg="yellow",
        )
        return
    found = model.Group.get(name)
    if found is not None and not found.is_organization:
        common.fail(f"{name} is a group, not an organisation: choose another name.")
    if found is not None and found.state == "active":
        click.echo(f"Data authority: {found.title or name}")
        return
    if found is not None:
        common.fail(f"The organisation {name} was deleted: restore it or choose another name.")
    title = jurisdiction.profile().authority.names.zh_Hans
    common.call("organization_create", {"name": name, "title": title})
    click.echo(f"Data authority: {title} (made)")


def _key() -> None:
    try:
        target, made = signing.ensure(model.Session, commands.now())
    except signing.KeyProblem as problem:
        model.Session.rollback()
        common.fail(str(problem))
    model.repo.commit()
    click.echo(f"Key of the ledger: {target}" + (" (made; keep a copy apart)" if made else ""))
