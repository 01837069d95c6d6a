"""The guarded client: what it refuses, what it pins, where it stops."""

from __future__ import annotations

import http.server
import ipaddress
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from ckanext.govopen.access import address, network
from ckanext.govopen.access.address import AddressRefused, fetch, open_stream, public_link

MARK = b"\xe6\xb0\xb4" * 1000


class Handler(http.server.BaseHTTPRequestHandler):
    """A small site with everything that goes wrong on the way."""

    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, dict[str, str]]] = []

    def do_GET(self) -> None:
        Handler.seen.append((self.path, dict(self.headers.items())))
        port = self.connection.getsockname()[1]
        if self.path.startswith("/file"):
            self._answer(200, MARK, {"Content-Type": "text/csv; charset=utf-8", "X-Secret": "s"})
        elif self.path == "/loop":
            self._answer(302, b"", {"Location": "/loop"})
        elif self.path == "/once":
            self._answer(302, b"", {"Location": "/file?a=1"})
        elif self.path == "/inward":
            self._answer(302, b"", {"Location": f"http://127.0.0.1:{port}/file"})
        elif self.path == "/other":
            self._answer(302, b"", {"Location": f"http://localhost:{port}/file"})
        elif self.path == "/scheme":
            self._answer(302, b"", {"Location": "file:///etc/passwd"})
        elif self.path == "/slow":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            for _ in range(100):
                try:
                    self.wfile.write(b".")
                    self.wfile.flush()
                except OSError:
                    return
                time.sleep(0.1)
        elif self.path == "/endless":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                for _ in range(1000):
                    self.wfile.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
            except OSError:
                return
        elif self.path == "/part":
            self._answer(206, b"ab", {"Content-Range": "bytes 0-1/9"})
        else:
            self._answer(404, b"no", {})

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://example.org/a", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("javascript:alert(1)", "scheme"),
        ("example.org/a", "scheme"),
        ("", "malformed"),
        ("http://", "malformed"),
        ("http://exa mple.org/", "malformed"),
        ("http://example.org\\@127.0.0.1/", "malformed"),
        ("http://example.org/\r\nHost: x", "malformed"),
        ("http://user:secret@example.org/", "userinfo"),
        ("http://example.org@127.0.0.1/", "userinfo"),
        ("http://2130706433/", "form"),
        ("http://0x7f000001/", "form"),
        ("http://0x7f.1/", "form"),
        ("http://0177.0.0.1/", "form"),
        ("http://127.1/", "form"),
        ("http://127.0.0.1./", "form"),
        ("http://127.0.0.1/", "private"),
        ("http://127.0.0.1:8983/solr/", "private"),
        ("http://0.0.0.0/", "private"),
        ("http://10.1.2.3/", "private"),
        ("http://172.16.0.1/", "private"),
        ("http://192.168.1.1/", "private"),
        ("http://169.254.169.254/latest/meta-data/", "private"),
        ("http://100.100.100.200/latest/meta-data/", "private"),
        ("http://168.63.129.16/", "private"),
        ("http://224.0.0.1/", "private"),
        ("http://240.0.0.1/", "private"),
        ("http://255.255.255.255/", "private"),
        ("http://198.18.0.1/", "private"),
        ("http://[::1]/", "private"),
        ("http://[::]/", "private"),
        ("http://[::ffff:127.0.0.1]/", "private"),
        ("http://[::ffff:a00:1]/", "private"),
        ("http://[64:ff9b::7f00:1]/", "private"),
        ("http://[2002:7f00:1::]/", "private"),
        ("http://[fe80::1]/", "private"),
        ("http://[fd00:ec2::254]/", "private"),
        ("http://[ff02::1]/", "private"),
        ("http://[2001:db8::1]/", "private"),
    ],
)
def test_refuses(url: str, reason: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        fetch(url, max_bytes=10, timeout=2)
    assert refused.value.reason == reason
    assert public_link(url) == reason


@pytest.mark.parametrize("url", ["http://１２７.０.０.１/", "http://①②⑦.0.0.1/"])
def test_refuses_digits_in_disguise(url: str) -> None:
    with pytest.raises(AddressRefused):
        fetch(url, max_bytes=10, timeout=2)
    assert public_link(url) is not None


def test_refuses_a_name_when_one_of_its_addresses_is_inside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 80)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 80)),
    ]
    monkeypatch.setattr(network.socket, "getaddrinfo", lambda *_, **__: answers)
    with pytest.raises(AddressRefused) as refused:
        fetch("http://data.example.org/", max_bytes=10, timeout=2)
    assert refused.value.reason == "private"


def test_connects_to_the_address_that_was_checked(
    site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that changes between the check and the connection has no effect: one resolution."""
    port = int(site.rsplit(":", 1)[1])
    asked = []
    real = socket.getaddrinfo

    def rebinding(host: str, *args: object, **kwargs: object) -> object:
        asked.append(host)
        if host == "data.example.org":
            if len(asked) > 1:
                raise AssertionError("the name was resolved a second time")
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
        return real(host, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    Handler.seen.clear()
    url = f"http://data.example.org:{port}/file"
    with fetch(url, allow_private=True, max_bytes=10**5, timeout=5) as file:
        assert file.read() == MARK
    assert asked.count("data.example.org") == 1
    assert Handler.seen[-1][1]["Host"] == f"data.example.org:{port}"


def test_fetches(site: str) -> None:
    with fetch(f"{site}/once", allow_private=True, max_bytes=10**5, timeout=5) as file:
        assert file.read() == MARK
        assert file.media_type == "text/csv"
        assert file.size == len(MARK)
    assert Handler.seen[-1][0] == "/file?a=1"


def test_private_only_when_allowed(site: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        fetch(f"{site}/file", max_bytes=10**5, timeout=5)
    assert refused.value.reason == "private"
    with pytest.raises(AddressRefused):  # instance metadata stays closed all the same
        fetch("http://169.254.169.254/", allow_private=True, max_bytes=10, timeout=2)


def test_private_hosts_are_allowed_with_their_ports(site: str) -> None:
    host, port = "127.0.0.1", int(site.rsplit(":", 1)[1])
    allowed = frozenset({(host, port)})
    with fetch(f"{site}/once", allow_private=allowed, max_bytes=10**5, timeout=5) as file:
        assert file.read() == MARK
    for others in ({(host, port + 1)}, {(host, 80)}, {("localhost", port)}, set()):
        with pytest.raises(AddressRefused) as refused:
            fetch(f"{site}/file", allow_private=frozenset(others), max_bytes=10**5, timeout=5)
        assert refused.value.reason == "private"


def test_redirect_is_checked_again(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From an allowed host to the loopback: refused at the second door."""
    port = int(site.rsplit(":", 1)[1])
    real = network.is_inner

    def is_inner(found: network.Address, allow_private: bool) -> bool:
        # the first host counts as outside, whatever it resolves to
        return False if next(calls) == 0 else real(found, allow_private)

    calls = iter(range(10))
    monkeypatch.setattr(network, "is_inner", is_inner)
    with pytest.raises(AddressRefused) as refused:
        fetch(f"http://127.0.0.1:{port}/inward", max_bytes=10**5, timeout=5)
    assert refused.value.reason == "private"


@pytest.mark.parametrize(
    ("path", "reason"), [("/loop", "redirects"), ("/scheme", "scheme"), ("/none", "status")]
)
def test_ends_of_the_way(site: str, path: str, reason: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        fetch(site + path, allow_private=True, max_bytes=10**5, timeout=5)
    assert refused.value.reason == reason


def test_headers_stay_with_the_first_host(site: str) -> None:
    Handler.seen.clear()
    secret = {"Authorization": "token"}
    fetch(f"{site}/other", allow_private=True, max_bytes=10**5, timeout=5, headers=secret).close()
    assert Handler.seen[0][1]["Authorization"] == "token"
    assert "Authorization" not in Handler.seen[1][1]


@pytest.mark.parametrize("path", ["/file", "/endless"])
def test_size_limit(site: str, path: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        fetch(site + path, allow_private=True, max_bytes=100, timeout=5)
    assert refused.value.reason == "too_large"


def test_total_time_limit(site: str) -> None:
    """One byte every tenth of a second never hits a socket's time-out; the total does."""
    begin = time.monotonic()
    with pytest.raises(AddressRefused) as refused:
        fetch(f"{site}/slow", allow_private=True, max_bytes=10**5, timeout=0.6)
    assert refused.value.reason == "too_slow"
    assert time.monotonic() - begin < 3


def test_partial_answer(site: str) -> None:
    headers = {"Range": "bytes=0-1"}
    with open_stream(
        f"{site}/part", allow_private=True, max_bytes=100, timeout=5, headers=headers
    ) as remote:
        assert (remote.status, remote.content_range) == (206, "bytes 0-1/9")
        assert b"".join(remote.chunks()) == b"ab"


def test_refusal_does_not_repeat_the_address() -> None:
    with pytest.raises(AddressRefused) as refused:
        fetch("http://user:topsecret@127.0.0.1/?key=topsecret", max_bytes=10, timeout=1)
    assert "topsecret" not in str(refused.value) + refused.value.message + repr(refused.value)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://data.example.org/a.csv", None),
        ("http://93.184.216.34:8080/a", None),
        ("https://数据.example.org/文件.csv?年=2020", None),
        ("https://[2606:4700::1111]/", None),
        ("http://fileserver/share/a.csv", "internal_name"),
        ("http://nas.local/a", "internal_name"),
        ("http://oa.intranet/a", "internal_name"),
        ("http://localhost:5000/", "internal_name"),
    ],
)
def test_public_link(url: str, reason: str | None) -> None:
    assert public_link(url) == reason


def test_every_reason_has_words() -> None:
    for reason in network.REASONS:
        assert str(AddressRefused(reason)).endswith(f"({reason})")


def test_no_private_network_is_forgotten() -> None:
    """What Python itself calls not global is refused."""
    for text in ("0.1.2.3", "100.64.0.1", "192.0.2.1", "203.0.113.9", "fc00::1", "::2"):
        assert network.is_inner(ipaddress.ip_address(text), allow_private=False), text
    assert address.MAX_REDIRECTS <= 5


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("javascript:alert(1)", "scheme"),
        (" JaVa\nscript:alert(1)", "scheme"),
        ("mailto:somebody@example.org", "scheme"),
        ("//localhost/x", "internal_name"),
        ("localhost:8080/x", "internal_name"),
        ("http:/\\127.0.0.1/x", "private"),
        ("https:10.0.0.1/x", "private"),
        ("http://１２７.0.0.1/", "private"),
        ("http://2130706433/", "form"),
        ("https://u:p@example.org/", "userinfo"),
        ("http://nas/a", None),
        ("file.csv", None),
        ("https://数据.中国/点.csv", None),
    ],
)
def test_refused_link(url: str, reason: str | None) -> None:
    assert network.refused_link(url) == reason


def test_a_private_link_where_it_is_allowed() -> None:
    assert network.refused_link("http://10.0.0.1/x", allow_private=True) is None
    assert network.refused_link("http://localhost/x", allow_private=True) is None
    assert network.refused_link("http://169.254.169.254/x", allow_private=True) == "private"
