"""Running other projects' suites: the command line, their settings, and what counts as a loss."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ckanext.govopen.stack import peers, peers_hooks, peers_list, peers_results, peers_suites
from ckanext.govopen.stack.peers_list import Reason
from ckanext.govopen.stack.peers_results import Outcome, Outcomes
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


@pytest.mark.parametrize(
    ("words", "spared"),
    [([], "state"), (["--kept"], "all"), (["--kept", "--failed"], "good"), (["--again"], "none")],
)
def test_what_is_known_need_not_run(words: list[str], spared: str) -> None:
    wish = peers.wished(["core", *words])
    assert (wish.suites, wish.pytest) == (("core",), ())
    assert peers.known(wish) == spared


def _made(**outcomes: str) -> Outcomes:
    return {name: Outcome(outcome, "", 0.0) for name, outcome in outcomes.items()}


def test_a_suite_that_ran_no_test_is_no_suite_without_differences(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GOVOPEN_HOME", str(tmp_path))
    monkeypatch.setattr(peers, "run", lambda *_args: None)
    with pytest.raises(StackError, match="core, extension on: no test ran"):
        peers.main(["core", "--only", "on"])


def test_only_what_passes_without_and_breaks_with_the_extension_is_a_loss() -> None:
    off = _made(a="passed", b="passed", c="passed", d="failed", e="skipped", f="passed")
    on = _made(a="passed", b="failed", c="error", d="failed", e="failed", g="failed")
    assert sorted(peers_results.differences(off, on)) == ["b", "c"]


def _row(name: str, outcome: str = "passed", state: str = "now") -> str:
    row = {"id": name, "outcome": outcome, "message": "why", "seconds": 1.5, "state": state}
    return json.dumps(row) + "\n"


def test_outcomes_survive_a_run_that_was_broken_off(tmp_path: Path) -> None:
    path = tmp_path / "outcomes.jsonl"
    path.write_text(_row("a::b", "failed") + '{"id": "a::c", "outc')
    assert peers_results.read(path) == {"a::b": Outcome("failed", "why", 1.5)}
    assert peers_results.read(tmp_path / "none.jsonl") == {}


def test_outcomes_of_another_state_count_only_when_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "outcomes.jsonl"
    path.write_text(_row("a", "failed", "old") + _row("b", "failed", "old") + _row("a"))
    assert {name: one.outcome for name, one in peers_results.read(path).items()} == {
        "a": "passed", "b": "failed",
    }  # fmt: skip
    assert list(peers_results.read(path, "now")) == ["a"]


def test_the_state_without_the_extension_does_not_know_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    suite = peers_suites.SUITES["core"]
    file = tmp_path / "rule.py"
    file.write_text("one")
    monkeypatch.setattr(peers_results, "PACKAGE", tmp_path)
    monkeypatch.setattr(peers_results, "SOLR", tmp_path / "conf")
    before = [peers_results.state(suite, on=on) for on in (False, True)]
    for apart in ("tests", "stack"):
        (tmp_path / apart).mkdir()
        (tmp_path / apart / "x.py").write_text("new")
    assert [peers_results.state(suite, on=on) for on in (False, True)] == before
    file.write_text("two")
    after = [peers_results.state(suite, on=on) for on in (False, True)]
    assert (after[0] == before[0], after[1] == before[1]) == (True, False)
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/schema.xml").write_text("new")
    assert peers_results.state(suite, on=False) != before[0]


class _Deselected:
    """Stands in for pytest's configuration: keeps what is left out."""

    def __init__(self) -> None:
        self.hook = self
        self.items: list[str] = []

    def pytest_deselected(self, items: list[Any]) -> None:
        self.items = [item.nodeid for item in items]


@pytest.mark.parametrize(
    ("known", "left"),
    [("none", "abcd"), ("state", "bcd"), ("all", "d"), ("good", "bd")],
)
def test_known_tests_are_left_out(tmp_path: Path, known: str, left: str) -> None:
    path = tmp_path / "outcomes.jsonl"
    path.write_text(_row("a") + _row("b", "failed", "old") + _row("c", "passed", "old"))
    items: Any = [SimpleNamespace(nodeid=name) for name in "abcd"]
    config: Any = _Deselected()
    peers_hooks.Outcomes(path, "now", known).pytest_collection_modifyitems(config, items)
    assert "".join(item.nodeid for item in items) == left
    assert sorted([*config.items, *left]) == list("abcd")


A, B = "ckan/tests/x.py::T::a", "ckan/tests/x.py::T::b"


def test_differences_are_held_against_the_list() -> None:
    off = {name: Outcome("passed", "", 0.0) for name in (A, f"{B}[1]", f"{B}[2]", "new", "half")}
    bad, good = Outcome("failed", "", 0.0), Outcome("passed", "", 0.0)
    on = {A: good, f"{B}[1]": bad, f"{B}[2]": good, "new": bad}
    reasons = [Reason("t", "why", (A, B)), Reason("t", "why", ("half", "never ran"))]
    found = peers_list.compare(off, on, reasons)
    assert list(found.explained) == [f"{B}[1]"]
    assert list(found.fresh) == ["new"]
    assert found.settled == (A,)


@pytest.mark.parametrize("text", [
    "- {title: t, tests: [ckan/tests/x.py::a]}",
    "- {title: t, why: '', tests: [ckan/tests/x.py::a]}",
    "- {title: t, why: w, tests: []}",
    "- {title: t, why: w, tests: [ckan/lib/x.py::a]}",
    "- {title: t, why: w, tests: [ckan/tests/x.py]}",
    "- {title: t, why: w, tests: [ckan/tests/x.py::a, ckan/tests/x.py::a]}",
])  # fmt: skip
def test_a_list_without_reasons_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "peers.yaml"
    path.write_text(text)
    with pytest.raises(StackError, match=r"peers\.yaml, reason 1"):
        peers_list.load(path)


def test_the_document_shows_the_list() -> None:
    """After a change of the list: ``python -m ckanext.govopen.stack.peers_list``."""
    text = peers_list.DOCUMENT.read_text("utf-8")
    reasons = peers_list.load()
    assert reasons and peers_list.document(text, reasons) == text
    with pytest.raises(StackError):
        peers_list.document("no marks", reasons)


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
    outcomes = peers_hooks.Outcomes(tmp_path / "outcomes.jsonl", "now")
    for when, word in phases:
        outcomes.pytest_runtest_logreport(_report(when, word, "told" if word == "failed" else ""))
    found = peers_results.read(outcomes.path, "now")
    assert [one.outcome for one in found.values()] == [outcome]
    assert found["x.py::test"].seconds == pytest.approx(0.5 * len(phases))
