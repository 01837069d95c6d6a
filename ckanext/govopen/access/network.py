"""Which addresses the portal speaks to, and which links it publishes.

The rules alone: no connection is made here, only names are resolved (:func:`resolve`). What
fetches is in :mod:`ckanext.govopen.access.address`.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import unicodedata

from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from ckanext.govopen.domain.refusal import N_

__all__ = [
    "REASONS",
    "AddressRefused",
    "Place",
    "is_inner",
    "parse",
    "place",
    "public_link",
    "refused_link",
    "resolve",
]

#: Reasons and what is said about them. None of them repeats the address: it may be a secret.
REASONS = {
    "malformed": N_("The address cannot be read."),
    "scheme": N_("Only http and https addresses are fetched."),
    "userinfo": N_("An address must not contain a user name or a password."),
    "form": N_("The host must be a name or an address in its usual form."),
    "unresolved": N_("The host of the address is not known."),
    "private": N_("The address leads into a private or reserved network."),
    "internal_name": N_("The host of the address is a name that only an internal network knows."),
    "redirects": N_("The address redirects too often."),
    "too_large": N_("What lies at the address is larger than allowed."),
    "too_slow": N_("The address did not answer within the time allowed."),
    "unreachable": N_("No connection to the address could be made."),
    "tls": N_("The certificate of the address is not valid."),
    "packed": N_("The answer is packed in a broken way."),
    "status": N_("The address answered with an error."),
}

#: Addresses that are global by their number and yet belong to a provider's inner side, or embed
#: another address and are checked by that.
_INNER = tuple(
    ipaddress.ip_network(network)
    for network in (
        "168.63.129.16/32",  # host of a cloud, serves instance metadata
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # former 6to4 relays
        "198.18.0.0/15",  # benchmarks
        "64:ff9b:1::/48",  # local translation
        "2001::/23",  # protocol assignments, Teredo among them
        "2002::/16",  # 6to4
        "fec0::/10",  # former site-local
        "5f00::/16",  # segment routing
    )
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_INNER_SUFFIXES = (
    "localhost", "local", "localdomain", "internal", "intranet", "lan", "corp", "home", "private",
    "invalid", "onion", "arpa",
)  # fmt: skip
_NUMBER_LIKE = re.compile(r"(0x[0-9a-f]*|[0-9]+)", re.IGNORECASE)
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?", re.IGNORECASE)
#: What browsers leave out of an address before they read it: ``java\nscript:`` is a script.
_SKIPPED = re.compile(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_PORT = re.compile(r"[^/?#]+:[0-9]{1,5}(?:[/?#]|$)")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
#: A host as it is written, and a port: what a connection is made to.
Place = tuple[str, int]


class AddressRefused(Exception):
    """An address was not fetched. ``reason`` is a key of :data:`REASONS`; ``status`` the answer's
    code when the reason is ``status``. The text holds nothing of the address."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        self.reason = reason
        self.status = status
        self.message = REASONS[reason]
        super().__init__(f"{self.message} ({reason})")


def is_inner(address: Address, allow_private: bool) -> bool:
    """Is this an address that must not be spoken to?"""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_inner(address.ipv4_mapped, allow_private)
        if address in _NAT64:
            embedded = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
            return is_inner(embedded, allow_private)
        if address.scope_id is not None:
            return True
    if address.is_multicast or address.is_unspecified or address.is_link_local:
        return True
    if any(address.version == net.version and address in net for net in _INNER):
        return True
    if allow_private and (address.is_loopback or address.is_private):
        return False
    return not address.is_global or address.is_reserved


def parse(url: str) -> Url:
    """Take an address apart, with the same parser that the connection uses."""
    if not url or any(ord(char) <= 0x20 or ord(char) == 0x7F or char == "\\" for char in url):
        raise AddressRefused("malformed")
    try:
        parsed = parse_url(url)
    except (LocationParseError, UnicodeError, ValueError):
        raise AddressRefused("malformed") from None
    if parsed.scheme not in ("http", "https"):
        raise AddressRefused("scheme")
    if parsed.auth is not None:
        raise AddressRefused("userinfo")
    if not parsed.host:
        raise AddressRefused("malformed")
    return parsed


def place(parsed: Url) -> Place:
    """What a connection to this address is made to."""
    host = (parsed.host or "").strip("[]").rstrip(".").lower()
    return host, parsed.port or (443 if parsed.scheme == "https" else 80)


def _literal(host: str) -> Address | None:
    """The address that a host is when it is written as one; refuses unusual ways of writing."""
    if host.startswith("["):
        try:
            return ipaddress.ip_address(host[1:-1])
        except ValueError:
            raise AddressRefused("form") from None
    labels = host.rstrip(".").split(".")
    if _NUMBER_LIKE.fullmatch(labels[-1]):  # such a host is a number for the resolver, no name
        try:
            return ipaddress.IPv4Address(host)
        except ValueError:
            raise AddressRefused("form") from None
    if not all(_NAME.fullmatch(label) for label in labels):
        raise AddressRefused("form")
    return None


def resolve(parsed: Url, allow_private: bool) -> str:
    """The one address to connect to. Refuses when any address of the name is an inner one."""
    host = parsed.host or ""
    literal = _literal(host)
    if literal is not None:
        found: list[Address] = [literal]
    else:
        try:
            answers = socket.getaddrinfo(host, parsed.port or 0, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise AddressRefused("unresolved") from None
        found = [ipaddress.ip_address(answer[4][0]) for answer in answers]
    if not found:
        raise AddressRefused("unresolved")
    if any(is_inner(address, allow_private) for address in found):
        raise AddressRefused("private")
    return str(found[0])


def public_link(url: str) -> str | None:
    """Why a link must not be published, or None.

    Looks at the text alone and asks no name server: a link to a private address, to a name that
    only an internal network knows, or with credentials in it is not for the public.
    """
    try:
        host = (parse(url).host or "").lower()
        literal = _literal(host)
    except AddressRefused as refused:
        return refused.reason
    if literal is not None:
        return "private" if is_inner(literal, allow_private=False) else None
    labels = host.rstrip(".").split(".")
    if len(labels) == 1 or labels[-1] in _INNER_SUFFIXES:
        return "internal_name"
    return None


def refused_link(url: str, *, allow_private: bool = False) -> str | None:
    """Why an address must not even be saved as a link, or None.

    Scripts and files of the reader's own machine, private networks, credentials. Milder than
    :func:`public_link`: what is merely incomplete (no scheme, a host without a dot) can be saved,
    and waits at the review.
    """
    plain = _SKIPPED.sub("", unicodedata.normalize("NFKC", url)).replace("\\", "/")
    found = _SCHEME.match(plain)
    if found is None or _PORT.match(plain):
        plain = f"http://{plain.lstrip('/')}"  # as CKAN completes it
    elif found[1].lower() not in ("http", "https", "ftp"):
        return "scheme"
    else:  # as browsers read it, with however many slashes; of FTP only the host matters
        plain = f"http://{plain[found.end() :].lstrip('/')}"
    try:
        parsed = parse(plain)
        literal = _literal((parsed.host or "").lower())
    except AddressRefused as refused:
        return refused.reason if refused.reason in ("userinfo", "form") else None
    if literal is not None:
        return "private" if is_inner(literal, allow_private) else None
    labels = (parsed.host or "").lower().rstrip(".").split(".")
    if labels[-1] in _INNER_SUFFIXES and not allow_private:
        return "internal_name" if len(labels) > 1 or labels[-1] == "localhost" else None
    return None
