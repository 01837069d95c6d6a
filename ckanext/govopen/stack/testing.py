"""Running pytest, the checks and the benches with the services of a home."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from . import settings
from .environment import Environment, ensure
from .home import REPOSITORY, Home
from .say import StackError, line, step
from .services import Services, external_from

CHECKS = (
    ("ruff check", ["-m", "ruff", "check", "."]),
    ("ruff format", ["-m", "ruff", "format", "--check", "."]),
    ("pyright", ["-m", "pyright", "--warnings"]),
    ("import contracts", ["ckanext/govopen/stack/contracts.py"]),
)
DOMAIN = "ckanext/govopen/tests/domain"


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
    command = [
        str(environment.python), "-m", "pytest", f"--ckan-ini={home.test_ini}", *arguments,
    ]  # fmt: skip
    return subprocess.run(command, cwd=REPOSITORY, env=env, check=False).returncode


def domain(home: Home, arguments: Sequence[str] = ()) -> int:
    """Run the tests of the rules alone: no services, no CKAN."""
    environment = ensure(home, development=True, need_servers=False)
    command = [
        str(environment.python), "-m", "pytest", "-q", "-p", "no:ckan", "-p", "no:cacheprovider",
        DOMAIN, *arguments,
    ]  # fmt: skip
    return subprocess.run(command, cwd=REPOSITORY, check=False).returncode


def checks(environment: Environment) -> list[str]:
    """Run the static checks; the names of those that fail."""
    failed = []
    for name, arguments in CHECKS:
        step(name)
        command = [str(environment.python), *arguments]
        if subprocess.run(command, cwd=REPOSITORY, check=False).returncode:
            failed.append(name)
    return failed


def everything(home: Home, *, full: bool = False) -> int:
    """What CI runs: static checks, the rules' tests, then all others; 0 when all is well.

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
    failed = checks(environment)
    step("Tests of the rules")
    if domain(home):
        failed.append("tests of the rules")
    step("Tests of everything else")
    marks = [] if full else ["not long"]
    if browser is None:
        marks.append("not browser")
    arguments = ["-q", f"--ignore={DOMAIN}", "--durations=10", "-r", "fExX"]
    if marks:
        arguments += ["-m", " and ".join(marks)]
    if pytest(home, arguments):
        failed.append("tests of everything else")
    line()
    if browser is None:
        line("LEFT OUT: the tests marked `browser`, because no Chromium was found.")
        line("          Install one, or name it with GOVOPEN_CHROMIUM, to run them.")
    if not full:
        line("Tests marked `long` run with ./portal test full only.")
    line(f"FAILED: {', '.join(failed)}" if failed else "All checks and tests passed.")
    return 1 if failed else 0


def peers(home: Home, arguments: Sequence[str] = ()) -> int:
    """Run the suites that CKAN and its extensions ship, with this extension on and off."""
    environment = ensure(home, development=True)
    services = services_for_tests(home, environment)
    command = [str(environment.python), "-m", "ckanext.govopen.stack.peers", *arguments]
    env = test_environment(home, services)
    return subprocess.run(command, cwd=REPOSITORY, env=env, check=False).returncode


def bench(home: Home, names: Sequence[str]) -> int:
    """Run the named measurements, or all of them, on the test databases.

    :raises StackError: when there is no measurement of a name
    """
    folder = REPOSITORY / "bench"
    known = {path.stem: path for path in sorted(folder.glob("[a-z]*.py"))}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise StackError(
            f"There is no bench {', '.join(unknown)}.", f"Known: {', '.join(known) or 'none'}"
        )
    environment = ensure(home, development=True)
    services = services_for_tests(home, environment)
    env = test_environment(home, services)
    worst = 0
    for name in names or known:
        step(f"bench {name}")
        command = [str(environment.python), str(known[name])]
        worst |= subprocess.run(command, cwd=REPOSITORY, env=env, check=False).returncode
    return worst
