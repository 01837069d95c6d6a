"""``ckan govopen harvest``: look at a source without a run, watch a run, read the reports."""

from __future__ import annotations

import time
from typing import Any

import click
from ckan import model

from ckanext.govopen.cli import common
from ckanext.govopen.logic import catalogue_look

#: Longest dry run, in seconds: as long as a run may read.
LONGEST = 4 * 3600.0
FIGURES = ("seen", "new", "changed", "unchanged", "withdrawn", "kept_back", "refused", "missing")


@click.group("harvest", help="Dry runs, progress and reports of harvest sources.")
def command() -> None:
    """The group."""


@command.command("dry-run", help="What a run of SOURCE would do, without doing it.")
@click.argument("source")
@click.option("--list", "most", default=20, show_default=True, help="Records listed of each kind.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def dry_run(source: str, most: int, as_json: bool) -> None:
    """Reads all of a source and says what would become of it."""
    package = common.call("harvest_source_show", {"id": source})
    with common.request():
        found = catalogue_look.dry_run(package["id"], LONGEST, None if as_json else _told)
    model.Session.rollback()
    if as_json:
        common.print_json(found)
        return
    click.echo(_figures(found["counts"]))
    click.echo(f"{found['seconds']} s. Nothing was written.")
    for kind, lines in found["lists"].items():
        if kind in ("unchanged", "closed"):
            continue
        for one in lines[:most]:
            why = "; ".join(reason["message"] for reason in one["reasons"])
            click.echo(f"  {kind:10} {one['code']}  {one['title']}" + (f"  {why}" if why else ""))
    if found["held"]:
        click.secho(f"Missing records would wait for a person: {found['held']}.", fg="yellow")
    if found["problem"]:
        common.fail(found["problem"])


@command.command("watch", help="Say how far the run of SOURCE is, until it has ended.")
@click.argument("source")
@click.option("--every", default=2.0, show_default=True, help="Seconds between two lines.")
def watch(source: str, every: float) -> None:
    """Prints the progress of the last run of a source."""
    while True:
        model.Session.remove()
        runs = common.call("govopen_catalogue_run_list", {"source": source, "limit": 1})
        if not runs:
            click.echo("This source has not run yet.")
            return
        if runs[0]["state"] != "running":
            break
        click.echo(_progress(runs[0]["progress"]))
        time.sleep(max(every, 0.1))
    _ended(runs[0])


@command.command("report", help="The last runs of SOURCE, newest first.")
@click.argument("source")
@click.option("--limit", default=10, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def report(source: str, limit: int, as_json: bool) -> None:
    """Lists the runs of a source with their figures."""
    runs = common.call("govopen_catalogue_run_list", {"source": source, "limit": limit})
    if as_json:
        common.print_json(runs)
        return
    for run in runs:
        click.echo(
            f"{run['started_at']}  {run['state']:8}  {run['seconds'] or '-'} s  "
            f"{_figures(run['counts'])}" + (f"  {run['message']}" if run["message"] else "")
        )


def _told(read: int, announced: int | None) -> None:
    click.echo(f"{read} of {announced if announced is not None else '?'} records read", err=True)


def _figures(counts: dict[str, int]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {counts[name]}" for name in FIGURES)


def _progress(now: dict[str, Any]) -> str:
    total = "?" if now["total"] is None else now["total"]
    share = f" ({now['done'] / now['total']:.0%})" if now["total"] else ""
    rate = f", {now['rate']} per second" if now["rate"] else ""
    left = f", {now['left']} s left" if now["left"] is not None else ""
    return f"{now['phase']}: {now['done']} of {total}{share}{rate}{left}"


def _ended(run: dict[str, Any]) -> None:
    click.echo(f"{run['state']} after {run['seconds']} s: {_figures(run['counts'])}")
    if run["message"]:
        click.echo(run["message"])
