"""``ckan govopen ledger``: verify, export, sign, rebuild and erase."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from ckan import model

from ckanext.govopen.cli import common
from ckanext.govopen.domain import checkpoint as rules
from ckanext.govopen.domain.verification import verify_export
from ckanext.govopen.logic import command as commands
from ckanext.govopen.logic import ledger as reading
from ckanext.govopen.model import checkpoint, ledger, signing

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
PARTS = click.Choice(reading.PARTS)


@click.group("ledger", help="The record of decisions: verify, export, sign, rebuild, erase.")
def command() -> None:
    """The group."""


@command.command(
    help="""Verify the ledger of the database, or FILE, an export of it. Says what is wrong and
    where, and which tail no checkpoint proves yet. Exit code 1 when something is wrong."""
)
@click.argument("file", type=FILE, required=False)
@click.option(
    "--checkpoint",
    "checkpoints",
    type=FILE,
    multiple=True,
    help="Published checkpoints from elsewhere (several times); else those of the database.",
)
@click.option("--key", help="keys.json, or a public key in hex; else the keys of the database.")
@click.option("--whole", is_flag=True, help="Every stream of the checkpoints must be in FILE.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def verify(
    file: Path | None, checkpoints: tuple[Path, ...], key: str | None, whole: bool, as_json: bool
) -> None:
    """Verify the database or an export."""
    try:
        known = _known(checkpoints, key) if checkpoints or key else None
        if file is None:
            report = reading.verify(known, ledger.read(model.Session), whole=True)
        else:
            known = known or checkpoint.known(model.Session)
            with file.open(encoding="utf-8", errors="replace") as lines:
                report = reading.as_dict(verify_export(lines, known, whole))
    except rules.Untrusted as error:
        common.fail(str(error))
    if as_json:
        common.print_json(report)
    else:
        _say(report)
    if not report["ok"]:
        common.fail("Something is wrong with the ledger.")


def _known(files: tuple[Path, ...], key: str | None) -> rules.Known:
    if key is None:
        keys = rules.read_keys(signing.keys_document(model.Session), signing.check)
    else:
        path = Path(key)
        keys = rules.keys_of_text(
            path.read_text(encoding="utf-8") if path.is_file() else key, signing.check
        )
    if not files:
        return rules.read_checkpoints(checkpoint.documents(model.Session), keys, signing.check)
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in files]
    return rules.read_checkpoints(rules.documents_of_texts(texts), keys, signing.check)


def _say(report: dict[str, Any]) -> None:
    click.echo(f"{report['events']} events in {report['streams']} streams.")
    if report["checkpoint_problem"]:
        click.secho(report["checkpoint_problem"], fg="red")
    for fault in report["faults"]:
        where = f"{fault['stream'] or 'file'} {fault['version']}"
        click.secho(f"{where}: {fault['kind']}: {fault['message']}", fg="red")
    made = report["checkpoint_made_at"]
    click.echo(f"The last checkpoint is of {made}." if made else "There is no checkpoint.")
    for tail in report["unproven"]:
        click.echo(f"Not proven yet: {tail['stream']} from {tail['from']} to {tail['to']}")
    if report["ok"]:
        click.secho("Nothing is wrong.", fg="green")


@command.command(help="Write the ledger as JSON lines that anybody can verify.")
@click.option("--out", type=click.File("w", encoding="utf-8"), required=True, help="- for here.")
@click.option("--stream", help="Only this stream, such as grant/<id>.")
@click.option("--dataset", help="Only what is about this dataset (id or name).")
@click.option("--reader", type=PARTS, help="What this circle may read; else everything.")
def export(out: Any, stream: str | None, dataset: str | None, reader: str | None) -> None:
    """Write an export."""
    package = model.Package.get(dataset) if dataset else None
    wanted = reading.Wanted(
        stream=stream,
        dataset=package.id if package else dataset,
        part=reader,  # pyright: ignore[reportArgumentType] - click has checked it
    )
    number = 0
    for line, name in reading.export(common.operator_context(), wanted, commands.now()):
        out.write(line)
        number += name is not None
    click.secho(f"{number} events.", fg="green", err=True)


@command.command("checkpoint", help="Sign how far the ledger has come, and publish it.")
@click.option(
    "--out",
    type=click.File("w", encoding="utf-8"),
    help="Write all checkpoints to this file as well, one a line.",
)
def checkpoint_(out: Any) -> None:
    """Make a checkpoint."""
    made = common.call("govopen_ledger_checkpoint")["made"]
    if made is None:
        click.echo("Nothing has happened since the last checkpoint.")
    else:
        said = made["statement"]
        click.secho(f"Checkpoint {said['number']}: {said['count']} streams.", fg="green")
    if out is not None:
        for document in checkpoint.documents(model.Session):
            out.write(json.dumps(document, ensure_ascii=False, sort_keys=True) + "\n")


@command.command("rotate-key", help="Replace the signing key; the old one signs the new one.")
def rotate_key() -> None:
    """Replace the key."""
    keys = common.call("govopen_ledger_rotate_key")["keys"]
    click.secho(
        f"The key {keys[-1]['id']} is in use. Keep a copy of its file apart.",
        fg="green",
    )


@command.command(help="Make the tables that repeat the ledger anew from it.")
@click.option("--check", is_flag=True, help="Only compare; exit code 1 when they differ.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def rebuild(check: bool, as_json: bool) -> None:
    """Compare and rebuild."""
    found = common.call("govopen_ledger_rebuild", {"check": check})["differences"]
    if as_json:
        common.print_json(found)
    for one in [] if as_json else found:
        what = f"{one['field']}: {one['stored']} -> {one['rebuilt']}" if one["field"] else ""
        click.echo(f"{one['table']} {one['key']}: {one['kind']} {what}".rstrip())
    if not found and not as_json:
        click.secho("The tables say what the ledger says.", fg="green", err=True)
    elif check:
        common.fail(f"{len(found)} differences.")


@command.command(help="Take personal fields out of events for good; the chain stays valid.")
@click.option("--stream", help="In the events of this stream.")
@click.option("--user", help="In the events whose personal fields name this account.")
@click.option("--type", "types", multiple=True, help="Only in events of this type (several times).")
@click.option("--unlink", is_flag=True, help="Forget which number of the ledger was the user's.")
@click.option("--force", is_flag=True, help="Although the record has to be kept still.")
@click.option("--reason", required=True, help="Kept in the ledger.")
def erase(
    stream: str | None,
    user: str | None,
    types: tuple[str, ...],
    unlink: bool,
    force: bool,
    reason: str,
) -> None:
    """Erase personal fields."""
    done = common.call(
        "govopen_ledger_erase",
        {
            "stream": stream,
            "user": user,
            "types": list(types),
            "unlink": unlink,
            "force": force,
            "reason": reason,
        },
    )
    click.secho(f"Personal fields of {done['events']} events were erased.", fg="green")
