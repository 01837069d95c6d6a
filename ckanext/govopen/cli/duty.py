"""``ckan govopen duty``: give, take and list duties."""

from __future__ import annotations

import click

from ckanext.govopen.cli import common
from ckanext.govopen.domain.duty import Duty

DUTIES = click.Choice([duty.value for duty in Duty])


@click.group("duty", help="Give, take and list duties (reviewer, handler, authority, auditor).")
def command() -> None:
    """The group."""


@command.command(help="Give DUTY in ORGANIZATION to USER.")
@click.argument("user")
@click.argument("organization")
@click.argument("duty", type=DUTIES)
@click.option("--deputy-for", metavar="USER", help="Only in the place of this person.")
@click.option("--since", metavar="DATE", help="From this day on.")
@click.option("--until", metavar="DATE", help="Up to and including this day.")
@click.option("--reason", default="", help="Kept in the ledger.")
def give(
    user: str,
    organization: str,
    duty: str,
    deputy_for: str | None,
    since: str | None,
    until: str | None,
    reason: str,
) -> None:
    """Give a duty."""
    row = common.call(
        "govopen_duty_give",
        {
            "user": user,
            "organization": organization,
            "duty": duty,
            "deputy_for": deputy_for,
            "since": since,
            "until": until,
            "break_glass": reason,
        },
    )
    place = row["organization"]["name"]
    click.secho(f"{row['user']['name']} is {row['duty']} of {place}.", fg="green")


@command.command(help="Take DUTY in ORGANIZATION away from USER, and from his deputies.")
@click.argument("user")
@click.argument("organization")
@click.argument("duty", type=DUTIES)
@click.option("--reason", default="", help="Kept in the ledger.")
def take(user: str, organization: str, duty: str, reason: str) -> None:
    """Take a duty away."""
    row = common.call(
        "govopen_duty_take",
        {"user": user, "organization": organization, "duty": duty, "break_glass": reason},
    )
    click.secho(
        f"{row['user']} is no longer {row['duty']} of {row['organization']}"
        f" ({row['taken']} taken).",
        fg="green",
    )


@command.command("list", help="List duties.")
@click.option("--user", help="Only those of this account.")
@click.option("--organization", help="Only those in this organisation.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_(user: str | None, organization: str | None, as_json: bool) -> None:
    """List duties."""
    rows = common.call("govopen_duty_list", {"user": user, "organization": organization})
    if as_json:
        common.print_json(rows)
        return
    for row in rows:
        extra = f" deputy for {common.name_of(row['deputy_for'])}" if row["deputy_for"] else ""
        until = f" until {row['until']}" if row["until"] else ""
        state = "" if row["in_force"] else " (not in force)"
        click.echo(
            f"{row['organization']['name']}: {row['duty']}: {row['user']['name']}"
            f"{extra}{until}{state}"
        )
    if not rows:
        click.echo("Nobody has a duty yet. Give one with: ckan govopen duty give USER ORG DUTY")
