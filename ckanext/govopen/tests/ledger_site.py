"""A ledger with a key and checkpoints of its own, on the database that all tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from ckan import model

from ckanext.govopen.model import signing
from ckanext.govopen.model.checkpoint import CheckpointRow, HeadRow
from ckanext.govopen.tests.portal import unique


@pytest.fixture
def own_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ckan_config: Any) -> Iterator[Path]:
    """The key file of a site that has none yet, and no checkpoint; all of it gone afterwards."""
    key = tmp_path / "keys" / "ledger.pem"
    monkeypatch.setattr(signing, "STREAM", f"ledger/{unique('keys')}")
    monkeypatch.setitem(ckan_config, "ckanext.govopen.ledger.key_file", str(key))
    monkeypatch.setitem(
        ckan_config, "ckanext.govopen.ledger.checkpoint_folder", str(tmp_path / "checkpoints")
    )
    _forget()
    yield key
    _forget()


def _forget() -> None:
    model.Session.rollback()
    for row in (CheckpointRow, HeadRow):
        model.Session.execute(sa.delete(row.__table__))
    model.repo.commit()
