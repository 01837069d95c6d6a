"""``ckan govopen grant``: give, list, suspend, resume and revoke grants."""

from __future__ import annotations

import click

from ckanext.govopen.cli import common
from ckanext.govopen.domain.grant import DELIVERIES


@click.group("grant", help="Grants for conditional datasets.")
def command() -> None:
    """The group."""


@command.command(help="Give a grant for DATASET to one or more USERS, without an application.")
@click.argument("dataset")
@click.argument("users", nargs=-1, required=True)
@click.option("--purpose", required=True, help="What the data is used for.")
@click.option("--to", "valid_to", required=True, metavar="DATE", help="Last day of the grant.")
@click.option("--from", "valid_from", metavar="DATE", help="First day; left out: now.")
@click.option("--delivery", multiple=True, type=click.Choice(DELIVERIES), help="How; repeatable.")
@click.option("--item", "items", multiple=True, help="Only this information item; repeatable.")
@click.option("--holder", default="", help="The organisation that holds the grant.")
@click.option("--holder-code", default="", help="Its unified social credit code.")
@click.option("--reason", required=True, help="Why the operator gives it; kept in the ledger.")
def give(
    dataset: str,
    users: tuple[str, ...],
    purpose: str,
    valid_to: str,
    valid_from: str | None,
    delivery: tuple[str, ...],
    items: tuple[str, ...],
    holder: str,
    holder_code: str,
    reason: str,
) -> None:
    """Give a grant."""
    row = common.call(
        "govopen_grant_give",
        {
            "package_id": dataset,
            "persons": list(users),
            "purpose": purpose,
            "valid_from": valid_from,
            "valid_to": valid_to,
            "delivery": list(delivery),
            "items": list(items),
            "holder": holder,
            "holder_code": holder_code,
            "break_glass": reason,
        },
    )
    click.secho(f"Grant {row['id']} for {row['dataset']['name']}.", fg="green")


@command.command("list", help="List grants, newest first.")
@click.option("--dataset", help="Only those for this dataset.")
@click.option("--user", help="Only those of this account.")
@click.option("--state", help="active, suspended, revoked or ended.")
@click.option("--limit", default=100, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_(
    dataset: str | None, user: str | None, state: str | None, limit: int, as_json: bool
) -> None:
    """List grants."""
    found = common.call(
        "govopen_grant_list",
        {"package_id": dataset, "user": user, "state": state, "limit": limit},
    )
    if as_json:
        common.print_json(found)
        return
    for row in found["results"]:
        people = ", ".join(person["name"] for person in row["persons"])
        works = "works" if row["works"] else row["reason_code"]
        click.echo(
            f"{row['id']}  {row['dataset']['name']}  {row['holder'] or people}"
            f"  until {row['valid_to']}  {works}"
        )
    click.echo(f"{found['count']} grants.")


def _changing(name: str, text: str) -> None:
    @command.command(name, help=text)
    @click.argument("grant")
    @click.option("--reason", required=True, help="Told to the holder and kept in the ledger.")
    def change(grant: str, reason: str) -> None:
        """Suspend, resume or revoke."""
        row = common.call(
            f"govopen_grant_{name}", {"id": grant, "reason": reason, "break_glass": reason}
        )
        click.secho(f"Grant {row['id']} is {row['state']}.", fg="green")


_changing("suspend", "Stop GRANT for the time being; effective with the next request.")
_changing("resume", "Let a suspended GRANT work again.")
_changing("revoke", "End GRANT for good.")
