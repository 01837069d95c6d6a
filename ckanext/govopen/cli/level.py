"""``ckan govopen level``: place departments under the authority of their level, and list them."""

from __future__ import annotations

import click

from ckanext.govopen.cli import common


@click.group("level", help="Data authorities of several levels: place departments, list them.")
def command() -> None:
    """The group."""


@command.command("set", help="Place ORGANIZATION; both options are set anew each time.")
@click.argument("organization")
@click.option("--authority", metavar="ORG", help="The authority right above it; else the highest.")
@click.option("--responsible", metavar="ORG", help="Responsible for the data of its system.")
@click.option("--reason", default="", help="Kept in the ledger.")
def set_(organization: str, authority: str | None, responsible: str | None, reason: str) -> None:
    """Place a department."""
    row = common.call(
        "govopen_level_set",
        {
            "organization": organization,
            "authority": authority,
            "responsible": responsible,
            "break_glass": reason,
        },
    )
    click.secho(_line(row), fg="green")


@command.command("list", help="List departments under an authority of a lower level.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_(as_json: bool) -> None:
    """List them."""
    rows = common.call("govopen_level_list", {})
    if as_json:
        common.print_json(rows)
        return
    for row in rows:
        click.echo(_line(row))
    if not rows:
        click.echo("All departments stand under the highest authority.")


def _line(row: dict[str, dict[str, str] | None]) -> str:
    place = row["organization"] or {}
    above = row["authority"]["name"] if row["authority"] else "the highest authority"
    named = f", responsible: {row['responsible']['name']}" if row["responsible"] else ""
    return f"{place.get('name')}: under {above}{named}"
