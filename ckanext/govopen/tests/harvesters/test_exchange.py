"""Whole runs of an exchange catalogue on the running portal; its secrets, its turns."""

from __future__ import annotations

import json
import logging
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from ckan import model
from ckan.common import config
from ckanext.harvest.model import HarvestObject, HarvestSource
from ckanext.harvest.queue import fetch_and_import_stages, get_harvester

from ckanext.govopen.exchange_demo import days
from ckanext.govopen.exchange_demo.faults import Faults
from ckanext.govopen.exchange_demo.server import Exchange, Settings, running
from ckanext.govopen.harvesters import batch as batches
from ckanext.govopen.harvesters import fetch
from ckanext.govopen.harvesters import run as runs
from ckanext.govopen.logic import turns
from ckanext.govopen.tests.harvesters.conftest import Catalogue, Row
from ckanext.govopen.tests.harvesters.test_run import counts, remarks
from ckanext.govopen.tests.portal import AUTHORITY, Portal, User, unique

SECRET = "a-token-that-nobody-may-see"


def record(row: Row, version: int = 1, **fields: Any) -> dict[str, Any]:
    """A row as the exchange catalogue has it."""
    return {
        "code": row.code,
        "version": version,
        "updated": days.moment(0),
        "deleted": False,
        "title": row.title,
        "summary": row.summary,
        "provider": {"name": row.provider},
        "items": [{"name": name, "type": kind, "open": True} for name, kind in row.items],
        "share": {"class": row.share},
        "open": {"open": row.open == "是", "condition": row.condition, "class": None},
        "cycle": row.cycle,
        "acquired": "collected",
        **fields,
    }


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "PAUSE", 0.01)
    monkeypatch.setattr(fetch, "REQUEST_SECONDS", 5.0)
    monkeypatch.setattr(fetch, "TRIES", 2)
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
    """The catalogue's department, fed by the server."""
    source = make_source(
        catalogue.keeper,
        AUTHORITY,
        {
            "departments": "all",
            "private_address": True,
            "auth": {"bearer": SECRET},
            "page": 3,
        },
        server.url,
        "govopen_exchange",
    )
    return replace(catalogue, source_id=source["id"])


def serve(settings: Settings, *records: dict[str, Any]) -> None:
    with settings.lock:
        settings.catalogue.serve(records)


def test_days_of_a_catalogue(exchange: Catalogue, settings: Settings) -> None:
    rows = [exchange.row(number) for number in range(8)]
    rows[1] = replace(rows[1], condition="仅供研究")
    serve(settings, *(record(row) for row in rows), record(replace(exchange.row(8), open="否")))
    report = exchange.run()
    assert counts(report) == {"seen": 9, "new": 8, "unchanged": 1} and report["complete"]
    exchange.approve(*rows[:5])

    # Nothing changed: no page is sent again, and nothing is touched.
    settings.log.clear()
    assert counts(exchange.run()) == {"seen": 9, "unchanged": 9}
    assert settings.log and all('" 304 ' in line for line in settings.log)

    # Closed, deleted, no longer there, stricter, changed, new: each has its effect at once.
    serve(
        settings,
        record(replace(rows[0], open="否"), 2),
        record(rows[1], 1),
        record(replace(rows[2], condition="仅供研究"), 2),
        record(rows[3], 2, deleted=True),
        record(replace(rows[4], title="改名"), 2),
        *(record(row) for row in rows[5:7]),
        record(exchange.row(9)),
    )
    report = exchange.run()
    assert exchange.public(rows[0]) is None and exchange.public(rows[3]) is None
    assert exchange.dataset(rows[7]) is None or exchange.dataset(rows[7])["state"] == "deleted"  # type: ignore[index]
    public = exchange.public(rows[2])
    assert public and public["open_class"] == "conditional"
    assert exchange.dataset(rows[4])["title"] == "改名"  # type: ignore[index]
    # The tombstone is not in a full reading, so both count as missing.
    found = counts(report)
    assert found["withdrawn"] == 3 and found["missing"] == 2 and found["new"] == 1
    assert {rows[3].code, rows[7].code} <= set(remarks(report, "withdrawn"))


def test_a_try_and_a_dry_run_read_it_as_a_run_does(
    exchange: Catalogue, settings: Settings, server: Exchange
) -> None:
    """Before anything was read, with what the last run left, and with changes."""
    ask = exchange.portal.call
    rows = [exchange.row(number) for number in range(7)]
    serve(settings, *(record(row) for row in rows), record(replace(exchange.row(7), open="否")))
    wanted = {
        "url": server.url,
        "source_type": "govopen_exchange",
        "owner_org": AUTHORITY,
        "config": json.dumps(
            {"departments": "all", "private_address": True, "auth": {"bearer": SECRET}, "page": 3}
        ),
    }
    trial = ask("govopen_catalogue_try", exchange.keeper, **wanted)
    assert trial["works"], trial["problem"]
    assert {one["kind"] for one in trial["samples"]} == {"new", "closed"}
    refused = ask("govopen_catalogue_try", exchange.keeper, **wanted | {"config": "{}"})
    assert not refused["works"] and refused["problem"], "no private address without the power"

    def dry() -> dict[str, Any]:
        found = ask("govopen_catalogue_dry_run", exchange.keeper, source=exchange.source_id)
        assert found["whole"] and not found["problem"]
        return {key: number for key, number in found["counts"].items() if number}

    for _ in range(2):
        foretold = dry()
        assert foretold == counts(exchange.run())
    serve(settings, *(record(row, 2, title="新的标题") for row in rows[:2]), record(rows[2]))
    settings.log.clear()
    foretold = dry()
    assert foretold["changed"] == 2 and foretold["withdrawn"] == 4
    assert foretold == counts(exchange.run())


def test_what_moved_while_it_was_read_is_asked_for_and_stays(
    exchange: Catalogue, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [exchange.row(number) for number in range(6)]
    serve(settings, *map(record, rows))
    exchange.run()
    hidden = rows[5].code
    since = settings.catalogue.since
    monkeypatch.setattr(
        settings.catalogue,
        "since",
        lambda start: (one for one in since(start) if one["code"] != hidden),
    )
    report = exchange.run()
    assert counts(report) == {"seen": 6, "unchanged": 6}
    assert exchange.dataset(rows[5])["state"] == "active"  # type: ignore[index]


@pytest.mark.parametrize("dry", [True, False])
def test_what_nobody_knows_and_moved_while_it_was_read_is_found(
    exchange: Catalogue, settings: Settings, dry: bool
) -> None:
    """At the ends of pages of three records two fall through; there is nothing to ask for."""
    rows = [exchange.row(number) for number in range(9)]
    serve(settings, *map(record, rows))
    settings.faults = Faults.from_text(["move"])
    if dry:
        found = exchange.portal.call(
            "govopen_catalogue_dry_run", exchange.keeper, source=exchange.source_id
        )
        assert (found["counts"]["seen"], found["counts"]["new"]) == (9, 9)
        return
    assert counts(exchange.run()) == {"seen": 9, "new": 9}
    # One that was withdrawn and comes again is as unknown as a new one.
    closed = [record(row, 2) for row in rows]
    closed[5]["open"]["open"] = closed[6]["open"]["open"] = False
    settings.faults = Faults()
    serve(settings, *closed)
    assert counts(exchange.run())["withdrawn"] == 2
    settings.faults = Faults.from_text(["move"])
    serve(settings, *(record(row, 3) for row in rows))
    assert counts(exchange.run())["new"] == 2


def test_a_total_that_lies_costs_a_second_reading_and_changes_no_figure(
    exchange: Catalogue, settings: Settings
) -> None:
    rows = [exchange.row(number) for number in range(4)]
    nameless = record(exchange.row(5))
    nameless["code"] = ""
    serve(settings, *map(record, rows), nameless)
    settings.faults = Faults.from_text(["total"])
    report = exchange.run()
    assert counts(report) == {"seen": 5, "new": 4, "refused": 1}
    assert len([one for one in report["remarks"] if one["kind"] == "refused"]) == 1
    assert counts(exchange.run()) == {"seen": 5, "unchanged": 4, "refused": 1}


def test_a_source_that_breaks_off_keeps_what_it_did_and_concludes_nothing(
    exchange: Catalogue, settings: Settings, server: Exchange
) -> None:
    rows = [exchange.row(number) for number in range(6)]
    serve(settings, *map(record, rows))
    exchange.run()
    exchange.approve(rows[0], rows[5])
    closed = record(replace(rows[0], open="否"), 2)
    serve(settings, closed, *map(record, rows[1:3]), *map(record, map(exchange.row, range(6, 9))))
    # The first page comes, the second one never does.
    settings.faults = Faults.from_text(["error"])
    settings.faults.take = _after(1)  # type: ignore[method-assign]
    report = exchange.run()
    assert report["state"] == "failed" and "500" in report["message"]
    assert not report["complete"] and server.url not in report["message"]
    assert exchange.public(rows[0]) is None and exchange.public(rows[5])
    settings.faults = Faults()
    report = exchange.run()
    assert report["state"] == "finished" and report["complete"]
    assert exchange.public(rows[5]) is None and report["counts"]["new"] == 3


def _after(good: int) -> Callable[[str], bool]:
    asked = {"pages": 0}

    def take(name: str) -> bool:
        if name == "down":
            asked["pages"] += 1
        return name == "error" and asked["pages"] > good

    return take


@pytest.mark.parametrize("fault", ["empty", "short"])
def test_too_little_to_be_true_withdraws_nothing(
    exchange: Catalogue, settings: Settings, fault: str
) -> None:
    rows = [exchange.row(number) for number in range(15)]
    serve(settings, *map(record, rows))
    exchange.run()
    settings.faults = Faults.from_text([fault])
    report = exchange.run()
    assert report["held"] and report["counts"]["withdrawn"] == 0 and report["message"]
    assert exchange.dataset(rows[14])["state"] == "active"  # type: ignore[index]


def test_only_changes_are_asked_for_between_full_readings(
    exchange: Catalogue, settings: Settings
) -> None:
    source = exchange.portal.call("package_show", exchange.keeper, id=exchange.source_id)
    wanted = {**json.loads(source["config"]), "full_every": 7}
    _configure(exchange, wanted)
    rows = [exchange.row(number) for number in range(4)]
    serve(settings, *map(record, rows))
    exchange.run()
    settings.catalogue._day = 1
    settings.catalogue.alter(rows[0].code, title="改名", version=2, updated=days.moment(1))
    settings.catalogue.alter(rows[1].code, deleted=True, version=2, updated=days.moment(1))
    settings.log.clear()
    report = exchange.run()
    assert all("since=" in line for line in settings.log)
    # What is as old as the last snapshot comes once more: it may have come while it was made.
    assert counts(report) == {"seen": 4, "changed": 1, "withdrawn": 1, "unchanged": 2}
    assert not report["complete"] and report["state"] == "finished"


def _configure(exchange: Catalogue, wanted: Any, **fields: Any) -> Any:
    source = exchange.portal.call("package_show", exchange.keeper, id=exchange.source_id)
    return exchange.portal.ask(
        "package_patch",
        {
            "id": source["id"],
            "url": source["url"],
            "source_type": source["source_type"],
            "config": wanted if isinstance(wanted, str) else json.dumps(wanted),
            **fields,
        },
        exchange.keeper,
    )


def test_credentials_are_shown_nowhere(
    exchange: Catalogue, settings: Settings, server: Exchange, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    portal, keeper = exchange.portal, exchange.keeper
    serve(settings, record(exchange.row(1)))
    report = exchange.run()
    assert report["state"] == "finished"
    settings.bearer = "another"
    refused = exchange.run()
    assert refused["state"] == "failed" and "401" in refused["message"]
    source = portal.call("package_show", keeper, id=exchange.source_id)
    texts = [
        json.dumps([report, refused, source]),
        json.dumps(portal.call("harvest_source_show", keeper, id=exchange.source_id)),
        json.dumps(portal.call("package_activity_list", keeper, id=exchange.source_id)),
        *(
            portal.get(page, keeper).get_data(as_text=True)
            for page in (f"/harvest/{source['name']}", f"/harvest/edit/{source['name']}")
        ),
        caplog.text,
    ]
    model.Session.remove()
    stored: Any = model.Session.get(HarvestSource, exchange.source_id)
    texts.append(stored.config)
    assert not [text for text in texts if SECRET in text]
    assert "sealed:" in stored.config


def test_a_credential_goes_to_its_own_server_only(exchange: Catalogue) -> None:
    source = exchange.portal.call("package_show", exchange.keeper, id=exchange.source_id)
    answer = _configure(exchange, source["config"], url="http://127.0.0.1:9/other")
    assert answer.status_code == 409 and "config" in answer.get_json()["error"]
    # The same address, or the credential typed in again: both are well.
    assert _configure(exchange, source["config"]).status_code == 200
    plain = {**json.loads(source["config"]), "auth": {"bearer": SECRET}}
    assert _configure(exchange, plain, url="http://127.0.0.1:9/other").status_code == 200


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"auth": {"bearer": ""}}, "auth"),
        ({"auth": {"basic": "x"}}, "bearer"),
        ({"auth": {"hmac": {"secret": "x"}}}, "client_id"),
        ({"page": 0}, "page"),
        ({"columns": {}}, "columns"),
        ({"full_every": "daily"}, "full_every"),
    ],
)
def test_a_wrong_configuration_is_refused_with_its_key(
    portal: Portal, make_source: Callable[..., Any], keeper: User, wrong: Any, said: str
) -> None:
    answer = portal.ask(
        "harvest_source_create",
        {
            "name": unique("source"),
            "title": "x",
            "url": "https://exchange.example.org",
            "source_type": "govopen_exchange",
            "owner_org": AUTHORITY,
            "frequency": "MANUAL",
            "config": json.dumps(wrong),
        },
        keeper,
    )
    assert answer.status_code == 409 and said in json.dumps(answer.get_json()["error"])


def test_private_addresses_need_their_power(
    exchange: Catalogue, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(settings, record(exchange.row(1)))
    monkeypatch.setitem(config, "ckanext.govopen.harvest.allow_private_addresses", False)
    report = exchange.run()
    assert report["state"] == "failed" and report["counts"]["seen"] == 0
    assert not settings.log


def test_a_batch_of_an_overtaken_run_is_left_alone(exchange: Catalogue, settings: Settings) -> None:
    row = exchange.row(1)
    serve(settings, record(row))
    old = exchange.begin()
    (late,) = exchange.gather(old)
    exchange.portal.call("harvest_job_abort", exchange.portal.operator, id=old)
    serve(settings, record(replace(row, title="新"), 2))
    exchange.run()
    batch: Any = HarvestObject.get(late)
    if batch is not None:
        batches.import_batch(batch)
    assert exchange.dataset(row)["title"] == "新"  # type: ignore[index]


def test_two_runs_of_a_source_take_turns(monkeypatch: pytest.MonkeyPatch, portal: Portal) -> None:
    monkeypatch.setattr(turns, "WAIT", 0.2)
    monkeypatch.setattr(turns, "LOOK", 0.05)
    name, said = unique("source"), []

    def second() -> None:
        try:
            with turns.alone(name):
                said.append("both")
        except turns.Busy as error:
            said.append(str(error))

    with turns.alone(name):
        other = threading.Thread(target=second)
        other.start()
        other.join(10)
    assert said and said != ["both"]
    with turns.shared(name), turns.shared(name), pytest.raises(turns.Busy), turns.alone(name):
        pass
    with turns.alone(name):
        pass


#: What happens on a day: a fault that a run survives, one that ends it, consumers that die.
CHANCES = ("", "repeat", "move", "total", "busy:1", "error:9", "died", "died")


def test_days_with_random_faults_and_dead_consumers(
    exchange: Catalogue, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random("days")
    monkeypatch.setattr(runs, "BATCH", 4)
    monkeypatch.setattr(
        days, "SHARES", {"text": 0.1, "condition": 0.1, "class": 0.1, "close": 0.1, "delete": 0.06}
    )
    base = [record(exchange.row(number)) for number in range(16)]
    settings.catalogue = days.Days("days", base, held_back=0.3)
    for day in range(6):
        with settings.lock:
            settings.catalogue.to(day)
        happens = chance.choice(CHANCES) if day else "died"
        settings.faults = Faults.from_text([happens] if happens not in ("", "died") else [])
        if happens == "died":
            job = exchange.begin()
            for object_id in exchange.gather(job)[::2]:
                found: Any = HarvestObject.get(object_id)
                fetch_and_import_stages(get_harvester(found.source.type), found)
            exchange.portal.call("harvest_job_abort", exchange.portal.operator, id=job)
            report = exchange.run()
        else:
            report = exchange.run()
            if happens == "error:9":
                assert report["state"] == "failed"
                settings.faults = Faults()
                report = exchange.run()
        assert report["state"] == "finished" and not report["held"], (day, happens, report)
        assert _listed(exchange) == _wanted(settings), (day, happens)


def _listed(exchange: Catalogue) -> dict[str, tuple[str, str]]:
    """Code -> class and text of what is on the portal, in review or public."""
    model.Session.remove()
    names = model.Session.query(model.Package.name).filter_by(
        owner_org=exchange.department.id, type="dataset", state="active"
    )
    shown = [
        exchange.portal.call("package_show", exchange.department.editor, id=row.name)
        for row in names.all()
    ]
    return {one["resource_code"]: (one["open_class"], one["notes"]) for one in shown}


def _wanted(settings: Settings) -> dict[str, tuple[str, str]]:
    """The open subset of the catalogue."""
    return {
        code: (
            "conditional" if one["open"]["class"] or one["open"]["condition"] else "unconditional",
            one["summary"],
        )
        for code, one in settings.catalogue.records.items()
        if one["open"]["open"] and not one["deleted"]
    }
