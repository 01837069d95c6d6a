"""The server: the interface of an exchange catalogue, as its description says, on the loopback."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import json
import re
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from ckanext.govopen.exchange_demo import days
from ckanext.govopen.exchange_demo.faults import FAULTS, Faults

MOST = 1000
#: Largest difference between the clocks of both sides, in milliseconds.
CLOCK = 5 * 60 * 1000
#: How long a slow answer waits before each byte, in seconds.
DRIP = 0.5
FILE_TYPE = "text/csv; charset=utf-8"
_RANGE = re.compile(r"bytes=(\d{1,15})-")
PRIVATE = "http://10.255.255.1/records"


@dataclass
class Settings:
    """What is served, to whom, and how badly."""

    catalogue: days.Days
    faults: Faults = field(default_factory=Faults)
    bearer: str = ""
    client_id: str = ""
    secret: str = ""
    #: The server gives no more records in one page, whatever is asked for.
    most: int = MOST
    #: Understands `since`; one that does not ignores it.
    since: bool = True
    log: list[str] = field(default_factory=list)
    nonces: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)


#: Bytes of pages that are kept as they were sent.
KEPT_BYTES = 32 * 1024 * 1024


class _Pages:
    """Pages as they were sent, for as long as the catalogue is the same: their ETags, and packed
    what was in them while there is room. Neither need be made again.
    """

    def __init__(self) -> None:
        self._state = -1
        self._known: dict[tuple[Any, ...], tuple[str, bytes]] = {}
        self._size = 0

    def get(self, state: int, page: tuple[Any, ...]) -> tuple[str, bytes]:
        """Tag and packed content of a page; empty when they are not known."""
        return self._known.get(page, ("", b"")) if state == self._state else ("", b"")

    def keep(self, state: int, page: tuple[Any, ...], tag: str, packed: bytes) -> None:
        """Remembers it; what belongs to another state is forgotten."""
        if state != self._state or len(self._known) >= 10_000:
            self._known, self._state, self._size = {}, state, 0
        if self._size + len(packed) > KEPT_BYTES:
            packed = b""
        self._size += len(packed) - len(self._known.get(page, ("", b""))[1])
        self._known[page] = tag, packed


class Exchange(ThreadingHTTPServer):
    """A catalogue that listens on the loopback."""

    daemon_threads = True

    def __init__(self, settings: Settings, port: int = 0, certificate: Path | None = None) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.settings = settings
        self.pages = _Pages()
        self.scheme = "http"
        if certificate is not None:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(certificate)
            self.socket = tls.wrap_socket(self.socket, server_side=True)
            self.scheme = "https"

    @property
    def url(self) -> str:
        """The address that a source is configured with."""
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are nothing to be reported."""


@contextmanager
def running(settings: Settings, certificate: Path | None = None) -> Iterator[Exchange]:
    """A server in a thread, for as long as the context lasts."""
    server = Exchange(settings, certificate=certificate)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


_JSON = {"Content-Type": "application/json", "Vary": "Accept-Encoding"}
_PACKED = {"Content-Encoding": "gzip"}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Exchange

    def log_message(self, format: str, *args: Any) -> None:
        with self.server.settings.lock:
            self.server.settings.log.append(format % args)

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        settings = self.server.settings
        if not self._known():
            self._json(401, {"error": "Not authenticated."})
        elif parts.path.startswith("/files/"):
            self._file(unquote(parts.path[len("/files/") :]).rsplit(".", 1)[0])
        elif parts.path.startswith("/records/"):
            self._one(unquote(parts.path[len("/records/") :]))
        elif parts.path != "/records":
            self._json(404, {"error": "There is nothing here."})
        elif not self._broken(settings.faults):
            self._page(parse_qs(parts.query, keep_blank_values=True))

    # Who asks

    def _known(self) -> bool:
        settings = self.server.settings
        if settings.bearer:
            said = self.headers.get("Authorization", "")
            return hmac.compare_digest(said.encode(), f"Bearer {settings.bearer}".encode())
        if not settings.secret:
            return True
        sent, nonce = self.headers.get("X-Timestamp", ""), self.headers.get("X-Nonce", "")
        text = f"{self.command}\n{self.path}\n{sent}\n{nonce}"
        signature = hmac.new(settings.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        with settings.lock:
            fresh = bool(nonce) and nonce not in settings.nonces
            settings.nonces.add(nonce)
        return (
            fresh
            and sent.isdigit()
            and abs(int(sent) - time.time() * 1000) <= CLOCK
            and self.headers.get("X-Client-Id", "") == settings.client_id
            and hmac.compare_digest(signature, self.headers.get("X-Signature", ""))
        )

    # What goes wrong before a page is made

    def _broken(self, faults: Faults) -> bool:
        if faults.take("down"):
            self.close_connection = True
        elif faults.take("redirect"):
            self._send(302, b"", {"Location": PRIVATE})
        elif faults.take("busy"):
            self._json(429, {"error": "Too many requests."}, {"Retry-After": "1"})
        elif faults.take("unavailable"):
            self._json(503, {"error": "Maintenance."}, {"Retry-After": "1"})
        elif faults.take("error"):
            self._json(500, {"error": "An error."})
        elif faults.take("huge"):
            self._huge()
        elif faults.take("gzip"):
            self._send(200, b"\x1f\x8b\x08" + b"\xff" * 60, {"Content-Encoding": "gzip"})
        elif faults.take("json"):
            self._send(200, b'{"snapshot": "2026-11-22T08:00:00+08:00", "records": [{"code": "1"')
        elif faults.take("shape"):
            self._json(200, ["records"])
        else:
            return False
        return True

    def _huge(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        for _ in range(100_000):
            self.wfile.write(b" " * 65_536)

    # A page of records

    def _page(self, query: dict[str, list[str]]) -> None:
        settings, faults = self.server.settings, self.server.settings.faults
        try:
            limit = min(int(query.get("limit", ["500"])[0]), settings.most)
            start, turn = _read_cursor(query.get("cursor", [""])[0])
        except ValueError:
            self._json(400, {"error": "limit or cursor cannot be read."})
            return
        if limit < 1:
            self._json(400, {"error": "limit is at least 1."})
            return
        since = query.get("since", [""])[0] if settings.since else ""
        asked, faulty = (limit, start, turn, since), any(name in faults for name in FAULTS)
        with settings.lock:
            day, state = settings.catalogue.day, settings.catalogue.state
            known = ("", b"") if faulty else self.server.pages.get(state, asked)
            if not (sent := self._is_known(*known)):
                records = list(settings.catalogue.since(since or None))
        if sent:
            self._again(*known)
            return
        if "move" in faults and start:
            records = records[-1:] + records[:-1] if turn % 2 else records[1:] + records[:1]
        if "empty" in faults:
            records = []
        page = [self._shown(one) for one in records[start : start + limit]]
        following, total = start + limit, len(records)
        cursor = _cursor(following, turn + 1) if following < total else None
        if "repeat" in faults and turn % 2 == 0:
            cursor = _cursor(start, turn + 1)
        if "loop" in faults and cursor is None:
            cursor = _cursor(0, 0)
        if "short" in faults:
            cursor = None
        if "endless" in faults:
            page = [_invented(turn * 10 + at) for at in range(10)]
            cursor = _cursor(start, turn + 1)
        if "wrong" in faults:
            page = [_wrong(one, at) for at, one in enumerate(page)]
        if "total" in faults:
            total = total * 7 + 3
        body = {"snapshot": days.moment(day), "total": total, "next": cursor, "records": page}
        text = json.dumps(body, ensure_ascii=False)
        charset = "gb18030" if faults.take("encoding") else "utf-8"
        tag, packed = self._body(200, text.encode(charset), drip=faults.take("slow"))
        if not faulty:
            with settings.lock:
                self.server.pages.keep(state, asked, tag, packed)

    def _is_known(self, tag: str, packed: bytes) -> bool:
        """Can this be answered with what is kept?"""
        if tag and tag in self.headers.get("If-None-Match", ""):
            return True
        return bool(packed) and "gzip" in self.headers.get("Accept-Encoding", "")

    def _again(self, tag: str, packed: bytes) -> None:
        """A page that is kept."""
        if tag in self.headers.get("If-None-Match", ""):
            self._send(304, b"", {"ETag": tag})
        else:
            self._send(200, packed, {"ETag": tag, **_JSON, **_PACKED})

    def _shown(self, record: dict[str, Any]) -> dict[str, Any]:
        """A record as it goes out: a tombstone is bare, any other has its file."""
        if record["deleted"]:
            return {key: record[key] for key in ("code", "version", "updated", "deleted")}
        shown = {key: value for key, value in record.items() if key != "data_version"}
        known: dict[str, Any] = {}
        if "file-unsaid" not in self.server.settings.faults:
            known["size"], known["sha256"] = days.facts_of(record)
        shown["distributions"] = [
            {
                "id": "1",
                "name": record["title"],
                "format": "CSV",
                "url": f"{self.server.url}/files/{quote(record['code'], safe='')}.csv",
                **known,
                "columns": [item["name"] for item in record.get("items") or []],
            }
        ]
        return shown

    def _one(self, code: str) -> None:
        settings = self.server.settings
        with settings.lock:
            found = settings.catalogue.records.get(code)
            shown = self._shown(found) if found is not None else None
        if shown is None:
            self._json(404, {"error": "There is no such record."})
        elif shown["deleted"]:
            self._json(410, {"error": "The record was withdrawn."})
        else:
            self._json(200, shown)

    def _file(self, code: str) -> None:
        with self.server.settings.lock:
            found = self.server.settings.catalogue.records.get(code)
        if found is None or found["deleted"] or not found["open"]["open"]:
            self._json(404, {"error": "There is no such file."})
        elif not self._file_broken(self.server.settings.faults, days.file_of(found)):
            self._file_body(days.file_of(found))

    def _file_broken(self, faults: Faults, content: bytes) -> bool:
        """What goes wrong with a file; False when nothing does."""
        kind = {"Content-Type": FILE_TYPE, "ETag": _tag(content)}
        if faults.take("file-missing"):
            self._json(404, {"error": "There is no such file."})
        elif faults.take("file-down"):
            self.close_connection = True
        elif faults.take("file-busy"):
            self._json(429, {"error": "Too many requests."}, {"Retry-After": "1"})
        elif faults.take("file-redirect"):
            self._send(302, b"", {"Location": PRIVATE})
        elif faults.take("file-huge"):
            self._huge()
        elif faults.take("file-checksum"):
            self._send(200, content + b"0,0\n", kind)
        elif faults.take("file-slow"):
            self._send(200, content, kind, drip=True)
        elif faults.take("file-cut"):
            self._send(200, content, kind, cut=len(content) // 2)
        else:
            return False
        return True

    def _file_body(self, content: bytes) -> None:
        """A file, or the part of it that is asked for."""
        if "file-whole" in self.server.settings.faults:
            self._send(200, content, {"Content-Type": FILE_TYPE})
            return
        tag = _tag(content)
        headers = {"Content-Type": FILE_TYPE, "ETag": tag, "Accept-Ranges": "bytes"}
        asked = _RANGE.fullmatch(self.headers.get("Range", ""))
        if tag in self.headers.get("If-None-Match", ""):
            self._send(304, b"", {"ETag": tag})
        elif asked is None or self.headers.get("If-Range", tag) != tag:
            self._send(200, content, headers)
        elif int(asked[1]) >= len(content):
            self._send(416, b"", {"Content-Range": f"bytes */{len(content)}"})
        else:
            start, size = int(asked[1]), len(content)
            headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
            self._send(206, content[start:], headers)

    # Answers

    def _json(self, status: int, content: Any, headers: Mapping[str, str] | None = None) -> None:
        self._send(status, json.dumps(content, ensure_ascii=False).encode(), headers)

    def _body(self, status: int, body: bytes, drip: bool = False) -> tuple[str, bytes]:
        """An answer that knows its state: with an ETag, packed where it may be. Gives the tag, and
        the content if it went out packed.
        """
        tag = _tag(body)
        if tag in self.headers.get("If-None-Match", ""):
            self._send(304, b"", {"ETag": tag})
            return tag, b""
        if "gzip" not in self.headers.get("Accept-Encoding", ""):
            self._send(status, body, {"ETag": tag, **_JSON}, drip)
            return tag, b""
        packed = gzip.compress(body, 1, mtime=0)
        self._send(status, packed, {"ETag": tag, **_JSON, **_PACKED}, drip)
        return tag, packed

    def _send(
        self,
        status: int,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        drip: bool = False,
        cut: int | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if cut is not None:
            self.wfile.write(body[:cut])
            self.close_connection = True
            return
        if not drip:
            self.wfile.write(body)
            return
        for at in range(len(body)):
            self.wfile.write(body[at : at + 1])
            self.wfile.flush()
            time.sleep(DRIP)


def _tag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def _cursor(start: int, turn: int) -> str:
    return base64.urlsafe_b64encode(f"{start}:{turn}".encode()).decode()


def _read_cursor(text: str) -> tuple[int, int]:
    """Raises ValueError."""
    if not text:
        return 0, 0
    start, turn = base64.urlsafe_b64decode(text.encode()).decode().split(":")
    return int(start), int(turn)


def _invented(number: int) -> dict[str, Any]:
    return {
        "code": f"ENDLESS/{number:09}",
        "title": f"第{number}項",
        "provider": {"name": "不存在的單位"},
        "open": {"open": True},
        "acquired": "collected",
    }


def _wrong(record: dict[str, Any], at: int) -> dict[str, Any]:
    if at % 10:
        return record
    ways: list[dict[str, Any]] = [
        {"code": ""},
        {"title": ""},
        {"open": "yes"},
        {"items": "x"},
        {"title": 7, "provider": []},
    ]
    return {**record, **ways[at // 10 % len(ways)]}
