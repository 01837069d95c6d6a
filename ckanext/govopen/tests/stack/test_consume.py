"""The harvest consumer that stays."""

from __future__ import annotations

import gc

from ckanext.govopen.stack import consume


def test_what_was_loaded_for_good_is_not_looked_at_again() -> None:
    before = gc.get_threshold()
    try:
        consume.settle()
        assert gc.get_freeze_count() > 10_000
        assert gc.get_threshold()[0] > before[0]
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
