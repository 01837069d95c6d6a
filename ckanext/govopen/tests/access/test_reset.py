"""Asking for a new password tells nobody which accounts there are, whatever the mail does."""

from __future__ import annotations

import logging
import re
import smtplib
from typing import Any

import pytest
from ckan.lib import mailer

from ckanext.govopen.access import reset
from ckanext.govopen.tests.portal import Portal, User, unique


def refuse_connection(*_: Any) -> Any:
    raise ConnectionRefusedError("nobody answers")


class RefusesRecipients:
    """A mail server that takes no mail for this address, and repeats it."""

    def __init__(self, *_: Any) -> None: ...

    def ehlo(self) -> None: ...

    def quit(self) -> None: ...

    def sendmail(self, sender: str, to: list[str], text: str) -> None:
        raise smtplib.SMTPRecipientsRefused({to[0]: (550, b"no such mailbox")})


class Hangs:
    """A mail server that ends the connection in the middle, so that even leaving it fails."""

    def __init__(self, *_: Any) -> None: ...

    def ehlo(self) -> None:
        raise smtplib.SMTPServerDisconnected("gone")

    def quit(self) -> None:
        raise smtplib.SMTPServerDisconnected("gone")


def ask(portal: Portal, name: str) -> tuple[int, str | None, list[tuple[str, str]]]:
    """Status, where it leads to, and what is told there."""
    client = portal.client()
    answer = client.post("/user/reset", data={"user": name})
    page = client.get("/user/login").get_data(as_text=True)
    told = re.findall(r'class="([^"]*\balert\b[^"]*)"[^>]*>([^<]*)', page)
    assert told, page
    return answer.status_code, answer.headers.get("Location"), told


@pytest.mark.parametrize("server", [refuse_connection, RefusesRecipients, Hangs])
def test_a_mail_server_that_fails_says_nothing_of_accounts(
    portal: Portal,
    server: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    account = User.make()
    monkeypatch.setattr(smtplib, "SMTP", server)
    for name in ("ckan", "ckanext", "ckan.lib.mailer", reset.__name__):
        monkeypatch.setattr(logging.getLogger(name), "propagate", True)
        monkeypatch.setattr(logging.getLogger(name), "disabled", False)
    with caplog.at_level(logging.INFO):
        known = ask(portal, account.name)
        by_mail = ask(portal, account.email)
        unknown = ask(portal, unique("nobody"))
        unknown_mail = ask(portal, f"{unique('nobody')}@example.com")
    assert known[0] == 302
    assert known == by_mail == unknown == unknown_mail
    failures = [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert failures, "the operator has to come to know of it"
    for record in failures:
        text = logging.Formatter().format(record)
        assert account.email not in text and account.fullname not in text


def test_a_mail_server_that_works_gets_the_mail(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    account = User.make()
    monkeypatch.setattr(mailer, "send_reset_link", lambda user: sent.append(user.name))
    assert ask(portal, account.name) == ask(portal, unique("nobody"))
    assert sent == [account.name]
