"""Another CKAN portal as a source: a stock one, and one with this extension."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ckan import model
from ckan.common import config
from ckanext.harvest.model import HarvestSource

from ckanext.govopen.domain.catalogue import Record, parse_record
from ckanext.govopen.domain.catalogue.ckan import Defaults, DefaultsError, to_record
from ckanext.govopen.harvesters import fetch
from ckanext.govopen.tests.harvesters.conftest import Catalogue
from ckanext.govopen.tests.harvesters.test_run import counts
from ckanext.govopen.tests.portal import AUTHORITY, Portal, Refused, User, unique

DEFAULTS = {"acquired": "collected", "class": "unconditional"}


@dataclass
class Peer:
    """A stock portal as far as a harvester sees it."""

    packages: list[dict[str, Any]] = field(default_factory=list)
    hidden: set[str] = field(default_factory=set)
    url: str = ""

    def answer(self, action: str, query: dict[str, str]) -> tuple[int, Any]:
        if action == "package_show":
            found = [one for one in self.packages if one["id"] == query["id"]]
            return (200, found[0]) if found else (404, None)
        shown = sorted(
            (one for one in self.packages if one["id"] not in self.hidden),
            key=lambda one: one["id"],
        )
        start, rows = int(query.get("start", 0)), min(int(query.get("rows", 10)), 2)
        return 200, {"count": len(shown), "results": shown[start : start + rows]}


@pytest.fixture
def peer() -> Iterator[Peer]:
    found = Peer()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            status, result = found.answer(parts.path.rsplit("/", 1)[-1], query)
            body = json.dumps({"success": status == 200, "result": result}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield found
    server.shutdown()
    server.server_close()


def package(department: str, **fields: Any) -> dict[str, Any]:
    """A dataset as a stock portal gives it."""
    return {
        "id": str(uuid.uuid4()),
        "name": unique("old-set"),
        "title": "公共自行車站點",
        "notes": "全市站點",
        "state": "active",
        "private": False,
        "license_id": "cc-by",
        "metadata_created": "2019-01-01T00:00:00.000000",
        "metadata_modified": "2020-01-01T00:00:00.000000",
        "organization": {"name": "x", "title": department},
        "tags": [{"name": "自行車"}],
        "resources": [
            {
                "id": str(uuid.uuid4()),
                "name": "站點",
                "format": "CSV",
                "url": "https://old.example.org/a.csv",
            }
        ],
        **fields,
    }


@pytest.fixture
def old_portal(
    catalogue: Catalogue,
    make_source: Callable[..., dict[str, Any]],
    peer: Peer,
    monkeypatch: pytest.MonkeyPatch,
) -> Catalogue:
    """The department, fed by the other portal, whose names and ids it keeps."""
    monkeypatch.setitem(config, "ckanext.govopen.harvest.allow_private_addresses", True)
    monkeypatch.setattr(fetch, "PAUSE", 0.01)
    settings = {
        "departments": "all",
        "private_address": True,
        "keep_identifiers": True,
        "defaults": DEFAULTS,
    }
    source = make_source(catalogue.keeper, AUTHORITY, settings, peer.url, "govopen_ckan")
    catalogue.source_id = source["id"]
    return catalogue


def test_an_older_portals_datasets_move_in_with_their_names_and_ids(
    old_portal: Catalogue, peer: Peer
) -> None:
    portal, department = old_portal.portal, old_portal.department
    peer.packages = [package(department.name) for _ in range(5)]
    assert counts(old_portal.run()) == {"seen": 5, "new": 5}
    first = peer.packages[0]
    found = portal.call("package_show", department.editor, id=first["name"])
    assert (found["id"], found["open_class"]) == (first["id"], "unconditional")
    assert found["resources"][0]["url"] == "https://old.example.org/a.csv"
    # Public there is not public here before it was reviewed.
    assert portal.ask("package_show", {"id": first["name"]}).status_code == 404
    assert counts(old_portal.run()) == {"seen": 5, "unchanged": 5}
    # Released, it answers under its old name and under its old id.
    last = peer.packages[1]
    portal.call("package_patch", department.editor, id=last["id"], share_class="unconditional")
    portal.approve(department, last["name"])
    for reference in (last["name"], last["id"]):
        assert portal.call("package_show", id=reference)["id"] == last["id"]
        page = portal.get(f"/dataset/{reference}", follow_redirects=True)
        assert page.status_code == 200 and last["title"] in page.get_data(as_text=True)
    # Changed, deleted, and one that moved between the pages while they were read.
    first["title"] = "新名稱"
    peer.packages.remove(peer.packages[4])
    peer.hidden.add(peer.packages[3]["id"])
    report = counts(old_portal.run())
    assert report == {"seen": 4, "changed": 1, "unchanged": 3, "missing": 1, "withdrawn": 1}
    again = portal.call("package_show", department.editor, id=first["id"])
    assert again["title"] == "新名稱" and again["name"] == first["name"]


def test_a_try_and_a_dry_run_read_it_as_a_run_does(old_portal: Catalogue, peer: Peer) -> None:
    ask = old_portal.portal.call
    peer.packages = [package(old_portal.department.name) for _ in range(3)]
    saved: Any = model.Session.get(HarvestSource, old_portal.source_id)
    trial = ask(
        "govopen_catalogue_try", old_portal.keeper, url=peer.url, source_type="govopen_ckan",
        owner_org=AUTHORITY, config=saved.config,
    )  # fmt: skip
    assert trial["works"], trial["problem"]
    assert [one["kind"] for one in trial["samples"]] == ["new"] * 3
    for _ in range(2):
        dry = ask("govopen_catalogue_dry_run", old_portal.keeper, source=old_portal.source_id)
        assert dry["whole"] and not dry["problem"]
        assert dry["counts"] == old_portal.run()["counts"]


def test_resources_move_in_with_their_ids_and_addresses(old_portal: Catalogue, peer: Peer) -> None:
    portal, department = old_portal.portal, old_portal.department
    one = package(department.name)
    second = {**one["resources"][0], "id": str(uuid.uuid4()), "name": "二"}
    one["resources"].append(second)
    peer.packages = [one]
    assert counts(old_portal.run()) == {"seen": 1, "new": 1}
    old = [resource["id"] for resource in one["resources"]]

    def ids() -> list[str]:
        model.Session.remove()
        shown = portal.call("package_show", department.editor, id=one["id"])
        return [resource["id"] for resource in shown["resources"]]

    assert ids() == old
    portal.call("package_patch", department.editor, id=one["id"], share_class="unconditional")
    portal.approve(department, one["name"])
    for reference in (one["name"], one["id"]):
        page = portal.get(f"/dataset/{reference}/resource/{old[0]}", follow_redirects=True)
        assert page.status_code == 200 and "站點" in page.get_data(as_text=True)
    assert portal.call("resource_show", id=old[1])["name"] == "二"

    # What people add here stays beside them; what the old portal takes away goes, what it adds
    # comes, and nothing is there twice.
    mine = portal.call(
        "resource_create", department.editor, package_id=one["id"], name="本地", format="CSV",
        url="https://data.example.org/own.csv",
    )["id"]  # fmt: skip
    one["title"] = "改名"
    assert counts(old_portal.run()) == {"seen": 1, "changed": 1} and ids() == [*old, mine]
    third = {**second, "id": str(uuid.uuid4()), "name": "三"}
    one["resources"] = [second, third]
    assert counts(old_portal.run()) == {"seen": 1, "changed": 1}
    assert ids() == [second["id"], third["id"], mine]
    one["resources"] = [one["resources"][1]]
    assert counts(old_portal.run()) == {"seen": 1, "changed": 1}
    assert ids() == [third["id"], mine]
    # Withdrawn there and back again: the same ids.
    peer.packages = []
    other = package(department.name)
    peer.packages = [other]
    assert counts(old_portal.run())["withdrawn"] == 1
    peer.packages = [other, one]
    one["resources"] = [one["resources"][0], {**second, "id": str(uuid.uuid4())}]
    old_portal.run()
    assert ids() == [*[resource["id"] for resource in one["resources"]], mine]


def test_a_resource_id_that_is_taken_here_is_refused(old_portal: Catalogue, peer: Peer) -> None:
    portal, department = old_portal.portal, old_portal.department
    link = {"name": "x", "format": "CSV", "url": "https://data.example.org/a.csv"}
    mine = portal.dataset(department, resources=[link, {**link, "name": "y"}])
    there, gone = (resource["id"] for resource in mine["resources"])
    portal.call("resource_delete", department.editor, id=gone)
    peer.packages = [
        package(department.name, resources=[{**link, "id": one}])
        for one in (there, gone, str(uuid.uuid4()))
    ]
    twice = str(uuid.uuid4())
    peer.packages += [package(department.name, resources=[{**link, "id": twice}]) for _ in "ab"]
    report = old_portal.run()
    assert counts(report) == {"seen": 5, "new": 2, "refused": 3}
    model.Session.remove()
    for one in (there, gone):
        row = model.Session.get(model.Resource, one)
        assert row is not None and row.package_id == mine["id"]


def test_another_source_names_no_resource_ids(catalogue: Catalogue) -> None:
    """An id that a record chooses is taken from sources only that may keep identifiers."""
    wanted, row = str(uuid.uuid4()), catalogue.row(1)
    one = {"id": wanted, "name": "x", "format": "CSV", "url": "https://data.example.org/a.csv"}
    record = {
        "code": row.code, "title": "x", "provider": {"name": catalogue.department.name},
        "open": {"open": True}, "acquired": "collected", "distributions": [one],
        "identity": {"id": str(uuid.uuid4()), "name": unique("taken")},
    }  # fmt: skip
    catalogue.portal.call(
        "govopen_catalogue_import", catalogue.keeper, source=catalogue.source_id, records=[record]
    )
    found = catalogue.dataset(row)
    assert found and [one["id"] for one in found["resources"]] != [wanted]


def test_a_name_that_is_taken_here_is_refused_and_nothing_is_overwritten(
    old_portal: Catalogue, peer: Peer
) -> None:
    mine = old_portal.portal.dataset(old_portal.department)
    peer.packages = [
        package(old_portal.department.name, name=mine["name"]),
        package(old_portal.department.name, id=mine["id"]),
        package(old_portal.department.name),
    ]
    assert counts(old_portal.run()) == {"seen": 3, "new": 1, "refused": 2}
    model.Session.remove()
    after = old_portal.portal.call("package_show", old_portal.department.editor, id=mine["id"])
    assert (after["name"], after["title"]) == (mine["name"], mine["title"])


def test_names_and_ids_are_the_authoritys_to_keep(
    portal: Portal, catalogue: Catalogue, make_source: Callable[..., dict[str, Any]]
) -> None:
    department = catalogue.department
    with pytest.raises(Refused) as refused:
        make_source(
            department.editor,
            department.id,
            {"keep_identifiers": True},
            "https://old.example.org",
            "govopen_ckan",
        )
    assert "config" in refused.value.error
    # A record that names an id through another source does not get it.
    wanted = str(uuid.uuid4())
    row = catalogue.row(1)
    record = {
        "code": row.code,
        "title": "x",
        "provider": {"name": department.name},
        "open": {"open": True},
        "acquired": "collected",
        "identity": {"id": wanted, "name": unique("taken")},
    }
    portal.call(
        "govopen_catalogue_import", catalogue.keeper, source=catalogue.source_id, records=[record]
    )
    found = catalogue.dataset(row)
    assert found and found["id"] != wanted and found["name"] == catalogue.name(row)


def test_a_portal_that_answers_nonsense(old_portal: Catalogue, peer: Peer) -> None:
    peer.answer = lambda action, query: (200, [])  # type: ignore[method-assign]
    report = old_portal.run()
    assert report["state"] == "failed" and "CKAN" in report["message"]
    peer.answer = lambda action, query: (  # type: ignore[method-assign]
        200,
        {"count": 10**9, "results": [package("x", id="1" * 8), None, {"tags": 3}]},
    )
    report = old_portal.run()
    assert report["state"] == "failed" and report["counts"].get("new", 0) == 0


# The mapping alone.


def read(found: dict[str, Any], **defaults: Any) -> Record:
    record = parse_record(to_record(found, Defaults.from_json({**DEFAULTS, **defaults})))
    assert isinstance(record, Record), record
    return record


@pytest.mark.parametrize("stated", ["conditional", "unconditional"])
def test_the_class_of_another_portal_is_kept(stated: str) -> None:
    found = package("局", open_class=stated, open_condition="仅供研究", resource_code="A/1")
    record = read(found, condition="x")
    assert (record.code, record.open_class) == ("A/1", stated)
    assert record.open_condition == "仅供研究"


@pytest.mark.parametrize(
    "fields", [{"open_class": "non_open"}, {"private": True}, {"state": "deleted"}]
)
def test_what_is_not_public_there_is_not_open(fields: dict[str, Any]) -> None:
    assert not read(package("局", **fields)).open


def test_what_an_outsider_reads_here_is_what_another_portal_gets(portal: Portal) -> None:
    department = portal.department()
    made = portal.released(department, open_class="conditional", open_condition="仅供研究")
    shown = portal.call("package_search", fq=f'name:"{made["name"]}"')["results"]
    record = read(shown[0])
    assert (record.open_class, record.open_condition) == ("conditional", "仅供研究")
    assert record.code == made["resource_code"] and record.acquired == "collected"
    assert [item.name for item in record.items] == ["编号"]
    assert record.identity and record.identity.id == made["id"]


@pytest.mark.parametrize(
    "wrong",
    [[], {"acquired": "found"}, {"clas": "x"}, {"provider": "x"}, {"condition": 3}],
)
def test_wrong_defaults(wrong: Any) -> None:
    with pytest.raises(DefaultsError):
        Defaults.from_json(wrong)


@pytest.mark.parametrize("key", ["tags", "resources", "info_items", "organization", "notes"])
@pytest.mark.parametrize("value", [3, "x", [3], {"a": []}, None])
def test_nonsense_in_a_dataset_breaks_nothing(key: str, value: Any) -> None:
    parse_record(to_record(package("局", **{key: value}), Defaults()))


def test_a_user_has_no_part_in_it(portal: Portal, make_source: Callable[..., Any]) -> None:
    with pytest.raises(Refused):
        make_source(User.make(), AUTHORITY, {}, "https://old.example.org", "govopen_ckan")
