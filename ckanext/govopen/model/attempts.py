"""How often something may be tried: counters that all processes share, in Redis.

A try is counted before it is made, so that a hundred at the same moment are not one. Without Redis
nothing may be tried: what is limited stays limited.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass

from ckan.lib.redis import connect_to_redis
from ckan.plugins import toolkit
from redis.exceptions import RedisError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Allowed:
    """May it be tried now? If not: ``wait`` seconds until it may."""

    yes: bool
    wait: int = 0


#: Counts and sets the end of the window in one step: no counter stays without an end.
_COUNT = """
local n = redis.call('INCR', KEYS[1])
if n == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return {n, redis.call('TTL', KEYS[1])}
"""


def count(kind: str, who: str, most: int, seconds: int) -> Allowed:
    """Counts one try of ``who``; at most ``most`` within ``seconds`` of the first one.

    ``who`` is an account or an address; it is hashed, so that the store names nobody.
    """
    try:
        found = connect_to_redis().eval(_COUNT, 1, _key(kind, who), seconds)
    except RedisError as error:
        log.error("Tries cannot be counted, so none is allowed (%s)", type(error).__name__)
        return Allowed(False, seconds)
    number, left = (int(value) for value in found)  # pyright: ignore[reportGeneralTypeIssues]
    return Allowed(True) if number <= most else Allowed(False, max(1, left))


def forget(kind: str, who: str) -> None:
    """Starts anew, after a try that succeeded."""
    try:
        connect_to_redis().delete(_key(kind, who))
    except RedisError as error:
        log.error("Tries cannot be forgotten (%s)", type(error).__name__)


def _key(kind: str, who: str) -> str:
    site = str(toolkit.config.get("ckan.site_id") or "")
    digest = hashlib.sha256(f"{site}\0{who}".encode()).hexdigest()
    return f"govopen:attempts:{kind}:{digest}"
