"""This portal as a source: ckanext-harvest's own harvester, and ours on another portal."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from ckan import model
from ckanext.harvest.harvesters.ckanharvester import CKANHarvester
from ckanext.harvest.model import HarvestJob, HarvestObject, HarvestSource
from werkzeug.serving import make_server

from ckanext.govopen.domain.catalogue import Record, parse_record
from ckanext.govopen.harvesters import config as configuration
from ckanext.govopen.harvesters.ckan import Portal as Reader
from ckanext.govopen.harvesters.fetch import Auth, Client
from ckanext.govopen.tests.portal import Department, Portal, unique

MARK = "wer-das-liest-hat-zu-viel"


@pytest.fixture
def address(portal: Portal) -> Iterator[str]:
    """The running portal on the loopback, for a harvester to ask."""
    server = make_server("127.0.0.1", 0, portal.app, threaded=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(10)
    server.server_close()


def gathered(address: str, department: Department) -> dict[str, dict[str, Any]]:
    """What a stock portal reads of a department: datasets by name."""
    settings = {"force_all": True, "organizations_filter_include": [department.name]}
    name = unique("stock")
    source: Any = HarvestSource(
        title=name, url=address, type="ckan", config=json.dumps(settings), active=True
    )
    source.save()
    job: Any = HarvestJob(source=source, status="Running")
    job.save()
    harvester = CKANHarvester()
    ids = harvester.gather_stage(job)
    assert not job.gather_errors, [one.message for one in job.gather_errors]
    found: dict[str, dict[str, Any]] = {}
    for object_id in ids or []:
        one: Any = HarvestObject.get(object_id)
        assert harvester.fetch_stage(one)
        content = json.loads(one.content)
        found[content["name"]] = content
    model.Session.remove()
    return found


def read(address: str, department: Department) -> dict[str, Record]:
    """What another portal with this extension reads of it: records by the dataset's name."""
    text = json.dumps({"fq": f"organization:{department.name}", "page": 2})
    config = configuration.parse(text, configuration.CKAN)
    reader = Reader(Client(Auth(), allow_private=True), address, config)
    found: dict[str, Record] = {}
    for entry in reader.reading.entries:
        record = parse_record(entry.record)
        assert isinstance(record, Record), record
        assert record.identity is not None
        found[record.identity.name] = record
    return found


def test_a_harvester_gets_what_an_outsider_may_see_and_nothing_else(
    portal: Portal, address: str
) -> None:
    department = portal.department()
    link = {"name": "x", "format": "CSV", "url": "https://data.example.org/a.csv"}
    plain = portal.released(department, open_class="unconditional", resources=[link])
    changed = portal.released(department, open_class="unconditional", resources=[link])
    closed = portal.released(department, open_class="unconditional", resources=[link])
    secret = {**link, "url": f"https://data.example.org/{MARK}.csv"}
    conditional = portal.released(
        department, open_class="conditional", open_condition="仅供研究", resources=[secret]
    )
    portal.dataset(department, notes=MARK, resources=[secret])
    portal.dataset(department, notes=MARK, open_class="non_open", resources=[])
    portal.call("package_patch", department.editor, id=changed["id"], notes=MARK)

    shown = portal.call("package_search", fq=f"organization:{department.name}")["results"]
    names = {plain["name"], changed["name"], closed["name"], conditional["name"]}
    found = gathered(address, department)
    assert set(found) == names and MARK not in json.dumps(found, ensure_ascii=False)
    assert {name: one["title"] for name, one in found.items()} == {
        one["name"]: one["title"] for one in shown
    }
    for one in shown:
        assert set(found[one["name"]]) == set(one)
        assert [r["id"] for r in found[one["name"]]["resources"]] == [
            r["id"] for r in one["resources"]
        ]
    records = read(address, department)
    assert set(records) == names and MARK not in repr(records)
    assert records[conditional["name"]].open_class == "conditional"
    assert records[conditional["name"]].open_condition == "仅供研究"
    assert records[plain["name"]].open_class == "unconditional"

    # What was taken off is in no answer any more; a stock harvester sees no more than that.
    portal.call("package_delete", department.editor, id=closed["id"])
    assert set(gathered(address, department)) == names - {closed["name"]}
    assert set(read(address, department)) == names - {closed["name"]}
