"""Files of a catalogue come along: fetched, checked, continued, reviewed, never fetched twice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from ckan import model
from ckan.common import config

from ckanext.govopen.domain.catalogue import resource_id
from ckanext.govopen.exchange_demo import days
from ckanext.govopen.exchange_demo.faults import Faults
from ckanext.govopen.exchange_demo.server import Exchange, Settings, running
from ckanext.govopen.harvesters import copy, download, fetch
from ckanext.govopen.logic import catalogue_report, post
from ckanext.govopen.model import copying as table
from ckanext.govopen.model import file as file_model
from ckanext.govopen.model import outbox
from ckanext.govopen.tests.harvesters.conftest import Catalogue
from ckanext.govopen.tests.harvesters.test_exchange import record, serve
from ckanext.govopen.tests.harvesters.test_run import counts
from ckanext.govopen.tests.portal import AUTHORITY, Refused

SECRET = "a-token-that-nobody-may-see"


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (fetch, download):
        monkeypatch.setattr(module, "PAUSE", 0.01)
        monkeypatch.setattr(module, "TRIES", 2)
    monkeypatch.setattr(download, "FILE_SECONDS", 3.0)
    monkeypatch.setattr(copy, "enqueue", lambda payloads: None)
    monkeypatch.setitem(config, "ckanext.govopen.harvest.allow_private_addresses", True)


@pytest.fixture
def settings() -> Settings:
    return Settings(days.Days("test", [], held_back=0), bearer=SECRET)


@pytest.fixture
def server(settings: Settings) -> Iterator[Exchange]:
    with running(settings) as found:
        yield found


@pytest.fixture
def exchange(
    catalogue: Catalogue, make_source: Callable[..., dict[str, Any]], server: Exchange
) -> Catalogue:
    """The catalogue's department, fed by the server, whose files are copied."""
    source = make_source(
        catalogue.keeper,
        AUTHORITY,
        {
            "departments": "all",
            "private_address": True,
            "auth": {"bearer": SECRET},
            "files": "copy",
        },
        server.url,
        "govopen_exchange",
    )
    return replace(catalogue, source_id=source["id"])


def asked(settings: Settings) -> list[str]:
    """What was asked of the files since the last time."""
    lines = [line for line in settings.log if "/files/" in line]
    settings.log.clear()
    return lines


def work(catalogue: Catalogue) -> dict[str, int]:
    done = copy.work(catalogue.source_id, again=False)
    model.Session.remove()
    return done


def progress(catalogue: Catalogue) -> dict[str, Any]:
    model.Session.remove()
    return copy.copy_progress(catalogue.source_id, 10)


def fetched(catalogue: Catalogue, address: str) -> tuple[int, bytes]:
    response = catalogue.portal.request("GET", "/" + address.split("/", 3)[3])
    return response.status_code, response.get_data()


def test_files_come_along_and_are_never_fetched_twice(
    exchange: Catalogue, settings: Settings
) -> None:
    row = exchange.row(1)
    serve(settings, record(row))
    report = exchange.run()
    assert counts(report) == {"seen": 1, "new": 1}, report["message"]
    # Before a file has come, the dataset has none: no address of the departments' network.
    dataset = exchange.dataset(row)
    assert dataset and dataset["resources"] == []
    assert progress(exchange)["waiting"] == 1
    settings.log.clear()
    assert work(exchange) == {"copied": 1, "unchanged": 0, "failed": 0}
    assert len(asked(settings)) == 1
    dataset = exchange.dataset(row)
    content = days.file_of(record(row))
    assert dataset
    (resource,) = dataset["resources"]
    assert resource["id"] == resource_id(row.code, "1")
    assert (resource["url_type"], resource["format"], resource["size"]) == (
        "upload", "CSV", len(content),
    )  # fmt: skip
    found = exchange.portal.call(
        "govopen_catalogue_copies", exchange.keeper, source=exchange.source_id
    )
    assert found == {**progress(exchange), "problems": []}
    assert (found["copied"], found["waiting"], found["failed"]) == (1, 0, 0)
    assert found["bytes"] == found["bytes_held"] == len(content)

    # Public only after the review, and then exactly these bytes.
    assert exchange.public(row) is None
    assert fetched(exchange, resource["url"])[0] in (403, 404)
    exchange.approve(row)
    shown = exchange.public(row)
    assert shown and fetched(exchange, shown["resources"][0]["url"]) == (200, content)

    # The same catalogue, and another title: no byte is asked for again, the file stays.
    assert counts(exchange.run()) == {"seen": 1, "unchanged": 1}
    assert work(exchange) == {"copied": 0, "unchanged": 0, "failed": 0}
    serve(settings, record(replace(row, title="改名"), 2))
    assert counts(exchange.run()) == {"seen": 1, "changed": 1}
    assert work(exchange)["copied"] == 0 and asked(settings) == []
    again = exchange.dataset(row)
    assert again and again["title"] == "改名"
    assert [{**one, "name": "", "metadata_modified": ""} for one in again["resources"]] == [
        {**one, "name": "", "metadata_modified": ""} for one in dataset["resources"]
    ]

    # Another file: fetched at once, public only when approved; a wrong one replaces nothing.
    settings.faults = Faults.from_text(["file-checksum"])
    serve(settings, record(replace(row, title="改名"), 3, data_version=3))
    report = exchange.run()
    assert work(exchange) == {"copied": 0, "unchanged": 0, "failed": 1}
    (problem,) = progress(exchange)["problems"]
    assert problem["code"] == row.code and "SHA-256" in problem["reasons"][0]["message"]
    remark = [one for one in exchange.report(report["id"])["remarks"] if one["kind"] == "file"]
    assert [(one["code"], one["reasons"][0]["rule"]) for one in remark] == [
        (row.code, "file_checksum")
    ]
    held = exchange.dataset(row)
    assert held and held["resources"][0]["hash"] == resource["hash"]
    settings.faults = Faults()
    assert counts(exchange.run()) == {"seen": 1, "unchanged": 1}  # and retried by the next run
    assert work(exchange) == {"copied": 1, "unchanged": 0, "failed": 0}
    newer = exchange.dataset(row)
    assert newer and newer["resources"][0]["hash"] != resource["hash"]
    assert fetched(exchange, shown["resources"][0]["url"]) == (200, content)
    exchange.approve(row)
    assert fetched(exchange, shown["resources"][0]["url"])[1] == days.file_of(
        record(row, data_version=3)
    )

    # A stricter class: the bytes obey it in the same run. Closed: they are gone.
    serve(settings, record(replace(row, condition="仅供研究"), 4, data_version=3))
    exchange.run()
    status, body = fetched(exchange, shown["resources"][0]["url"])
    assert status != 200 and content not in body
    held = exchange.dataset(row)
    assert held and held["open_class"] == "conditional" and work(exchange)["copied"] == 0
    assert held["resources"][0]["url_type"] == "upload"
    serve(settings, record(replace(row, open="否"), 5))
    assert counts(exchange.run()) == {"seen": 1, "withdrawn": 1}
    assert fetched(exchange, shown["resources"][0]["url"])[0] in (403, 404)
    asked(settings)
    # Restored with the file of before: it need not come again.
    serve(settings, record(row, 6, data_version=3))
    exchange.run()
    work(exchange)
    back = exchange.dataset(row)
    assert asked(settings) == [] and back
    assert back["resources"][0]["hash"] == newer["resources"][0]["hash"]
    fact = file_model.current(model.Session, back["id"])[resource["id"]]
    assert fact.sha256 == newer["resources"][0]["hash"]


def test_without_checksums_the_server_is_asked_and_sends_nothing_that_is_here(
    exchange: Catalogue, settings: Settings
) -> None:
    row = exchange.row(1)
    settings.faults = Faults.from_text(["file-unsaid"])
    serve(settings, record(row))
    exchange.run()
    assert work(exchange)["copied"] == 1
    asked(settings)
    exchange.run()
    assert progress(exchange)["waiting"] == 1
    assert work(exchange) == {"copied": 0, "unchanged": 1, "failed": 0}
    (line,) = asked(settings)
    assert '" 304 ' in line
    # A server that knows neither ETag nor conditions: fetched, compared, and nothing is written.
    settings.faults = Faults.from_text(["file-unsaid", "file-whole"])
    before = exchange.dataset(row)
    exchange.run()
    assert work(exchange) == {"copied": 0, "unchanged": 1, "failed": 0}
    assert exchange.dataset(row) == before


def test_what_broke_off_is_continued(exchange: Catalogue, settings: Settings) -> None:
    row = exchange.row(1)
    settings.faults = Faults.from_text(["file-cut:2"])
    serve(settings, record(row))
    exchange.run()
    asked(settings)
    assert work(exchange) == {"copied": 0, "unchanged": 0, "failed": 1}
    assert all('" 200 ' in line for line in asked(settings))
    assert progress(exchange)["problems"][0]["reasons"][0]["rule"] == "file_unreachable"
    exchange.run()
    asked(settings)
    assert work(exchange)["copied"] == 1
    (line,) = asked(settings)
    assert '" 206 ' in line
    # A piece of a file that is another one meanwhile is thrown away.
    settings.faults = Faults.from_text(["file-cut:2"])
    serve(settings, record(row, 2, data_version=2))
    exchange.run()
    assert work(exchange)["failed"] == 1
    serve(settings, record(row, 3, data_version=3))
    exchange.run()
    assert work(exchange)["copied"] == 1
    model.Session.remove()
    dataset = exchange.dataset(row)
    fact = file_model.current(model.Session, dataset["id"])  # type: ignore[index]
    content = days.file_of(record(row, data_version=3))
    assert [one.size for one in fact.values()] == [len(content)]


@pytest.mark.parametrize(
    "fault, rule",
    [
        ("file-missing", "file_status"),
        ("file-redirect", "file_private"),
        ("file-huge", "file_too_large"),
        ("file-slow", "file_too_slow"),
        ("file-busy", "file_status"),
        ("file-down", "file_unreachable"),
    ],
)
def test_a_file_that_cannot_be_had(
    exchange: Catalogue,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    rule: str,
) -> None:
    monkeypatch.setattr(download, "FILE_SECONDS", 1.0)
    monkeypatch.setitem(config, "ckan.max_resource_size", 2)
    row = exchange.row(1)
    settings.faults = Faults.from_text([fault])
    serve(settings, record(row))
    exchange.run()
    assert work(exchange) == {"copied": 0, "unchanged": 0, "failed": 1}
    assert progress(exchange)["problems"][0]["reasons"][0]["rule"] == rule
    dataset = exchange.dataset(row)
    assert dataset and dataset["resources"] == []


def test_a_silent_server_is_left_alone_and_private_hosts_are_the_sources_own(
    exchange: Catalogue, settings: Settings, make_source: Callable[..., Any]
) -> None:
    rows = [exchange.row(number) for number in range(8)]
    settings.faults = Faults.from_text(["file-down"])
    serve(settings, *(record(row) for row in rows))
    report = exchange.run()
    assert work(exchange) == {"copied": 0, "unchanged": 0, "failed": 8}
    remarks = [one for one in exchange.report(report["id"])["remarks"] if one["kind"] == "file"]
    assert len(remarks) == copy.IN_A_ROW + 1 and remarks[-1]["reasons"][0]["rule"] == "file_silent"
    # Only one worker for a source at a time.
    with copy._alone(exchange.source_id) as mine:
        assert mine and work(exchange) == {"copied": 0, "unchanged": 0, "failed": 0}
    # localhost is as private as 127.0.0.1, and is not the source's own host.
    server = exchange.portal.call("harvest_source_show", exchange.keeper, id=exchange.source_id)
    other = {
        "id": "1", "name": "x", "format": "CSV",
        "url": server["url"].replace("127.0.0.1", "localhost") + "/files/x.csv",
    }  # fmt: skip
    plain = make_source(
        exchange.keeper, AUTHORITY, {"departments": "all", "files": "copy",
        "defaults": {"acquired": "collected"}},
    )  # fmt: skip
    settings.faults = Faults()
    asked(settings)
    for source, number, url in (
        (exchange.source_id, 20, other["url"]),
        (plain["id"], 21, server["url"] + "/files/x.csv"),
        (plain["id"], 22, "file:///etc/passwd"),
    ):
        row = exchange.row(number)
        exchange.portal.call(
            "govopen_catalogue_import",
            exchange.keeper,
            source=source,
            records=[record(row, distributions=[{**other, "url": url}])],
        )
        copy.work(source, again=False)
        problems = {one["code"]: one for one in copy.copy_progress(source, 50)["problems"]}
        assert problems[row.code]["reasons"][0]["rule"] in (
            "file_private",
            "file_internal_name",
            "file_scheme",
        )
    assert not [line for line in asked(settings) if "x.csv" in line]
    assert not any(SECRET in str(one) for one in problems.values())


class _Elsewhere(BaseHTTPRequestHandler):
    """Something else that listens on the machine of the files; ``/to/PORT`` leads to that port."""

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        reached: list[str] = self.server.reached  # type: ignore[attr-defined]
        reached.append(self.path)
        content = b"name,count\nx,1\n"
        leads = self.path.startswith("/to/")
        self.send_response(302 if leads else 200)
        if leads:
            port = self.path.split("/")[2]
            self.send_header("Location", f"http://127.0.0.1:{port}/x.csv")
        self.send_header("Content-Length", str(0 if leads else len(content)))
        self.end_headers()
        self.wfile.write(b"" if leads else content)


@pytest.fixture
def elsewhere() -> Iterator[list[ThreadingHTTPServer]]:
    """Two more servers of this machine."""
    found = [ThreadingHTTPServer(("127.0.0.1", 0), _Elsewhere) for _ in range(2)]
    for one in found:
        one.reached = []  # type: ignore[attr-defined]
        threading.Thread(target=one.serve_forever, args=(0.05,), daemon=True).start()
    yield found
    for one in found:
        one.shutdown()
        one.server_close()


def test_another_port_of_a_private_host_is_another_server(
    catalogue: Catalogue,
    make_source: Callable[..., dict[str, Any]],
    elsewhere: list[ThreadingHTTPServer],
) -> None:
    """Whoever writes the records or answers for the files must not reach what else is there."""
    _own, other = elsewhere
    here, there = (one.server_address[1] for one in elsewhere)
    reached: list[str] = other.reached  # type: ignore[attr-defined]
    for hosts, number in (([], 1), ([f"127.0.0.1:{there}"], 2)):
        source = make_source(
            catalogue.keeper,
            AUTHORITY,
            {"departments": "all", "private_address": True, "file_hosts": hosts, "files": "copy"},
            f"http://127.0.0.1:{here}",
            "govopen_exchange",
        )
        paths = (f"{here}/x.csv", f"{there}/x.csv", f"{here}/to/{there}/x.csv")
        rows = [catalogue.row(number * 10 + at) for at in range(len(paths))]
        records = [
            record(
                row, distributions=[{"id": "1", "format": "CSV", "url": f"http://127.0.0.1:{at}"}]
            )
            for row, at in zip(rows, paths, strict=True)
        ]
        catalogue.portal.call(
            "govopen_catalogue_import", catalogue.keeper, source=source["id"], records=records
        )
        done = copy.work(source["id"], again=False)
        problems = {
            one["code"]: one["reasons"][0]["rule"]
            for one in copy.copy_progress(source["id"], 10)["problems"]
        }
        if hosts:
            assert done["copied"] == 3 and problems == {} and reached == ["/x.csv"] * 2
        else:
            assert done == {"copied": 1, "unchanged": 0, "failed": 2} and reached == []
            assert problems == {row.code: "file_private" for row in rows[1:]}
    # Nor does the reading of a catalogue or of a table follow a redirect there.
    for kind, more in (
        ("govopen_exchange", {}),
        ("govopen_ckan", {}),
        ("govopen_spreadsheet", {"defaults": {"acquired": "collected"}}),
    ):
        reached.clear()
        url = f"http://127.0.0.1:{here}/to/{there}/{kind}"
        wanted = {"departments": "all", "private_address": True, **more}
        source = make_source(catalogue.keeper, AUTHORITY, wanted, url, kind)
        report = replace(catalogue, source_id=source["id"]).run()
        assert report["state"] == "failed" and reached == [], (kind, report)


def mails(catalogue: Catalogue) -> list[dict[str, Any]]:
    """What is noted to be mailed about the source; forgets it."""
    model.Session.remove()
    rows = model.Session.query(outbox.OutboxRow).filter_by(kind="mail").all()
    mine = [row for row in rows if row.payload.get("source") == catalogue.source_id]
    found = [row.payload for row in mine]
    for row in mine:
        model.Session.delete(row)
    model.Session.commit()
    return found


def test_keepers_are_told_once_for_a_run_of_the_files_that_failed_after_it(
    exchange: Catalogue, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [exchange.row(number) for number in range(12)]
    settings.faults = Faults.from_text(["file-missing"])
    serve(settings, *(record(row) for row in rows))
    run = exchange.run()["id"]
    assert mails(exchange) == [], "the run itself went well, and no file was tried yet"
    # The worker is ended before it comes to its end: nobody is told yet, and then once.
    monkeypatch.setattr(copy.Worker, "work", interrupted(copy.Worker.work, after=5))
    assert work(exchange)["failed"] == 5
    assert mails(exchange) == []
    monkeypatch.undo()
    monkeypatch.setattr(copy, "enqueue", lambda payloads: None)
    monkeypatch.setitem(config, "ckanext.govopen.harvest.allow_private_addresses", True)
    assert work(exchange)["failed"] == 7
    told = mails(exchange)
    assert {one["template"] for one in told} == {"harvest-files"} and len(told) == 1
    (mail,) = told
    assert (mail["run"], mail["said"]["number"]) == (run, 12)
    named = mail["said"]["codes"].split(", ")
    assert named[0] == rows[0].code and named[-1] == f"{rows[9].code} …" and len(named) == 10
    # Whatever is tried again for this run, and the same failures in the next run: no word.
    work(exchange)
    assert exchange.run()["state"] == "finished" and work(exchange)["failed"] == 12
    assert mails(exchange) == []
    # Another one that fails beside them is told of.
    serve(settings, *(record(row) for row in [*rows, exchange.row(12)]))
    exchange.run()
    assert work(exchange)["failed"] == 13
    (mail,) = mails(exchange)
    assert mail["said"]["number"] == 13

    # What it says, without any title.
    sent: list[str] = []
    monkeypatch.setattr(
        "ckan.lib.mailer.mail_user", lambda user, subject, body: sent.append(f"{subject}\n{body}")
    )
    post.send([mail])
    assert rows[0].code in sent[0] and "13" in sent[0] and f"?run={mail['run']}" in sent[0]
    assert rows[0].title not in sent[0]


def interrupted(work: Callable[..., None], after: int) -> Callable[..., None]:
    """A worker's work that ends after so many files, as if its time were over."""

    def some(self: copy.Worker, done: dict[str, int]) -> None:
        one = self._one

        def counted(row: Any) -> bool:
            if done["failed"] + 1 >= after:
                self._end = 0.0
            return one(row)

        self._one = counted  # type: ignore[method-assign]
        work(self, done)

    return some


def test_a_worker_that_died_before_it_told_is_made_up_for(
    exchange: Catalogue, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.faults = Faults.from_text(["file-missing"])
    serve(settings, record(exchange.row(1)))
    exchange.run()
    with monkeypatch.context() as killed:
        killed.setattr(catalogue_report, "tell_files", lambda source_id: None)
        assert work(exchange)["failed"] == 1
    model.Session.remove()
    assert exchange.source_id in table.sources_waiting(model.Session)
    assert work(exchange) == {"copied": 0, "unchanged": 0, "failed": 0}
    assert [one["template"] for one in mails(exchange)] == ["harvest-files"]
    assert exchange.source_id not in table.sources_waiting(model.Session)


def test_a_held_file_with_a_column_that_closes_is_let_go(
    exchange: Catalogue, settings: Settings
) -> None:
    row = exchange.row(1)
    serve(settings, record(row))
    exchange.run()
    assert work(exchange)["copied"] == 1
    # Closed in the very version that names a file without the column, which cannot be had yet.
    settings.faults = Faults.from_text(["file-missing"])
    closed = record(row, 2, data_version=2)
    closed["items"][1]["open"] = False
    serve(settings, closed)
    exchange.run()
    work(exchange)
    dataset = exchange.dataset(row)
    assert dataset and dataset["resources"] == []


def test_the_setting(make_source: Callable[..., Any], exchange: Catalogue) -> None:
    for wrong in ({"files": "both"}, {"file_hosts": ["10.0.0.1"]}, {"file_hosts": "x"}):
        with pytest.raises(Refused) as refused:
            make_source(exchange.keeper, AUTHORITY, wrong, "https://a.example.org", "govopen_ckan")
        assert "config" in refused.value.error
