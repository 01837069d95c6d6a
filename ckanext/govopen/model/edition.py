"""The texts of profiles under which cases began, kept in the ledger.

A profile's file may change while cases are open: a case goes on under the text with which it
began. Its SHA-256 stands in the case, the text in the stream ``profile/<id>``, once.
"""

from __future__ import annotations

import datetime
import functools

import sqlalchemy as sa
from ckan.types import AlchemySession

from ckanext.govopen.domain import profile_text
from ckanext.govopen.domain.event import Event
from ckanext.govopen.model import jurisdiction, ledger
from ckanext.govopen.model.application import OPENED, ApplicationRow
from ckanext.govopen.model.jurisdiction import Edition, ProfileError, active, edition_of
from ckanext.govopen.model.ledger import EventRow

__all__ = ["find", "keep", "missing"]

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
    """The edition with this SHA-256: the site's own one, one that was recorded, or a bundled one.

    :raises ProfileError: there is none, its text is not what it was, or cannot be read any more
    """
    now = active()
    if now.sha256 == sha256:
        return now
    text = _text(session, sha256)
    if text is None:
        return _bundled(sha256)
    try:
        found = _read(text)
    except profile_text.ProfileError as problem:
        raise ProfileError(
            f"The recorded profile with the SHA-256 {sha256} cannot be read: {problem}"
        ) from None
    if found.sha256 != sha256:
        raise ProfileError(f"The recorded profile with the SHA-256 {sha256} was changed.")
    return found


def _bundled(sha256: str) -> Edition:
    """A text that the ledger has lost may still be one of the files."""
    for name in jurisdiction.bundled():
        found = jurisdiction.edition(jurisdiction.path_of(name))
        if found.sha256 == sha256:
            return found
    raise ProfileError(f"The ledger holds no jurisdiction profile with the SHA-256 {sha256}.")


def missing(session: AlchemySession) -> dict[str, tuple[str, list[str]]]:
    """Editions of open cases that cannot be used: what is wrong, and the numbers of the cases."""
    event, case = EventRow.__table__, ApplicationRow.__table__
    edition = event.c.payload["edition"].astext
    named = session.execute(
        sa.select(edition, case.c.number)
        .join(case, event.c.stream == sa.literal("application/").concat(case.c.id))
        .where(
            case.c.status == OPENED,
            event.c.type == "application.submitted",
            event.c.version == 1,
            edition != "",
        )
        .order_by(case.c.number)
    )
    numbers: dict[str, list[str]] = {}
    for sha256, number in named:
        numbers.setdefault(sha256, []).append(number)
    found = {}
    for sha256, cases in numbers.items():
        try:
            find(session, sha256)
        except ProfileError as problem:
            found[sha256] = (str(problem), cases)
    return found


@functools.lru_cache(maxsize=8)
def _read(text: str) -> Edition:
    return edition_of(text, "the ledger")


def _text(session: AlchemySession, sha256: str) -> str | None:
    event = EventRow.__table__
    return session.scalar(
        sa.select(event.c.payload["text"].astext)
        .where(event.c.type == _TYPE, event.c.payload["sha256"].astext == sha256)
        .limit(1)
    )
