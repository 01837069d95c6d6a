from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckanext.govopen.domain.application.fold import fold

from .simulation import Walk, simulate, worlds

WORLDS = worlds()


@settings(max_examples=80)
@given(st.integers(0, 2**32), st.sampled_from(WORLDS))
def test_whatever_anybody_tries(seed: int, under: object) -> None:
    """Random people with random commands against the invariants (looked at after each step)."""
    walk = Walk(random.Random(seed), 1, under)  # type: ignore[arg-type]
    for _ in range(60):
        walk.step()
    assert fold(walk.case.events) == walk.case.state


def test_two_hundred_applications() -> None:
    figures = simulate(200, seed=7)
    reached = set(figures.statuses)
    assert {"granted", "refused", "withdrawn", "lapsed", "accepted"} <= reached
    assert figures.grants > 50
    assert figures.verified == figures.events > 1500
    assert 0 < figures.refused < figures.commands


@pytest.mark.long
def test_three_thousand_applications(record_property: pytest.Function) -> None:
    figures = simulate(3000, seed=2026)
    for name, value in vars(figures).items():
        record_property(name, str(value))  # type: ignore[operator]
    assert figures.applications == 3000
    assert figures.verified == figures.events
    assert figures.grants > 500
