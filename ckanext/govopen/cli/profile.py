"""``ckan govopen profile``: show the active profile, check a profile file."""

from __future__ import annotations

import datetime
from pathlib import Path

import click

from ckanext.govopen.cli import common
from ckanext.govopen.domain.jurisdiction import ProfileError, load
from ckanext.govopen.model import jurisdiction


@click.group("profile", help="The regulation under which the portal runs.")
def command() -> None:
    """The group."""


@command.command(help="Show the active profile.")
@click.option("--json", "as_json", is_flag=True, help="All of it, for programs.")
def show(as_json: bool) -> None:
    """Show the active profile."""
    found = common.call("govopen_profile_show")
    if as_json:
        common.print_json(found)
        return
    profile = jurisdiction.profile()
    status = profile.status
    click.echo(f"{profile.id}: {profile.instrument.names.zh_Hans}")
    click.echo(f"{profile.instrument.names.en}")
    click.echo(f"Status: {status.value}, from {status.valid_from}, to {status.valid_to or '-'}")
    if status.verify_before_use:
        click.secho(f"Verify before use: {status.verify_before_use.en}", fg="yellow")
    for item in profile.classes.items:
        click.echo(f"Class {item.canonical.value}: {item.names.zh_Hans} (article {item.article})")
    default = profile.default_class
    click.echo(f"Default class: {default.value if default else 'none: a person chooses'}")


@command.command(help="Check a profile FILE: file, line and reason of everything that is wrong.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check(file: Path) -> None:
    """Check a profile file without making it active."""
    try:
        profile = load(file.read_text(encoding="utf-8"), str(file))
    except ProfileError as error:
        common.fail(str(error))
    except UnicodeDecodeError:
        common.fail(f"{file}: not UTF-8.")
    click.secho(
        f"{file}: the profile {profile.id} (version {profile.version}) is good.", fg="green"
    )
    reason = profile.usable(datetime.datetime.now(datetime.timezone.utc))
    if reason:
        click.secho(reason, fg="yellow")
