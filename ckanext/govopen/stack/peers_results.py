"""What became of the tests of other projects' suites, kept between runs.

One file a suite and side, one JSON object a line, written as each test ends. A line names the
state in which the test ran, so that a run takes up where the last one broke off, and nothing is
run again before something changed that it could depend on. Later lines replace earlier ones.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

from .peers_suites import Suite, options

PACKAGE = Path(__file__).resolve().parents[1]
#: Distributions that bring suites; activity and datastore come with CKAN.
WHEELS = ("ckan", "ckanext-harvest", "ckanext-scheming")
SOLR = PACKAGE / "search/solr/conf"
#: Rooms of the extension on which no outcome depends: this one, and its own tests.
APART = frozenset({"stack", "tests", "__pycache__"})


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of one test: passed, failed, error or skipped, and why."""

    outcome: str
    message: str
    seconds: float

    @property
    def bad(self) -> bool:
        """Whether the test did not do what it wants."""
        return self.outcome in {"failed", "error"}


Outcomes = dict[str, Outcome]


def read(path: Path, state: str | None = None) -> Outcomes:
    """The outcomes that the pytest plugin wrote; a line cut off by the end of a run is left out.

    :param state: only those of this state; None: the latest of each test
    """
    found: Outcomes = {}
    if not path.exists():
        return found
    for row in path.read_text(encoding="utf-8").splitlines():
        try:
            known = json.loads(row)
        except ValueError:
            continue
        if state is None or known.get("state") == state:
            found[known["id"]] = Outcome(known["outcome"], known["message"], known["seconds"])
    return found


def differences(off: Mapping[str, Outcome], on: Mapping[str, Outcome]) -> Outcomes:
    """Tests that pass without the extension and fail with it, with what went wrong."""
    return {
        name: on[name]
        for name, without in off.items()
        if without.outcome == "passed" and name in on and on[name].bad
    }


def _contents(files: Iterable[Path], top: Path) -> str:
    found = hashlib.sha256()
    for path in sorted(files):
        found.update(f"{path.relative_to(top)}\0".encode())
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def _extension() -> Iterable[Path]:
    for room in PACKAGE.iterdir():
        if room.is_file():
            yield room
        elif room.name not in APART:
            yield from (
                path
                for path in room.rglob("*")
                if path.is_file() and "__pycache__" not in path.parts
            )


def state(suite: Suite, *, on: bool) -> str:
    """Name of what the outcomes of a suite depend on: wheels, settings, Solr, the extension."""
    secrets: dict[str, str] = dict.fromkeys(("session", "csrf", "token"), "")
    parts = {
        "wheels": {name: version(name) for name in WHEELS},
        "options": options(suite, on=on, secrets=secrets, addresses={}),
        "solr": _contents((path for path in SOLR.rglob("*") if path.is_file()), PACKAGE),
        "extension": _contents(_extension(), PACKAGE) if on else "",
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]
