"""What the test command makes of pytest's answer."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ckanext.govopen.stack import testing
from ckanext.govopen.stack.environment import Environment
from ckanext.govopen.stack.home import Home
from ckanext.govopen.stack.say import StackError
from ckanext.govopen.tests import figures


@pytest.mark.parametrize(
    ("row", "closing"),
    [
        ("93 passed in 12.04s", "93 passed in 12.04s"),
        ("=== 1 failed, 2 passed, 3 skipped in 1.50s (0:00:01) ===", None),
        ("no tests ran in 0.01s", "no tests ran in 0.01s"),
    ],
)
def test_the_closing_line_is_found(row: str, closing: str | None) -> None:
    outcome = testing.watched([sys.executable, "-c", f"print('....'); print({row!r})"])
    assert outcome.code == 0
    assert outcome.closing == (closing or "1 failed, 2 passed, 3 skipped in 1.50s (0:00:01)")


def test_the_totals_are_counted() -> None:
    outcome = testing.Outcome(1, "1 failed, 20 passed, 3 skipped in 1.50s")
    counted = [outcome.number(word) for word in ("failed", "passed", "skipped", "error")]
    assert counted == [1, 20, 3, 0]


def test_figures_that_the_tests_tell_are_kept_and_shown() -> None:
    row = figures.Sweeps({"pages": 1200, "actions": 34}, findings=0).lines()[0]
    outcome = testing.watched([sys.executable, "-c", f"print({row!r}); print('1 passed in 1.0s')"])
    assert outcome.figures == ("sweep: 1,234 requests, 0 findings (pages 1,200, actions 34)",)
    assert figures.Sweeps().lines() == []


def test_a_failing_check_is_named_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    good, bad = ["-c", "print('well')"], ["-c", "print('wrong in {python}'); raise SystemExit(1)"]
    monkeypatch.setattr(testing, "CHECKS", (("one", good), ("two", bad)))
    environment = Environment(Path(sys.prefix))
    failed, printed = testing.checks(environment)
    assert failed == ["two"]
    assert "well" in printed and f"wrong in {environment.python}" in printed


def test_a_crash_has_no_totals() -> None:
    outcome = testing.watched([sys.executable, "-c", "raise SystemExit(3)"])
    assert outcome == testing.Outcome(3, "pytest gave no totals")


def test_a_process_that_a_test_leaves_behind_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(testing, "LEFT_OPEN", 0.2)
    left = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', WAIT]); print(ROW)"
    left = left.replace("WAIT", repr("import time; time.sleep(3)")).replace(
        "ROW", repr("1 passed in 1.0s")
    )
    outcome = testing.watched([sys.executable, "-c", left])
    assert outcome.code == 1
    assert outcome.closing.startswith("1 passed in 1.0s; a process")


def test_a_check_that_hangs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(testing, "CHECKED", 0.2)
    monkeypatch.setattr(testing, "CHECKS", (("slow", ["-c", "import time; time.sleep(60)"]),))
    failed, printed = testing.checks(Environment(Path(sys.prefix)))
    assert failed == ["slow"] and "was stopped" in printed


@pytest.mark.parametrize(
    ("reason", "left_out"),
    [
        ("the browser is not there", 2),
        ("taoyuan.csv is not beside the project", 0),
        ("the published list x is not beside this repository", 0),
    ],
)
def test_data_that_is_not_ours_may_be_missing(reason: str, left_out: int) -> None:
    row = f"SKIPPED [2] tests/x.py:3: {reason}"
    outcome = testing.watched([sys.executable, "-c", f"print({row!r}); print('1 passed in 1.0s')"])
    assert outcome.left_out == left_out


class _Run:
    """`everything` with pytest and the static checks replaced."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, closing: str, *, browser: bool, left_out: int = 0
    ) -> None:
        self.commands: list[list[str]] = []
        environment = Environment(Path("/nowhere"))
        monkeypatch.setattr(testing, "ensure", lambda *_, **__: environment)
        monkeypatch.setattr(testing, "checks", lambda _: ([], "what the checks printed"))
        monkeypatch.setattr(testing, "services_for_tests", lambda *_: self)
        monkeypatch.setattr(testing, "test_environment", lambda *_: {})
        monkeypatch.setattr(testing, "external_from", lambda _: {})
        monkeypatch.setattr(testing, "_another", lambda home, number: Home(home.root / f"{number}"))
        monkeypatch.setattr(testing, "chromium", lambda: "/usr/bin/browser" if browser else None)
        self.closing = closing
        self.left_out = left_out
        self.stopped = False
        monkeypatch.setattr(testing, "watched", self._watched)

    def stop(self) -> None:
        self.stopped = True

    @property
    def with_services(self) -> list[list[str]]:
        """The commands apart from that of the rules, which runs at the same time."""
        return [command for command in self.commands if command[-1] != testing.DOMAIN]

    def _watched(self, command, _env=None, *, show: bool = True) -> testing.Outcome:
        self.commands.append(list(command))
        kept = "" if show else "what another run printed"
        return testing.Outcome(0, self.closing, self.left_out, kept)


def test_in_ci_nothing_may_be_left_out(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("CI", "true")
    _Run(monkeypatch, "9 passed, 1 skipped in 1.0s", browser=True, left_out=1)
    assert testing.everything(Home(tmp_path)) == 1
    assert "left out" in capsys.readouterr().out
    monkeypatch.setenv("CI", "")
    assert testing.everything(Home(tmp_path)) == 0


def test_without_a_browser_ci_fails_at_once(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("CI", "true")
    run = _Run(monkeypatch, "9 passed in 1.0s", browser=False)
    with pytest.raises(StackError, match="Chromium"):
        testing.everything(Home(tmp_path))
    assert run.commands == []


def test_without_a_browser_it_is_said_plainly(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.delenv("CI", raising=False)
    run = _Run(monkeypatch, "9 passed in 1.0s", browser=False)
    assert testing.everything(Home(tmp_path)) == 0
    told = capsys.readouterr().out
    assert "LEFT OUT: the tests marked `browser`" in told
    assert "36 tests passed." in told
    assert "what another run printed" in told
    assert "what the checks printed" in told
    for command in run.with_services:
        assert command[command.index("-m", 3) + 1] == "not long and not browser"
    for command in run.commands:
        assert command[command.index("-m", 3) + 1].startswith("not long")
    assert run.stopped


def test_the_full_run_leaves_nothing_out(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    run = _Run(monkeypatch, "9 passed in 1.0s", browser=True)
    assert testing.everything(Home(tmp_path), full=True) == 0
    for command in run.commands:
        assert "-m" not in command[3:]


def test_every_room_is_in_exactly_one_run(tmp_path: Path, monkeypatch) -> None:
    run = _Run(monkeypatch, "9 passed in 1.0s", browser=True)
    testing.everything(Home(tmp_path))
    others = run.with_services
    assert len(run.commands) == len(others) + 1
    (rest,) = [command for command in others if testing.TESTS in command]
    beside = [part for command in others if testing.TESTS not in command for part in command]
    left = {part.removeprefix("--ignore=") for part in rest if part.startswith("--ignore=")}
    named = {part for part in beside if part.startswith(testing.TESTS)}
    assert left == {testing.DOMAIN} | named
    assert sum(part.startswith(testing.TESTS) for part in beside) == len(named)
    assert all((testing.REPOSITORY / path).is_dir() for path in left)


def test_with_foreign_servers_there_is_one_run(tmp_path: Path, monkeypatch) -> None:
    run = _Run(monkeypatch, "9 passed in 1.0s", browser=True)
    monkeypatch.setattr(testing, "external_from", lambda _: {"CKAN_SOLR_URL": "http://solr"})
    assert testing.everything(Home(tmp_path)) == 0
    assert len(run.commands) == 2
    (whole,) = run.with_services
    assert testing.TESTS in whole


def test_an_unknown_bench_is_named(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="nonsense"):
        testing.bench(Home(tmp_path), ["nonsense"])
