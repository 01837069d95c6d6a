"""Whole numbers: what is one, what is none, and what is beyond the possible."""

from __future__ import annotations

from typing import Any

import pytest

from ckanext.govopen.domain.number import NotWhole, OutOfRange, whole


@pytest.mark.parametrize(("given", "number"), [(3, 3), ("3", 3), (" 7 ", 7), (2.0, 2), ("0", 0)])
def test_numbers(given: Any, number: int) -> None:
    assert whole(given) == number


@pytest.mark.parametrize("given", ["", "x", "1.5", 1.5, None, True, [], {}, "9" * 5000])
def test_no_numbers(given: Any) -> None:
    with pytest.raises(NotWhole):
        whole(given)


def test_limits() -> None:
    assert whole("10", 1, 10) == 10
    for given, lowest, highest in ((-1, 0, None), ("11", 1, 10), (0, 1, 10)):
        with pytest.raises(OutOfRange):
            whole(given, lowest, highest)
