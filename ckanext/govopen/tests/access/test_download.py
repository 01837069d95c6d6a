"""Downloads: who gets which bytes, and in what wrapping."""

from __future__ import annotations

import hashlib
import http.server
import threading
import uuid
from collections.abc import Iterator

import pytest
from ckan import model
from ckan.common import config
from sqlalchemy import event

from ckanext.govopen.access import files
from ckanext.govopen.logic.validators import links
from ckanext.govopen.model import file as file_model
from ckanext.govopen.model import location
from ckanext.govopen.tests.access.site import CSV, Site, download
from ckanext.govopen.tests.portal import Portal

NEW = CSV + "二道区,第二小学,300,0007\n"


@pytest.fixture(scope="module")
def site(_one_portal: Portal) -> Site:
    return Site.build(_one_portal)


def name_of(package_id: str) -> str:
    package = model.Package.get(package_id)
    assert package is not None
    return package.name


def test_everybody_gets_released_bytes_in_a_safe_wrapping(site: Site) -> None:
    package_id, resource_id = site.published()
    answer = site.get(download(package_id, resource_id))
    assert answer.status_code == 200
    assert answer.data == CSV.encode()
    assert answer.headers["Content-Type"] == "text/csv"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer.headers["Content-Length"] == str(len(CSV.encode()))
    assert answer.headers["ETag"] == f'"{hashlib.sha256(CSV.encode()).hexdigest()}"'
    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith('attachment; filename="')
    assert "filename*=UTF-8''%E5%AD%A6%E6%A0%A1.csv" in disposition


def test_a_page_is_never_shown_as_one(site: Site) -> None:
    """A script in an uploaded page, and a type that an editor wrote himself, harm nobody."""
    package = site.dataset()
    page = b"<!DOCTYPE html><script>alert(1)</script>"
    resource = site.upload(package["id"], page, "a.html", mimetype="text/html")
    site.release(package["id"])
    answer = site.get(download(package["id"], resource["id"], "a.html"))
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"


def test_range_conditional_and_head_requests(site: Site) -> None:
    package_id, resource_id = site.published()
    url, body = download(package_id, resource_id), CSV.encode()
    part = site.get(url, Range="bytes=3-9")
    assert (part.status_code, part.data) == (206, body[3:10])
    assert part.headers["Content-Range"] == f"bytes 3-9/{len(body)}"
    assert site.get(url, Range="bytes=-4").data == body[-4:]
    assert site.get(url, Range="bytes=99999-").status_code == 416
    tag = site.get(url).headers["ETag"]
    assert site.get(url, **{"If-None-Match": tag}).status_code == 304
    head = site.app.flask_app.test_client().head(url)
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["Content-Length"] == str(len(body))


def test_working_copy_is_for_the_department(site: Site) -> None:
    """After a change an outsider goes on getting the released bytes, the department the new."""
    package_id, resource_id = site.published()
    site.upload(package_id, NEW, "新.csv", id=resource_id)
    url = download(package_id, resource_id)
    for outsider in (None, "citizen", "other"):
        answer = site.get(url, outsider)
        assert answer.data == CSV.encode(), outsider
    for insider in ("editor", "reviewer", "operator"):
        answer = site.get(url, insider)
        assert answer.data == NEW.encode(), insider
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert "ETag" not in answer.headers
    site.release(package_id)
    assert site.get(url).data == NEW.encode()


def test_nothing_before_the_release(site: Site) -> None:
    package = site.dataset()
    resource = site.upload(package["id"], CSV)
    hidden = site.get(download(package["id"], resource["id"]))
    unknown = site.get(download(str(uuid.uuid4()), str(uuid.uuid4())))
    assert hidden.status_code == unknown.status_code == 404
    assert CSV.encode() not in hidden.data
    assert site.get(download(package["id"], resource["id"]), "editor").data == CSV.encode()


def test_a_resource_that_waits_for_review_does_not_exist_for_outsiders(site: Site) -> None:
    package_id, _ = site.published()
    fresh = site.upload(package_id, NEW)
    assert site.get(download(package_id, fresh["id"])).status_code == 404
    assert site.get(download(package_id, fresh["id"]), "editor").data == NEW.encode()


def test_the_resource_has_to_belong_to_the_dataset(site: Site) -> None:
    _, resource_id = site.published()
    other_package, _ = site.published()
    assert site.get(download(other_package, resource_id)).status_code == 404
    name = name_of(other_package)
    assert site.get(download(name, resource_id)).status_code == 404


def test_by_name(site: Site) -> None:
    package_id, resource_id = site.published()
    name = name_of(package_id)
    assert site.get(download(name, resource_id)).data == CSV.encode()


def test_suspension_and_deletion_work_on_the_next_request(site: Site) -> None:
    package_id, resource_id = site.published()
    url = download(package_id, resource_id)
    assert site.get(url).status_code == 200
    site.call("govopen_dataset_suspend", "reviewer", id=package_id, reason="泄密疑点")
    assert site.get(url).status_code == 404
    package_id, resource_id = site.published()
    site.call("resource_delete", "editor", id=resource_id)
    assert site.get(download(package_id, resource_id)).status_code == 404


def test_conditional_content_needs_a_grant(site: Site) -> None:
    package_id, resource_id = site.published(open_class="conditional")
    url = download(package_id, resource_id)
    for who in (None, "citizen", "other", "applicant"):
        answer = site.get(url, who)
        assert answer.status_code == 403, who
        assert CSV.encode() not in answer.data
    grant = site.grant(package_id)
    answer = site.get(url, "applicant")
    assert answer.data == CSV.encode()
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "ETag" not in answer.headers
    assert site.get(url, "citizen").status_code == 403
    grant.state = "revoked"
    model.Session.add(grant)
    model.Session.commit()
    assert site.get(url, "applicant").status_code == 403


@pytest.mark.parametrize(
    "limits", [{"delivery": ["interface"]}, {"items": ["区县"], "delivery": ["interface"]}]
)
def test_a_grant_for_something_else_gives_no_file(site: Site, limits: dict[str, object]) -> None:
    package_id, resource_id = site.published(open_class="conditional")
    site.grant(package_id, **limits)
    assert site.get(download(package_id, resource_id), "applicant").status_code == 403


def test_links_of_open_data_are_passed_on_as_released(site: Site) -> None:
    package = site.dataset()
    resource = site.call(
        "resource_create", "editor", package_id=package["id"], url="https://data.example.org/a"
    )
    site.release(package["id"])
    url = download(package["id"], resource["id"])
    site.call("resource_patch", "editor", id=resource["id"], url="https://other.example.org/b")
    answer = site.get(url)
    assert (answer.status_code, answer.headers["Location"]) == (302, "https://data.example.org/a")
    assert site.get(url, "editor").headers["Location"] == "https://other.example.org/b"


@pytest.mark.parametrize("link", ["http://10.0.0.5/a", "http://nas/a", "javascript:alert(1)"])
def test_links_that_lead_inside_are_not_passed_on(
    site: Site, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of an existing site; a new one is not even saved."""
    package = site.dataset()
    with monkeypatch.context() as before:
        before.setattr(links, "link_problem", lambda value: None)
        resource = site.call("resource_create", "editor", package_id=package["id"], url=link)
    site.release(package["id"])
    assert site.get(download(package["id"], resource["id"])).status_code == 404


@pytest.fixture
def source() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A department's own server with content that the portal streams."""
    seen: list[dict[str, str]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(dict(self.headers.items()))
            body = CSV.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Set-Cookie", "inner=secret")
            self.send_header("X-Inner-Host", "db7.inner")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/secret-path.csv", seen
    server.shutdown()
    server.server_close()


def _linked(site: Site, address: str) -> tuple[str, str]:
    package = site.dataset("conditional")
    resource = site.call(
        "resource_create", "editor", package_id=package["id"], url=address, name="流", format="CSV"
    )
    site.release(package["id"])
    return package["id"], resource["id"]


def test_conditional_links_are_streamed_and_leak_nothing(
    site: Site, source: tuple[str, list[dict[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, seen = source
    with monkeypatch.context() as before:
        before.setitem(config, "ckanext.govopen.files.allow_private_addresses", True)
        package_id, resource_id = _linked(site, address)
    url = download(package_id, resource_id)
    assert site.get(url, "citizen").status_code == 403
    assert not seen
    site.grant(package_id)
    refused = site.get(url, "applicant")  # the source lies in the private network
    assert refused.status_code == 502
    assert b"secret-path" not in refused.data
    monkeypatch.setitem(config, "ckanext.govopen.files.allow_private_addresses", True)
    answer = site.get(url, "applicant")
    assert (answer.status_code, answer.data) == (200, CSV.encode())
    assert answer.headers["Content-Type"] == "text/csv"
    assert answer.headers["Cache-Control"] == "private, no-store"
    text = str(answer.headers)
    assert "Location" not in answer.headers
    assert not any(word in text for word in ("inner", "secret", "127.0.0.1:"))
    assert "Authorization" not in seen[-1]
    assert "Cookie" not in seen[-1]


def test_a_changed_source_waits_for_review(
    site: Site, source: tuple[str, list[dict[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, _ = source
    monkeypatch.setitem(config, "ckanext.govopen.files.allow_private_addresses", True)
    package_id, resource_id = _linked(site, address)
    site.grant(package_id)
    site.call("resource_patch", "editor", id=resource_id, source_url="http://127.0.0.1:9/new")
    assert location.newest(model.Session, resource_id, package_id) == "http://127.0.0.1:9/new"
    assert site.get(download(package_id, resource_id), "applicant").data == CSV.encode()
    assert site.get(download(package_id, resource_id), "editor").status_code == 502


def test_lost_bytes_are_told_plainly(site: Site) -> None:
    package_id, resource_id = site.published("a,b\n1,2\nlost\n")
    fact = file_model.of_resource(model.Session, resource_id, package_id)
    assert fact is not None
    files.storage().remove(files._data(fact))
    answer = site.get(download(package_id, resource_id))
    assert answer.status_code == 404
    assert fact.sha256.encode() not in answer.data


def test_the_web_server_may_send_the_bytes(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    package_id, resource_id = site.published()
    monkeypatch.setitem(config, "ckanext.govopen.files.accel_redirect", "/inner")
    answer = site.get(download(package_id, resource_id))
    digest = hashlib.sha256(CSV.encode()).hexdigest()
    assert answer.headers["X-Accel-Redirect"] == f"/inner/sha256/{digest[:2]}/{digest}"
    assert answer.data == b""
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert "X-Accel-Redirect" not in site.get(download(package_id, str(uuid.uuid4()))).headers


def test_a_download_costs_few_statements(site: Site) -> None:
    package_id, resource_id = site.published()
    statements: list[str] = []

    def count(_c: object, _cur: object, statement: str, *_: object) -> None:
        statements.append(statement)

    engine = model.meta.engine
    event.listen(engine, "before_cursor_execute", count)
    try:
        assert site.get(download(package_id, resource_id)).status_code == 200
    finally:
        event.remove(engine, "before_cursor_execute", count)
    assert len(statements) <= 10, statements
