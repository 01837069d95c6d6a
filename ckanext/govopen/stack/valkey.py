"""Valkey out of its wheel: sessions of work (jobs, harvest queue) on the loopback address.

Jobs are pickles: whoever can write into this server can run code as the portal. Hence the
password, which stands in a file and never on a command line.
"""

from __future__ import annotations

import os
import socket
import time

from . import ports, process
from .environment import Environment
from .home import Home
from .say import StackError, step

CONFIGURATION = """\
# Written by the launcher at every start.
bind {host}
port {port}
protected-mode yes
requirepass {password}
dir "{folder}"
daemonize no
# Accepted jobs must outlive a killed server.
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
enable-debug-command no
"""


class Valkey:
    """The server of one home. Database 0 is the site's, 1 the tests'."""

    name = "valkey"

    def __init__(self, home: Home, environment: Environment) -> None:
        self.home = home
        self.environment = environment
        self.folder = home.root / "valkey"

    def url(self, database: int = 0) -> str:
        """The address of a database, password included."""
        port = self.home.state()["ports"][self.name]
        return f"redis://:{self.home.secrets()['valkey']}@{ports.LOOPBACK}:{port}/{database}"

    def launch(self, port: int) -> None:
        """Start the server on the given port."""
        step(f"Starting Valkey on port {port}")
        self.folder.mkdir(exist_ok=True, mode=0o700)
        configuration = self.folder / "valkey.conf"
        password = self.home.secrets()["valkey"]
        self.home.write_private(
            configuration,
            CONFIGURATION.format(
                host=ports.LOOPBACK, port=port, password=password, folder=self.folder
            ),
        )
        process.spawn(
            self.home.register,
            self.name,
            [str(self.environment.valkey), str(configuration)],
            log=self.home.log(self.name),
            env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C"},
            cwd=self.folder,
            port=port,
        )

    def ready(self) -> None:
        """Wait for the server.

        :raises StackError: when it does not come up
        """
        port = self.home.state()["ports"][self.name]
        password = self.home.secrets()["valkey"]
        until = time.monotonic() + 30.0
        while time.monotonic() < until:
            if ping(port, password):
                return
            process.reap()
            if not self.home.register.alive(self.name):
                break
            time.sleep(0.05)
        tail = self.home.log(self.name).read_text(errors="replace").splitlines()[-8:]
        raise StackError(
            "Valkey does not start:\n  " + "\n  ".join(tail),
            f"More in {self.home.log(self.name)}",
        )

    def stop(self) -> bool:
        """End the server; it writes its log of commands out first."""
        record = self.home.register.read(self.name)
        if record is None:
            return False
        done = process.stop(record)
        self.home.register.forget(self.name)
        return done


def ping(port: int, password: str) -> bool:
    """Whether a server on the port takes the password and is ready (not still loading)."""
    try:
        with socket.create_connection((ports.LOOPBACK, port), timeout=2.0) as line:
            line.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            answer = b""
            while answer.count(b"\r\n") < 2:
                part = line.recv(200)
                if not part:
                    return False
                answer += part
    except OSError:
        return False
    return answer.startswith(b"+OK") and b"+PONG" in answer
