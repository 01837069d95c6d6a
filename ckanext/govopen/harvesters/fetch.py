"""Asking a catalogue over HTTP: bounded in time, size and patience, never from inside the network.

Every request goes through :mod:`ckanext.govopen.access.address`: private addresses are refused
unless the source may read them, names are resolved once, and redirects are followed here one by
one, each checked like the first. Credentials go to the source's own server only.
"""

from __future__ import annotations

import datetime
import email.utils
import hashlib
import hmac
import json
import random
import secrets
import time
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

from ckanext.govopen.access.address import AddressRefused, Private, exchange
from ckanext.govopen.harvesters.reading import SourceError
from ckanext.govopen.harvesters.sealing import origin
from ckanext.govopen.logic.command import now
from ckanext.govopen.logic.told import told as _

#: Seconds for one request, its body included, and bytes of one answer.
REQUEST_SECONDS = 60.0
ANSWER_BYTES = 16 * 1024 * 1024
#: How often a request is tried, the first pause in seconds, and the longest pause.
TRIES = 5
PAUSE = 1.0
LONGEST_PAUSE = 120.0
#: Seconds that all pauses and all requests of a run may take together.
PATIENCE = 900.0
RUN_SECONDS = 4 * 3600.0
REDIRECTS = 3
#: Faults of a connection that may be over at the next try.
PASSING = frozenset({"unreachable", "too_slow", "unresolved", "packed"})


@dataclass(frozen=True)
class Auth:
    """How a source proves who asks: nothing, a bearer token, or signed requests."""

    bearer: str = field(default="", repr=False)
    client_id: str = ""
    secret: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        return bool(self.bearer or self.secret)

    def headers(self, method: str, url: str) -> dict[str, str]:
        """The headers of one request."""
        if self.bearer:
            return {"Authorization": f"Bearer {self.bearer}"}
        if not self.secret:
            return {}
        parts = urlsplit(url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        sent, nonce = str(int(time.time() * 1000)), secrets.token_hex(16)
        text = f"{method}\n{path}\n{sent}\n{nonce}"
        signature = hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        return {
            "X-Client-Id": self.client_id,
            "X-Timestamp": sent,
            "X-Nonce": nonce,
            "X-Signature": signature,
        }


@dataclass(frozen=True)
class Answer:
    """What the source said: 200 with JSON content, or another status that was to be expected."""

    status: int
    content: Any = None
    etag: str = ""


class Passing(Exception):
    """Something that may work at the next try. ``wait`` seconds, if the source said so."""

    def __init__(self, message: str, wait: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.wait = wait


class Client:
    """Asks one source during one run."""

    def __init__(
        self,
        auth: Auth,
        *,
        allow_private: Private,
        seconds: float = RUN_SECONDS,
        tries: int = TRIES,
    ) -> None:
        self._auth = auth
        self._private = allow_private
        self._tries = tries
        self._patience = PATIENCE
        self._end = time.monotonic() + seconds

    def get(self, url: str, etag: str = "", gone: Container[int] = ()) -> Answer:
        """Asks for JSON, several times if need be.

        :param etag: of what is known already: 304 is an answer then
        :param gone: statuses that say that there is no such thing
        :raises SourceError: the source does not give it
        """
        for tried in range(self._tries):
            try:
                return self._once(url, etag, gone)
            except Passing as passing:
                message = passing.message
                if tried + 1 == self._tries or not self._rest(tried, passing.wait):
                    break
        raise SourceError(
            _(
                "%(reason)s It was tried several times. What was read before is kept; run the "
                "source again when it works."
            )
            % {"reason": message}
        )

    def _rest(self, tried: int, wait: float | None) -> bool:
        """Waits before the next try; False when there is no patience left."""
        # Not all sources that found the same server down come back at the same moment.
        seconds = PAUSE * 2**tried * random.uniform(0.5, 1.0)  # noqa: S311
        if wait is not None:
            seconds = max(wait, 0.0)
        if seconds > min(LONGEST_PAUSE, self._patience) or time.monotonic() + seconds > self._end:
            return False
        self._patience -= seconds
        time.sleep(seconds)
        return True

    def _once(self, url: str, etag: str, gone: Container[int]) -> Answer:
        left = self._end - time.monotonic()
        if left <= 0:
            raise SourceError(_("The run took too long. The next one goes on."))
        try:
            status, headers, body = self._followed(url, etag, min(left, REQUEST_SECONDS))
        except AddressRefused as refused:
            message = _(refused.message)
            if refused.reason in PASSING:
                raise Passing(message) from None
            raise SourceError(message) from None
        if status == 200:
            return Answer(200, _json(body), headers.get("etag", ""))
        if status in gone or (status == 304 and etag):
            return Answer(status)
        if status in (408, 425, 429) or status >= 500:
            said = _("The source answers with status %(status)s.") % {"status": status}
            raise Passing(said, retry_after(headers.get("retry-after", "")))
        if status in (401, 403):
            raise SourceError(
                _(
                    "The source refuses access (status %(status)s). Check the credentials in the "
                    "configuration."
                )
                % {"status": status}
            )
        raise SourceError(
            _("The source answers with status %(status)s. Check the address.") % {"status": status}
        )

    def _followed(
        self, url: str, etag: str, seconds: float
    ) -> tuple[int, Mapping[str, str], bytes]:
        """One request along its redirects."""
        deadline = time.monotonic() + seconds
        own = origin(url)
        for _hop in range(REDIRECTS + 1):
            headers = {"Accept": "application/json", "Accept-Encoding": "gzip"}
            if etag:
                headers["If-None-Match"] = etag
            if origin(url) == own:
                headers.update(self._auth.headers("GET", url))
            status, said, body = exchange(
                "GET",
                url,
                headers=headers,
                allow_private=self._private,
                max_bytes=ANSWER_BYTES,
                timeout=max(deadline - time.monotonic(), 0.001),
            )
            target = said.get("location", "")
            if status not in (301, 302, 303, 307, 308) or not target:
                return status, said, body
            before, url = url, urljoin(url, target)
            if before.startswith("https:") and not url.startswith("https:"):
                raise AddressRefused("scheme")
        raise AddressRefused("redirects")


def _json(body: bytes) -> Any:
    """Raises :class:`Passing`: a cut-off answer may come whole the next time."""
    try:
        return json.loads(body.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Passing(_("The answer of the source is not UTF-8.")) from None
    except (ValueError, RecursionError):
        raise Passing(_("The answer of the source is not JSON.")) from None


def retry_after(text: str) -> float | None:
    """Seconds that a source asks to wait: a number of them, or a moment."""
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.timezone.utc)
    return max(0.0, (moment - now()).total_seconds())
