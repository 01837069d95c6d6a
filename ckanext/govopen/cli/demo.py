"""``ckan govopen demo``: loads the demonstration, or takes all of it away."""

from __future__ import annotations

import os
from pathlib import Path

import click
from ckan.plugins import toolkit


def _accounts_file(given: str | None) -> Path:
    """Where the accounts are written: the option, the folder of the site, or the storage."""
    if given:
        return Path(given)
    home = os.environ.get("GOVOPEN_HOME") or str(toolkit.config.get("ckan.storage_path") or ".")
    return Path(home) / "demo-accounts.json"


@click.command("demo", short_help="Load the demonstration, or take it away.")
@click.option("--remove", is_flag=True, help="Take everything of the demonstration away.")
@click.option(
    "--accounts",
    type=click.Path(dir_okay=False),
    help="File for the accounts and passwords. Default: demo-accounts.json in GOVOPEN_HOME.",
)
def command(remove: bool, accounts: str | None) -> None:
    """A city's catalogue with 1,429 datasets, accounts for every part, and real files."""
    from ckanext.govopen.demo import load, parallel
    from ckanext.govopen.demo import remove as removal

    path = _accounts_file(accounts)
    if remove:
        removal.remove(path, click.echo)
        return
    try:
        written = load.load(path, click.echo, workers=min(2, os.cpu_count() or 1))
    except (load.DemoError, parallel.ShareFailed) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Accounts (also in {path}):")
    for account in written["accounts"]:
        click.echo(f"  {account['name']:22} {account['password']:18} {account['fullname']}")
