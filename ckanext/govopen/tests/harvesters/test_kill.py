"""Processes die in the middle of a run, and the queue is lost: the next round goes on from there.

Consumers run in forked children that kill themselves; what is left in Valkey and in the database
is taken up by what the scheduler does every minute.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
import sqlalchemy as sa
from ckan import model
from ckan.common import config
from ckanext.harvest import queue
from ckanext.harvest.model import HarvestJob, HarvestObject
from sqlalchemy import Engine, event

from ckanext.govopen.exchange_demo import days
from ckanext.govopen.exchange_demo.server import Exchange, Settings, running
from ckanext.govopen.harvesters import run as runs
from ckanext.govopen.logic import command, deliver, turns
from ckanext.govopen.logic.catalogue_import import SOON
from ckanext.govopen.search import compare
from ckanext.govopen.tests.application.test_killed import child_of
from ckanext.govopen.tests.harvesters.conftest import Catalogue, Row
from ckanext.govopen.tests.harvesters.test_exchange import record
from ckanext.govopen.tests.harvesters.test_run import counts, remarks
from ckanext.govopen.tests.portal import AUTHORITY

COUNT = 10
#: Commits that a consumer makes at least; what is written together needs fewer of them.
LEAST = 8


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(runs, "BATCH", 4)
    monkeypatch.setitem(config, "ckanext.govopen.harvest.allow_private_addresses", True)
    queue.purge_queues()
    yield
    queue.purge_queues()


@pytest.fixture
def settings() -> Settings:
    return Settings(days.Days("test", [], held_back=0))


@pytest.fixture
def server(settings: Settings) -> Iterator[Exchange]:
    with running(settings) as found:
        yield found


@pytest.fixture
def rows(
    catalogue: Catalogue,
    make_source: Callable[..., dict[str, Any]],
    settings: Settings,
    server: Exchange,
) -> list[Row]:
    """The records of a source that has not been read yet."""
    wanted = {"departments": "all", "private_address": True}
    made = make_source(catalogue.keeper, AUTHORITY, wanted, server.url, "govopen_exchange")
    catalogue.source_id = made["id"]
    found = [catalogue.row(number) for number in range(COUNT)]
    settings.catalogue.serve(record(row) for row in found)
    return found


def start(catalogue: Catalogue) -> str:
    made = catalogue.portal.call(
        "harvest_job_create", catalogue.keeper, source_id=catalogue.source_id
    )
    return made["id"]


def consume(kind: str, most: int = 100) -> int:
    """What is in a queue, as a consumer takes it; how much it was."""
    get, callback = {
        "gather": (queue.get_gather_consumer, queue.gather_callback),
        "fetch": (queue.get_fetch_consumer, queue.fetch_callback),
    }[kind]
    for done in range(most):
        consumer = get()
        method, header, body = consumer.basic_get(kind)
        if body is None:
            return done
        callback(consumer, method, header, body)
    return most


def dying(kind: str, point: int) -> bool:
    """A consumer that dies at a commit of this number; did it?"""

    def work(die: Callable[[], None], _tell: Callable[[str], Any]) -> None:
        passed = 0

        def one_more(_: Any) -> None:
            nonlocal passed
            passed += 1
            if passed == point:
                die()

        event.listen(cast(Engine, model.Session.get_bind()), "commit", one_more)
        consume(kind)

    return child_of(work)[0]


def next_round(catalogue: Catalogue) -> None:
    """What the scheduler does, and the consumers after it."""
    for _ in range(2):
        catalogue.portal.call(
            "harvest_jobs_run", catalogue.portal.operator, source_id=catalogue.source_id
        )
        consume("gather")
        consume("fetch")
    catalogue.portal.call(
        "harvest_jobs_run", catalogue.portal.operator, source_id=catalogue.source_id
    )
    deliver.due_now(command.now() + 2 * SOON)
    model.Session.remove()


def is_whole(catalogue: Catalogue, rows: list[Row], job: str) -> None:
    """The run came to its end; every record is there once and whole, in index and database."""
    model.Session.remove()
    report = catalogue.report(job)
    assert report["state"] == "finished", report
    found = model.Session.execute(
        sa.select(model.Package.id, model.Package.name).where(
            model.Package.owner_org == catalogue.department.id, model.Package.type == "dataset"
        )
    ).all()
    assert sorted(row.name for row in found) == sorted(catalogue.name(row) for row in rows)
    for row in rows:
        shown = catalogue.dataset(row)
        assert shown and (shown["title"], shown["resource_code"]) == (row.title, row.code)
        assert shown["info_items"] and shown["organization"]["id"] == catalogue.department.id
    mine = {row.id for row in found}
    assert [one for one in compare.check() if one.package_id in mine] == []
    state: Any = model.Session.get(HarvestJob, job)
    assert state.status == "Finished"


@pytest.mark.parametrize(
    ("kind", "point"),
    [
        ("fetch", 5),
        *(
            pytest.param(kind, point, marks=pytest.mark.long)
            for kind in ("gather", "fetch")
            for point in range(1, 14)
        ),
    ],
)
def test_a_consumer_is_killed_in_its_work(
    catalogue: Catalogue, rows: list[Row], kind: str, point: int
) -> None:
    job = start(catalogue)
    if kind == "fetch":
        consume("gather")
    # After its last commit there is nothing left to be killed at.
    assert dying(kind, point) or point > LEAST
    next_round(catalogue)
    is_whole(catalogue, rows, job)
    again = catalogue.run()
    assert counts(again) == {"seen": COUNT, "unchanged": COUNT}


def test_what_lay_in_the_queue_only_is_queued_again(
    catalogue: Catalogue, rows: list[Row], settings: Settings
) -> None:
    job = start(catalogue)
    queue.get_connection_redis().flushdb()
    next_round(catalogue)
    is_whole(catalogue, rows, job)

    # The same after the source was read, with a batch that a dead consumer had taken.
    for row in rows:
        row.title += "改"
    with settings.lock:
        settings.catalogue.serve(record(row, 2) for row in rows)
    job = start(catalogue)
    consume("gather")
    taken = model.Session.query(HarvestObject).filter_by(harvest_job_id=job, state="WAITING")
    first: Any = taken.first()
    first.state = "IMPORT"
    first.save()
    queue.get_connection_redis().flushdb()
    next_round(catalogue)
    is_whole(catalogue, rows, job)


def test_a_job_that_was_never_sent_is_sent_by_the_next_order(
    catalogue: Catalogue, rows: list[Row]
) -> None:
    job = catalogue.begin()  # as if the web server had been killed right after
    assert start(catalogue) == job
    next_round(catalogue)
    is_whole(catalogue, rows, job)


def test_a_run_that_was_ended_or_broken_off_does_not_stay_open(
    catalogue: Catalogue, rows: list[Row]
) -> None:
    job = start(catalogue)
    consume("gather")
    model.Session.query(HarvestObject).filter_by(harvest_job_id=job).update({"state": "ERROR"})
    model.Session.commit()
    next_round(catalogue)
    report = catalogue.report(job)
    assert report["state"] == "failed" and "3" in report["message"]
    job = start(catalogue)
    next_round(catalogue)
    is_whole(catalogue, rows, job)


def test_a_batch_that_is_in_the_queue_twice_is_imported_once(
    catalogue: Catalogue, rows: list[Row]
) -> None:
    job = start(catalogue)
    consume("gather")
    publisher: Any = queue.get_fetch_publisher()
    for row in model.Session.query(HarvestObject.id).filter_by(harvest_job_id=job).all():
        publisher.send({"harvest_object_id": row.id})
    consume("fetch")
    assert counts(catalogue.report(job)) == {"seen": COUNT, "new": COUNT}
    next_round(catalogue)
    is_whole(catalogue, rows, job)


def test_runs_of_one_source_never_overlap(
    catalogue: Catalogue, rows: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "SHORT_WAIT", 0.2)
    monkeypatch.setattr(turns, "LOOK", 0.05)
    order = {"source": catalogue.source_id, "records": [record(rows[0])]}
    ask = catalogue.portal.ask
    # Somebody reads the source.
    with turns.alone(catalogue.source_id):
        answer = ask("govopen_catalogue_import", order, catalogue.keeper)
        assert answer.status_code == 409 and "source" in answer.get_json()["error"]
    # It has been read, and its batches wait.
    job = start(catalogue)
    consume("gather")
    assert ask("govopen_catalogue_import", order, catalogue.keeper).status_code == 409
    assert catalogue.dataset(rows[0]) is None
    consume("fetch")
    # Two calls at once: one after the other, or the second is refused.
    begun, release, codes = threading.Event(), threading.Event(), []

    def hold() -> None:
        with turns.alone(catalogue.source_id):
            begun.set()
            release.wait(20)

    other = threading.Thread(target=hold)
    other.start()
    begun.wait(20)
    codes.append(ask("govopen_catalogue_import", order, catalogue.keeper).status_code)
    release.set()
    other.join(20)
    codes.append(ask("govopen_catalogue_import", order, catalogue.keeper).status_code)
    assert codes == [409, 200]
    next_round(catalogue)
    is_whole(catalogue, rows, job)


def test_what_is_kept_back_for_a_person_is_not_public(
    catalogue: Catalogue, rows: list[Row], settings: Settings
) -> None:
    """No rule forbids it for good; but nobody has decided that it may be public as it is now."""
    next_round(catalogue)
    catalogue.run()
    catalogue.approve(rows[0])
    before = catalogue.public(rows[0])
    assert before
    wanted = settings.catalogue.records[rows[0].code]
    opening = wanted["open"]
    settings.catalogue.alter(rows[0].code, version=2, open={**opening, "class": "没有这个类别"})
    report = catalogue.run()
    assert report["counts"]["kept_back"] == 1 and list(remarks(report, "kept_back"))
    assert catalogue.public(rows[0]) is None
    settings.catalogue.alter(rows[0].code, version=3, open=opening)
    catalogue.run()
    assert catalogue.public(rows[0]) is None, "what comes back is reviewed again"
    catalogue.approve(rows[0])
    after = catalogue.public(rows[0])
    assert after and (after["id"], after["name"]) == (before["id"], before["name"])


def test_what_was_deleted_here_stays_deleted_however_often_it_changes_there(
    catalogue: Catalogue, rows: list[Row], settings: Settings
) -> None:
    catalogue.run()
    found = catalogue.dataset(rows[0])
    assert found
    catalogue.portal.call("package_delete", catalogue.department.editor, id=found["id"])
    for version in (2, 3):
        settings.catalogue.alter(rows[0].code, version=version, title=f"第{version}版")
        assert counts(catalogue.run())["kept_back"] == 1
        state = model.Session.scalar(
            sa.select(model.Package.state).where(model.Package.id == found["id"])
        )
        assert state == "deleted"
