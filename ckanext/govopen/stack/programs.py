"""The programs of the site: web server, job worker, harvest consumers, scheduler."""

from __future__ import annotations

import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Sequence

from . import ports, process
from .environment import Environment
from .home import REPOSITORY, Home
from .say import StackError, step

WEB = "web"
# What runs beside the web server: commands of CKAN's command line, and the harvest consumers.
COMMANDS = {"jobs": ("jobs", "worker"), "scheduler": ("govopen", "scheduler")}
CONSUMERS = ("gather", "fetch")
NAMES = (WEB, *COMMANDS, *CONSUMERS)


def check_port(home: Home, host: str, port: int) -> None:
    """Refuse a port that another program has; what one's own dead server left is ended.

    :raises StackError: with what to do
    """
    leftover = home.register.read(WEB)
    if leftover:
        process.end_session(leftover)
    until = time.monotonic() + 3.0
    while not ports.is_free(port, host):
        if time.monotonic() > until:
            raise StackError(
                f"Port {port} on {host} is taken by another program (or may not be used by your"
                " account).",
                f"Choose another one: ./portal up --port {max(port, 5000) + 1}",
            )
        time.sleep(0.2)


class Programs:
    """The programs of one home.

    :param host: address on which the web server listens
    :param port: its port
    """

    def __init__(self, home: Home, environment: Environment, host: str, port: int) -> None:
        self.home = home
        self.environment = environment
        self.host = host
        self.port = port

    def variables(self) -> dict[str, str]:
        """The environment of the programs: the configuration file says everything else."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("CKAN_")}
        return {
            **kept,
            "CKAN_INI": str(self.home.ini),
            "GOVOPEN_HOME": str(self.home.root),
            "PYTHONUNBUFFERED": "1",
            "PATH": f"{self.environment.bin}:{os.environ.get('PATH', '/usr/bin:/bin')}",
        }

    def ckan(self, *arguments: str) -> int:
        """Run one command of CKAN's command line on the terminal; its exit code."""
        command = [str(self.environment.bin / "ckan"), "-c", str(self.home.ini), *arguments]
        return subprocess.run(command, cwd=REPOSITORY, env=self.variables(), check=False).returncode

    def quietly(self, log: str, *arguments: str, show: bool = False) -> None:
        """Run one command of CKAN's command line with its output in a log file.

        :param show: what it says to its user goes to the terminal, only the log to the file
        :raises StackError: when it fails, with the end of its output
        """
        path = self.home.log(log)
        command = [str(self.environment.bin / "ckan"), "-c", str(self.home.ini), *arguments]
        with path.open("ab") as sink:
            begin = sink.tell()
            done = subprocess.run(
                command, cwd=REPOSITORY, env=self.variables(), stdin=subprocess.DEVNULL,
                stdout=None if show else sink, stderr=sink, check=False,
            )  # fmt: skip
        if done.returncode:
            told = path.read_bytes()[begin:].decode(errors="replace").splitlines()[-10:]
            raise StackError(
                f"`ckan {' '.join(arguments)}` failed:\n  " + "\n  ".join(told),
                f"More in {path}. Options of the site stand in {self.home.own_ini}."
                " Put right what it says and run ./portal up again: it goes on from here.",
            )

    def missing(self) -> list[str]:
        """Names of the programs that do not run."""
        return [name for name in NAMES if not self.home.register.alive(name)]

    def start(self) -> None:
        """Start what does not run, and wait until the web server answers.

        :raises StackError: when the port is taken or a program does not come up
        """
        for name in self.missing():
            leftover = self.home.register.read(name)
            if leftover:
                process.end_session(leftover)
        wanted = self.missing()
        if WEB in wanted:
            check_port(self.home, self.host, self.port)
            self._spawn(WEB, self._web_command(), self.port)
        for name in wanted:
            if name in COMMANDS:
                ckan = str(self.environment.bin / "ckan")
                self._spawn(name, [ckan, "-c", str(self.home.ini), *COMMANDS[name]], None)
            elif name in CONSUMERS:
                module = "ckanext.govopen.stack.consume"
                self._spawn(name, [str(self.environment.python), "-m", module, name], None)
        if wanted:
            self._wait()

    def stop(self) -> list[str]:
        """End what runs; the names of what had been running."""
        records = [record for name in reversed(NAMES) if (record := self.home.register.read(name))]
        stopped = process.stop_all(records)
        for record in records:
            self.home.register.forget(record.name)
        return stopped

    def _web_command(self) -> list[str]:
        return [
            str(self.environment.bin / "gunicorn"),
            "--bind", f"{self.host}:{self.port}",
            "--worker-class", "gthread", "--workers", "2", "--threads", "4",
            "--timeout", "120", "--graceful-timeout", "10",
            "--max-requests", "20000", "--max-requests-jitter", "2000",
            "--worker-tmp-dir", str(self.home.run), "--no-control-socket",
            "--log-level", "warning",
            "ckanext.govopen.stack.wsgi:application",
        ]  # fmt: skip

    def _spawn(self, name: str, command: Sequence[str], port: int | None) -> None:
        step(f"Starting {name}" + (f" on {self.host}:{port}" if port else ""))
        process.spawn(
            self.home.register,
            name,
            command,
            log=self.home.log(name),
            env=self.variables(),
            cwd=REPOSITORY,
            port=port,
        )

    def _wait(self) -> None:
        until = time.monotonic() + 180.0
        told = time.monotonic() + 15.0
        while not self._answers():
            process.reap()
            self._check_alive()
            if time.monotonic() > until:
                raise StackError(
                    "The web application does not answer.", f"See {self.home.log(WEB)}"
                )
            if time.monotonic() > told:
                step("… the web application is still loading")
                told += 15.0
            time.sleep(0.2)
        process.reap()
        self._check_alive()

    def _check_alive(self) -> None:
        dead = self.missing()
        if dead:
            log = self.home.log(dead[0])
            tail = log.read_text(errors="replace").splitlines()[-10:]
            raise StackError(
                f"{', '.join(dead)} ended at once. The end of {log}:\n  " + "\n  ".join(tail)
            )

    def _answers(self) -> bool:
        host = ports.LOOPBACK if self.host in {"0.0.0.0", ""} else self.host  # noqa: S104
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(f"http://{host}:{self.port}/api/3/action/status_show", timeout=60):
                return True
        except urllib.error.HTTPError as error:
            return error.code < 500
        except (OSError, ValueError):
            return False
