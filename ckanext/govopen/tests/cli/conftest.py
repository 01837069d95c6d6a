"""A department and people of its own for each module, on the one portal; commands run on it."""

from __future__ import annotations

from typing import Any

import pytest
from ckan.cli import cli as command_line
from ckan.tests.helpers import CKANCliRunner

from ckanext.govopen.tests.access.site import Site
from ckanext.govopen.tests.portal import Portal


@pytest.fixture(scope="module")
def site(_one_portal: Portal) -> Site:
    """A department, its editor and reviewer, and others."""
    return Site.build(_one_portal)


@pytest.fixture
def started(cli: CKANCliRunner) -> CKANCliRunner:
    """Runs a command as a shell does: with a CKAN made for it alone, which takes seconds."""
    return cli


@pytest.fixture
def quick(cli: CKANCliRunner, portal: Portal, monkeypatch: pytest.MonkeyPatch) -> CKANCliRunner:
    """Runs commands on the CKAN that is there: what the command does is tested, not its start."""

    def there(_: Any) -> Any:
        return portal.app

    monkeypatch.setattr(command_line, "make_app", there)
    return cli
