"""Running pytest, the checks and the benches with the services of a home."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

from . import jars, settings
from .environment import Environment, ensure
from .home import REPOSITORY, Home
from .say import StackError, line, step
from .services import SERVERS, Services, external_from

CHECKS = (
    ("ruff check", ["-m", "ruff", "check", "."]),
    ("ruff format", ["-m", "ruff", "format", "--check", "."]),
    ("pyright", ["-m", "pyright", "--pythonpath", "{python}"]),
    ("import contracts", ["ckanext/govopen/stack/contracts.py"]),
)
TESTS = "ckanext/govopen/tests"
DOMAIN = f"{TESTS}/domain"
#: Rooms whose tests run beside all the others, each group on servers of its own: every group, and
#: the rest, takes about as long. Three streams on two cores, since tests wait for servers as well.
BESIDE_GROUPS = (("access", "search"), ("api", "browser", "cli", "harvesters"))
#: A test that takes longer than this many seconds hangs: pytest then writes where each thread
#: stands and ends, rather than letting the whole run wait. Those marked `long` have no limit.
HANGS = ["-o", "faulthandler_timeout=600", "-o", "faulthandler_exit_on_timeout=true"]


def chromium() -> str | None:
    """Path of a Chromium for the browser tests, or None."""
    named = os.environ.get("GOVOPEN_CHROMIUM")
    if named:
        return named if Path(named).exists() else None
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        found = shutil.which(name)
        if found:
            return found
    return None


def services_for_tests(home: Home, environment: Environment) -> Services:
    """Services of which the test databases may be emptied at will.

    :raises StackError: when the environment names a foreign database that is not a test database
    """
    external = external_from(home)
    url = external.get("CKAN_SQLALCHEMY_URL", "")
    if url and not url.split("?")[0].endswith("_test"):
        raise StackError(
            "CKAN_SQLALCHEMY_URL names a database whose name does not end in _test;"
            " the tests would empty it.",
            "Name a database for tests, or unset the variable to use an embedded one.",
        )
    services = Services(home, environment, external)
    services.start()
    return services


def test_environment(home: Home, services: Services) -> dict[str, str]:
    """Environment variables for pytest and benches; writes the home's ``test.ini`` too."""
    storage = home.root / "test-storage"
    (storage / "resources").mkdir(parents=True, exist_ok=True)
    addresses = services.variables(testing=True)
    secrets = home.secrets()
    site = settings.Site(
        url="http://test.ckan.net", storage=str(storage), secrets=secrets, addresses=addresses
    )
    options = settings.test_options(site)
    if "GOVOPEN_TEST_PLUGINS" in os.environ:  # other plugins than the site's, e.g. none of ours
        options["ckan.plugins"] = os.environ["GOVOPEN_TEST_PLUGINS"]
    text = settings.render(options, settings.TEST_HEADER)
    home.write_private(home.test_ini, text)
    env = {
        **os.environ,
        **addresses,
        "CKAN_INI": str(home.test_ini),
        "CKAN_STORAGE_PATH": str(storage),
        "GOVOPEN_HOME": str(home.root),
        "PYTHONDONTWRITEBYTECODE": os.environ.get("PYTHONDONTWRITEBYTECODE", ""),
    }
    found = chromium()
    if found:
        env["GOVOPEN_CHROMIUM"] = found
    return env


def pytest(home: Home, arguments: Sequence[str]) -> int:
    """Run pytest on the test databases with the given arguments; its exit code."""
    environment = ensure(home, development=True)
    services = services_for_tests(home, environment)
    env = test_environment(home, services)
    command = _pytest_command(home, environment, arguments)
    return subprocess.run(command, cwd=REPOSITORY, env=env, check=False).returncode


def _pytest_command(home: Home, environment: Environment, arguments: Sequence[str]) -> list[str]:
    return [str(environment.python), "-m", "pytest", f"--ckan-ini={home.test_ini}", *arguments]


def _domain_command(environment: Environment, *, full: bool = False) -> list[str]:
    plain = ["-p", "no:ckan", "-p", "no:cacheprovider"]
    plain += [] if full else [*HANGS, "-m", "not long"]
    return [str(environment.python), "-m", "pytest", "-q", "-r", "fExXs", *plain, DOMAIN]


def domain(home: Home) -> int:
    """Run the tests of the rules alone: no services, no CKAN."""
    environment = ensure(home, development=True, need_servers=False)
    command = _domain_command(environment)
    return subprocess.run(command, cwd=REPOSITORY, check=False).returncode


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How one run of pytest ended.

    :ivar closing: its closing line, e.g. ``93 passed, 2 deselected in 12.0s``
    :ivar left_out: tests that were skipped, apart from those that need data which does not
        belong to the project and lies beside it or not
    :ivar printed: what it printed, where nobody was shown it
    :ivar figures: lines that its tests told, e.g. how much the sweep asked
    """

    code: int
    closing: str
    left_out: int = 0
    printed: str = ""
    figures: tuple[str, ...] = ()

    def number(self, word: str) -> int:
        """How many tests the closing line counts under a word, e.g. ``skipped``."""
        found = re.search(rf"(\d+) {word}", self.closing)
        return int(found.group(1)) if found else 0


#: Seconds after the end of pytest by which nobody writes to its output any more.
LEFT_OPEN = 30
#: Seconds that a static check may take.
CHECKED = 900
CLOSING = re.compile(r"^=*\s*((?:\d+ [a-z]+, )*\d+ [a-z]+ in [\d.]+s.*?|no tests ran.*?)\s*=*$")


SKIPPED = re.compile(r"SKIPPED \[(\d+)\]")
#: How a line begins that the tests tell for the end (``tests/figures.py``).
FIGURES = "figures: "
#: The reason of tests that read a published list, which is not part of the project.
BESIDE = re.compile(r"\bbeside (this|the) (repository|project)\b")


def watched(
    command: Sequence[str], env: Mapping[str, str] | None = None, *, show: bool = True
) -> Outcome:
    """Run pytest, show what it prints (or keep it), and keep its closing line."""
    seen = _Seen(show)
    # No `with`: at its end it would wait for the output of whatever a test has left behind.
    child = subprocess.Popen(
        list(command),
        cwd=REPOSITORY,
        env={**(os.environ if env is None else env), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    assert child.stdout
    reader = threading.Thread(target=seen.read, args=(child.stdout,), daemon=True)
    reader.start()
    try:
        child.wait()
    except KeyboardInterrupt:  # it has come to pytest as well, which tidies up
        child.wait(30)
        raise
    reader.join(LEFT_OPEN)
    if not reader.is_alive():
        child.stdout.close()
    code, closing = child.returncode, seen.closing or "pytest gave no totals"
    if reader.is_alive():
        code, closing = code or 1, f"{closing}; a process that a test started has not ended"
    return Outcome(
        code,
        closing,
        seen.left_out,
        "".join(seen.kept),
        tuple(seen.figures),
    )


class _Seen:
    """What a run of pytest has printed so far."""

    def __init__(self, show: bool) -> None:
        self.show = show
        self.closing, self.left_out = "", 0
        self.kept: list[str] = []
        self.figures: list[str] = []

    def read(self, stream: IO[str]) -> None:
        for row in stream:
            if self.show:
                print(row, end="", flush=True)
            else:
                self.kept.append(row)
            match = CLOSING.match(row.strip())
            self.closing = match.group(1) if match else self.closing
            skipped = SKIPPED.match(row)
            if skipped and not BESIDE.search(row):
                self.left_out += int(skipped.group(1))
            if row.startswith(FIGURES):
                self.figures.append(row.removeprefix(FIGURES).rstrip())


def checks(environment: Environment) -> tuple[list[str], str]:
    """Run the static checks; the names of those that fail, and what all of them printed."""
    failed, printed = [], ""
    for name, arguments in CHECKS:
        python = str(environment.python)
        command = [python, *(argument.format(python=python) for argument in arguments)]
        try:
            done = subprocess.run(
                command,
                cwd=REPOSITORY,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                check=False,
                timeout=CHECKED,
            )
        except subprocess.TimeoutExpired:
            printed += f"{name}\nhas not ended after {CHECKED} s and was stopped.\n"
            failed.append(name)
            continue
        printed += f"{name}\n{done.stdout}\n"
        if done.returncode:
            failed.append(name)
    return failed, printed


def everything(home: Home, *, full: bool = False) -> int:
    """What CI runs: static checks, the rules' tests, and all others; 0 when all is well.

    :param full: with the tests marked ``long``
    """
    in_ci = os.environ.get("CI", "").lower() in {"1", "true", "yes"}
    browser = chromium()
    if browser is None and in_ci:
        raise StackError(
            "There is no Chromium, and in CI no test may be left out.",
            "Install one (Debian: apt-get install chromium), or name it with GOVOPEN_CHROMIUM.",
        )
    environment = ensure(home, development=True)
    marks = [] if full else ["not long"]
    if browser is None:
        marks.append("not browser")
    step("Static checks and the tests of the rules, beside the others; shown afterwards")
    with ThreadPoolExecutor(1) as pool:
        # One after the other: what needs servers has the machine's other hands.
        checking = pool.submit(checks, environment)
        ruling = pool.submit(watched, _domain_command(environment, full=full), show=False)
        outcomes = _with_services(home, environment, marks, full=full)
        failed, printed = checking.result()
        outcomes = {"rules": ruling.result(), **outcomes}
    line(printed)
    line(outcomes["rules"].printed)
    failed += [f"tests of {name}" for name, outcome in outcomes.items() if outcome.code]
    skipped = sum(outcome.left_out for outcome in outcomes.values())
    if skipped and in_ci:
        failed.append(f"{skipped} tests were left out, which CI does not allow")
    line()
    if browser is None:
        line("LEFT OUT: the tests marked `browser`, because no Chromium was found.")
        line("          Install one, or name it with GOVOPEN_CHROMIUM, to run them.")
    if not full:
        line("Tests marked `long` run with ./portal test full only.")
    line(f"FAILED: {', '.join(failed)}" if failed else "All checks and tests passed.")
    total = sum(outcome.number("passed") for outcome in outcomes.values())
    line(f"{total} tests passed.")
    for name, outcome in outcomes.items():
        line(f"{name}: {outcome.closing}")
        for figure in outcome.figures:
            line(f"    {figure}")
    return 1 if failed else 0


def _with_services(
    home: Home, environment: Environment, marks: Sequence[str], *, full: bool
) -> dict[str, Outcome]:
    """All tests but those of the rules; several runs at once, each with servers of its own.

    Where the environment names foreign servers there is one set of databases, so one run.
    """
    arguments = ["-q", "--durations=10", "-r", "fExXs"]
    if marks:
        arguments += ["-m", " and ".join(marks)]
    if not full:
        arguments += HANGS
    groups = {", ".join(rooms): [f"{TESTS}/{room}" for room in rooms] for rooms in BESIDE_GROUPS}
    beside = [path for paths in groups.values() for path in paths]
    rest = [TESTS, *(f"--ignore={path}" for path in (DOMAIN, *beside))]
    if external_from(home):
        step("Tests of everything else")
        with _servers(home, environment) as env:
            whole = [*arguments, TESTS, f"--ignore={DOMAIN}"]
            return {"the rest": watched(_pytest_command(home, environment, whole), env)}
    step(f"Tests of everything else; beside them, shown afterwards: {'; '.join(groups)}")
    outcomes = {}
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(len(groups)) as pool:
        env = stack.enter_context(_servers(home, environment))
        others = {}
        for number, (names, paths) in enumerate(groups.items(), 1):
            own = _another(home, number)
            own_env = stack.enter_context(_servers(own, environment))
            command = _pytest_command(own, environment, [*arguments, *paths])
            others[names] = pool.submit(watched, command, own_env, show=False)
        outcomes["the rest"] = watched(_pytest_command(home, environment, [*arguments, *rest]), env)
        outcomes |= {names: other.result() for names, other in others.items()}
    for names in groups:
        line()
        step(f"Tests of {names}, which ran meanwhile")
        line(outcomes[names].printed)
    return outcomes


def _another(home: Home, number: int) -> Home:
    """A home within the home, with the same programs and databases of its own."""
    another = Home(home.root / f"beside{number}")
    another.prepare()
    jars.share(another.root, home.root)
    return another


@contextlib.contextmanager
def _servers(home: Home, environment: Environment) -> Iterator[dict[str, str]]:
    """The variables of a home's servers, which stop afterwards unless they ran before."""
    running = [name for name in SERVERS if home.register.alive(name)]
    services = services_for_tests(home, environment)
    try:
        yield test_environment(home, services)
    finally:
        if not running:  # they were started for the tests alone
            services.stop()


def peers(home: Home, arguments: Sequence[str] = ()) -> int:
    """Run the suites that CKAN and its extensions ship, with this extension on and off."""
    environment = ensure(home, development=True)
    services = services_for_tests(home, environment)
    command = [str(environment.python), "-m", "ckanext.govopen.stack.peers", *arguments]
    env = test_environment(home, services)
    return subprocess.run(command, cwd=REPOSITORY, env=env, check=False).returncode


def bench(home: Home, arguments: Sequence[str]) -> int:
    """Run one measurement with the arguments that follow its name, or all, on the test databases.

    Without a name, arguments go to every measurement.

    :raises StackError: when there is no measurement of that name
    """
    folder = REPOSITORY / "bench"
    known = {path.stem: path for path in sorted(folder.glob("[a-z]*.py"))}
    named = bool(arguments) and not arguments[0].startswith("-")
    if named and arguments[0] not in known:
        raise StackError(
            f"There is no bench {arguments[0]}.", f"Known: {', '.join(known) or 'none'}"
        )
    names = [arguments[0]] if named else list(known)
    passed = list(arguments[1:] if named else arguments)
    environment = ensure(home, development=True)
    services = services_for_tests(home, environment)
    env = test_environment(home, services)
    worst = 0
    for name in names:
        step(f"bench {name}")
        command = [str(environment.python), str(known[name]), *passed]
        worst |= subprocess.run(command, cwd=REPOSITORY, env=env, check=False).returncode
    return worst
