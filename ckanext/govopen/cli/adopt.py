"""``ckan govopen adopt``: bring the datasets that a site had before under the opening classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import click

from ckanext.govopen.cli import common

PAGE = 500
REASONS = {
    "private": "was not public before: waits for its review",
    "no_class": "the profile has no default class: a person chooses one",
    "file_missing": "an uploaded file is not where CKAN kept it: waits for its review",
    "withheld": "waits for its review",
}


@click.command(
    "adopt",
    help="""Bring existing datasets under their class: those that are named, or all.

    Without a choice it only shows what it would do. After installation every dataset is withheld
    from the public until one of the choices is made.""",
)
@click.argument("datasets", nargs=-1, metavar="[DATASET]...")
@click.option("--organization", metavar="NAME", help="Only the datasets of this department.")
@click.option("--dry-run", is_flag=True, help="Only show what would be done (also the default).")
@click.option(
    "--release-as-is",
    is_flag=True,
    help="What was public stays public, as a transitional approval recorded in the ledger.",
)
@click.option(
    "--review-by", metavar="DATE", help="With --release-as-is: day by which each is reviewed."
)
@click.option("--withhold", is_flag=True, help="Nothing is public until it has been reviewed.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(
    datasets: tuple[str, ...],
    organization: str | None,
    dry_run: bool,
    release_as_is: bool,
    review_by: str | None,
    withhold: bool,
    as_json: bool,
) -> None:
    """Show, or take over."""
    if release_as_is and withhold:
        common.fail("Choose one of --release-as-is and --withhold.")
    if release_as_is and not review_by:
        common.fail("Say with --review-by DATE by when each dataset is to be reviewed.")
    if review_by and not release_as_is:
        common.fail("--review-by belongs to --release-as-is.")
    rows = _chosen(list(_waiting()), datasets, organization)
    if dry_run or not (release_as_is or withhold):
        _show(rows, as_json)
        return
    choice = "release_as_is" if release_as_is else "withhold"
    results = []
    for row in rows:
        # An action that fails for one dataset must not stop the others.
        try:
            result = common.act(
                "govopen_dataset_adopt",
                {"id": row["id"], "choice": choice, "review_by": review_by},
            )
        except common.Failed as failed:
            result = {"id": row["id"], "name": row["name"], "released": False, "error": str(failed)}
        results.append(result)
        if not as_json:
            click.echo(f"{row['name']}: {_said(result)}")
    failures = sum(1 for result in results if "error" in result)
    if as_json:
        common.print_json({"results": results})
    else:
        released = sum(1 for result in results if result["released"])
        withheld = len(results) - released - failures
        click.secho(f"{released} released, {withheld} withheld, {failures} failed.", fg="green")
    if failures:
        common.fail(
            "Those that failed are as they were, withheld from the public."
            " Put right what is said above and run the command again."
        )


def _said(result: dict[str, Any]) -> str:
    if "error" in result:
        return f"failed: {result['error']}"
    if result["released"]:
        return f"released as {result['open_class']}"
    return f"withheld: {REASONS.get(result['reason'], result['reason'])}"


def _waiting() -> Iterator[dict[str, Any]]:
    """Datasets not taken over yet, page by page; those that fail do not come twice."""
    after = ""
    while True:
        page = common.call("govopen_adopt_list", {"after": after, "limit": PAGE})["results"]
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1]["id"]


def _chosen(
    rows: list[dict[str, Any]], datasets: Sequence[str], organization: str | None
) -> list[dict[str, Any]]:
    """Those of the datasets that were asked for; a name that does not wait ends the program."""
    wanted = set(datasets)
    strange = wanted - {row["id"] for row in rows} - {row["name"] for row in rows}
    if strange:
        common.fail(
            f"Not waiting to be taken over: {', '.join(sorted(strange))}."
            " ckan govopen adopt lists those that are."
        )
    if organization and organization not in {row["organization"] for row in rows}:
        common.fail(f"No dataset of the organisation {organization} waits to be taken over.")
    return [
        row
        for row in rows
        if (not wanted or row["id"] in wanted or row["name"] in wanted)
        and (not organization or row["organization"] == organization)
    ]


def _show(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        common.print_json({"count": len(rows), "results": rows})
        return
    for row in rows:
        hindrance = row["hindrance"]
        as_is = f"withheld, {REASONS[hindrance]}" if hindrance else "released"
        click.echo(
            f"{row['name']}  ({row['organization'] or 'no organisation'})  "
            f"{'public' if row['public'] else 'private'}  "
            f"class {row['open_class'] or 'to be chosen'} ({row['class_from']})  "
            f"as it is: {as_is}"
        )
    counts = Counter((row["public"], row["open_class"]) for row in rows)
    click.echo(f"{len(rows)} datasets are not under the extension yet; outsiders see none of them.")
    for (public, open_class), number in sorted(counts.items(), key=str):
        was = "were public" if public else "were private"
        click.echo(f"  {number} {was}, class {open_class or 'to be chosen'}")
    if rows:
        able = sum(1 for row in rows if not row["hindrance"])
        click.echo(
            "Now choose, for all or for those that you name:\n"
            f"  --release-as-is --review-by DATE  {able} stay public, transitionally;"
            f" {len(rows) - able} wait for their review\n"
            "  --withhold                        nothing is public before its review"
        )
