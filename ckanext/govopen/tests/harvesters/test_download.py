"""Answers of a file's server that do not fit what it was asked."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ckan.common import config

from ckanext.govopen.harvesters import download
from ckanext.govopen.harvesters.fetch import Auth

CONTENT = b"name,count\n" + b"\n".join(b"row %d,%d" % (n, n * n) for n in range(20_000))
PACKED = gzip.compress(CONTENT)
HALF = len(PACKED) // 2


class _Files(BaseHTTPRequestHandler):
    """``/unasked`` always says 304; ``/packed`` sends half of a packed file at first."""

    asked: list[str]

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        begin = self.headers.get("Range", "")
        self.asked.append(begin)
        if self.path == "/unasked":
            self.send_response(304)
            self.end_headers()
            return
        first = len(self.asked) == 1
        start = int(begin[len("bytes=") : -1]) if begin else 0
        self.send_response(206 if begin else 200)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("ETag", '"one"')
        if begin:
            self.send_header("Content-Range", f"bytes {start}-{len(PACKED) - 1}/{len(PACKED)}")
        self.send_header("Content-Length", str(len(PACKED) - start))
        self.end_headers()
        self.wfile.write(PACKED[start : HALF if first else None])


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The ranges that the server was asked for."""
    monkeypatch.setitem(config, "ckan.storage_path", str(tmp_path))
    monkeypatch.setattr(download, "PAUSE", 0.01)
    monkeypatch.setattr(_Files, "asked", [], raising=False)
    return _Files.asked


@pytest.fixture
def server() -> Iterator[str]:
    found = ThreadingHTTPServer(("127.0.0.1", 0), _Files)
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{found.server_address[1]}"
    found.shutdown()
    found.server_close()


def get(server: str, path: str, **held: str) -> download.Got:
    """What a client of a source at the server gets."""
    place = ("127.0.0.1", int(server.rsplit(":", 1)[1]))
    client = download.Client("s", server, Auth("", "", ""), frozenset({place}), 10**7)
    row = {"resource_id": "r", "url": server + path, "sha256": "", "held_sha256": "",
           "held_url": "", "held_size": None, "etag": "", "last_modified": "", **held}  # fmt: skip
    return client.get(SimpleNamespace(**row))


def test_unchanged_is_no_answer_to_what_was_not_asked(server: str, asked: list[str]) -> None:
    """Else a server could keep an older file in the place of the one that the catalogue tells."""
    old = "a" * 64
    for held in ({"held_sha256": old, "held_url": "http://elsewhere.example.com/", "etag": '"1"'},
                 {"held_sha256": old, "held_url": server + "/unasked", "sha256": "b" * 64,
                  "etag": '"1"'}):  # fmt: skip
        with pytest.raises(download.Failed) as failed:
            get(server, "/unasked", **held)
        assert failed.value.reason["rule"] == "file_status"
    kept = get(server, "/unasked", held_sha256=old, held_url=server + "/unasked", etag='"1"')
    assert kept.sha256 == ""


def test_half_of_a_packed_file_is_fetched_anew(server: str, asked: list[str]) -> None:
    """A range counts packed bytes, a piece unpacked ones: they do not fit together."""
    got = get(server, "/packed")
    assert got.path.read_bytes() == CONTENT
    assert asked == ["", ""]
