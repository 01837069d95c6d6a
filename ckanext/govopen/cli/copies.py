"""``ckan govopen copies``: the files of a catalogue source on their way into the portal."""

from __future__ import annotations

import click
from ckan import model

from ckanext.govopen.cli import common
from ckanext.govopen.logic import command as commands
from ckanext.govopen.logic import copying
from ckanext.govopen.logic.catalogue_source import source_of


@click.command("copies", short_help="How far the copying of a source's files has come.")
@click.argument("source")
@click.option("--again", is_flag=True, help="Queue now what waits, failed or may have changed.")
@click.option("--problems", default=20, show_default=True, type=click.IntRange(0, 1000))
def command(source: str, again: bool, problems: int) -> None:
    """Figures of a source (id or name) as JSON; exit code 1 while a file could not be had."""
    asked = {"source": source, "limit": problems}
    found = common.call("govopen_catalogue_copies", asked)
    package = model.Package.get(source)
    if again and package is not None:
        with common.request():
            copying.start(source_of(package.id), None)
            commands.finish({})
        found = common.call("govopen_catalogue_copies", asked)
    common.print_json(found)
    if found["failed"]:
        common.fail("Some files could not be had; the next run tries them again.")
