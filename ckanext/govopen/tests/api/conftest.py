"""A portal with one thing of each kind, and the people who may do something with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from ckanext.govopen.tests.application.world import World
from ckanext.govopen.tests.portal import AUTHORITY, Portal, User


@dataclass
class Site:
    """``actors`` by name, None for nobody; ``pool``: names of parameters and real values."""

    portal: Portal
    actors: dict[str, User | None]
    pool: dict[str, list[Any]]
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)

    def document(self, actor: str) -> dict[str, Any]:
        """What the portal describes to somebody."""
        if actor not in self.documents:
            answer = self.portal.get("/open/api/openapi.json", self.actors[actor])
            assert answer.status_code == 200
            self.documents[actor] = answer.get_json()
        return self.documents[actor]


@pytest.fixture(autouse=True)
def _rest(request: pytest.FixtureRequest) -> Iterator[None]:
    """After a test that used the portal no transaction stays open."""
    yield
    if "site" in request.fixturenames:
        request.getfixturevalue("site").portal.rest()


@pytest.fixture(scope="session")
def site(_one_portal: Portal) -> Site:
    _one_portal.ready()
    world = World.build(_one_portal)
    portal, department = world.portal, world.department
    # Everything that staff can be, in one account: what it may do is tried in other rooms.
    staff = User.make()
    for duty in ("reviewer", "handler"):
        portal.duty(staff, department.name, duty)
    portal.duty(staff, AUTHORITY, "authority")
    for role in ("editor", "admin"):
        portal.call(
            "organization_member_create",
            portal.operator,
            id=department.name,
            username=staff.name,
            role=role,
        )
    dataset = world.dataset()
    case = world.accepted(dataset)
    draft = world.draft(dataset)
    waiting = portal.dataset(department)["id"]
    portal.submit(department, waiting)
    review = portal.call("govopen_review_show", department.reviewer, id=waiting)
    made = portal.upload(department.editor, "a,b\n1,2\n", package_id=waiting)
    granted = portal.call(
        "govopen_grant_give",
        portal.operator.deciding,
        package_id=dataset["id"],
        persons=[world.applicant.id],
        purpose="research",
        valid_to="2999-01-01",
        break_glass="test",
    )
    part = case["parts"][0]
    return Site(
        portal,
        {
            "nobody": None,
            "applicant": world.applicant,
            "staff": staff.deciding,
            "operator": portal.operator.deciding,
        },
        {
            "id": [case["id"], draft["id"], dataset["id"], waiting, review["id"], granted["id"]],
            "application": [case["id"], case["number"], draft["id"]],
            "organization": [department.name, world.other.id],
            "package_id": [dataset["id"], waiting],
            "dataset": [dataset["name"]],
            "resource_id": [made["id"]],
            "fingerprint": [review["fingerprint"]],
            "revision": [part["revision"]],
            "sha256": [part["sha256"]],
            "user": [world.stranger.name],
            "handler": [world.handler.name, world.stranger.name],
            "source": [department.editor.name],
            "persons": [[world.stranger.name]],
            "stream": [f"dataset/{dataset['id']}", f"application/{case['id']}"],
        },
    )
