"""The texts of profiles under which cases began, kept in the ledger.

A profile's file may change while cases are open: a case goes on under the text with which it
began. Its SHA-256 stands in the case, the text in the stream ``profile/<id>``, once.
"""

from __future__ import annotations

import datetime
import functools

import sqlalchemy as sa
from ckan.types import AlchemySession

from ckanext.govopen.domain.event import Event
from ckanext.govopen.model import ledger
from ckanext.govopen.model.jurisdiction import Edition, ProfileError, active, edition_of

__all__ = ["find", "keep"]

_TYPE = "profile.recorded"


def keep(session: AlchemySession, edition: Edition, now: datetime.datetime) -> None:
    """Records the text of an edition, in the caller's transaction, unless it is there."""
    stream = f"profile/{edition.profile.id}"
    if _text(session, edition.sha256) is not None:
        return
    ledger.lock(session, stream)
    if _text(session, edition.sha256) is not None:
        return  # somebody else was first
    payload = {
        "profile": edition.profile.id,
        "version": edition.profile.version,
        "sha256": edition.sha256,
        "text": edition.text,
    }
    ledger.append(session, stream, [Event(_TYPE, payload)], None, now)


def find(session: AlchemySession, sha256: str) -> Edition:
    """The edition with this SHA-256: the site's own one, or one that was recorded.

    :raises ProfileError: there is none, or its text is not what it was
    """
    now = active()
    if now.sha256 == sha256:
        return now
    text = _text(session, sha256)
    if text is None:
        raise ProfileError(f"The ledger holds no jurisdiction profile with the SHA-256 {sha256}.")
    found = _read(text)
    if found.sha256 != sha256:
        raise ProfileError(f"The recorded profile with the SHA-256 {sha256} was changed.")
    return found


@functools.lru_cache(maxsize=8)
def _read(text: str) -> Edition:
    return edition_of(text, "the ledger")


def _text(session: AlchemySession, sha256: str) -> str | None:
    event = ledger.EventRow.__table__
    return session.scalar(
        sa.select(event.c.payload["text"].astext)
        .where(event.c.type == _TYPE, event.c.payload["sha256"].astext == sha256)
        .limit(1)
    )
