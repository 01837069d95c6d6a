"""The two interfaces of one catalogue on the loopback: the exchange's, and a CKAN portal's search.

The exchange is the extension's own demonstration server. The portal answers `package_search` from
dicts in memory, faster than any CKAN would: what stock CKAN's harvester waits for is left out.
"""

from __future__ import annotations

import contextlib
import datetime
import gzip
import json
import re
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import Request, urlopen

from _load import tag

from ckanext.govopen.exchange_demo import days
from ckanext.govopen.exchange_demo.server import Settings, running

_SINCE = re.compile(r"metadata_modified:\[(\S+)Z TO \*\]")
#: The portal's datasets seem older than any job, unless they have just been changed. Not a whole
#: second: CKAN shows that without its fraction, and its harvester, which compares the texts, would
#: take every dataset for changed.
OLD = "2020-01-01T00:00:00.123456"
SHARE = 0.05


def package(record: dict[str, Any]) -> dict[str, Any]:
    """A record as the dataset dict that a CKAN portal shows of it."""
    identifier = str(uuid.uuid5(uuid.NAMESPACE_URL, record["code"]))
    words = {word for key in record.get("keywords") or [] if (word := tag(key))}
    return {
        "id": identifier,
        "name": f"b-{identifier}",
        "title": record["title"],
        "notes": record.get("summary") or "",
        "type": "dataset",
        "state": "active",
        "private": False,
        "license_id": "other-open",
        "metadata_modified": OLD,
        "tags": [{"name": word, "state": "active"} for word in sorted(words)],
        "extras": [
            {"key": key, "value": str(value)}
            for key, value in (
                ("resource_code", record["code"]),
                ("provider", record["provider"]["name"]),
                ("theme", (record.get("category") or [""])[-1]),
                ("cycle", record.get("cycle") or ""),
                ("issued", record.get("issued") or ""),
                ("items", json.dumps([i["name"] for i in record.get("items") or []])),
            )
            if value
        ],
        "resources": [
            {"url": one["url"], "name": one.get("name") or "", "format": one.get("format") or ""}
            for one in record.get("distributions") or []
        ],
        "groups": [],
    }


class Catalogue:
    """One list of records under both interfaces; codes are new in every round."""

    def __init__(self, count: int, mark: str, portal: bool = True) -> None:
        records = (self._marked(one, mark) for one in days.many(count))
        self.days = days.Days("bench", records, held_back=0.0)
        self.packages = [package(one) for one in self.days.records.values()] if portal else []

    @staticmethod
    def _marked(record: dict[str, Any], mark: str) -> dict[str, Any]:
        return {**record, "code": f"{record['code']}-{mark}"}

    def change(self) -> int:
        """Another title for 5 % of the records, the same ones under both; their number."""
        step = round(1 / SHARE)
        now = datetime.datetime.now(datetime.timezone.utc)
        changed = list(self.days.records.values())[::step]
        for record in changed:
            self.days.alter(
                record["code"],
                title=f"{record['title']}（改）",
                version=record["version"] + 1,
                updated=now.isoformat(timespec="seconds"),
            )
        for shown in self.packages[::step]:
            shown["title"] += "（改）"
            shown["metadata_modified"] = now.replace(tzinfo=None).isoformat()
        return len(changed)


def make_pages(exchange: str) -> None:
    """Has the exchange make its pages, which it keeps: like the portal it answers out of memory
    then, and what a harvester would wait for is left out on both sides.
    """
    cursor: str | None = ""
    while cursor is not None:
        query = {"limit": "500", **({"cursor": cursor} if cursor else {})}
        request = Request(f"{exchange}/records?{urlencode(query)}")  # noqa: S310
        request.add_header("Accept-Encoding", "gzip")
        with urlopen(request, timeout=60) as answer:  # noqa: S310
            cursor = json.loads(gzip.decompress(answer.read()))["next"]


class _Portal(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not told."""

    def do_GET(self) -> None:
        asked = {key: rows[0] for key, rows in parse_qs(urlsplit(self.path).query).items()}
        since = _SINCE.search(asked.get("fq", ""))
        found = [
            one
            for one in self.server.catalogue.packages
            if since is None or one["metadata_modified"] >= since[1]
        ]
        start, rows = int(asked.get("start", 0)), int(asked.get("rows", 10))
        result = {"count": len(found), "results": found[start : start + rows]}
        body = json.dumps({"success": True, "result": result}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextlib.contextmanager
def served(catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    """Addresses of the exchange and of the portal, for as long as the context lasts."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Portal)
    server.catalogue = catalogue
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        with running(Settings(catalogue.days)) as exchange:
            yield exchange.url, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
