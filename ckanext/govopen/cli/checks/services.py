"""Solr, its schema, the index, and the storage of files."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import requests
from ckan.plugins import toolkit as tk

from ckanext.govopen.access import files
from ckanext.govopen.cli.checks.finding import Finding, error, note, warning
from ckanext.govopen.domain.release import FileFact
from ckanext.govopen.search import compare, document
from ckanext.govopen.search.compare import Difference

SCHEMA = Path(__file__).resolve().parents[2] / "search" / "solr" / "conf" / "schema.xml"
TODO = (
    "Write the configuration out (ckan govopen solr-config --out DIR), make a new core with it,"
    " name that in solr_url, and run: ckan search-index rebuild"
)
SECONDS = 10


def check(index: bool = False, repair: bool = False) -> list[Finding]:
    """All findings of this area; with ``index`` index and database are compared as well, and with
    ``repair`` the index is brought up to date.
    """
    found = [*solr(), *storage()]
    if index and not any(finding.code == "solr" for finding in found):
        found += compared(repair)
    return found


def solr() -> Iterator[Finding]:
    """Does Solr answer, with the schema that the portal ships?"""
    try:
        found = _ask("select", q="*:*", rows="0")
    except requests.RequestException:
        yield error("solr", "Solr does not answer.", "Start it, or correct solr_url.")
        return
    if not found.ok:
        yield unfit(found.status_code)
        return
    wanted_name, wanted = schema_of(SCHEMA.read_text(encoding="utf-8"))
    try:
        answer = _ask("schema")
        answer.raise_for_status()
        schema = answer.json()["schema"]
    except (requests.RequestException, ValueError, KeyError):
        yield warning("solr-schema", "Solr does not tell its schema.", TODO)
        return
    if schema.get("name") != wanted_name:
        yield error(
            "solr-schema",
            f"Solr has the schema {str(schema.get('name'))[:40]}, not {wanted_name}.",
            TODO,
        )
    known = {field["name"]: field.get("type") for field in schema.get("fields", [])}
    missing = sorted(set(wanted) - set(known))
    if missing:
        yield error(
            "solr-fields",
            f"Solr's schema lacks {len(missing)} fields, among them {', '.join(missing[:5])}.",
            TODO,
        )
    other = sorted(name for name in wanted if name in known and known[name] != wanted[name])
    if other:
        yield error(
            "solr-fields",
            f"Fields of Solr's schema have another type: {', '.join(other[:5])}.",
            TODO,
        )


def _ask(what: str, **parameters: str) -> requests.Response:
    user, password = tk.config.get("solr_user"), tk.config.get("solr_password")
    return requests.get(
        f"{str(tk.config['solr_url']).rstrip('/')}/{what}",
        params={"wt": "json", **parameters},
        auth=(user, password) if user and password else None,
        timeout=SECONDS,
    )


def unfit(status: int) -> Finding:
    """What to do about a Solr that answers, with an error."""
    if status in {401, 403}:
        todo = "Set solr_user and solr_password, or give that account the right."
    elif status == 404:
        todo = "Correct solr_url, or make the core that it names."
    else:
        todo = (
            "Read Solr's log. After a change of the configuration the index of before may not fit:"
            " make a new core with it, or empty the data folder of this one while Solr is stopped,"
            " then run: ckan search-index rebuild"
        )
    return error("solr", f"Solr answers with the error {status}.", todo)


def schema_of(xml: str) -> tuple[str, dict[str, str]]:
    """Name of a schema and the types of its fields."""
    root = ElementTree.fromstring(xml)  # noqa: S314 - the project's own file
    fields = {
        field.attrib["name"]: field.attrib["type"]
        for field in root.iter("field")
        if not field.attrib["name"].startswith("_")
    }
    return root.attrib.get("name", ""), fields


#: Kind of a difference between index and database -> what is said of it.
DIFFERENCES = {
    "form": "The index shows what outsiders may not see, or hides what they may, of",
    "labels": "The index gives other people than the policy",
    "orphan": "The index has what the database does not have or has as deleted:",
    "double": "The index has more than once",
    "missing": "The index lacks",
    "stale": "The index has an older state of",
}
#: Datasets that a finding names.
NAMED = 20


def compared(repair: bool = False) -> Iterator[Finding]:
    """Datasets for which the index says something else than the database, by kind."""
    counts: Counter[str] = Counter()
    named: dict[str, list[str]] = {kind: [] for kind in compare.KINDS}
    repaired = 0
    for batch in batches(compare.differences(), document.BATCH):
        found = batch
        if repair:
            found = compare.repair(batch)
            repaired += len(batch) - len(found)
        for one in found:
            counts[one.kind] += 1
            if len(named[one.kind]) < NAMED:
                named[one.kind].append(one.package_id)
    if repaired:
        yield note("index-repaired", f"The index was brought up to date for {repaired} datasets.")
    for kind in compare.KINDS:
        if counts[kind]:
            more = f" and {counts[kind] - NAMED} more" if counts[kind] > NAMED else ""
            yield error(
                f"index-{kind}",
                f"{DIFFERENCES[kind]} {counts[kind]} datasets: {', '.join(named[kind])}{more}.",
                "Read Solr's log, then run this again."
                if repair
                else "Run: ckan govopen doctor --repair",
            )


def batches(found: Iterable[Difference], size: int) -> Iterator[list[Difference]]:
    """Lists of at most this many."""
    rest = iter(found)
    while batch := list(itertools.islice(rest, size)):
        yield batch


def storage() -> Iterator[Finding]:
    """Can files be stored? Asks for one that is not there, and on a disk for the right to write."""
    nothing = FileFact(sha256="0" * 64, size=0, name="", media_type="")
    try:
        files.exists(nothing)
        path = files.local_path(nothing)
    except files.StorageMissing as problem:
        yield error("storage", str(problem), "See the message.")
        return
    except Exception as problem:
        # Whatever the driver of a storage raises, the files cannot be reached.
        yield error(
            "storage",
            f"The storage of files cannot be reached ({type(problem).__name__}).",
            "Check its address, its rights and its credentials.",
        )
        return
    if path is not None:
        folder = next(parent for parent in Path(path).absolute().parents if parent.exists())
        if not os.access(folder, os.W_OK):
            yield error(
                "storage",
                f"Files cannot be written below {folder}.",
                "Give the user of CKAN the right to write there.",
            )
