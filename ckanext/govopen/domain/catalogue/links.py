"""Which addresses may be shown to the public."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from ckanext.govopen.domain.refusal import ALLOWED, N_, Answer

#: Endings of names that exist only inside a network.
_INTERNAL = (".local", ".localhost", ".internal", ".intranet", ".lan", ".home", ".corp", ".test")


def is_public_address(url: str) -> Answer:
    """May a link to this address be published, as far as the address itself tells?

    Only http(s) to a public name or address, without a user name in it. What a name resolves to
    is for the floor above to check. Rule: a link to a private address is never published.
    """
    no = Answer(False, "private_address", N_("A link to an internal address is not published."))
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").rstrip(".").lower()
        port = parts.port
    except ValueError:
        return Answer(False, "no_address", N_("This is no address on the web."))
    if parts.scheme.lower() not in ("http", "https") or not host or port == 0:
        return Answer(False, "no_address", N_("This is no address on the web."))
    if parts.username is not None or parts.password is not None:
        return Answer(False, "credentials", N_("An address with a user name is not published."))
    address = _address(host)
    if address is not None:
        return ALLOWED if address.is_global and not address.is_multicast else no
    if "." not in host or host.endswith(_INTERNAL):
        return no
    return ALLOWED


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The host as an IP address, also in the short and numeric ways that libraries accept."""
    try:
        found = ipaddress.ip_address(host.split("%", 1)[0])
    except ValueError:
        return _loose_ipv4(host)
    if isinstance(found, ipaddress.IPv6Address):
        return found.ipv4_mapped or found.sixtofour or found
    return found


def _loose_ipv4(host: str) -> ipaddress.IPv4Address | None:
    """``127.1``, ``0x7f.0.0.1``, ``2130706433``: what the C library reads as an address."""
    parts = host.split(".")
    if len(parts) > 4:
        return None
    numbers: list[int] = []
    for part in parts:
        try:
            base = 16 if part.startswith("0x") else 8 if part != "0" and part[:1] == "0" else 10
            numbers.append(int(part, base))
        except ValueError:
            return None
    value = 0
    for number in numbers[:-1]:
        if number > 255:
            return None
        value = value * 256 + number
    room = 256 ** (5 - len(numbers))
    if numbers[-1] >= room:
        return None
    return ipaddress.IPv4Address(value * room + numbers[-1])
