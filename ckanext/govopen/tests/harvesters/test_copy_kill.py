"""Workers die while they copy files: the next one goes on, nothing is fetched, kept or shown twice.

Most points are those of a forked child that kills itself; at the end real job workers are killed
from outside, as a machine that loses its memory does it.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa
from ckan import model
from ckan.common import config
from ckan.lib import jobs
from file_keeper.default.adapters import fs
from sqlalchemy import Engine, event

from ckanext.govopen.access import address, files, incoming
from ckanext.govopen.harvesters import copy, download
from ckanext.govopen.logic import command, copying, deliver, file_upkeep
from ckanext.govopen.model import copying as table
from ckanext.govopen.model import file as file_model
from ckanext.govopen.tests.application.test_killed import child_of
from ckanext.govopen.tests.harvesters.conftest import Catalogue, Row
from ckanext.govopen.tests.harvesters.test_exchange import record
from ckanext.govopen.tests.portal import AUTHORITY

#: Long enough to be written to the disk in several pieces.
LINES = 60_000
#: Points at which a child can be killed at least, while it copies one file.
LEAST = 14


def content_of(name: str) -> bytes:
    """A table of its own for each name, of more than a megabyte."""
    return "".join(["编号,名称\n", *(f"{at},{name}-{at:010}\n" for at in range(LINES))]).encode()


@dataclass
class Files:
    """A server of files, what it was asked, and how much of a file it gives before it waits."""

    url: str = ""
    tags: bool = True
    hold: int | None = None
    held: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    asked: list[tuple[str, int, int]] = field(default_factory=list)

    def answers(self, name: str) -> list[tuple[int, int]]:
        """Status and length of what was said of a file."""
        return [(status, length) for path, status, length in self.asked if path == f"/{name}"]


@pytest.fixture
def server() -> Iterator[Files]:
    found = Files()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            content = content_of(self.path[1:])
            tag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
            status, start = 200, 0
            if self.headers.get("If-None-Match") == tag:
                status, content = 304, b""
            elif self.headers.get("Range") and self.headers.get("If-Range") == tag:
                start = int(self.headers["Range"][len("bytes=") : -1])
                status = 206 if start < len(content) else 416
            size, content = len(content), content[start:]
            found.asked.append((self.path, status, len(content)))
            self.send_response(status)
            self.send_header("Content-Type", "text/csv")
            self.send_header("ETag", tag)
            if status == 206:
                self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
            if status != 304:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if found.hold is not None and status == 200:
                self.wfile.write(content[: found.hold])
                self.wfile.flush()
                content = content[found.hold :]
                found.held.set()
                found.go_on.wait(60)
            self.wfile.write(content)

    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    web.handle_error = lambda *_: None  # type: ignore[method-assign,assignment]
    thread = threading.Thread(target=web.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    found.url = f"http://127.0.0.1:{web.server_address[1]}"
    yield found
    found.go_on.set()
    web.shutdown()
    web.server_close()


@pytest.fixture
def copied(
    catalogue: Catalogue,
    make_source: Callable[..., dict[str, Any]],
    server: Files,
    monkeypatch: pytest.MonkeyPatch,
) -> Catalogue:
    """The department, fed by a source whose files are the server's."""
    monkeypatch.setitem(config, "ckanext.govopen.harvest.allow_private_addresses", True)
    monkeypatch.setattr(download, "PAUSE", 0.01)
    wanted = {"departments": "all", "private_address": True, "files": "copy"}
    source = make_source(catalogue.keeper, AUTHORITY, wanted, server.url, "govopen_exchange")
    return replace(catalogue, source_id=source["id"])


def want(catalogue: Catalogue, server: Files, row: Row, name: str, told: bool) -> None:
    """The catalogue names a file, with or without its digest."""
    digest = hashlib.sha256(content_of(name)).hexdigest() if told else ""
    one = {"id": "1", "name": "x", "format": "CSV", "url": f"{server.url}/{name}", "sha256": digest}
    catalogue.portal.call(
        "govopen_catalogue_import",
        catalogue.keeper,
        source=catalogue.source_id,
        records=[record(row, distributions=[one])],
    )


def is_whole(catalogue: Catalogue, row: Row, name: str, served: bool = True) -> None:
    """The dataset has exactly this file, once; ``served``: and gives it out after its review."""
    model.Session.remove()
    content = content_of(name)
    dataset = catalogue.dataset(row)
    assert dataset
    (resource,) = dataset["resources"]
    digest = hashlib.sha256(content).hexdigest()
    assert (resource["hash"], resource["size"]) == (digest, len(content))
    (fact,) = file_model.current(model.Session, dataset["id"]).values()
    assert fact.sha256 == digest and b"".join(files.open_bytes(fact)) == content
    found = copying.progress(catalogue.source_id, 10)
    assert (found["waiting"], found["failed"]) == (0, 0), found
    assert catalogue.public(row) is None
    if not served:
        return
    catalogue.approve(row)
    shown = catalogue.public(row)
    assert shown
    answer = catalogue.portal.request("GET", "/" + shown["resources"][0]["url"].split("/", 3)[3])
    assert (answer.status_code, answer.get_data()) == (200, content)


def pieces(catalogue: Catalogue) -> list[str]:
    """What lies about of the source's files."""
    return sorted(path.name for path in incoming.folder(catalogue.source_id).glob("*"))


def _dying_at(point: int, source_id: str) -> tuple[bool, int]:
    """A worker in a child that dies at a step with this number; did it, and at which."""

    def work(die: Callable[[], None], tell: Callable[[str], Any]) -> None:
        passed = 0

        def step() -> None:
            nonlocal passed
            passed += 1
            tell(".")
            if passed == point:
                die()

        def around(where: Any, name: str) -> None:
            before = getattr(where, name)

            def watched(*args: Any, **kwargs: Any) -> Any:
                step()
                result = before(*args, **kwargs)
                step()
                return result

            setattr(where, name, watched)

        def chunks(remote: Any) -> Iterator[bytes]:
            for at, chunk in enumerate(arriving(remote)):
                if at in (0, 9):
                    step()
                yield chunk

        arriving = address.Remote.chunks
        address.Remote.chunks = chunks  # type: ignore[method-assign]
        around(download, "_noted")
        around(download.Client, "forget")
        around(fs.Uploader, "upload")
        around(fs.Manager, "move")
        event.listen(cast(Engine, model.Session.get_bind()), "commit", lambda _: step())
        copy.work(source_id, again=False)

    died, told = child_of(work)
    _free(source_id)
    return died, len(told)


@pytest.mark.parametrize("told", [True, False], ids=["told", "untold"])
def test_a_worker_dies_at_every_step_and_the_next_one_goes_on(
    copied: Catalogue, server: Files, monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    monkeypatch.setattr(copy, "enqueue", lambda payloads: None)
    ways = set()
    for point in range(1, 40):
        row, name = copied.row(point), f"{copied.prefix}-{point}.csv"
        want(copied, server, row, name, told)
        assert waits(copied, row)
        died, _ = _dying_at(point, copied.source_id)
        if not died:
            break
        # Before it has all come nothing of it is to be seen; its place has the whole or nothing.
        model.Session.remove()
        dataset = copied.dataset(row)
        assert dataset and len(dataset["resources"]) <= 1
        digest = hashlib.sha256(content_of(name)).hexdigest()
        path = Path(str(files.path_of(files.storage(), files.location(digest))))
        assert not path.exists() or path.read_bytes() == content_of(name)
        first = server.answers(name)
        left = waits(copied, row)
        done = copy.work(copied.source_id, again=False)
        assert (done["copied"], done["failed"]) == (int(left), 0), (point, done)
        second = server.answers(name)[len(first) :]
        # Once its beginning is noted, the file is gone on with, or need not come at all.
        assert [status for status, _ in (first + second)].count(200) <= 1 or not first[1:], point
        ways.add(tuple(status for status, _ in first) + tuple(-status for status, _ in second))
        is_whole(copied, row, name, served=point % 6 == 0)
        # Files without a digest are looked at again by every run; here it is about the next one.
        table.forget(model.Session, copied.source_id)
        model.Session.commit()
        # What was left of it goes with the next file that comes, if not before.
        assert all(name_.split(".")[0] in dataset_ids(copied, row) for name_ in pieces(copied))
    assert point > LEAST, point
    is_whole(copied, row, name)
    assert pieces(copied) == []
    # Killed before the first byte; in the middle; with all of it at hand.
    assert {(-200,), (200, -206)} <= ways
    assert (200,) in ways if told else (200, -304) in ways


def waits(catalogue: Catalogue, row: Row) -> bool:
    """Does the file of a record wait to be copied?"""
    model.Session.remove()
    query = model.Session.query(table.CopyRow.state)
    (found,) = query.filter_by(source_id=catalogue.source_id, code=row.code).one()
    return found == table.WAITING


def dataset_ids(catalogue: Catalogue, row: Row) -> set[str]:
    """The ids of the resources of a record."""
    dataset = catalogue.dataset(row)
    return {one["id"] for one in dataset["resources"]} if dataset else set()


def test_what_a_killed_worker_has_left_is_collected(
    copied: Catalogue, server: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when its source is never copied again: pieces, and bytes on their way into storage."""
    monkeypatch.setattr(copy, "enqueue", lambda payloads: None)
    root = Path(str(files.path_of(files.storage(), files.location("0" * 64)))).parents[2]
    on_their_way = root / files.INCOMING
    before = set(on_their_way.glob("*")) if on_their_way.exists() else set()
    row = copied.row(1)
    name = f"{copied.prefix}-left.csv"
    want(copied, server, row, name, True)

    def die_in_storage(die: Callable[[], None], tell: Callable[[str], Any]) -> None:
        fs.Manager.move = lambda *_: die()  # type: ignore[method-assign,assignment,misc]
        copy.work(copied.source_id, again=False)

    assert child_of(die_in_storage)[0]
    _free(copied.source_id)
    left = set(on_their_way.glob("*")) - before
    assert len(left) == 1 and len(pieces(copied)) == 2
    model.Session.remove()
    aged = time.time() - 3600
    moment = command.now().fromtimestamp(aged + 60, tz=command.now().tzinfo)
    file_upkeep.collect(model.Session, moment)
    incoming.sweep(moment)
    assert left <= set(on_their_way.glob("*")) and len(pieces(copied)) == 2, "they are new"
    for path in (*left, *incoming.folder(copied.source_id).glob("*")):
        os.utime(path, (aged, aged))
    file_upkeep.collect(model.Session, moment)
    assert incoming.sweep(moment) >= 2
    assert not left & set(on_their_way.glob("*")) and pieces(copied) == []
    assert not incoming.folder(copied.source_id).exists()
    assert copy.work(copied.source_id, again=False)["copied"] == 1
    is_whole(copied, row, name)


def test_a_piece_never_stands_beside_a_note_about_another_file(
    copied: Catalogue, server: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A note that is changed first would have the beginning of the old file gone on with."""
    monkeypatch.setattr(copy, "enqueue", lambda payloads: None)
    row = copied.row(1)
    name = f"{copied.prefix}-one.csv"
    want(copied, server, row, name, False)
    (found,) = model.Session.query(table.CopyRow).filter_by(source_id=copied.source_id)
    folder = incoming.folder(copied.source_id)
    incoming.make(folder)
    part, note = folder / f"{found.resource_id}.part", folder / f"{found.resource_id}.json"
    part.write_bytes(b"of another file\n" * 10)
    note.write_text('{"url": "elsewhere", "sha256": "", "etag": "\\"x\\""}')
    noted = download._noted

    def die_after(die: Callable[[], None], tell: Callable[[str], Any]) -> None:
        def watched(*args: Any) -> None:
            noted(*args)
            die()

        download._noted = watched
        copy.work(copied.source_id, again=False)

    assert child_of(die_after)[0]
    _free(copied.source_id)
    assert not part.exists() and note.exists()
    assert copy.work(copied.source_id, again=False)["copied"] == 1
    is_whole(copied, row, name)


def test_a_real_worker_is_killed_and_the_scheduler_has_its_work_done(
    copied: Catalogue, server: Files, tmp_path: Path
) -> None:
    ini = tmp_path / "worker.ini"
    storage = config["ckan.storage_path"]
    ini.write_text(
        f"[app:main]\nuse = config:{config['__file__']}\n"
        "ckanext.govopen.harvest.allow_private_addresses = true\n"
        f"ckan.storage_path = {storage}\n"
    )
    queue = jobs.get_queue()
    queue.empty()
    names = [f"{copied.prefix}-{at}.csv" for at in "ab"]
    rows = [copied.row(at) for at in range(len(names))]
    for row, name in zip(rows, names, strict=True):
        want(copied, server, row, name, True)
    queue.empty()
    server.hold = len(content_of(names[0])) // 2
    copy.enqueue([{"source": copied.source_id}])
    worker = _start_worker(ini)
    try:
        assert server.held.wait(120), "the worker never came to the file"
        time.sleep(0.5)  # what was sent is on the disk, or nearly
    finally:
        # The worker and its child that does the job: nobody lives to tell.
        children = Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()
        for process in (worker.pid, *map(int, children)):
            os.kill(process, signal.SIGKILL)
        worker.wait(20)
    server.hold = None
    server.go_on.set()
    model.Session.remove()
    assert copying.progress(copied.source_id)["waiting"] == 2
    # Its lock died with it; what the scheduler does brings the work back into the queue.
    _free(copied.source_id)
    assert copying.wake() >= 1
    deliver.due_now(command.now())
    worker = _start_worker(ini, "--burst")
    assert worker.wait(180) == 0
    for row, name in zip(rows, names, strict=True):
        is_whole(copied, row, name)
    assert pieces(copied) == []
    assert [status for status, _ in server.answers(names[0])] == [200, 206]
    assert [status for status, _ in server.answers(names[1])] == [200]


def _start_worker(ini: Path, *options: str) -> subprocess.Popen[bytes]:
    program = Path(sys.executable).with_name("ckan")
    return subprocess.Popen(
        [str(program), "-c", str(ini), "jobs", "worker", *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _free(source_id: str) -> None:
    """Waits until PostgreSQL has seen that the worker is gone."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with copy._alone(source_id) as mine:
            if mine:
                return
        time.sleep(0.05)
    locks = model.Session.execute(sa.text("SELECT * FROM pg_locks WHERE locktype = 'advisory'"))
    raise AssertionError(locks.all())
