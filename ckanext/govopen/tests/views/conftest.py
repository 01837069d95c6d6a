"""The portal of the page tests, made once for a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ckanext.govopen.tests.views import portal as made


@pytest.fixture(scope="module")
def portal() -> Iterator[made.Portal]:
    yield made.build()
