"""A new password: neither asking for one nor following the link tells which accounts there are."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ckan import model
from ckan.lib import mailer

from ckanext.govopen.access import mail

log = logging.getLogger(__name__)


class _Discreet(logging.Filter):
    """Drops what CKAN's mailer logs in this thread: servers repeat the address they refuse."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.get_ident()

    def filter(self, record: logging.LogRecord) -> bool:
        return record.thread != self._thread


@contextmanager
def discreetly() -> Iterator[None]:
    """What CKAN's mailer would log inside stays out of the log: it names addresses."""
    talkative, discreet = logging.getLogger(mailer.__name__), _Discreet()
    talkative.addFilter(discreet)
    try:
        yield
    finally:
        talkative.removeFilter(discreet)


def send(user: Any) -> None:
    """Sends the link for a new password.

    A failure is for the operator to know: told to the person, it would say that the account
    exists. The log gets its kind only, neither the account nor its address.
    """
    try:
        with discreetly(), mail.limited():
            mailer.send_reset_link(user)
    except Exception as error:
        log.error(
            "A link for a new password could not be sent (%s): check the smtp.* settings.",
            type(error.__context__ or error).__name__,
        )


def is_valid(user_id: str, key: str | None) -> bool:
    """Does the key of a link belong to this account?

    CKAN answers an unknown account otherwise than a wrong key: asked this, both are the same.
    """
    user = model.User.get(user_id)
    return user is not None and bool(key) and mailer.verify_reset_link(user, key)
