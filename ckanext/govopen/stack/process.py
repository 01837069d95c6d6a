"""Processes that the launcher started: recorded, recognised again, ended.

A process number alone proves nothing, because numbers are used again. A record therefore keeps
the moment at which the process began as the kernel tells it, together with the boot it belongs
to; a process counts as ours only when both still agree.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

PROC = Path("/proc")


@dataclasses.dataclass(frozen=True)
class Record:
    """One started process.

    :ivar name: the part of the stack, e.g. ``solr``
    :ivar pid: its number; also the number of its session and process group
    :ivar born: what `birth` said right after the start
    :ivar port: the TCP port it listens on, if any
    :ivar log: path of its log file
    """

    name: str
    pid: int
    born: str
    port: int | None
    log: str


def parse_stat(text: str) -> tuple[str, int, str]:
    """State letter, session and start time (clock ticks) out of a ``/proc/<pid>/stat`` line.

    The name in parentheses may itself hold spaces and parentheses, so the fields are counted
    from the last closing one.
    """
    fields = text[text.rindex(")") + 2 :].split()
    return fields[0], int(fields[3]), fields[19]


def _boot() -> str:
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def birth(pid: int) -> str | None:
    """When the process began, as a string to compare; None when it is gone or a zombie."""
    if PROC.joinpath("self/stat").exists():
        try:
            state, _, ticks = parse_stat((PROC / str(pid) / "stat").read_text())
        except (OSError, ValueError, IndexError):
            return None
        return None if state in "ZX" else f"{_boot()}:{ticks}"
    shown = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split()
    return None if not shown or shown[0].startswith("Z") else " ".join(shown[1:])


def is_alive(record: Record) -> bool:
    """Whether the very process that was started still runs."""
    return birth(record.pid) == record.born


def memory_kib(record: Record) -> int | None:
    """Memory of the process and of all others of its session, in KiB.

    Shared pages are divided among those who share them where the kernel tells (PSS).
    """
    if not PROC.joinpath("self/stat").exists():
        return None
    total = 0
    for pid in {record.pid, *session_members(record.pid), *children(record.pid)}:
        total += _pss_kib(pid)
    return total


def _pss_kib(pid: int) -> int:
    for name, key in (("smaps_rollup", "Pss:"), ("status", "VmRSS:")):
        with contextlib.suppress(OSError):
            for row in (PROC / str(pid) / name).read_text().splitlines():
                if row.startswith(key):
                    return int(row.split()[1])
    return 0


def _all_pids() -> list[int]:
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]


def session_members(session: int) -> list[int]:
    """Numbers of the living processes of a session, its leader left out."""
    found = []
    if not PROC.joinpath("self/stat").exists():
        return found
    for pid in _all_pids():
        with contextlib.suppress(OSError, ValueError, IndexError):
            state, sid, _ = parse_stat((PROC / str(pid) / "stat").read_text())
            if sid == session and pid != session and state not in "ZX":
                found.append(pid)
    return found


def children(parent: int) -> list[int]:
    """Numbers of the direct children of a process."""
    with contextlib.suppress(OSError):
        text = (PROC / str(parent) / "task" / str(parent) / "children").read_text()
        return [int(number) for number in text.split()]
    return []


def working_in(directory: Path) -> list[int]:
    """Numbers of the processes whose working directory is the given one."""
    found = []
    wanted = str(directory.resolve())
    if not PROC.joinpath("self/stat").exists():
        return found
    for pid in _all_pids():
        with contextlib.suppress(OSError):
            if str((PROC / str(pid) / "cwd").readlink()) == wanted and birth(pid):
                found.append(pid)
    return found


def hidden(owner: int) -> bool:
    """Whether an account has processes of which one may not see the working directory.

    So it is for root in a container without the right to trace other accounts' processes.
    """
    if not PROC.joinpath("self/stat").exists():
        return True
    for pid in _all_pids():
        folder = PROC / str(pid)
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if folder.stat().st_uid != owner or birth(pid) is None:
                continue
            try:
                (folder / "cwd").readlink()
            except PermissionError:
                return True
    return False


class Register:
    """The records of one home, one JSON file each.

    :param folder: where the records lie; made by the home with mode 0700
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, name: str) -> Record | None:
        """The record of a part, or None when there is none or it cannot be read."""
        try:
            return Record(**json.loads((self.folder / f"{name}.json").read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def alive(self, name: str) -> Record | None:
        """The record of a part when its process runs."""
        record = self.read(name)
        return record if record and is_alive(record) else None

    def write(self, record: Record) -> None:
        """Keep a record, whole or not at all."""
        target = self.folder / f"{record.name}.json"
        draft = target.with_suffix(".new")
        draft.write_text(json.dumps(dataclasses.asdict(record)))
        draft.replace(target)

    def forget(self, name: str) -> None:
        """Drop a record."""
        (self.folder / f"{name}.json").unlink(missing_ok=True)


def spawn(
    register: Register,
    name: str,
    command: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str],
    cwd: Path,
    port: int | None = None,
    user: int | None = None,
) -> Record:
    """Start a long-running process in a session of its own and record it.

    :param user: number of the account to run as; only root may ask for another one
    :raises OSError: when the program cannot be started
    """
    identity: dict[str, object] = (
        {} if user is None else {"user": user, "group": user, "extra_groups": []}
    )
    with log.open("ab") as sink:
        child = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
            umask=0o077,
            **identity,  # type: ignore[arg-type]
        )
    _STARTED.append(child)
    born = birth(child.pid)
    if born is None:
        raise OSError(f"{name} ended at once with code {child.poll()}")
    record = Record(name, child.pid, born, port, str(log))
    register.write(record)
    return record


# Kept so that an early end can be noticed (poll reaps it) while the launcher itself runs.
_STARTED: list[subprocess.Popen[bytes]] = []


def reap() -> None:
    """Collect ended children, so that they do not look alive to anybody."""
    for child in _STARTED:
        child.poll()


def stop(record: Record, *, first: int = signal.SIGTERM, patience: float = 15.0) -> bool:
    """End a recorded process, gently and then firmly; True when it had been running."""
    return bool(stop_all([record], first=first, patience=patience))


def stop_all(
    records: Sequence[Record], *, first: int = signal.SIGTERM, patience: float = 15.0
) -> list[str]:
    """End recorded processes at the same time; the names of those that had been running.

    Only the recorded processes get the first signal, once. What is left of their sessions
    afterwards is ended too, for these are their children: while one of them lives the number of
    the session cannot have been given to anybody else.

    :param patience: seconds until the firm signal
    """
    running = [record for record in records if is_alive(record)]
    for record in running:
        _signal(record.pid, first)
    until = time.monotonic() + patience
    for record in running:
        if not wait_gone(record, max(0.0, until - time.monotonic())):
            print(f"portal: {record.name} does not end, forcing it", file=sys.stderr)
            _signal(record.pid, signal.SIGKILL)
            wait_gone(record, 5.0)
    for record in records:
        end_session(record)
    return [record.name for record in running]


def end_session(record: Record) -> None:
    """End what a dead leader left behind in its session."""
    if birth(record.pid) is not None:
        return
    for wanted in (signal.SIGTERM, signal.SIGKILL):
        left = session_members(record.pid)
        for pid in left:
            _signal(pid, wanted)
        until = time.monotonic() + 3.0
        while session_members(record.pid) and time.monotonic() < until:
            time.sleep(0.05)


def wait_gone(record: Record, seconds: float) -> bool:
    """Wait until the process has ended; False when time ran out."""
    until = time.monotonic() + seconds
    while True:
        reap()
        if not is_alive(record):
            return True
        if time.monotonic() > until:
            return False
        time.sleep(0.05)


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
