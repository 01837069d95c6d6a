"""The portal of the page tests behind a real address, and a browser before it."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from ckan.plugins import toolkit
from playwright.sync_api import Browser, sync_playwright
from werkzeug.serving import make_server

from ckanext.govopen.tests.views import portal as made


@dataclass
class Live:
    """A running portal: its address, the port that answers for it, and what is in it."""

    address: str
    port: int
    portal: made.Portal


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    portal = made.build()
    server = make_server("127.0.0.1", 0, portal.app.flask_app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Live(toolkit.config["ckan.site_url"], server.server_port, portal)
    server.shutdown()
    thread.join(timeout=10)


@pytest.fixture(scope="module")
def chromium(live: Live) -> Iterator[Browser]:
    path = os.environ.get("GOVOPEN_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        # Redirects name the site's address; the browser finds it at the server of the test.
        host = urlsplit(live.address).hostname
        rule = f"--host-resolver-rules=MAP {host}:80 127.0.0.1:{live.port}"
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", rule])
        yield browser
        browser.close()


@pytest.fixture
def page(live: Live, chromium: Browser) -> Iterator[Any]:
    context = chromium.new_context(base_url=live.address, locale="zh-CN")
    yield context.new_page()
    context.close()


def sign_in(page: Any, name: str) -> None:
    """Signs in through the login page."""
    page.goto("/user/login")
    page.fill("#field-login", name)
    page.fill("#field-password", made.PASSWORD)
    page.click("main form button[type=submit]")
    page.wait_for_url(lambda url: "/user/login" not in url)
