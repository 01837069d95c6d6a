"""The portal with all plugins, once per module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ckan import plugins

from ckanext.govopen.tests.access.site import Site


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """A portal with a department, its editor, and others."""
    yield Site.build()
    plugins.unload_all()
