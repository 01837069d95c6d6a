"""Counts SQL statements and Solr requests of addresses, in process: `_count.py ADDRESS …`.

Prints one JSON object: address -> {"sql", "solr", "status"}. With ``--profile ADDRESS`` it prints
where the time of thirty requests goes instead.
"""

from __future__ import annotations

import cProfile
import io
import json
import os
import pstats
import sys
from collections import Counter
from typing import Any

import pysolr
from ckan.cli import load_config
from ckan.config.middleware import make_app
from sqlalchemy import event
from sqlalchemy.engine import Engine
from werkzeug.test import Client

WARM = 3
PROFILED = 30

counts: Counter[str] = Counter()


def _statement(*_: Any) -> None:
    counts["sql"] += 1


def count(client: Client, address: str) -> dict[str, int]:
    """Figures of one request, after some that fill the caches."""
    for _ in range(WARM):
        client.get(address).close()
    counts.clear()
    answer = client.get(address)
    answer.get_data()
    return {"sql": counts["sql"], "solr": counts["solr"], "status": answer.status_code}


def profile(client: Client, address: str) -> str:
    """The functions in which most time is spent, by own and by total time."""
    for _ in range(WARM):
        client.get(address).close()
    measured = cProfile.Profile()
    with measured:
        for _ in range(PROFILED):
            client.get(address).close()
    told = io.StringIO()
    stats = pstats.Stats(measured, stream=told)
    stats.sort_stats("cumulative").print_stats(90)
    stats.sort_stats("tottime").print_stats(40)
    return told.getvalue()


def main(arguments: list[str]) -> None:
    event.listen(Engine, "before_cursor_execute", _statement)
    send = pysolr.Solr._send_request

    def counted(self: pysolr.Solr, *given: Any, **named: Any) -> Any:
        counts["solr"] += 1
        return send(self, *given, **named)

    pysolr.Solr._send_request = counted
    client = Client(make_app(load_config(os.environ["CKAN_INI"])))
    if arguments[0] == "--profile":
        print(profile(client, arguments[1]))
    else:
        print(json.dumps({address: count(client, address) for address in arguments}))


if __name__ == "__main__":
    main(sys.argv[1:])
