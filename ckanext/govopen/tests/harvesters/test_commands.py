"""``ckan govopen harvest`` and ``ckan govopen copies``."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from ckan import model
from ckan.cli import cli as command_line
from ckan.cli.cli import ckan
from ckan.common import config
from ckan.tests.helpers import CKANCliRunner

from ckanext.govopen.harvesters import copy, download, fetch
from ckanext.govopen.tests.harvesters.conftest import DEFAULTS, Catalogue, as_csv
from ckanext.govopen.tests.harvesters.test_copy_sources import ADDRESS, FIRST, Store, store, table
from ckanext.govopen.tests.portal import AUTHORITY, Portal

__all__ = ["store"]

Run = Callable[..., str]


@pytest.fixture
def run(cli: CKANCliRunner, portal: Portal, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs ``ckan govopen …`` on the CKAN that is there, and gives what it said."""
    monkeypatch.setattr(command_line, "make_app", lambda _: portal.app)

    def call(*words: str, code: int = 0) -> str:
        result = cli.invoke(ckan, ["govopen", *words])
        assert result.exit_code == code, (result.output, result.exception)
        return result.output

    return call


def test_a_dry_run_says_what_would_be_and_writes_nothing(catalogue: Catalogue, run: Run) -> None:
    row, kept = catalogue.row(1), catalogue.row(2, provider="没有这个部门的名字", open="")
    catalogue.upload(as_csv([row, kept]))
    said = run("harvest", "dry-run", catalogue.source_id)
    assert "seen 2, new 1" in said and "Nothing was written." in said
    assert row.code in said and kept.code in said
    found = json.loads(run("harvest", "dry-run", catalogue.source_id, "--json"))
    assert found["counts"]["new"] == 1
    assert catalogue.dataset(row) is None
    assert json.loads(run("harvest", "report", catalogue.source_id, "--json")) == []


def test_runs_are_watched_and_reported(catalogue: Catalogue, run: Run) -> None:
    assert "has not run yet" in run("harvest", "watch", catalogue.source_id)
    catalogue.run(as_csv([catalogue.row(1)]))
    assert "seen 1, new 1" in run("harvest", "watch", catalogue.source_id)
    catalogue.run(as_csv([catalogue.row(1)]))
    newest, oldest = run("harvest", "report", catalogue.source_id).splitlines()[-2:]
    assert "unchanged 1" in newest and "new 1" in oldest
    (only,) = json.loads(run("harvest", "report", catalogue.source_id, "--limit", "1", "--json"))
    assert only["counts"]["unchanged"] == 1


@pytest.mark.parametrize("words", [("harvest", "report"), ("harvest", "dry-run"), ("copies",)])
def test_no_such_source_is_said_in_a_line(words: tuple[str, ...], run: Run) -> None:
    said = run(*words, "no-such-source", code=1)
    assert "Traceback" not in said and said.strip()


def test_copies_tells_figures_and_queues_again(
    catalogue: Catalogue,
    make_source: Callable[..., dict[str, Any]],
    store: Store,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (fetch, download):
        monkeypatch.setattr(module, "PAUSE", 0.01)
        monkeypatch.setattr(module, "TRIES", 1)
    monkeypatch.setitem(config, "ckanext.govopen.harvest.allow_private_addresses", True)
    queued: list[Any] = []
    monkeypatch.setattr(copy, "enqueue", queued.extend)
    source = make_source(
        catalogue.keeper,
        AUTHORITY,
        {
            "defaults": DEFAULTS, "departments": "all", "files": "copy",
            "private_address": True, "file_hosts": [store.url.removeprefix("http://")],
            "columns": {ADDRESS: "distribution.url"},
        },
    )  # fmt: skip
    mine = replace(catalogue, source_id=source["id"])
    mine.run(table((mine.row(1), f"{store.url}/c.csv")))
    copy.work(mine.source_id, again=False)
    model.Session.remove()
    told = run("copies", source["name"], code=1)
    assert "the next run tries them again" in told and mine.row(1).code in told
    store.files["/c.csv"] = FIRST
    queued.clear()
    found = json.loads(run("copies", source["name"], "--again"))
    assert (found["failed"], found["waiting"]) == (0, 1) and queued
    copy.work(mine.source_id, again=False)
    model.Session.remove()
    found = json.loads(run("copies", mine.source_id))
    assert (found["copied"], found["bytes_held"]) == (1, len(FIRST))
