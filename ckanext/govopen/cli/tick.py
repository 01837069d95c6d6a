"""``ckan govopen tick``: one round of the scheduler, for sites that have their own clock (cron)."""

from __future__ import annotations

import click

from ckanext.govopen.cli import common
from ckanext.govopen.cli.rounds import Rounds


@click.command("tick", help="Do once what the scheduler does in a round; exit code 1 on failure.")
def command() -> None:
    """One round."""
    done = Rounds().run()
    common.print_json(done)
    if None in done.values():
        common.fail("A job failed: see the log.")
