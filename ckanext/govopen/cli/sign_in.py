"""``ckan govopen sign-in``: an operator's way in where passwords are off."""

from __future__ import annotations

import click
from ckan.plugins import toolkit as tk

from ckanext.govopen.cli import common
from ckanext.govopen.domain.refusal import Refused
from ckanext.govopen.logic import command as commands
from ckanext.govopen.logic import once


@click.command("sign-in", help="Make a link that signs the operator USER in, once.")
@click.argument("user")
def command(user: str) -> None:
    """Prints the link; nothing else knows it."""
    try:
        key = once.make(user, commands.now())
    except Refused as refused:
        common.fail(str(refused))
    with common.request():
        address = tk.url_for("govopen_once.index", key=key, _external=True, locale="default")
    minutes = int(once.PATIENCE.total_seconds() // 60)
    click.secho(f"It works once, for {minutes} minutes:", fg="green", err=True)
    click.echo(address)
