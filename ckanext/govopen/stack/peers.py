"""The suites of CKAN and its extensions, once without and once with this extension.

Run by `./portal peers [SUITE …] [options] [pytest's arguments]` with the servers' addresses in the
environment; options are ``--only on|off``, ``--in PATH``, ``--kept``, ``--again`` and ``--failed``.
What passes without and fails with the extension is told, and is an error unless ``peers.yaml``
names it with its reason.
"""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from . import settings
from .environment import Environment
from .home import Home
from .peers_list import Comparison, compare, load
from .peers_results import Outcomes, read, state
from .peers_suites import PACKAGES, SUITES, options
from .say import StackError, fail, line, step

SIDES = ("off", "on")
#: Codes with which pytest ends although its tests ran: all passed, some failed, none was left.
DONE = frozenset({0, 1, 5})
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
class Wish:
    """What was asked for on the command line.

    :ivar kept: outcomes of an earlier state count as well
    :ivar again: what is wished runs even where its outcome is known
    :ivar failed: of what has run before, only what failed runs again
    """

    suites: tuple[str, ...]
    sides: tuple[str, ...] = SIDES
    paths: tuple[str, ...] = ()
    pytest: tuple[str, ...] = ()
    kept: bool = False
    again: bool = False
    failed: bool = False


def wished(arguments: Sequence[str]) -> Wish:
    """The command line, read: names of suites and own options first, then pytest's.

    :raises StackError: for a side that is none
    """
    suites, paths = [], []
    flags: set[str] = set()
    sides: tuple[str, ...] = SIDES
    rest = list(arguments)
    while rest:
        if rest[0] in SUITES:
            suites.append(rest.pop(0))
        elif rest[0] in {"--kept", "--again", "--failed"}:
            flags.add(rest.pop(0)[2:])
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
    return Wish(
        tuple(suites) or tuple(SUITES), sides, tuple(paths), tuple(rest),
        **dict.fromkeys(flags, True),
    )  # fmt: skip


def known(wish: Wish) -> str:
    """Which outcomes spare a test: of this state, of any state, or the good ones of any."""
    if wish.again:
        return "none"
    if wish.failed:
        return "good"
    return "all" if wish.kept else "state"


def results(home: Home, name: str, side: str) -> Path:
    """The file that keeps the outcomes of a suite on one side."""
    return home.root / "peers" / f"{name}-{side}.jsonl"


def outcomes(home: Home, name: str, side: str, wish: Wish) -> Outcomes:
    """The outcomes that count."""
    now = None if wish.kept else state(SUITES[name], on=side == "on")
    return read(results(home, name, side), now)


def run(home: Home, environment: Environment, name: str, side: str, wish: Wish) -> None:
    """Run what is missing of one suite on one side.

    :raises StackError: when pytest broke off
    """
    suite, folder = SUITES[name], home.root / "peers"
    folder.mkdir(exist_ok=True, mode=0o700)
    log, ini = folder / f"{name}-{side}.log", folder / f"{name}-{side}.ini"
    addresses = {key: os.environ[key] for key in settings.ADDRESSES if key in os.environ}
    chosen = options(suite, on=side == "on", secrets=home.secrets(), addresses=addresses)
    packages = environment.packages
    chosen = {key: value.replace(PACKAGES, str(packages)) for key, value in chosen.items()}
    home.write_private(ini, settings.render(chosen, HEADER))
    (folder / "pytest.ini").write_text(PYTEST_INI)
    env = {
        **{key: value for key, value in os.environ.items() if not key.startswith("CKAN_")},
        "CKAN_INI": str(ini),
        "PGOPTIONS": WAITING,
        "GOVOPEN_PEERS_SIDE": side,
        "GOVOPEN_PEERS_INNER": " ".join(suite.inner),
        "GOVOPEN_PEERS_ALWAYS": "1" if suite.always else "",
        "GOVOPEN_PEERS_RESULTS": str(results(home, name, side)),
        "GOVOPEN_PEERS_STATE": state(suite, on=side == "on"),
        "GOVOPEN_PEERS_KNOWN": known(wish),
    }
    command = [
        str(environment.python), "-m", "pytest", "-c", str(folder / "pytest.ini"),
        f"--rootdir={packages}", "-p", "ckanext.govopen.stack.peers_hooks",
        "-p", "no:cacheprovider", f"--ckan-ini={ini}", "-q", "--tb=short",
        "--continue-on-collection-errors", *wish.pytest,
        *(str(packages / path) for path in wish.paths or suite.paths),
    ]  # fmt: skip
    with log.open("wb") as sink:
        done = subprocess.run(
            command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink,
            check=False,
        )  # fmt: skip
    if done.returncode not in DONE:
        tail = log.read_text(errors="replace").splitlines()[-15:]
        raise StackError(
            f"pytest broke off with code {done.returncode}:\n  " + "\n  ".join(tail),
            f"More in {log}. What ran before is kept.",
        )


def tell(name: str, off: Outcomes, on: Outcomes, found: Comparison) -> None:
    """Tell the figures of a suite, and what differs."""
    for side, known in (("without", off), ("with", on)):
        counts = Counter(one.outcome for one in known.values())
        shown = ", ".join(f"{count} {word}" for word, count in sorted(counts.items()))
        seconds = sum(one.seconds for one in known.values())
        line(f"  {name} {side:8} {len(known)} tests: {shown or 'none'} ({seconds:.0f} s)")
    line(f"  {name}: {len(found.explained)} differ with a reason, {len(found.fresh)} without")
    for test, outcome in sorted(found.fresh.items()):
        line(f"    NEW: {test}")
        line(f"        {outcome.message.splitlines()[0][:200] if outcome.message else ''}")
    for test in found.settled:
        line(f"    NO LONGER DIFFERS, take it out of peers.yaml: {test}")
    for only, other, words in ((off, on, "with"), (on, off, "without")):
        missing = len(only.keys() - other.keys())
        if missing:
            line(f"    {missing} tests have not been run {words} the extension.")


def main(arguments: Sequence[str]) -> int:
    """Run what is wished and missing; 1 when a test differs and ``peers.yaml`` has no reason.

    :raises StackError: when a suite ran no test at all, which would look like no difference
    """
    wish = wished(arguments)
    home = Home(Path(os.environ["GOVOPEN_HOME"]))
    environment = Environment(Path(sys.prefix))
    reasons = load()
    fresh = 0
    for name in wish.suites:
        for side in wish.sides:
            begun = time.monotonic()
            step(f"{name}, extension {side}")
            run(home, environment, name, side, wish)
            step(f"{name}, extension {side}: {time.monotonic() - begun:.0f} s")
        off, on = (outcomes(home, name, side, wish) for side in SIDES)
        for side, known_now in zip(SIDES, (off, on), strict=True):
            if side in wish.sides and not known_now:
                log = home.root / "peers" / f"{name}-{side}.log"
                raise StackError(f"{name}, extension {side}: no test ran.", f"Why: {log}")
        found = compare(off, on, reasons)
        tell(name, off, on, found)
        fresh += len(found.fresh)
    if fresh:
        line(f"{fresh} tests pass without the extension, fail with it and have no reason.")
    return 1 if fresh else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except StackError as error:
        fail(error)
        sys.exit(1)
