"""Using a grant: what counts against its quota, when it opens again, what is kept of it."""

from __future__ import annotations

import datetime
import ipaddress
from typing import Any, Literal

from ckanext.govopen.domain.deadline import local_date
from ckanext.govopen.domain.grant import Quota
from ckanext.govopen.domain.profile import Profile
from ckanext.govopen.domain.refusal import N_, Answer
from ckanext.govopen.domain.terms import SHANGHAI

#: How a grant was used: a file, rows by the interface, rows on a page of the portal.
Kind = Literal["download", "rows", "on_platform"]
KINDS: tuple[Kind, ...] = ("download", "rows", "on_platform")
#: How much of an address is kept.
Address = Literal["none", "network", "full"]
ADDRESSES: tuple[Address, ...] = ("none", "network", "full")
#: A download that breaks off may be taken up again within this time, as often as fits into
#: ``RESUMED_TIMES`` of its size, without counting anew.
RESUME_WITHIN = datetime.timedelta(hours=24)
RESUMED_TIMES = 2

#: The period of what counts over the whole life of a grant.
ALL = "all"


def today(now: datetime.datetime) -> str:
    """The day that a request at ``now`` counts for: a calendar day in China, ``2026-11-22``."""
    return local_date(now).isoformat()


def tomorrow(now: datetime.datetime) -> datetime.datetime:
    """When the quota of the next day opens: midnight in China."""
    day = local_date(now) + datetime.timedelta(days=1)
    return datetime.datetime.combine(day, datetime.time(), SHANGHAI)


def used_up(code: str, quota: Quota, now: datetime.datetime) -> Answer:
    """What somebody is told whose quota is used up: which, and when it opens again.

    ``code`` is ``quota_downloads``, ``quota_rows`` or ``quota_requests``.
    """
    opens = f"{tomorrow(now):%Y-%m-%d %H:%M}"
    messages: dict[str, tuple[str, dict[str, Any]]] = {
        "quota_downloads": (
            N_(
                "All %(number)s downloads of your grant are used. "
                "They do not come back: ask the department, or apply for a renewal."
            ),
            {"number": quota.downloads},
        ),
        "quota_rows": (
            N_(
                "The %(number)s rows of your grant for today are read. "
                "It opens again on %(when)s (Beijing time)."
            ),
            {"number": quota.rows_per_day, "when": opens},
        ),
        "quota_requests": (
            N_(
                "The %(number)s requests of your grant for today are used. "
                "It opens again on %(when)s (Beijing time)."
            ),
            {"number": quota.requests_per_day, "when": opens},
        ),
    }
    message, params = messages[code]
    return Answer(False, code, message, params=params)


def too_many(needed: int, left: int, now: datetime.datetime) -> Answer:
    """A file of rows would need more of them than are left today."""
    return Answer(
        False,
        "quota_rows",
        N_(
            "This takes %(needed)s rows, and your grant has %(left)s left today. "
            "Ask for fewer with limit=%(left)s, or come back on %(when)s (Beijing time)."
        ),
        params={"needed": needed, "left": left, "when": f"{tomorrow(now):%Y-%m-%d %H:%M}"},
    )


def opens_in(code: str, now: datetime.datetime) -> int | None:
    """Seconds until a quota opens again; None for one that does not."""
    if code == "quota_downloads":
        return None
    return max(1, int((tomorrow(now) - now).total_seconds()))


def kept_address(address: str | None, how: Address) -> str | None:
    """What is kept of an address: all of it, its network (/24, /48), or nothing.

    What is no address is not kept.
    """
    if how == "none" or not address:
        return None
    try:
        found = ipaddress.ip_address(address.split("%", 1)[0])
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    found = mapped or found
    if how == "full":
        return str(found)
    network = ipaddress.ip_network((found, 24 if found.version == 4 else 48), strict=False)
    return str(network)


def keeping(profile: Profile, days: int) -> datetime.timedelta:
    """How long the access log is kept: as long as the profile says, ``days`` where it is silent."""
    for row in profile.retention:
        if row.what == "access_log" and row.n is not None:
            return datetime.timedelta(days=366 * row.n if row.unit == "year" else row.n)
    return datetime.timedelta(days=days)
