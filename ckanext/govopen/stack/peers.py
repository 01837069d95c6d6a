"""The suites of CKAN and its extensions, once without and once with this extension.

Run by `./portal peers [SUITE …] [--only on|off] [--in PATH …] [pytest's arguments]` with the
servers' addresses in the environment. What passes without and fails with the extension is told,
and is an error unless ``docs/peers.md`` names it with its reason.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from . import settings
from .environment import Environment
from .home import REPOSITORY, Home
from .peers_suites import SUITES, options
from .say import StackError, fail, line, step

SIDES = ("off", "on")
EXPLAINED = REPOSITORY / "docs/peers.md"
HEADER = "Settings of a suite that CKAN or an extension ships, made by ./portal peers."
PYTEST_INI = """\
[pytest]
filterwarnings =
    ignore
markers =
    ckan_config: an option for one test
    provide_plugin: a class as plugin
    with_plugins: plugins for one test
"""
# A lock that another connection of the same test holds would keep it waiting for ever.
WAITING = "-c lock_timeout=60s -c idle_in_transaction_session_timeout=600s"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of one test: passed, failed, error or skipped, and why."""

    outcome: str
    message: str
    seconds: float


Outcomes = dict[str, Outcome]


@dataclasses.dataclass(frozen=True)
class Wish:
    """What was asked for on the command line."""

    suites: tuple[str, ...]
    sides: tuple[str, ...]
    paths: tuple[str, ...]
    pytest: tuple[str, ...]


def wished(arguments: Sequence[str]) -> Wish:
    """The command line, read: names of suites and own options first, then pytest's.

    :raises StackError: for a side that is none
    """
    suites, paths = [], []
    sides: tuple[str, ...] = SIDES
    rest = list(arguments)
    while rest:
        if rest[0] in SUITES:
            suites.append(rest.pop(0))
        elif rest[0] in {"--only", "--in"} and len(rest) > 1:
            option, value = rest.pop(0), rest.pop(0)
            if option == "--in":
                paths.append(value)
            elif value in SIDES:
                sides = (value,)
            else:
                raise StackError(f"--only {value}: it is on or off.")
        else:
            break
    if rest and not rest[0].startswith("-"):
        raise StackError(f"There is no suite {rest[0]}.", f"Known: {', '.join(SUITES)}")
    return Wish(tuple(suites) or tuple(SUITES), sides, tuple(paths), tuple(rest))


def read(path: Path) -> Outcomes:
    """The outcomes that the pytest plugin wrote; a line cut off by the end of a run is left out."""
    found: Outcomes = {}
    if not path.exists():
        return found
    for row in path.read_text(encoding="utf-8").splitlines():
        try:
            known = json.loads(row)
        except ValueError:
            continue
        found[known["id"]] = Outcome(known["outcome"], known["message"], known["seconds"])
    return found


def differences(off: Outcomes, on: Outcomes) -> dict[str, Outcome]:
    """Tests that pass without the extension and fail with it, with what went wrong."""
    return {
        name: on[name]
        for name, without in off.items()
        if without.outcome == "passed" and name in on and on[name].outcome in {"failed", "error"}
    }


def explained(text: str) -> frozenset[str]:
    """The tests that a document names: what stands between backticks and holds ``::``."""
    return frozenset(name for name in re.findall(r"`([^`\n]+)`", text) if "::" in name)


def run(home: Home, environment: Environment, name: str, side: str, wish: Wish) -> Path:
    """Run one suite on one side; the file with its outcomes.

    :raises StackError: when pytest could not run at all
    """
    suite, folder = SUITES[name], home.root / "peers"
    folder.mkdir(exist_ok=True, mode=0o700)
    results, log = folder / f"{name}-{side}.jsonl", folder / f"{name}-{side}.log"
    results.unlink(missing_ok=True)
    addresses = {key: os.environ[key] for key in settings.ADDRESSES if key in os.environ}
    chosen = options(suite, on=side == "on", secrets=home.secrets(), addresses=addresses)
    ini = folder / f"{name}-{side}.ini"
    home.write_private(ini, settings.render(chosen, HEADER))
    (folder / "pytest.ini").write_text(PYTEST_INI)
    packages = environment.packages
    env = {
        **{key: value for key, value in os.environ.items() if not key.startswith("CKAN_")},
        "CKAN_INI": str(ini),
        "PGOPTIONS": WAITING,
        "GOVOPEN_PEERS_SIDE": side,
        "GOVOPEN_PEERS_INNER": " ".join(suite.inner),
        "GOVOPEN_PEERS_ALWAYS": "1" if suite.always else "",
        "GOVOPEN_PEERS_RESULTS": str(results),
    }
    command = [
        str(environment.python), "-m", "pytest", "-c", str(folder / "pytest.ini"),
        f"--rootdir={packages}", "-p", "ckanext.govopen.stack.peers_hooks",
        "-p", "no:cacheprovider", f"--ckan-ini={ini}", "-q", "--tb=short", *wish.pytest,
        *(str(packages / path) for path in wish.paths or suite.paths),
    ]  # fmt: skip
    with log.open("wb") as sink:
        done = subprocess.run(
            command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink,
            check=False,
        )  # fmt: skip
    if not results.exists():
        tail = log.read_text(errors="replace").splitlines()[-15:]
        raise StackError(
            f"pytest ended with code {done.returncode} and no outcome:\n  " + "\n  ".join(tail),
            f"More in {log}",
        )
    return results


def tell(name: str, off: Outcomes, on: Outcomes, known: frozenset[str]) -> list[str]:
    """Tell the figures of a suite; the tests that nothing explains."""
    for side, outcomes in (("without", off), ("with", on)):
        counts = Counter(one.outcome for one in outcomes.values())
        shown = ", ".join(f"{count} {word}" for word, count in sorted(counts.items()))
        seconds = sum(one.seconds for one in outcomes.values())
        line(f"  {name} {side:8} {len(outcomes)} tests: {shown or 'none'} ({seconds:.0f} s)")
    found = differences(off, on)
    for test, outcome in sorted(found.items()):
        line(f"    {'explained' if test in known else 'NEW'}: {test}")
        line(f"        {outcome.message.splitlines()[0][:200] if outcome.message else ''}")
    return [test for test in found if test not in known]


def main(arguments: Sequence[str]) -> int:
    """Run what is wished; 1 when a difference is found that ``docs/peers.md`` does not name.

    A side that is left out (``--only``) is taken from the run before, so that the side without
    the extension need not be run again after a change of the extension.
    """
    wish = wished(arguments)
    home = Home(Path(os.environ["GOVOPEN_HOME"]))
    environment = Environment(Path(sys.prefix))
    known = explained(EXPLAINED.read_text("utf-8")) if EXPLAINED.exists() else frozenset()
    fresh: list[str] = []
    for name in wish.suites:
        for side in wish.sides:
            begun = time.monotonic()
            step(f"{name}, extension {side}")
            run(home, environment, name, side, wish)
            step(f"{name}, extension {side}: {time.monotonic() - begun:.0f} s")
        off, on = (read(home.root / "peers" / f"{name}-{side}.jsonl") for side in SIDES)
        fresh += tell(name, off, on, known)
    if fresh:
        line(f"{len(fresh)} tests pass without the extension, fail with it and are not explained.")
    return 1 if fresh else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except StackError as error:
        fail(error)
        sys.exit(1)
