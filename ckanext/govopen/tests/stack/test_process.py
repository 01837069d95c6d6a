"""A process is ended only when it is the one that was started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ckanext.govopen.stack import process

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
# A leader with one child, which survives it and does not care for SIGTERM.
PARENT = [
    sys.executable,
    "-c",
    "import subprocess, sys, time\n"
    "code = 'import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True);'\n"
    "subprocess.Popen([sys.executable, '-c', code + 'time.sleep(60)'])\n"
    "time.sleep(60)",
]


@pytest.fixture
def register(tmp_path: Path) -> process.Register:
    folder = tmp_path / "run"
    folder.mkdir()
    return process.Register(folder)


def _spawn(register: process.Register, command: list[str], tmp_path: Path) -> process.Record:
    return process.spawn(
        register, "part", command, log=tmp_path / "log", env=dict(os.environ), cwd=tmp_path
    )


def _wait(condition, seconds: float = 10.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("name", ["plain", "with space", "((odd) name) R 1"])
def test_stat_line_is_read_whatever_the_name(name: str) -> None:
    fields = ["S", "1", "7", "42"] + ["0"] * 15 + ["98765"] + ["0"] * 20
    assert process.parse_stat(f"10 ({name}) {' '.join(fields)}") == ("S", 42, "98765")


def test_a_started_process_is_recorded_and_ended(register, tmp_path: Path) -> None:
    record = _spawn(register, SLEEP, tmp_path)
    assert register.alive("part") == record
    assert process.stop(record) is True
    assert register.alive("part") is None
    assert process.stop(record) is False


def test_another_process_with_the_same_number_is_left_alone(tmp_path: Path) -> None:
    other = subprocess.Popen(SLEEP)
    try:
        record = process.Record("part", other.pid, "another boot:1", None, "")
        assert not process.is_alive(record)
        assert process.stop(record) is False
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_zombie_is_not_alive(register, tmp_path: Path) -> None:
    record = _spawn(register, SLEEP, tmp_path)
    os.kill(record.pid, signal.SIGKILL)
    # Nobody has collected it yet: it is a zombie, or gone.
    assert _wait(lambda: not process.is_alive(record))
    process.reap()


def test_what_a_killed_leader_left_is_ended(register, tmp_path: Path) -> None:
    record = _spawn(register, PARENT, tmp_path)
    assert _wait(lambda: (tmp_path / "log").read_text() == "1\n")
    os.kill(record.pid, signal.SIGKILL)
    process.wait_gone(record, 5)
    left = process.session_members(record.pid)
    assert len(left) == 1
    process.end_session(record)
    assert process.birth(left[0]) is None


def test_the_session_of_a_living_leader_is_left_alone(register, tmp_path: Path) -> None:
    record = _spawn(register, PARENT, tmp_path)
    assert _wait(lambda: len(process.session_members(record.pid)) == 1)
    child = process.session_members(record.pid)[0]
    process.end_session(record)
    assert process.birth(child)
    process.stop(record)
    assert process.birth(child) is None


def test_a_deaf_process_is_forced(register, tmp_path: Path, capsys) -> None:
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True)"
    record = _spawn(register, [sys.executable, "-c", deaf + "; time.sleep(60)"], tmp_path)
    assert _wait(lambda: (tmp_path / "log").read_text() == "1\n")
    assert process.stop(record, patience=0.3) is True
    assert not process.is_alive(record)
    assert "forcing" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "{", '{"pid": 1}', "[]", '{"name": "x", "odd": 1}'])
def test_a_damaged_record_counts_as_none(register, text: str) -> None:
    (register.folder / "part.json").write_text(text)
    assert register.read("part") is None
    assert register.alive("part") is None


def test_memory_counts_the_children_too(register, tmp_path: Path) -> None:
    record = _spawn(register, PARENT, tmp_path)
    assert _wait(lambda: (tmp_path / "log").read_text() == "1\n")
    one = process._pss_kib(record.pid)
    both = process.memory_kib(record)
    process.stop(record)
    assert both is not None
    assert both > one > 0


def test_processes_are_found_by_their_folder(register, tmp_path: Path) -> None:
    record = _spawn(register, SLEEP, tmp_path)
    assert record.pid in process.working_in(tmp_path)
    assert process.working_in(register.folder) == []
    assert not process.hidden(64999)
    process.stop(record)
    assert record.pid not in process.working_in(tmp_path)
