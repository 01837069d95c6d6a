"""``ckan govopen doctor``: what on this site could leak or does not work, and what to do."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click
from ckan.plugins import toolkit as tk

from ckanext.govopen.cli import common
from ckanext.govopen.cli.checks import database, options, others, places, services, surfaces
from ckanext.govopen.cli.checks.finding import Finding, error

COLOURS = {"error": "red", "warning": "yellow", "note": "blue"}
ORDER = ("error", "warning", "note")


@click.command(
    "doctor",
    help="""Look the site over: order of plugins, settings, Solr's schema, migrations, unlisted
    routes and actions, duties, profile, demo accounts, storage, identity service, mail.
    Each finding says what to do.
    The exit code is 1 when there are errors.""",
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option(
    "--index",
    is_flag=True,
    help="Also compare the index with the database (slow).",
)
@click.option("--repair", is_flag=True, help="Compare, and bring the index up to date.")
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
def command(as_json: bool, index: bool, repair: bool, strict: bool) -> None:
    """Examine the site."""
    findings = examine(index, repair)
    if as_json:
        common.print_json([finding.as_dict() for finding in findings])
    else:
        show(findings)
    bad = {"error", "warning"} if strict else {"error"}
    if any(finding.level in bad for finding in findings):
        sys.exit(1)


def examine(index: bool = False, repair: bool = False) -> list[Finding]:
    """All findings, the worst first. An area that cannot be examined is an error itself."""
    areas: dict[str, Callable[[], list[Finding]]] = {
        "settings": lambda: options.check(tk.config),
        "database": database.check,
        "services": lambda: services.check(index or repair, repair),
        "surfaces": surfaces.check,
        "places": places.check,
        "machines beside the portal": others.check,
    }
    findings: list[Finding] = []
    for area, check in areas.items():
        try:
            with common.request():
                findings += check()
        except Exception as problem:
            # One broken area must not hide what the others have to say.
            findings.append(
                error(
                    "examination",
                    f"The {area} could not be examined: {type(problem).__name__}: {problem}",
                    "Mend this first, then run the doctor again.",
                )
            )
    return sorted(findings, key=lambda finding: (ORDER.index(finding.level), finding.code))


def show(findings: list[Finding]) -> None:
    """For people."""
    for finding in findings:
        click.secho(f"{finding.level.upper():8}", fg=COLOURS[finding.level], nl=False)
        click.echo(f"{finding.message} [{finding.code}]")
        if finding.todo:
            click.echo(f"        {finding.todo}")
    counts = {level: sum(1 for f in findings if f.level == level) for level in ORDER}
    colour = "red" if counts["error"] else "yellow" if counts["warning"] else "green"
    click.secho(
        f"{counts['error']} errors, {counts['warning']} warnings, {counts['note']} notes.",
        fg=colour,
    )
