"""PostgreSQL out of its wheel: a socket in the home, passwords, four databases."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

from . import process
from .environment import Environment
from .home import Home, is_root
from .say import StackError, step

ADMIN = "govopen_admin"
WRITER = "ckan"
READER = "datastore_reader"
# Main database and DataStore, of the site and of the tests.
PAIRS = (("ckan", "datastore"), ("ckan_test", "datastore_test"))
LONGEST_SOCKET = 100  # a socket's path may have 107 bytes, Linux and macOS differ a little

CONFIGURATION = """\
# Written by the launcher at every start.
listen_addresses = ''
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0777
password_encryption = scram-sha-256
max_connections = 120
shared_buffers = 128MB
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
# Values of rows and parameters are nobody's business in a log.
log_min_error_statement = panic
log_error_verbosity = terse
log_parameter_max_length_on_error = 0
"""


def account() -> int | None:
    """Number of the account the server runs as; None: one's own.

    PostgreSQL refuses to run as root. Root gives it a number that no account has, so that no
    other program can touch its files.
    """
    if not is_root():
        return None
    for number in range(64300, 64400):
        try:
            pwd.getpwuid(number)
        except KeyError:
            return number
    return pwd.getpwnam("nobody").pw_uid


class Postgres:
    """The server of one home."""

    name = "postgres"

    def __init__(self, home: Home, environment: Environment) -> None:
        self.home = home
        self.environment = environment
        self.top = home.root / "postgres"
        self.data = self.top / "data"
        self.sockets = self.top / "socket"
        if len(str(self.sockets)) > LONGEST_SOCKET - 20:
            key = hashlib.sha256(str(home.root).encode()).hexdigest()[:12]
            self.sockets = Path("/tmp") / f"govopen-{os.geteuid()}-{key}"  # noqa: S108

    def url(self, database: str, user: str = WRITER) -> str:
        """The address of a database for SQLAlchemy, password included."""
        secret = "postgres_reader" if user == READER else "postgres_ckan"
        password = self.home.secrets()[secret]
        return f"postgresql://{user}:{password}@/{database}?host={quote(str(self.sockets))}"

    def launch(self) -> None:
        """Start the server; make the cluster where there is none.

        :raises StackError: when the cluster cannot be made
        """
        made = (self.data / "PG_VERSION").exists()
        uid = self.data.stat().st_uid if made and is_root() else account()
        self._prepare_folders(uid)
        if not made:
            self._initialise(uid)
        self._repair()
        settings = self.data / "govopen.conf"
        self._write(settings, CONFIGURATION.format(sockets=self.sockets), uid)
        step("Starting PostgreSQL")
        program = self.environment.postgres / "postgres"
        log = self.home.log(self.name)
        process.spawn(
            self.home.register,
            self.name,
            [str(program), "-D", str(self.data)],
            log=log,
            env=_plain_environment(),
            cwd=self.top,
            user=uid,
        )

    def ready(self) -> None:
        """Wait for the server, and make the databases that are missing.

        :raises StackError: when it does not come up
        """
        self._wait()
        self._make_databases()

    def stop(self) -> bool:
        """End the server: fast shutdown, everything committed is on disk."""
        record = self.home.register.read(self.name)
        if record is None:
            return False
        done = process.stop(record, first=signal.SIGINT, patience=30.0)
        self.home.register.forget(self.name)
        return done

    def sql(self, text: str, database: str = "postgres") -> str:
        """Run SQL as the administrator and return what psql prints, unaligned.

        :raises StackError: with the server's message
        """
        env = {**_plain_environment(), "PGPASSWORD": self.home.secrets()["postgres_admin"]}
        done = subprocess.run(
            [
                str(self.environment.postgres / "psql"), "-X", "-q", "-A", "-t",
                "-v", "ON_ERROR_STOP=1", "-h", str(self.sockets), "-U", ADMIN, "-d", database,
            ],
            input=text, env=env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise StackError(f"PostgreSQL refused: {done.stderr.strip()}", self._see_log())
        return done.stdout.strip()

    def _prepare_folders(self, uid: int | None) -> None:
        for folder in (self.top, self.data, self.sockets):
            folder.mkdir(exist_ok=True, mode=0o700)
            if folder.is_symlink() or folder.stat().st_uid not in {os.geteuid(), uid}:
                raise StackError(f"{folder} belongs to somebody else.", "Remove it.")
            folder.chmod(0o700)
        if uid is not None:
            self.top.chmod(0o711)
            self.sockets.chmod(0o711)
            for folder in (self.data, self.sockets):
                os.chown(folder, uid, uid)

    def _write(self, path: Path, text: str, uid: int | None) -> None:
        self.home.write_private(path, text)
        if uid is not None:
            os.chown(path, uid, uid)

    def _initialise(self, uid: int | None) -> None:
        """Make the cluster.

        initdb wants to know the name of its account; the number that the server has later has
        none, so it runs as `nobody` and the files change hands afterwards.
        """
        step("Making the PostgreSQL cluster")
        maker = None if uid is None else pwd.getpwnam("nobody").pw_uid
        draft = self.top / "new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        secret = draft / "admin"
        self._write(secret, self.home.secrets()["postgres_admin"], maker)
        identity = {} if maker is None else {"user": maker, "group": maker, "extra_groups": []}
        if maker is not None:
            os.chown(draft, maker, maker)
        done = subprocess.run(
            [
                str(self.environment.postgres / "initdb"), "-D", str(draft / "data"),
                "-U", ADMIN, f"--pwfile={secret}", "--auth=scram-sha-256", "--encoding=UTF8",
                "--locale-provider=builtin", "--locale=C.UTF-8",
            ],
            env=_plain_environment(), cwd=self.top, capture_output=True, text=True, check=False,
            **identity,
        )  # fmt: skip
        if done.returncode:
            raise StackError(f"initdb failed: {(done.stderr or done.stdout).strip()}")
        if uid is not None:
            for folder, _, names in os.walk(draft / "data"):
                os.chown(folder, uid, uid)
                for name in names:
                    os.chown(Path(folder) / name, uid, uid)
        with (draft / "data/postgresql.conf").open("a") as sink:
            sink.write("\ninclude_if_exists 'govopen.conf'\n")
        self.data.rmdir()
        (draft / "data").rename(self.data)
        shutil.rmtree(draft)

    def _repair(self) -> None:
        """Clear what a killed server left: orphaned backends and stale lock files.

        The server takes a lock file for valid as long as its process number exists, were it as a
        zombie or as somebody else's process. Folder and socket are this home's alone: when no
        process works in the folder, no server has it.
        """
        left = [pid for pid in process.working_in(self.data) if self._is_backend(pid)]
        until = time.monotonic() + 5.0
        while left and time.monotonic() < until:
            time.sleep(0.1)
            left = [pid for pid in left if process.birth(pid)]
        for pid in left:
            step(f"Ending an orphaned PostgreSQL process ({pid}) of this home")
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGQUIT)
        if left:
            time.sleep(0.5)
        if not process.working_in(self.data) and not process.hidden(self.data.stat().st_uid):
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            for stale in self.sockets.glob(".s.PGSQL.*"):
                stale.unlink()

    @staticmethod
    def _is_backend(pid: int) -> bool:
        with contextlib.suppress(OSError):
            command = (process.PROC / str(pid) / "cmdline").read_bytes()
            return b"postgres" in command.split(b"\0")[0]
        return False

    def _wait(self) -> None:
        probe = [
            str(self.environment.postgres / "pg_isready"), "-q", "-h", str(self.sockets),
        ]  # fmt: skip
        until = time.monotonic() + 90.0  # recovery after a crash can take a while
        while time.monotonic() < until:
            if subprocess.run(probe, env=_plain_environment(), check=False).returncode == 0:
                return
            process.reap()
            if not self.home.register.alive(self.name):
                break
            time.sleep(0.1)
        tail = self.home.log(self.name).read_text(errors="replace").splitlines()[-8:]
        raise StackError("PostgreSQL does not start:\n  " + "\n  ".join(tail), self._see_log())

    def _see_log(self) -> str:
        return f"More in {self.home.log(self.name)}"

    def _make_databases(self) -> None:
        present = set(self.sql("SELECT datname FROM pg_database").split())
        if all(name in present for pair in PAIRS for name in pair):
            return
        step("Making the databases")
        secrets = self.home.secrets()
        for role, secret in ((WRITER, "postgres_ckan"), (READER, "postgres_reader")):
            if self.sql(f"SELECT 1 FROM pg_roles WHERE rolname = '{role}'") != "1":  # noqa: S608
                self.sql(f"CREATE ROLE {role} LOGIN PASSWORD '{secrets[secret]}'")
        template = (self.environment.packages / "ckanext/datastore/set_permissions.sql").read_text()
        for main, datastore in PAIRS:
            for name in (main, datastore):
                if name not in present:
                    self.sql(f"CREATE DATABASE {name} OWNER {WRITER}")
                    self.sql(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
            self.sql(
                template.format(
                    maindb=main,
                    datastoredb=datastore,
                    mainuser=WRITER,
                    writeuser=WRITER,
                    readuser=READER,
                )
            )
            if main.endswith("_test"):  # a test database need not outlive a power cut
                for name in (main, datastore):
                    self.sql(f"ALTER DATABASE {name} SET synchronous_commit = off")


def _plain_environment() -> dict[str, str]:
    """What PostgreSQL's programs get of the environment: no PG* variable of the caller."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C"}
