"""``ckan govopen solr-config``: write out the Solr configuration for a Solr of one's own."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from ckanext.govopen.cli import common

CONF = Path(__file__).resolve().parent.parent / "search" / "solr" / "conf"


@click.command("solr-config", help="Write the Solr configuration of the portal to a folder.")
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder: the conf folder of the core. It is made when it is not there.",
)
@click.option("--force", is_flag=True, help="Write into a folder that is not empty.")
def command(out: Path, force: bool) -> None:
    """Copy the configuration."""
    if out.exists() and any(out.iterdir()) and not force:
        common.fail(f"{out} is not empty. Choose another folder, or use --force.")
    try:
        shutil.copytree(
            CONF, out, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "*.py")
        )
    except OSError as error:
        common.fail(f"{out} cannot be written ({error.strerror}). Choose another folder.")
    for path in sorted(out.rglob("*")):
        if path.is_file():
            click.echo(str(path))
    click.secho(
        "Make a new core with it (an index of another configuration does not fit), name that in"
        " solr_url, then run: ckan search-index rebuild",
        fg="green",
    )
