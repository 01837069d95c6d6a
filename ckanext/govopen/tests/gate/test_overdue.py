"""Overdue data (CAT-12): on the desk of its department, by mail once a month, to nobody else."""

from __future__ import annotations

import datetime
from collections import defaultdict
from typing import Any

import pytest
from ckan import model

from ckanext.govopen.cli.rounds import Rounds
from ckanext.govopen.logic import command, deliver, overdue, post
from ckanext.govopen.model.outbox import OutboxRow
from ckanext.govopen.tests.portal import Department, Portal, User, unique

OLD = {"update_cycle": "monthly", "data_updated": "2025-01-31"}


def days_ago(number: int) -> str:
    return (command.now() - datetime.timedelta(days=number)).date().isoformat()


def late(portal: Portal, user: User, **wanted: object) -> dict[str, Any]:
    return portal.call("govopen_desk", user, **wanted)["late_datasets"]


def noted(department: Department) -> dict[str, set[int]]:
    """The numbers that a mail to each of these people says about this department."""
    group = model.Group.get(department.id)
    assert group is not None
    title = group.title or group.name
    found: dict[str, set[int]] = defaultdict(set)
    for row in model.Session.query(OutboxRow).filter_by(kind="mail"):
        said = row.payload.get("said") or {}
        if said.get("department") == title:
            found[row.payload["users"][0]].add(said["number"])
    return dict(found)


@pytest.fixture
def office(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> Department:
    """A department with three released datasets, two of them overdue, and one nobody has seen."""
    monkeypatch.setattr(overdue, "MANY", 10_000)  # tests before have left departments as well
    office = portal.department()
    for fields in (
        {**OLD, "title": unique("迟")},
        {"update_cycle": "weekly", "data_updated": days_ago(30), "title": unique("晚")},
        {"update_cycle": "weekly", "data_updated": days_ago(2)},
        {"update_cycle": "irregular", "data_updated": "2001-01-01"},
    ):
        portal.released(office, **fields)
    portal.dataset(office, **OLD, title=unique("未发布"))
    suspended = portal.released(office, **OLD)
    portal.call(
        "govopen_dataset_suspend", office.reviewer.deciding, id=suspended["id"], reason="查"
    )
    return office


def test_the_desk_counts_and_lists_what_is_overdue(portal: Portal, office: Department) -> None:
    handler, other = User.make(), portal.department()
    portal.duty(handler, office.name, "handler")
    for person in (office.editor, handler):
        shown = late(portal, person)
        titles = [row["title"] for row in shown["results"]]
        assert shown["count"] == 2 and [title[0] for title in titles] == ["迟", "晚"]
        assert shown["results"][0]["due"] == "2025-02-28"
        assert [row["days_late"] > 20 for row in shown["results"]] == [True, True]
    assert late(portal, office.editor, organization=office.name)["count"] == 2
    for nothing in ({"organization": other.name}, {"kind": "review_open"}):
        assert late(portal, office.editor, **nothing) == {"count": 0, "results": []}
    for person in (office.member, other.editor, User.make()):
        assert late(portal, person)["count"] == 0
    page = portal.get("/en/open/desk", office.editor).get_data(as_text=True)
    assert "2 public datasets are older" in page and titles[0] in page and "overdue by" in page
    page = portal.get("/en/open/desk", other.editor).get_data(as_text=True)
    assert "public datasets are older" not in page
    # An update takes it off, also while it waits for its review.
    [first, _] = late(portal, office.editor)["results"]
    portal.call("package_patch", office.editor, id=first["id"], data_updated=days_ago(1))
    assert late(portal, office.editor)["count"] == 1


def test_who_keeps_the_data_is_told_once_a_month(
    portal: Portal, office: Department, ckan_config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler, now = User.make(), command.now()
    portal.duty(handler, office.name, "handler")
    monkeypatch.setitem(ckan_config, "ckanext.govopen.overdue.mail", "false")
    assert Rounds().overdue() == 0 and noted(office) == {}
    monkeypatch.setitem(ckan_config, "ckanext.govopen.overdue.mail", "true")
    scheduler = Rounds()
    assert scheduler.overdue() >= 1 and scheduler.overdue() == 0
    keepers = {office.editor.id: {2}, handler.id: {2}}
    assert noted(office) == keepers, "the member and the reviewer change nothing"
    sent: dict[str, tuple[str, str]] = {}

    def mail(user: Any, subject: str, body: str, *_: Any, **__: Any) -> None:
        sent[user.id] = (subject, body)

    monkeypatch.setattr(post.mailer, "mail_user", mail)
    deliver.due_now(now + datetime.timedelta(hours=1))
    subject, body = sent[handler.id]
    assert " 2 " in body and "/open/desk" in body and "data to be updated" in subject
    assert "overdue" not in subject + body and not any(word in body for word in "迟晚")
    assert noted(office) == {}, "it was sent"
    # Not again before a month is over, whatever process asks.
    overdue.tell(now + datetime.timedelta(days=27))
    assert noted(office) == {}
    overdue.tell(now + datetime.timedelta(days=32))
    assert noted(office).keys() == keepers.keys()


def test_the_first_rounds_send_no_flood(
    portal: Portal, office: Department, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = command.now()
    overdue.tell(now)  # of all the others
    places = []
    for _ in range(3):
        place = portal.department()
        portal.released(place, **OLD)
        places.append(place)
    monkeypatch.setattr(overdue, "MANY", 2)
    assert [overdue.tell(now) for _ in range(3)] == [2, 1, 0]
    assert [set(noted(place)) for place in places] == [{place.editor.id} for place in places]
