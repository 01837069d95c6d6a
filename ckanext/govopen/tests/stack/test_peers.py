"""Running other projects' suites: the command line, their settings, and what counts as a loss."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ckanext.govopen.stack import peers, peers_hooks, peers_suites
from ckanext.govopen.stack.peers import Outcome
from ckanext.govopen.stack.say import StackError
from ckanext.govopen.stack.settings import PLUGINS

SECRETS = {"session": "s", "csrf": "c", "token": "t"}
ADDRESSES = {"CKAN_SQLALCHEMY_URL": "postgresql://u@/ckan_test", "CKAN_REDIS_URL": "redis://x/1"}


def _options(name: str, *, on: bool) -> dict[str, str]:
    suite = peers_suites.SUITES[name]
    return peers_suites.options(suite, on=on, secrets=SECRETS, addresses=ADDRESSES)


def test_the_extension_stands_around_the_plugins_of_a_test() -> None:
    around = peers_hooks.surround(["datastore", "activity"])
    assert around == [PLUGINS[0], "datastore", "activity", PLUGINS[-1]]


def test_plugins_that_are_there_already_are_not_loaded_twice() -> None:
    given = ["govopen", "harvest", "govopen_index", "late"]
    assert peers_hooks.surround(given, ["govopen_spreadsheet"]) == [
        "govopen", "harvest", "late", "govopen_spreadsheet", "govopen_index",
    ]  # fmt: skip


@pytest.mark.parametrize("name", sorted(peers_suites.SUITES))
def test_a_suite_without_the_extension_knows_nothing_of_it(name: str) -> None:
    off, on = _options(name, on=False), _options(name, on=True)
    assert not [key for key in off if "govopen" in key]
    assert not [word for word in off["ckan.plugins"].split() if word.startswith("govopen")]
    assert {key: on[key] for key in off} == off
    assert on["ckanext.govopen.review"] == "off"


def test_suites_run_on_the_test_databases_that_are_named() -> None:
    assert _options("core", on=False)["sqlalchemy.url"] == "postgresql://u@/ckan_test"
    assert "solr_url" not in _options("core", on=False)


def test_the_command_line() -> None:
    wish = peers.wished(["core", "harvest", "--only", "on", "--in", "ckan/tests/lib", "-k", "core"])
    assert wish == peers.Wish(("core", "harvest"), ("on",), ("ckan/tests/lib",), ("-k", "core"))
    assert peers.wished([]) == peers.Wish(tuple(peers_suites.SUITES), ("off", "on"), (), ())


@pytest.mark.parametrize("words", [["nothing"], ["core", "--only", "maybe"]])
def test_a_wrong_word_is_told(words: list[str]) -> None:
    with pytest.raises(StackError):
        peers.wished(words)


def test_only_what_passes_without_and_breaks_with_the_extension_is_a_loss() -> None:
    def made(**outcomes: str) -> dict[str, Outcome]:
        return {name: Outcome(outcome, "", 0.0) for name, outcome in outcomes.items()}

    off = made(a="passed", b="passed", c="passed", d="failed", e="skipped", f="passed")
    on = made(a="passed", b="failed", c="error", d="failed", e="failed", g="failed")
    assert sorted(peers.differences(off, on)) == ["b", "c"]


def test_outcomes_survive_a_run_that_was_broken_off(tmp_path: Path) -> None:
    whole = {"id": "a::b", "outcome": "failed", "message": "why", "seconds": 1.5}
    path = tmp_path / "outcomes.jsonl"
    path.write_text(json.dumps(whole) + '\n{"id": "a::c", "outc')
    assert peers.read(path) == {"a::b": Outcome("failed", "why", 1.5)}
    assert peers.read(tmp_path / "none.jsonl") == {}


def test_a_test_is_explained_when_the_document_names_it() -> None:
    text = "| `ckan/tests/x.py::Test::test_a[1]` | because |\nand `docs`, and `a\nb::c`"
    assert peers.explained(text) == {"ckan/tests/x.py::Test::test_a[1]"}


def _report(when: Any, outcome: Any, message: str = "") -> pytest.TestReport:
    return pytest.TestReport(
        "x.py::test", ("x.py", 1, "test"), {}, outcome, message or None, when, duration=0.5
    )


@pytest.mark.parametrize(
    ("phases", "outcome"),
    [
        ([("setup", "passed"), ("call", "passed"), ("teardown", "passed")], "passed"),
        ([("setup", "passed"), ("call", "failed"), ("teardown", "passed")], "failed"),
        ([("setup", "failed"), ("teardown", "passed")], "error"),
        ([("setup", "passed"), ("call", "passed"), ("teardown", "failed")], "error"),
        ([("setup", "skipped"), ("teardown", "passed")], "skipped"),
        ([("setup", "passed"), ("call", "skipped"), ("teardown", "passed")], "skipped"),
    ],
)
def test_the_phases_of_a_test_make_one_outcome(
    tmp_path: Path, phases: list[tuple[str, str]], outcome: str
) -> None:
    outcomes = peers_hooks.Outcomes(tmp_path / "outcomes.jsonl")
    for when, word in phases:
        outcomes.pytest_runtest_logreport(_report(when, word, "told" if word == "failed" else ""))
    found = peers.read(outcomes.path)
    assert [one.outcome for one in found.values()] == [outcome]
    assert found["x.py::test"].seconds == pytest.approx(0.5 * len(phases))
