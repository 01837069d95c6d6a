"""Fixtures of the tests that need services.

Databases are made once per session and the tests use names of their own, so that they need not be
cleaned in between.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from passlib.hash import pbkdf2_sha512  # pyright: ignore[reportAttributeAccessIssue]

from ckanext.govopen.tests import examples, figures
from ckanext.govopen.tests.portal import Portal

examples.choose()
# What makes a password dear to guess is time lost for every account that a test makes: 23 ms each.
pbkdf2_sha512.default_rounds = 10


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tells the figures of the sweeps."""
    for row in figures.sweeps.lines():
        terminalreporter.write_line(row)


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
