"""What a catalogue may do wrong, and what a reading makes of it. No services but the catalogue."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from urllib3.util import connection

from ckanext.govopen.domain import catalogue as mapping
from ckanext.govopen.domain.catalogue.sweep import KEPT_BACK, LISTED, Known
from ckanext.govopen.exchange_demo import certificate, days
from ckanext.govopen.exchange_demo.faults import Faults
from ckanext.govopen.exchange_demo.server import Settings, running
from ckanext.govopen.harvesters import exchange, fetch, memory, spool
from ckanext.govopen.harvesters.fetch import Auth, Client
from ckanext.govopen.harvesters.memory import Memory
from ckanext.govopen.harvesters.reading import SourceError

COUNT = 23


def record(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "code": f"C/{number:03}",
        "title": f"资源{number}",
        "provider": {"name": "消防局"},
        "open": {"open": True},
        "acquired": "collected",
        "items": [{"name": "编号", "type": "C", "open": True}],
        **fields,
    }


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "PAUSE", 0.01)
    monkeypatch.setattr(fetch, "REQUEST_SECONDS", 2.0)
    monkeypatch.setattr(fetch, "TRIES", 3)


@pytest.fixture
def settings() -> Settings:
    base = [record(number) for number in range(COUNT)]
    return Settings(days.Days("test", base, held_back=0))


class Read:
    """A reading as a run does it, without the portal behind it."""

    def __init__(
        self, url: str, last: Memory | None = None, known: Any = None, **more: Any
    ) -> None:
        auth = more.pop("auth", Auth())
        client = Client(auth, allow_private=more.pop("private", True))
        self.catalogue = exchange.Catalogue(
            client, url, more.pop("limit", 5), last or Memory(), Memory("run", "jilin"), **more
        )
        reading = self.catalogue.reading
        self.records: dict[str, Any] = {}
        self.unchanged: list[str] = []
        self.wrong = 0
        self.broken = ""
        assert reading.begin
        reading.begin(known or {})
        began = time.monotonic()
        try:
            for entry in reading.entries:
                if entry.unchanged:
                    self.unchanged.extend(entry.unchanged)
                    continue
                parsed = mapping.parse_record(entry.record)
                if isinstance(parsed, mapping.RecordError):
                    self.wrong += 1
                    continue
                entry.code, entry.digest = parsed.code, mapping.record_hash(parsed)
                self.records[parsed.code] = entry.digest
        except SourceError as error:
            self.broken = str(error)
        self.seconds = time.monotonic() - began
        self.announced = reading.announced

    def known(self) -> dict[str, Any]:
        """As the portal knows it once everything is written."""
        return {
            code: Known(digest, LISTED, "unconditional") for code, digest in self.records.items()
        }


def test_all_pages_are_read(settings: Settings) -> None:
    with running(settings) as server:
        read = Read(server.url)
    assert len(read.records) == COUNT == read.announced and not read.broken
    assert len(settings.log) == 5


@pytest.mark.parametrize(
    "fault", ["down", "busy", "unavailable", "error", "gzip", "json", "encoding"]
)
def test_what_passes_is_tried_again(settings: Settings, fault: str) -> None:
    settings.faults = Faults.from_text([f"{fault}:1"])
    with running(settings) as server:
        read = Read(server.url)
    assert len(read.records) == COUNT and not read.broken
    if fault in ("busy", "unavailable"):
        assert read.seconds >= 1, "Retry-After was not obeyed"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("down", "connection"),
        ("slow", "time"),
        ("busy", "429"),
        ("unavailable", "503"),
        ("error", "500"),
        ("gzip", "packed"),
        ("json", "JSON"),
        ("encoding", "UTF-8"),
        ("shape", "page"),
        ("redirect", "private"),
        ("huge", "larger"),
    ],
)
def test_what_does_not_pass_ends_the_reading_soon_and_says_why(
    settings: Settings, fault: str, said: str
) -> None:
    settings.faults = Faults.from_text([fault])
    with running(settings) as server:
        private = fault != "redirect"
        # Loopback is private as well: what may not be read is tried on the second step.
        read = Read(server.url) if private else _redirected(server.url)
        assert server.url not in read.broken
    assert said in read.broken and not read.records
    assert read.seconds < 20


def _redirected(url: str) -> Read:
    """The first address is allowed, the one that it leads to is not."""
    original = fetch.exchange

    def guarded(method: str, target: str, **options: Any) -> Any:
        return original(method, target, **{**options, "allow_private": target.startswith(url)})

    patch = pytest.MonkeyPatch()
    patch.setattr(fetch, "exchange", guarded)
    try:
        return Read(url)
    finally:
        patch.undo()


def test_a_private_address_is_refused(settings: Settings) -> None:
    with running(settings) as server:
        read = Read(server.url, private=False)
    assert "private" in read.broken and not settings.log


def test_a_certificate_of_nobody_is_refused(settings: Settings, tmp_path: Path) -> None:
    with running(settings, certificate.write(tmp_path / "nobody.pem")) as server:
        read = Read(server.url)
    assert "certificate" in read.broken and not read.records


def test_a_source_that_asks_for_too_much_patience_is_left(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "LONGEST_PAUSE", 0.5)
    settings.faults = Faults.from_text(["busy"])
    with running(settings) as server:
        read = Read(server.url)
    assert "429" in read.broken and len(settings.log) == 1


@pytest.mark.parametrize("fault", ["repeat", "move", "total"])
def test_these_lose_nothing_and_break_nothing(settings: Settings, fault: str) -> None:
    settings.faults = Faults.from_text([fault])
    with running(settings) as server:
        read = Read(server.url)
        missed = set(settings.catalogue.records) - set(read.records)
        look = read.catalogue.reading.look
        assert look
        # What moved away while it was read is there when it is asked for by itself.
        assert all(look(code)["code"] == code for code in missed)
    assert not read.broken
    assert not missed or fault == "move"


def test_wrong_records_are_named_and_the_others_go_on(settings: Settings) -> None:
    settings.faults = Faults.from_text(["wrong"])
    with running(settings) as server:
        read = Read(server.url)
    assert read.wrong == 5 and len(read.records) == COUNT - 5 and not read.broken


def test_pages_that_lead_in_a_circle_end(settings: Settings) -> None:
    settings.faults = Faults.from_text(["loop"])
    with running(settings) as server:
        read = Read(server.url)
    assert "circle" in read.broken and len(read.records) == COUNT
    assert len(settings.log) < 15


def test_pages_without_end_end(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "MOST_RECORDS", 200)
    settings.faults = Faults.from_text(["endless"])
    with running(settings) as server:
        read = Read(server.url)
    assert "more records" in read.broken and len(read.records) <= 220


def test_the_spool_is_bounded() -> None:
    with spool.Spool(1000) as found, pytest.raises(SourceError, match="max_bytes"):
        for number in range(100):
            found.write(record(number))
    assert found.place <= 1000


def test_gone_and_unknown_are_told_from_there(settings: Settings) -> None:
    settings.catalogue.alter("C/001", deleted=True)
    with running(settings) as server:
        look = Read(server.url).catalogue.reading.look
        assert look
        assert look("C/001") is None and look("C/999") is None
        assert look("C/002")["code"] == "C/002"


def test_a_page_that_is_the_same_is_not_sent_again(settings: Settings) -> None:
    with running(settings) as server:
        first = Read(server.url)
        last, known = first.catalogue.remembered(), first.known()
        settings.log.clear()
        second = Read(server.url, last, known)
        assert not second.records and len(second.unchanged) == COUNT
        assert all('" 304 ' in line for line in settings.log)
        # What the portal did not write is asked for and read again, whatever the page says.
        del known["C/000"]
        known["C/001"] = known["C/001"]._replace(digest="")
        known["C/002"] = known["C/002"]._replace(state=KEPT_BACK)
        third = Read(server.url, second.catalogue.remembered(), known)
        assert set(third.records) == {"C/000", "C/001", "C/002"}
        assert len(third.unchanged) == COUNT - 3
        # So is what changed; the others of its page came as they were.
        settings.catalogue.alter("C/022", title="新")
        fourth = Read(server.url, last, first.known())
        assert set(fourth.records) == {"C/022"}
        fifth = Read(server.url, fourth.catalogue.remembered(), {**first.known(), **fourth.known()})
        assert not fifth.records and len(fifth.unchanged) == COUNT


def test_what_another_profile_or_configuration_left_does_not_count() -> None:
    here = memory.rules("jilin", '{"copy": false}', {"private_address"})
    assert here == memory.rules("jilin", '{"copy": false}', ["private_address"])
    others = [
        memory.rules("chaohu", '{"copy": false}', {"private_address"}),
        memory.rules("jilin", '{"copy": true}', {"private_address"}),
        memory.rules("jilin", '{"copy": false}', set()),
        memory.rules("jilin", None, {"private_address"}),
    ]
    assert len({here, *others}) == 5


def test_only_changes_come_when_they_are_asked_for(settings: Settings) -> None:
    with running(settings) as server:
        settings.catalogue.to(1)
        settings.catalogue.alter("C/003", title="新", updated=days.moment(1))
        settings.catalogue.alter("C/004", deleted=True, updated=days.moment(1))
        read = Read(server.url, since=days.moment(1))
        assert {"C/003", "C/004"} <= set(read.records) and len(read.records) < COUNT
        assert read.catalogue.reading.partial and read.catalogue.reading.look is None


@pytest.mark.parametrize(
    ("auth", "let_in"),
    [
        (Auth(bearer="secret-token"), True),
        (Auth(bearer="other"), False),
        (Auth(), False),
    ],
)
def test_a_bearer_token(settings: Settings, auth: Auth, let_in: bool) -> None:
    settings.bearer = "secret-token"
    with running(settings) as server:
        read = Read(server.url, auth=auth)
    assert bool(read.records) is let_in
    assert let_in or "credentials" in read.broken
    assert "secret-token" not in repr(auth) + read.broken


@pytest.mark.parametrize("secret", ["right", "wrong"])
def test_signed_requests(settings: Settings, secret: str) -> None:
    settings.client_id, settings.secret = "portal", "right"
    with running(settings) as server:
        read = Read(server.url, auth=Auth(client_id="portal", secret=secret))
    assert bool(read.records) is (secret == "right")


def test_credentials_do_not_follow_to_another_server(settings: Settings) -> None:
    sent: list[dict[str, str]] = []

    def answer(method: str, url: str, *, headers: dict[str, str], **_: Any) -> Any:
        sent.append(dict(headers))
        if len(sent) == 1:
            return 302, {"location": "http://other.example.org/records"}, b""
        return 200, {}, b'{"records": []}'

    patch = pytest.MonkeyPatch()
    patch.setattr(fetch, "exchange", answer)
    try:
        Client(Auth(bearer="x"), allow_private=False).get("http://one.example.org/records")
    finally:
        patch.undo()
    assert "Authorization" in sent[0] and "Authorization" not in sent[1]


# What a server does below HTTP


@contextlib.contextmanager
def listening(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server on the loopback that does with every connection what it is told; its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        over = threading.Event()

        def serve(line: socket.socket) -> None:
            with line, contextlib.suppress(OSError):
                answer(line)

        def accept() -> None:
            while not over.is_set():
                with contextlib.suppress(TimeoutError):
                    line, _ = server.accept()
                    threading.Thread(target=serve, args=(line,), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            over.set()
            thread.join(5)


def silent(line: socket.socket) -> None:
    """Takes what comes and says nothing."""
    line.settimeout(30)
    while line.recv(65536):
        continue


def dripping(line: socket.socket) -> None:
    """A header that never ends, a byte at a time: each one would begin a time-out anew."""
    line.recv(65536)
    line.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        line.sendall(b"x")
        time.sleep(0.1)


def headers(line: socket.socket) -> None:
    """Headers without end, as fast as they go."""
    line.recv(65536)
    line.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        line.sendall(b"X-Header: " + b"x" * 60_000 + b"\r\n")


def plain(line: socket.socket) -> None:
    """An answer without TLS to somebody who wants it."""
    line.recv(65536)
    line.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


@lru_cache(maxsize=1)
def packed() -> bytes:
    """Four times as much as an answer may be, in little."""
    return gzip.compress(b" " * (4 * fetch.ANSWER_BYTES), 1)


def bomb(line: socket.socket) -> None:
    """A small answer that is a large one when it is unpacked."""
    line.recv(65536)
    body = packed()
    line.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    )
    line.sendall(body)


@pytest.mark.parametrize(
    ("answer", "scheme", "said"),
    [
        (silent, "https", "time"),
        (plain, "https", "certificate"),
        (silent, "http", "time"),
        (dripping, "http", "time"),
        (headers, "http", "connection"),
        (bomb, "http", "larger"),
    ],
)
def test_below_http_a_reading_is_bounded_in_time_and_memory(
    answer: Callable[[socket.socket], None],
    scheme: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fetch, "REQUEST_SECONDS", 5.0 if answer is bomb else 1.0)
    packed()
    with listening(answer) as port:
        tracemalloc.start()
        read = Read(f"{scheme}://127.0.0.1:{port}")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert said in read.broken and not read.records
    assert read.seconds < 10
    # Once as it came and once joined; three times the limit is enough for all of it.
    assert peak < 3 * fetch.ANSWER_BYTES


def test_a_name_that_leads_elsewhere_the_second_time_is_not_followed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The address that was checked is the one that is dialled; the next request is checked anew."""
    answers = [["93.184.216.34"], ["127.0.0.1"], ["93.184.216.34", "10.0.0.1"]]
    asked, dialled = [], []

    def resolve(host: str, *_: Any, **__: Any) -> Any:
        asked.append(host)
        kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        return [(*kind, (one, 80)) for one in answers[(len(asked) - 1) % len(answers)]]

    def dial(address: tuple[str, int], *_: Any, **__: Any) -> Any:
        dialled.append(address[0])
        raise OSError("nobody there")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(connection, "create_connection", dial)
    read = Read("http://rebinding.example.org", private=False)
    assert dialled == ["93.184.216.34"] and "private" in read.broken
    assert Read("http://rebinding.example.org", private=False).broken and len(dialled) == 1


def test_what_a_run_remembers_of_a_record_is_small() -> None:
    """Of a hundred thousand records only codes, versions and places are in memory."""
    outcome = mapping.Outcome("withdraw", None)
    tracemalloc.start()
    sweep = mapping.Sweep({})
    for number in range(100_000):
        sweep.take(f"C/{number:09}", 1, "d" * 64, outcome, number * 1000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(sweep) == 100_000 and peak < 45_000_000, peak


def test_a_catalogue_that_fills_the_disk_is_left(tmp_path: Path, monkeypatch: Any) -> None:
    """The spool has no name, so that nothing of it stays, and ends at its limit."""
    monkeypatch.setattr(spool.tempfile, "tempdir", str(tmp_path))
    with spool.Spool(2_000) as found:
        with pytest.raises(SourceError, match="max_bytes"):
            for number in range(10_000):
                found.write(record(number))
        assert not list(tmp_path.iterdir())
        assert 0 < found.place <= 2_000
        assert next(found.read([0]))["code"] == "C/000"
