"""Machines beside the portal: the provider of identities, and the mail server."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.lib.mailer import _parse_smtp_server
from ckan.plugins import toolkit as tk

from ckanext.govopen.access import passwords
from ckanext.govopen.cli.checks.finding import Finding, error, note, warning
from ckanext.govopen.cli.checks.options import flag
from ckanext.govopen.logic import oidc
from ckanext.govopen.model import settings
from ckanext.govopen.model.identity import ExternalIdentityRow

SECONDS = 10.0
_UNREADABLE = (
    "Set GOVOPEN_OIDC_CLIENT_SECRET, or ckanext.govopen.oidc.client_secret_file to a file that the"
    " user of CKAN can read."
)


def check() -> list[Finding]:
    """All findings of this area."""
    return [*identities(), *mail(tk.config)]


def identities() -> Iterator[Finding]:
    """Can people sign in at the provider that is configured? No secret is shown or sent."""
    if bool(settings.oidc_issuer()) != bool(settings.oidc_client_id()):
        yield error(
            "oidc",
            "Only one of the issuer and the client of the provider of identities is set.",
            "Set both ckanext.govopen.oidc.issuer and ckanext.govopen.oidc.client_id, or neither.",
        )
    if not passwords.kept():
        yield from unlinked()
    if not oidc.enabled():
        return
    try:
        if not settings.oidc_client_secret():
            yield error("oidc-secret", "The client of the provider has no secret.", _UNREADABLE)
    except (OSError, UnicodeError) as problem:
        yield error(
            "oidc-secret",
            f"The secret of the provider's client cannot be read ({type(problem).__name__}).",
            _UNREADABLE,
        )
    try:
        oidc.forget()
        oidc.provider()
    except oidc.SignInFailed as problem:
        said = {
            "provider_away": "The provider of identities does not answer.",
            "provider_answer": "The provider of identities answers with something else than its"
            " own discovery document.",
        }
        yield error(
            "oidc",
            said.get(problem.reason, "Nobody can sign in at the provider of identities."),
            "Check ckanext.govopen.oidc.issuer; for one in the private network also"
            " ckanext.govopen.oidc.allow_private_addresses.",
        )


def unlinked() -> Iterator[Finding]:
    """Where passwords are off: accounts to which nobody could sign in. Operators have a link."""
    linked = sa.select(ExternalIdentityRow.user_id).where(
        ExternalIdentityRow.issuer == settings.oidc_issuer()
    )
    number = model.Session.scalar(
        sa.select(sa.func.count())
        .select_from(model.User)
        .where(
            model.User.state == "active",
            model.User.sysadmin.is_(False),
            model.User.id.not_in(linked),
        )
    )
    if number:
        yield warning(
            "oidc-unlinked",
            f"Passwords are off, and {number} accounts have no identity: nobody can sign in there.",
            "Set ckanext.govopen.oidc.only = false until their owners have linked an identity at"
            " /open/account, or close them.",
        )


def mail(config: Mapping[str, Any]) -> Iterator[Finding]:
    """Does the mail server take mail from the portal? Nothing is sent."""
    server = str(config.get("smtp.server") or "")
    if not server or server == "localhost":
        yield note(
            "mail-local",
            "Mail goes to this machine's own server: no smtp.server is set.",
            "Set smtp.server, unless a mail server runs here.",
        )
    if not str(config.get("smtp.mail_from") or ""):
        yield warning("mail-from", "Mail has no sender.", "Set smtp.mail_from.")
    try:
        host, port = _parse_smtp_server(server or "localhost")
        with smtplib.SMTP(host or "localhost", port, timeout=SECONDS) as connection:
            connection.ehlo()
            if flag(config.get("smtp.starttls")):
                connection.starttls(context=ssl.create_default_context())
                connection.ehlo()
            user = str(config.get("smtp.user") or "")
            if user:
                connection.login(user, str(config.get("smtp.password") or ""))
    except (OSError, smtplib.SMTPException, ValueError) as problem:
        # Its text may hold the account: the kind has to do.
        yield warning(
            "mail",
            f"The mail server cannot be used ({type(problem).__name__}).",
            "Check smtp.server, smtp.starttls, smtp.user and smtp.password. Until it works nobody"
            " can register or get a new password, and no letter is announced.",
        )
