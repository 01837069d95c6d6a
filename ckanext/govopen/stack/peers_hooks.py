"""A pytest plugin for suites that know nothing of this extension: puts it around their plugins.

CKAN's suites choose their plugins test by test, and most tests run with none. With
``GOVOPEN_PEERS_SIDE=on`` every test has ``govopen`` before and ``govopen_index`` behind whatever
it loads itself; with ``off`` nothing is added. Outcomes are appended to the file named by
``GOVOPEN_PEERS_RESULTS``, one JSON object a line, so that a run that breaks off keeps what it knew;
tests whose outcome that file knows already (``GOVOPEN_PEERS_KNOWN``) are left out.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ckan import plugins
from ckan.common import config
from ckan.model import Repository
from ckan.plugins import core

from ckanext.govopen.stack.peers_results import read

FIRST, LAST = "govopen", "govopen_index"
ON = os.environ.get("GOVOPEN_PEERS_SIDE") == "on"
INNER = tuple(os.environ.get("GOVOPEN_PEERS_INNER", "").split())
ALWAYS = ON or bool(os.environ.get("GOVOPEN_PEERS_ALWAYS"))
RESULTS = os.environ.get("GOVOPEN_PEERS_RESULTS", "")
STATE = os.environ.get("GOVOPEN_PEERS_STATE", "")
#: Which outcomes spare a test: none, those of this state, all, or of all those that are no failure.
KNOWN = os.environ.get("GOVOPEN_PEERS_KNOWN", "none")
SECONDS = 300

_load_all = core.load_all
_upgrade_db = Repository.upgrade_db


def surround(names: Sequence[str], inner: Sequence[str] = ()) -> list[str]:
    """The list of plugins with this extension around it.

    :param inner: plugins of this extension that stand among the others, e.g. a harvester
    """
    own = {FIRST, LAST, *inner}
    return [FIRST, *(name for name in names if name not in own), *inner, LAST]


def load_all(force_update: bool = False) -> None:
    """CKAN's function of that name, for the list with the extension around it."""
    names = plugins.toolkit.aslist(config.get("ckan.plugins"))
    config["ckan.plugins"] = surround(names, INNER)
    _load_all(force_update)


def upgrade_db(self: Any, *arguments: Any, **named: Any) -> None:
    """CKAN's method of that name; tables of the extension come with CKAN's own."""
    from ckan.cli.db import _run_migrations

    _upgrade_db(self, *arguments, **named)
    if not arguments and not named:
        _run_migrations(FIRST, "head", True)


if ON:
    core.load_all = plugins.load_all = load_all
    Repository.upgrade_db = upgrade_db


def pytest_collection_finish(session: pytest.Session) -> None:
    """Tests count what the index holds: what an earlier run left there, in other sites' names
    too, must not be among it.
    """
    from ckan.lib.search.common import make_connection

    index = make_connection()
    index.delete(q="*:*")
    index.commit()


def _too_long(*_: Any) -> None:
    raise TimeoutError(f"The test did not end within {SECONDS} s.")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Have the plugins of the configuration loaded, for tests too that load none themselves."""
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(SECONDS)
    if not ALWAYS:
        return
    names = plugins.toolkit.aslist(config.get("ckan.plugins"))
    if list(core._PLUGINS) != (surround(names, INNER) if ON else names):
        plugins.load_all()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Stop the clock of the test."""
    signal.alarm(0)


class Outcomes:
    """Folds the reports of a test's phases into one outcome and writes it down."""

    def __init__(self, path: Path, state: str = "", known: str = "none") -> None:
        self.path = path
        self.state = state
        self.known = known
        self.worst: dict[str, tuple[str, str]] = {}
        self.seconds: dict[str, float] = {}

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[Any]) -> None:
        """Called by pytest with all tests: leaves out those whose outcome is known."""
        if self.known == "none":
            return
        known = read(self.path, self.state if self.known == "state" else None)
        if self.known == "good":
            known = {name: outcome for name, outcome in known.items() if not outcome.bad}
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid in known])
        items[:] = [item for item in items if item.nodeid not in known]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called by pytest for setup, call and teardown of each test."""
        name = report.nodeid
        self.seconds[name] = self.seconds.get(name, 0.0) + report.duration
        outcome = report.outcome if report.when == "call" or not report.failed else "error"
        known = self.worst.get(name, ("passed", ""))[0]
        if report.when == "setup" or (outcome != "passed" and known in {"passed", "skipped"}):
            self.worst[name] = (outcome, _told(report) if report.failed else "")
        if report.when == "teardown":
            outcome, message = self.worst.pop(name)
            self._write(name, outcome, message, self.seconds.pop(name))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Called by pytest for each collected file; one that cannot be imported is an error."""
        if report.failed:
            self._write(report.nodeid, "error", _told(report), 0.0)

    def _write(self, name: str, outcome: str, message: str, seconds: float) -> None:
        row = {
            "id": name, "outcome": outcome, "message": message, "seconds": round(seconds, 3),
            "state": self.state,
        }  # fmt: skip
        with self.path.open("a", encoding="utf-8") as sink:
            sink.write(json.dumps(row, ensure_ascii=False) + "\n")


def _told(report: Any) -> str:
    """The last line of what went wrong, and where it did."""
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        where = f"{Path(crash.path).name}:{crash.lineno}"
        return f"{where}: {str(crash.message).strip()[:600]}"
    return str(report.longrepr)[-600:]


def pytest_configure(config: pytest.Config) -> None:
    """Register the writer of outcomes."""
    if RESULTS:
        config.pluginmanager.register(
            Outcomes(Path(RESULTS), STATE, KNOWN), "govopen-peers-outcomes"
        )
