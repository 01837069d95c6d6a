"""Fetching from addresses that people write: never from inside the portal's own network.

A name is resolved once, every address it resolves to is checked, and the connection is made to
the very address that was checked (a second resolution could give another one). Redirects go
through the same door. Size and total time are limited. Proxies of the environment are not used:
they would resolve the name again.
"""

from __future__ import annotations

import contextlib
import socket
import tempfile
import threading
import time
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import urllib3
from urllib3.exceptions import DecodeError, HTTPError, SSLError
from urllib3.response import BaseHTTPResponse
from urllib3.util import Url

from ckanext.govopen.access.network import (
    AddressRefused,
    Place,
    parse,
    place,
    public_link,
    resolve,
)

__all__ = [
    "AddressRefused",
    "Fetched",
    "Private",
    "Remote",
    "exchange",
    "fetch",
    "open_stream",
    "public_link",
]

#: May private addresses be spoken to: all of them, none, or those of certain hosts and ports.
Private = bool | Container[Place]

CHUNK = 64 * 1024
MAX_REDIRECTS = 5
SPOOL_BYTES = 1024 * 1024
CONNECT_SECONDS = 10.0


@dataclass
class Remote:
    """An answer whose body is read piece by piece. Close it, or use it as a context manager.

    ``length`` is in bytes, None when the other side does not say. ``content_range`` is set for a
    partial answer only.
    """

    status: int
    media_type: str
    length: int | None
    content_range: str | None
    _response: BaseHTTPResponse
    _watch: _Watch
    _deadline: float
    _max_bytes: int

    def header(self, name: str) -> str:
        """A header of the answer, empty when it has none."""
        return self._response.headers.get(name) or ""

    def chunks(self) -> Iterator[bytes]:
        """The body, limited in size and time. Raises :class:`AddressRefused`."""
        seen = 0
        try:
            while chunk := self._response.read1(CHUNK):  # pyright: ignore[reportAttributeAccessIssue]
                seen += len(chunk)
                if seen > self._max_bytes:
                    raise AddressRefused("too_large")
                yield chunk
        except DecodeError:
            raise AddressRefused("packed") from None
        except (HTTPError, OSError, ValueError):
            late = time.monotonic() >= self._deadline
            raise AddressRefused("too_slow" if late else "unreachable") from None
        finally:
            self.close()

    def close(self) -> None:
        """End the connection. Harmless when ended already."""
        self._watch.cancel()
        self._response.close()

    def __enter__(self) -> Remote:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Fetched(tempfile.SpooledTemporaryFile):
    """A fetched body as a file at its beginning; ``size`` in bytes."""

    media_type: str = ""
    size: int = 0


class _Watch:
    """Ends a connection at a deadline, wherever it waits: in a handshake, a header, the body.

    Time-outs of a socket begin anew with every byte, so that an address which gives one byte now
    and then would hold a worker for ever.
    """

    def __init__(self, seconds: float) -> None:
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._shut)
        self._timer.daemon = True
        self._timer.start()

    def add(self, sock: socket.socket) -> None:
        self._sockets.append(sock)

    def cancel(self) -> None:
        self._timer.cancel()

    def _shut(self) -> None:
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def _connection_class(base: type[Any], watch: _Watch) -> type[Any]:
    """A connection of urllib3 whose socket is watched."""

    class Watched(base):
        def _new_conn(self) -> socket.socket:
            sock = super()._new_conn()
            watch.add(sock)
            return sock

        def connect(self) -> None:
            super().connect()
            watch.add(self.sock)

    return Watched


def _pool(parsed: Url, address: str, watch: _Watch, timeout: float) -> urllib3.HTTPConnectionPool:
    """A pool that speaks to ``address`` only, and checks a certificate against the name."""
    limits = urllib3.Timeout(connect=min(CONNECT_SECONDS, timeout), read=timeout)
    if parsed.scheme == "https":
        name = (parsed.host or "").strip("[]").rstrip(".")
        pool = urllib3.HTTPSConnectionPool(
            address,
            parsed.port or 443,
            timeout=limits,
            retries=False,
            server_hostname=name,
            assert_hostname=name,
        )
    else:
        pool = urllib3.HTTPConnectionPool(address, parsed.port or 80, timeout=limits, retries=False)
    pool.ConnectionCls = _connection_class(pool.ConnectionCls, watch)
    return pool


def _request(
    parsed: Url,
    *,
    allow_private: Private,
    deadline: float,
    headers: Mapping[str, str],
    method: str = "GET",
    body: bytes | None = None,
) -> tuple[BaseHTTPResponse, _Watch]:
    """One request without following redirects, watched until ``deadline`` (monotonic seconds)."""
    if not isinstance(allow_private, bool):
        allow_private = place(parsed) in allow_private
    address = resolve(parsed, allow_private)
    left = deadline - time.monotonic()
    if left <= 0:
        raise AddressRefused("too_slow")
    watch = _Watch(left)
    sent = {"Accept-Encoding": "identity", "User-Agent": "ckanext-govopen", **headers}
    sent["Host"] = parsed.netloc or ""
    try:
        response = _pool(parsed, address, watch, left).urlopen(
            method,
            parsed.request_uri,
            body=body,
            headers=sent,
            redirect=False,
            preload_content=False,
            decode_content=True,
            assert_same_host=False,
        )
    except SSLError:
        watch.cancel()
        raise AddressRefused("too_slow" if time.monotonic() >= deadline else "tls") from None
    except (HTTPError, OSError, ValueError):
        watch.cancel()
        late = time.monotonic() >= deadline
        raise AddressRefused("too_slow" if late else "unreachable") from None
    return response, watch


def open_stream(
    url: str,
    *,
    allow_private: Private = False,
    max_bytes: int,
    timeout: float,
    headers: Mapping[str, str] | None = None,
    statuses: Container[int] = (200, 206),
) -> Remote:
    """Open an address for reading. ``timeout`` is the total time in seconds, reading included.

    Raises :class:`AddressRefused` for an address that is not spoken to, and for one that answers
    with none of the ``statuses``. ``headers`` are sent to the first host only, never along a
    redirect to another one. ``allow_private`` is asked anew of each hop.
    """
    deadline = time.monotonic() + timeout
    parsed = parse(url)
    sent = dict(headers or {})
    for _ in range(MAX_REDIRECTS + 1):
        response, watch = _request(
            parsed, allow_private=allow_private, deadline=deadline, headers=sent
        )
        target = response.get_redirect_location()
        if not target:
            break
        watch.cancel()
        response.close()
        before = parsed
        parsed = parse(urljoin(before.url, target))
        if before.scheme == "https" and parsed.scheme == "http":
            raise AddressRefused("scheme")
        if (before.scheme, before.netloc) != (parsed.scheme, parsed.netloc):
            sent = {}
    else:
        raise AddressRefused("redirects")
    length = _length(response)
    remote = Remote(
        status=response.status,
        media_type=(response.headers.get("Content-Type") or "").split(";")[0].strip().lower(),
        length=length,
        content_range=response.headers.get("Content-Range") if response.status == 206 else None,
        _response=response,
        _watch=watch,
        _deadline=deadline,
        _max_bytes=max_bytes,
    )
    if response.status not in statuses:
        remote.close()
        raise AddressRefused("status", response.status)
    if length is not None and length > max_bytes:
        remote.close()
        raise AddressRefused("too_large")
    return remote


def _length(response: BaseHTTPResponse) -> int | None:
    if response.headers.get("Content-Encoding", "identity") != "identity":
        return None  # the length is that of the packed body
    value = response.headers.get("Content-Length", "")
    return int(value) if value.isascii() and value.isdigit() else None


def fetch(
    url: str,
    *,
    allow_private: Private = False,
    max_bytes: int,
    timeout: float,
    headers: Mapping[str, str] | None = None,
) -> Fetched:
    """Fetch an address into a temporary file, which the caller closes.

    ``max_bytes`` limits the body as unpacked, ``timeout`` the total time in seconds. Raises
    :class:`AddressRefused`.
    """
    with open_stream(
        url, allow_private=allow_private, max_bytes=max_bytes, timeout=timeout, headers=headers
    ) as remote:
        file = Fetched(max_size=SPOOL_BYTES)
        try:
            for chunk in remote.chunks():
                file.write(chunk)
        except BaseException:
            file.close()
            raise
        file.media_type = remote.media_type
        file.size = file.tell()
        file.seek(0)
        return file


def exchange(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes | None = None,
    allow_private: Private = False,
    max_bytes: int,
    timeout: float,
) -> tuple[int, dict[str, str], bytes]:
    """One request to a machine that may answer with an error of its own: status, headers, body.

    Redirects are not followed: what is sent may be a secret of the portal. Raises
    :class:`AddressRefused`.
    """
    deadline = time.monotonic() + timeout
    response, watch = _request(
        parse(url),
        allow_private=allow_private,
        deadline=deadline,
        headers=headers,
        method=method,
        body=body,
    )
    remote = Remote(
        status=response.status,
        media_type="",
        length=None,
        content_range=None,
        _response=response,
        _watch=watch,
        _deadline=deadline,
        _max_bytes=max_bytes,
    )
    content = b"".join(remote.chunks())
    return response.status, {key.lower(): value for key, value in response.headers.items()}, content
