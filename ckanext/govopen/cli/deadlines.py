"""``ckan govopen deadlines``: the clocks of the active profile."""

from __future__ import annotations

import click

from ckanext.govopen.cli import common
from ckanext.govopen.model import jurisdiction

UNITS = {"wd": "working days", "nd": "calendar days", "year": "years"}


@click.command("deadlines", help="List the time limits of the active profile with their articles.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(as_json: bool) -> None:
    """List the clocks."""
    if as_json:
        common.print_json(common.call("govopen_deadline_list"))
        return
    for group, clock in jurisdiction.profile().clocks():
        if clock.date:
            limit = f"by {clock.date} each year"
        elif clock.n is None:
            limit = "no number: timely"
        else:
            limit = f"{clock.n} {UNITS[clock.unit]}"
        stated = "" if clock.start_stated else " (start not stated in the text)"
        article = f"article {clock.article}" if clock.article else "no article"
        click.echo(f"{group}/{clock.id}: {limit} from {clock.start}{stated}; {article}")
