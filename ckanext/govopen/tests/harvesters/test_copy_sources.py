"""Files come along from a spreadsheet's addresses and from another CKAN portal too."""

from __future__ import annotations

import csv
import hashlib
import io
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from ckan import model
from ckan.common import config

from ckanext.govopen.harvesters import copy, download, fetch
from ckanext.govopen.tests.harvesters.conftest import COLUMNS, DEFAULTS, Catalogue, Row
from ckanext.govopen.tests.harvesters.test_ckan import DEFAULTS as OF_A_PORTAL
from ckanext.govopen.tests.harvesters.test_ckan import Peer, package, peer
from ckanext.govopen.tests.harvesters.test_run import counts
from ckanext.govopen.tests.portal import AUTHORITY

__all__ = ["peer"]

FIRST = b"name,count\nx,1\n"
SECOND = b"name,count\nx,2\n"
ADDRESS = "数据文件地址"


@dataclass
class Store:
    """A server of files: their bytes by path, and what was sent in full."""

    files: dict[str, bytes] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def store() -> Iterator[Store]:
    found = Store()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

        def do_GET(self) -> None:
            content = found.files.get(self.path)
            tag = f'"{hashlib.sha256(content or b"").hexdigest()}"'
            if content is not None and self.headers.get("If-None-Match") == tag:
                self.send_response(304)
                self.end_headers()
                return
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.send_header("ETag", tag)
            self.end_headers()
            self.wfile.write(content or b"")
            found.sent.append(self.path)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (fetch, download):
        monkeypatch.setattr(module, "PAUSE", 0.01)
        monkeypatch.setattr(module, "TRIES", 2)
    monkeypatch.setattr(copy, "enqueue", lambda payloads: None)
    monkeypatch.setitem(config, "ckanext.govopen.harvest.allow_private_addresses", True)


def work(catalogue: Catalogue) -> dict[str, int]:
    done = copy.work(catalogue.source_id, again=False)
    model.Session.remove()
    return done


def table(*rows: tuple[Row, str]) -> bytes:
    """A catalogue with a column more: where the file of a resource is."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([*COLUMNS, ADDRESS])
    for row, address in rows:
        for at, line in enumerate(row.lines()):
            writer.writerow([*line, "" if at else address])
    return text.getvalue().encode()


def public_bytes(catalogue: Catalogue, dataset: dict[str, Any]) -> tuple[int, bytes]:
    (resource,) = dataset["resources"]
    answer = catalogue.portal.request("GET", "/" + resource["url"].split("/", 3)[3])
    return answer.status_code, answer.get_data()


def test_files_of_a_spreadsheet(
    catalogue: Catalogue, make_source: Callable[..., dict[str, Any]], store: Store
) -> None:
    host = store.url.removeprefix("http://")
    source = make_source(
        catalogue.keeper,
        AUTHORITY,
        {
            "defaults": DEFAULTS, "departments": "all", "files": "copy",
            "private_address": True, "file_hosts": [host],
            "columns": {ADDRESS: "distribution.url"},
        },
    )  # fmt: skip
    mine = replace(catalogue, source_id=source["id"])
    row, lost = mine.row(1), mine.row(2)
    store.files["/a.csv"] = FIRST
    content = table((row, f"{store.url}/a.csv"), (lost, f"{store.url}/none.csv"))
    report = mine.run(content)
    assert counts(report) == {"seen": 2, "new": 2}, report["remarks"]
    assert work(mine) == {"copied": 1, "unchanged": 0, "failed": 1}
    (problem,) = copy.copy_progress(mine.source_id, 10)["problems"]
    assert problem["code"] == lost.code
    mine.approve(row)
    shown = mine.public(row)
    assert shown and public_bytes(mine, shown) == (200, FIRST)
    # The same table, the same file: asked for, and not sent again.
    store.sent.clear()
    assert counts(mine.run(content)) == {"seen": 2, "unchanged": 2}
    work(mine)
    assert "/a.csv" not in store.sent
    # Another file behind the same address: seen without a word in the table, public when approved.
    store.files["/a.csv"] = SECOND
    mine.run(content)
    assert work(mine)["copied"] == 1
    assert public_bytes(mine, shown) == (200, FIRST)
    mine.approve(row)
    shown = mine.public(row)
    assert shown and public_bytes(mine, shown) == (200, SECOND)


def test_files_of_another_portal(
    catalogue: Catalogue,
    make_source: Callable[..., dict[str, Any]],
    peer: Peer,
    store: Store,
) -> None:
    source = make_source(
        catalogue.keeper,
        AUTHORITY,
        {
            "departments": "all", "files": "copy", "keep_identifiers": True,
            "private_address": True, "file_hosts": [store.url.removeprefix("http://")],
            "defaults": OF_A_PORTAL,
        },
        peer.url,
        "govopen_ckan",
    )  # fmt: skip
    mine = replace(catalogue, source_id=source["id"])
    old = package(mine.department.name)
    (theirs,) = old["resources"]
    theirs["url"], store.files["/b.csv"] = f"{store.url}/b.csv", FIRST
    peer.packages = [old]
    report = mine.run()
    assert counts(report) == {"seen": 1, "new": 1}, report["remarks"]
    assert work(mine) == {"copied": 1, "unchanged": 0, "failed": 0}
    editor = mine.department.editor
    mine.portal.call("package_patch", editor, id=old["id"], share_class="unconditional")
    mine.portal.approve(mine.department, old["name"])
    shown = mine.portal.call("package_show", id=old["name"])
    (resource,) = shown["resources"]
    assert (shown["id"], resource["id"]) == (old["id"], theirs["id"])
    assert (resource["url_type"], resource["size"]) == ("upload", len(FIRST))
    assert resource["hash"] == hashlib.sha256(FIRST).hexdigest()
    assert store.url not in str(shown), "no address of the other portal's files is left"
    assert public_bytes(mine, shown) == (200, FIRST)
    # Withdrawn there: gone here, the bytes too.
    peer.packages = [package(mine.department.name)]
    report = mine.run()
    assert counts(report)["withdrawn"] == 1, report
    assert public_bytes(mine, shown)[0] in (403, 404)
