"""Fixtures of the tests that need services.

Databases are made once per session and the tests use names of their own, so that they need not be
cleaned in between: a test that does need an empty portal says so with ``empty_portal``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ckanext.govopen.tests import examples
from ckanext.govopen.tests.portal import PLUGINS_WITH_TABLES, Portal

examples.choose()


@pytest.fixture(scope="session")
def portal_tables(reset_db_once: Any, migrate_db_for: Callable[[str], None]) -> None:
    """Empty tables of CKAN and the extensions, once for the session."""
    for plugin in PLUGINS_WITH_TABLES:
        migrate_db_for(plugin)


@pytest.fixture
def empty_portal(
    reset_db: Callable[[], None], migrate_db_for: Callable[[str], None], clean_index: Any
) -> None:
    """Nothing in the database and nothing in the index."""
    reset_db()
    for plugin in PLUGINS_WITH_TABLES:
        migrate_db_for(plugin)


@pytest.fixture(scope="session")
def _one_portal() -> Iterator[Portal]:
    made = Portal()
    yield made
    made.close()


@pytest.fixture
def portal(_one_portal: Portal) -> Iterator[Portal]:
    """The running portal with real accounts; names in it are unique, nothing is cleaned.

    Whatever a test before has unloaded or emptied is there again.
    """
    _one_portal.ready()
    yield _one_portal
    _one_portal.rest()
