"""Reading, signing and verifying an agreement in a real browser, on a phone."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from ckan.common import config
from playwright.sync_api import Browser, expect, sync_playwright
from werkzeug.serving import make_server

from ckanext.govopen.tests.agreement.world import NAME, Case, approved
from ckanext.govopen.tests.browser.test_browser import faults
from ckanext.govopen.tests.portal import Portal

pytestmark = pytest.mark.browser

PHONE: Any = {"width": 390, "height": 800}


@pytest.fixture(scope="module")
def browser(_one_portal: Portal) -> Iterator[Browser]:
    """A browser that finds the portal at its own address."""
    _one_portal.ready()
    server = make_server("127.0.0.1", 0, _one_portal.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    host = urlsplit(config["ckan.site_url"]).hostname
    rule = f"--host-resolver-rules=MAP {host}:80 127.0.0.1:{server.server_port}"
    with sync_playwright() as playwright:
        # What the address says counts as a secure one: only there a page may compute hashes.
        secure = f"--unsafely-treat-insecure-origin-as-secure={config['ckan.site_url']}"
        chromium = playwright.chromium.launch(
            executable_path=chromium_path(), args=["--no-sandbox", rule, secure]
        )
        yield chromium
        chromium.close()
    server.shutdown()
    thread.join(timeout=10)


def chromium_path() -> str | None:
    return os.environ.get("GOVOPEN_CHROMIUM") or shutil.which("chromium")


def open_as(browser: Browser, case: Case) -> Any:
    page = browser.new_context(
        base_url=config["ckan.site_url"], locale="zh-CN", viewport=PHONE
    ).new_page()
    page.goto("/user/login")
    page.fill("#field-login", case.applicant.name)
    page.fill("#field-password", case.applicant.password)
    page.click("main form button[type=submit]")
    page.wait_for_url(lambda url: "/user/login" not in url)
    return page


def test_read_sign_keep_verify(portal: Portal, browser: Browser, tmp_path: Path) -> None:
    case = approved(portal)
    page = open_as(browser, case)
    page.goto(case.path)
    expect(page.locator("h1")).to_contain_text("公共数据利用协议")
    wide = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert page.evaluate(wide)
    assert faults(page) == []
    page.screenshot(path=tmp_path / "read.png", full_page=True)
    page.fill("#f-typed_name", "王五")
    page.fill("#f-password", case.applicant.password)
    page.click("#sign form button[type=submit] >> nth=0")
    expect(page.locator(".go-note-warn").first).to_be_visible()
    assert faults(page) == []
    page.fill("#f-typed_name", NAME)
    page.fill("#f-password", case.applicant.password)
    page.click("#sign form button[type=submit] >> nth=0")
    page.wait_for_selector("#signed")
    expect(page.locator("#f-password")).to_have_count(0)
    assert faults(page) == []
    page.screenshot(path=tmp_path / "signed.png", full_page=True)
    with page.expect_download() as copy:
        page.click("a[href$='agreement.pdf']")
    kept = tmp_path / "copy.pdf"
    copy.value.save_as(kept)

    page.goto("/open/verify")
    assert faults(page) == []
    page.set_input_files("#file", kept)
    page.wait_for_selector("#answer")
    assert "有效" in page.inner_text("#answer") and "无效" not in page.inner_text("#answer")
    page.screenshot(path=tmp_path / "verify.png", full_page=True)
    kept.write_bytes(kept.read_bytes() + b"\n")
    page.set_input_files("#file", kept)
    page.wait_for_selector("#answer.go-note-warn")
    expect(page.locator("#answer")).to_contain_text("无效")
