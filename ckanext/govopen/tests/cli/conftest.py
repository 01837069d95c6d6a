"""A department and people of its own for each module, on the one portal."""

from __future__ import annotations

import pytest

from ckanext.govopen.tests.access.site import Site
from ckanext.govopen.tests.portal import Portal


@pytest.fixture(scope="module")
def site(_one_portal: Portal) -> Site:
    """A department, its editor and reviewer, and others."""
    return Site.build(_one_portal)
