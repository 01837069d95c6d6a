"""Registration: an account is made only by whoever reads the mail that its address got.

Asking is answered alike for every address: one with an account gets a mail that says so. Nothing
of an account exists before the link is followed, so that nothing half-made can be left.
"""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import logging
import secrets
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from ckan import model
from ckan.lib import mailer
from ckan.logic import schema as schemas
from ckan.plugins import toolkit as tk
from sqlalchemy.exc import IntegrityError

from ckanext.govopen.access import mail
from ckanext.govopen.access.reset import discreetly
from ckanext.govopen.model import attempts, settings
from ckanext.govopen.model.identity import RegistrationRow

log = logging.getLogger(__name__)

HOUR, DAY = 3600, 86400
#: Where a proxy of one's own can stand.
_OWN_NETWORKS = tuple(
    ipaddress.ip_network(net)
    for net in (
        "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7"
    )
)  # fmt: skip


#: Hosts under which a portal answers its own machine alone.
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class TooMany(Exception):
    """More registrations than the site takes in an hour, or they cannot be counted."""


class NoMail(Exception):
    """The mail could not be sent, so nothing has been kept."""


def block(remote: str | None, forwarded: str | None) -> str:
    """The block of network addresses that a request comes from: /24, or /48 of IPv6.

    What a proxy of one's own says counts (its last entry); what others write into the header does
    not. Everything unreadable is one block.
    """
    try:
        address = ipaddress.ip_address(remote or "")
        if forwarded and any(
            address.version == net.version and address in net for net in _OWN_NETWORKS
        ):
            address = ipaddress.ip_address(forwarded.rsplit(",", 1)[-1].strip())
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    prefix = 24 if address.version == 4 else 48
    return str(ipaddress.ip_network(f"{address}/{prefix}", strict=False))


def ask(email: str, origin: str, link_to: Any, now: datetime.datetime) -> str | None:
    """Sends the mail that belongs to an address. Commits.

    Gives the link itself only in a portal for trying out that has no mail server.

    :param email: a valid address
    :param origin: the block of :func:`block`
    :param link_to: makes the address of the page that goes on, out of the key in the link
    :raises TooMany: nothing was sent
    :raises NoMail: the mail server did not take it; nothing is kept
    """
    if not (
        attempts.count("register-block", origin, settings.register_per_block(), HOUR).yes
        and attempts.count("register", "", settings.register_per_hour(), HOUR).yes
    ):
        raise TooMany
    # Whoever fills a stranger's letter box learns nothing from that it has ended.
    if not attempts.count("register-mail", email.lower(), settings.register_mails_a_day(), DAY).yes:
        return None
    owner, link = _owner(email), None
    if owner is None:
        link = link_to(_kept(email, now))
        subject, body = _invitation(link)
    else:
        subject, body = _reminder(owner)
    try:
        with discreetly(), mail.limited():
            mailer.mail_recipient("", email, subject, body)
    except Exception as error:
        if link is not None and _tried_out():
            model.repo.commit()
            return link
        model.Session.rollback()
        log.error(
            "A registration mail could not be sent (%s): check the smtp.* settings.",
            type(error.__context__ or error).__name__,
        )
        raise NoMail from None
    model.repo.commit()
    return None


def _tried_out() -> bool:
    """Is it a demonstration that only this machine can reach? Its addresses prove nothing."""
    return settings.demo() and urlsplit(settings.site_url()).hostname in _LOOPBACK


def waiting(key: str, now: datetime.datetime, lock: bool = False) -> RegistrationRow | None:
    """The registration whose link holds this key; None when it is used, over or none."""
    query = sa.select(RegistrationRow).where(
        RegistrationRow.digest == _digest(key), RegistrationRow.expires_at > now
    )
    return model.Session.scalar(query.with_for_update() if lock else query)


def finish(key: str, fields: dict[str, str], now: datetime.datetime) -> model.User | None:
    """Makes the account, once; None when the link does not work (any more). Commits.

    :param fields: ``name``, ``fullname``, ``password1``, ``password2``
    :raises ValidationError: a field is wrong; the link still works
    """
    wrong: Any = {
        name: [tk._("This value is too long or holds characters that no text has.")]
        for name, value in fields.items()
        if len(value) > 500 or any(ord(char) < 0x20 for char in value)
    }
    if wrong:
        raise tk.ValidationError(wrong)
    row = waiting(key, now, lock=True)
    if row is None:
        return None
    email = row.email
    context: Any = {
        "ignore_auth": True,
        "defer_commit": True,
        "user": "",
        "schema": schemas.user_new_form_schema(),
    }
    if _owner(email) is not None:
        model.Session.delete(row)
        model.repo.commit()
        return None
    try:
        made = tk.get_action("user_create")(context, {**fields, "email": email})
        model.Session.delete(row)
        model.repo.commit()
    except tk.ValidationError:
        model.Session.rollback()
        raise
    except IntegrityError:
        # The same name or address in the same moment: the first one has it.
        model.Session.rollback()
        raise tk.ValidationError(
            {"name": [tk._("This name is taken already. Choose another one.")]}
        ) from None
    return model.User.get(made["id"])


def forget(now: datetime.datetime) -> int:
    """Deletes registrations whose time is over, in the caller's transaction; their number."""
    done = model.Session.execute(
        sa.delete(RegistrationRow).where(RegistrationRow.expires_at <= now)
    )
    return int(getattr(done, "rowcount", 0))


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def _owner(email: str) -> model.User | None:
    """Whoever has this address, a closed account as long as it is not erased."""
    return model.Session.scalar(
        sa.select(model.User)
        .where(sa.func.lower(model.User.email) == email.lower())
        .order_by(model.User.state != "active")
        .limit(1)
    )


def _kept(email: str, now: datetime.datetime) -> str:
    """Notes the address in the caller's transaction; only its newest link works."""
    key = secrets.token_urlsafe(32)
    model.Session.execute(
        sa.delete(RegistrationRow).where(sa.func.lower(RegistrationRow.email) == email.lower())
    )
    model.Session.add(
        RegistrationRow(
            digest=_digest(key),
            email=email,
            made_at=now,
            expires_at=now + datetime.timedelta(hours=settings.register_link_hours()),
        )
    )
    model.Session.flush()
    return key


def _site() -> dict[str, Any]:
    return {
        "site": tk.config.get("ckan.site_title") or tk.config.get("ckan.site_url"),
        "hours": settings.register_link_hours(),
    }


def _invitation(link: str) -> tuple[str, str]:
    subject = tk._("Your account at %(site)s") % _site()
    body = "\n\n".join(
        (
            tk._("Somebody, probably you, asked for an account at %(site)s.") % _site(),
            tk._("Open this page to choose name and password. It works once, for %(hours)s hours:")
            % _site(),
            link,
            tk._("If it was not you, do nothing: there will be no account."),
        )
    )
    return subject, body


def _reminder(owner: model.User) -> tuple[str, str]:
    subject = tk._("Your account at %(site)s") % _site()
    asked = tk._("Somebody, probably you, asked for an account at %(site)s.") % _site()
    if owner.state != "deleted":
        told = tk._(
            "You have one already, under the name %(name)s. If you forgot the password:"
        ) % {"name": owner.name}
        rest = tk.url_for("user.request_reset", _external=True)
    else:
        told = tk._("The account with this address is closed.")
        rest = tk._("Write to the people who run the portal if you think that is wrong.")
    return subject, "\n\n".join(
        (asked, told, rest, tk._("If it was not you, you need not do anything."))
    )
