"""A department with a handler, a conditional dataset, and somebody who applies for it."""

from __future__ import annotations

import pytest
from ckan.common import config

from ckanext.govopen.tests.application.world import World
from ckanext.govopen.tests.portal import Portal


@pytest.fixture(scope="module")
def world(_one_portal: Portal) -> World:
    return World.build(_one_portal)


@pytest.fixture(autouse=True)
def _no_limits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests hand in more than one person may."""
    world.portal.ready()
    for name in ("max_per_day", "max_open"):
        monkeypatch.setitem(config, f"ckanext.govopen.application.{name}", "0")
