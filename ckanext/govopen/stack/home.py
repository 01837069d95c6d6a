"""The folder in which one portal lives: its state, secrets, logs and data."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .process import Register
from .say import StackError

REPOSITORY = Path(__file__).resolve().parents[3]

# Names of the secrets; all are made together at the first start.
SECRETS = (
    "postgres_admin",
    "postgres_ckan",
    "postgres_reader",
    "valkey",
    "solr",
    "session",
    "csrf",
    "token",
)


def is_root() -> bool:
    """Whether the launcher runs as root (PostgreSQL then runs under another account)."""
    return os.geteuid() == 0


def reachable(path: Path) -> bool:
    """Whether every account may pass through the folders above the path."""
    return all(not parent.exists() or parent.stat().st_mode & 0o001 for parent in path.parents)


def default_home(repository: Path = REPOSITORY) -> Path:
    """`.portal` in the repository.

    Root's own folder is closed to the unprivileged account that PostgreSQL has to run as;
    a repository in there gets its home under /var/lib instead.
    """
    wanted = repository / ".portal"
    if is_root() and not reachable(wanted):
        key = hashlib.sha256(str(repository).encode()).hexdigest()[:8]
        return Path("/var/lib") / f"ckanext-govopen-{key}"
    return wanted


class Home:
    """Paths and small files of one portal.

    :param root: the folder; made with its sub-folders by `prepare`
    """

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().resolve()  # storages follow no symbolic link
        self.ini = self.root / "ckan.ini"
        self.own_ini = self.root / "own.ini"
        self.test_ini = self.root / "test.ini"
        self.logs = self.root / "log"
        self.run = self.root / "run"
        self.env = self.root / "env"
        self.storage = self.root / "storage"
        self.demo_accounts = self.root / "demo-accounts.json"
        self.register = Register(self.run)

    def exists(self) -> bool:
        """Whether a portal was ever prepared here."""
        return (self.root / "state.json").exists()

    def prepare(self) -> None:
        """Make the folders, readable by the owner only.

        As root the home can be passed through, not listed, so that PostgreSQL's account comes
        to its own folder and to the programs.

        :raises StackError: when the folder cannot be made or reached
        """
        os.umask(0o077)
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            for folder in (self.root, self.logs, self.run, self.storage):
                folder.mkdir(exist_ok=True)
                folder.chmod(0o700)
            if is_root():
                self.root.chmod(0o711)
            (self.storage / "resources").mkdir(exist_ok=True)
            # The logs of a first start hold passwords of nobody, yet they are nobody's business.
        except OSError as error:
            raise StackError(
                f"The home {self.root} cannot be written: {error.strerror}",
                "Choose another folder with --home, or give your account the right to write it.",
            ) from error
        if is_root() and not reachable(self.root):
            raise StackError(
                f"The home {self.root} lies below a folder that only root may enter, but PostgreSQL"
                " refuses to run as root and its account must get there.",
                "Choose another place, for example --home /var/lib/govopen, or run as an ordinary"
                " user.",
            )

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the home alone: two launchers must not start or stop the same parts at once."""
        with (self.run / "lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise StackError(
                    f"Another ./portal is at work on {self.root}.", "Wait until it has ended."
                ) from error
            yield

    def state(self) -> dict[str, Any]:
        """What is remembered between starts: ports, options, digests."""
        try:
            return json.loads((self.root / "state.json").read_text())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise StackError(
                f"{self.root / 'state.json'} cannot be read: {error}",
                "Restore it, or remove it: ports and options are then chosen anew.",
            ) from error

    def remember(self, **values: Any) -> dict[str, Any]:
        """Change some of the remembered values and return all of them."""
        state = {**self.state(), **values}
        self.write_private(self.root / "state.json", json.dumps(state, indent=1, sort_keys=True))
        return state

    def secrets(self) -> dict[str, str]:
        """The random passwords and keys, made at first use, mode 0600."""
        path = self.root / "secrets.json"
        try:
            known: dict[str, str] = json.loads(path.read_text())
        except FileNotFoundError:
            known = {}
        except (OSError, ValueError) as error:
            raise StackError(
                f"{path} cannot be read: {error}",
                "Without its passwords the databases of this home cannot be opened; restore it.",
            ) from error
        missing = [name for name in SECRETS if name not in known]
        if missing:
            known.update({name: secrets.token_urlsafe(32) for name in missing})
            self.write_private(path, json.dumps(known, indent=1))
        return known

    def write_private(self, path: Path, text: str) -> None:
        """Write a file that only its owner may read, whole or not at all."""
        draft = path.with_name(path.name + ".new")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as sink:
            sink.write(text)
            sink.flush()
            os.fsync(sink.fileno())
        draft.replace(path)

    def log(self, name: str) -> Path:
        """Log file of a part."""
        return self.logs / f"{name}.log"
