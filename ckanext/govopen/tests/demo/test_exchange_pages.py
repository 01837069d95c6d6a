"""The demonstration server's pages: what it keeps of them is what it would make anew."""

from __future__ import annotations

import gzip
import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from ckanext.govopen.exchange_demo import days, server
from ckanext.govopen.exchange_demo.server import Settings, running


def _asked(url: str, **headers: str) -> tuple[dict[str, Any], str]:
    request = Request(f"{url}/records?limit=7", headers=headers)  # noqa: S310
    with urlopen(request, timeout=20) as answer:  # noqa: S310
        body = answer.read()
        if answer.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        return json.loads(body), answer.headers["ETag"]


@pytest.mark.parametrize("room", [server.KEPT_BYTES, 0])
def test_a_page_that_is_kept_is_the_page(room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "KEPT_BYTES", room)
    catalogue = days.Days("pages", (dict(one) for one in days.many(20)), held_back=0.0)
    packed = {"Accept-Encoding": "gzip"}
    with running(Settings(catalogue)) as exchange:
        first = _asked(exchange.url, **packed)
        assert len(first[0]["records"]) == 7
        assert _asked(exchange.url, **packed) == first == _asked(exchange.url)
        with pytest.raises(HTTPError, match="304"):
            _asked(exchange.url, **{**packed, "If-None-Match": first[1]})
        code = first[0]["records"][3]["code"]
        catalogue.alter(code, title="別的名字", version=99, updated="2026-11-24T00:00:00+08:00")
        after = _asked(exchange.url, **{**packed, "If-None-Match": first[1]})
        assert after[0]["records"][3]["title"] == "別的名字"
        assert after[1] != first[1]
        assert _asked(exchange.url) == after
