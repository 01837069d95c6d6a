"""The swept portal, planted once and used by every test of the sweep."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ckan import model

from ckanext.govopen.tests.access.sweep.world import World
from ckanext.govopen.tests.portal import Portal


@pytest.fixture(scope="session")
def _worlds() -> dict[str, World]:
    return {}


@pytest.fixture
def world(portal: Portal, _worlds: dict[str, World]) -> Iterator[World]:
    """The planted portal; made anew when a test of somebody else has emptied the database."""
    made = _worlds.get("world")
    if made is None or model.Package.get(made.datasets["open"].id) is None:
        assert "begun" not in _worlds, "the portal could not be planted: see the first error"
        _worlds["begun"] = World(portal)
        _worlds["world"] = made = World.build(portal)
        del _worlds["begun"]
    before = made.states()
    yield made
    # What only reads must not have changed anything; forms and deciding actions are not in here.
    assert made.states() == before
