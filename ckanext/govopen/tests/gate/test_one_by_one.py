"""Reviews of records that a source marked are left out of a decision on many at once."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ckan import model

from ckanext.govopen.model.catalogue import CatalogueRecord
from ckanext.govopen.tests.portal import Department, Portal, unique


@pytest.fixture
def department(portal: Portal) -> Department:
    return portal.department()


def marked(package_id: str, bulk: bool = False) -> None:
    """Notes that a source delivered this dataset."""
    now = datetime.datetime.now(datetime.timezone.utc)
    model.Session.add(
        CatalogueRecord(
            source_id=unique("source"),
            code=unique("code"),
            package_id=package_id,
            bulk=bulk,
            first_seen=now,
            changed_at=now,
        )
    )
    model.Session.commit()


def submitted(portal: Portal, department: Department) -> dict[str, Any]:
    made = portal.dataset(department)
    portal.submit(department, made["id"])
    return made


def decisions(
    portal: Portal, department: Department, *datasets: dict[str, Any], decision: str = "approve"
) -> list[dict[str, Any]]:
    shown = [
        portal.call("govopen_review_show", department.reviewer, id=dataset["id"])
        for dataset in datasets
    ]
    return [
        {"id": r["id"], "fingerprint": r["fingerprint"], "decision": decision, "remarks": "补充"}
        for r in shown
    ]


@pytest.mark.parametrize("decision", ["approve", "return"])
def test_what_is_marked_is_left_out_of_many_and_decided_alone(portal, department, decision):
    plain, free, alone = (submitted(portal, department) for _ in range(3))
    marked(alone["id"])
    marked(free["id"], bulk=True)
    order = decisions(portal, department, plain, alone, free, decision=decision)
    reviewer = department.reviewer.deciding
    results = portal.call("govopen_review_decide", reviewer, decisions=order)["results"]
    assert [result["ok"] for result in results] == [True, False, True]
    (refusal,) = results[1]["error"]["refusal"]
    assert refusal["rule"] == "REV-2" and refusal["message"]
    shown = portal.call("govopen_review_show", reviewer, id=alone["id"])
    assert shown["state"] == "submitted" and shown["singly"]
    assert portal.ask("package_show", {"id": alone["id"]}).status_code == 404
    (result,) = portal.call("govopen_review_decide", reviewer, decisions=[order[1]])["results"]
    assert (
        result["ok"] and result["state"] == {"approve": "approved", "return": "returned"}[decision]
    )


def test_the_list_says_which(portal, department):
    plain, alone = submitted(portal, department), submitted(portal, department)
    marked(alone["id"])
    rows = portal.call("govopen_review_list", department.reviewer, organization=department.name)
    assert {row["dataset"]["id"]: row["singly"] for row in rows["results"]} == {
        plain["id"]: False,
        alone["id"]: True,
    }
