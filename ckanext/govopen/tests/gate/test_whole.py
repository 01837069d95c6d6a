"""One at a time, and whole or not at all: locks with real connections, and breaks in between."""

from __future__ import annotations

import datetime
import threading
import time
from typing import Any

import pytest
import sqlalchemy as sa
from ckan import model

from ckanext.govopen.logic import command, deliver, gate
from ckanext.govopen.model import outbox
from ckanext.govopen.model import release as releases
from ckanext.govopen.model.ledger import EventRow
from ckanext.govopen.search import document
from ckanext.govopen.tests.portal import Portal


class Call(threading.Thread):
    """An action in another thread, as another worker would carry it out."""

    def __init__(self, portal: Portal, action: str, data: dict[str, Any], user: Any) -> None:
        super().__init__(daemon=True)
        self.portal, self.action, self.data, self.user = portal, action, data, user
        self.status = 0

    def run(self) -> None:
        self.status = self.portal.ask(self.action, self.data, self.user).status_code


def _waiting_for(connection: Any) -> bool:
    """Does another connection wait for a lock on a row of ``package``?"""
    return bool(
        connection.execute(
            sa.text(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                " AND query ILIKE '%package%' AND pid <> pg_backend_pid()"
            )
        ).scalar()
    )


@pytest.mark.parametrize(
    "action", ["package_patch", "package_update", "resource_create", "govopen_review_decide",
               "govopen_dataset_suspend", "package_delete"],
)  # fmt: skip
def test_every_write_takes_the_lock(portal: Portal, action: str) -> None:
    """While another connection holds the row, the write waits; then it goes on."""
    department = portal.department()
    made = portal.dataset(department)
    portal.submit(department, made["id"])
    read = portal.call("govopen_review_show", department.reviewer, id=made["id"])
    data: dict[str, Any] = {"id": made["id"]}
    user = department.editor
    if action == "package_patch":
        data["notes"] = "x"
    elif action == "package_update":
        data = {**made, "notes": "x"}
    elif action == "resource_create":
        data = {"package_id": made["id"], "url": "https://data.example.com/x"}
    elif action == "govopen_dataset_suspend":
        data["reason"] = "x"
    elif action == "govopen_review_decide":
        data = {"id": read["id"], "fingerprint": read["fingerprint"], "decision": "approve"}
        user = department.reviewer.deciding
    model.Session.remove()
    engine: Any = model.meta.engine
    with engine.connect() as holder, engine.connect() as observer:
        holder.execute(
            sa.text("SELECT id FROM package WHERE id = :id FOR UPDATE"), {"id": made["id"]}
        )
        call = Call(portal, action, data, user)
        call.start()
        until = time.monotonic() + 30
        while not _waiting_for(observer) and time.monotonic() < until:
            observer.rollback()
            time.sleep(0.05)
        assert call.is_alive() and call.status == 0, "the write did not wait"
        holder.rollback()
        call.join(60)
    assert call.status == 200


def test_approval_and_change_at_the_same_time(portal: Portal) -> None:
    """Whichever comes first: what is public is what the reviewer has read."""
    department = portal.department()
    for turn in range(3):
        made = portal.dataset(department)
        portal.submit(department, made["id"])
        read = portal.call("govopen_review_show", department.reviewer, id=made["id"])
        model.Session.remove()
        calls = [
            Call(
                portal,
                "govopen_review_decide",
                {"id": read["id"], "fingerprint": read["fingerprint"], "decision": "approve"},
                department.reviewer.deciding,
            ),
            Call(portal, "package_patch", {"id": made["id"], "title": "偷换"}, department.editor),
        ]
        for call in calls[:: 1 if turn % 2 else -1]:
            call.start()
        for call in calls:
            call.join(60)
        approved, changed = (call.status for call in calls)
        assert changed == 200 and approved in (200, 409)
        answer = portal.ask("package_show", {"id": made["id"]})
        if approved == 200:
            body: Any = answer.get_json()
            assert body["result"]["title"] == made["title"]
        else:
            assert answer.status_code == 404


class Killed(BaseException):
    """The worker is gone: nothing catches this."""


def test_killed_before_the_commit_nothing_has_happened(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    department = portal.department()
    made = portal.dataset(department)
    portal.submit(department, made["id"])
    read = portal.call("govopen_review_show", department.reviewer, id=made["id"])
    before = model.Session.query(EventRow).count()
    model.Session.remove()

    def die(*args: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(gate, "_compute_private", die)
        with pytest.raises(Killed):
            portal.ask(
                "govopen_review_decide",
                {"id": read["id"], "fingerprint": read["fingerprint"], "decision": "approve"},
                department.reviewer.deciding,
            )
    model.Session.rollback()
    model.Session.remove()
    assert releases.live(made["id"]) is None
    assert model.Session.query(EventRow).count() == before
    assert portal.ask("package_show", {"id": made["id"]}).status_code == 404
    portal.decide(department, made["id"], decision="approve")
    assert portal.ask("package_show", {"id": made["id"]}).status_code == 200


def test_killed_after_the_commit_the_index_catches_up(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The decision stands; the search is late, never more open; the next delivery repairs it."""
    department = portal.department()
    made = portal.dataset(department)

    def die(*args: Any, **more: Any) -> None:
        raise ConnectionError("Solr is gone")

    portal.submit(department, made["id"])
    with monkeypatch.context() as patch:
        patch.setattr(document, "index_many", die)
        portal.decide(department, made["id"], decision="approve")
    assert portal.call("package_search", fq=f"name:{made['name']}")["count"] == 0
    assert portal.ask("package_show", {"id": made["id"]}).status_code == 200
    rows = [
        row
        for row in model.Session.query(outbox.OutboxRow).filter_by(kind="reindex")
        if made["id"] in row.payload["packages"]
    ]
    assert rows
    model.Session.rollback()
    deliver.due_now(command.now() + datetime.timedelta(days=1))
    assert portal.call("package_search", fq=f"name:{made['name']}")["count"] == 1
