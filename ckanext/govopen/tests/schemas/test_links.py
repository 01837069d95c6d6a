"""Addresses that are not saved, wherever they are written, and old ones that may stay."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ckan import model
from ckan.common import config
from ckan.plugins import toolkit as tk

from ckanext.govopen.logic.validators import links
from ckanext.govopen.tests.access.site import Site
from ckanext.govopen.tests.portal import unique

BAD = [
    "javascript:alert(1)",
    " java\nscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "file:///etc/passwd",
    "http://127.0.0.1/x",
    "127.0.0.1:8080/x",
    "//localhost/x",
    "https:10.0.0.1/x",
    "http://0x7f.1/",
    "http://[::ffff:10.0.0.1]/",
    "http://169.254.169.254/latest",
    "http://db.internal/x",
    "https://somebody:secret@example.org/",
    "ftp://10.0.0.1/x",
]
GOOD = [
    "https://data.example.org/数据/点.csv",
    "http://www.example.org:8080/a?b=1",
    "ftp://ftp.example.org/a.csv",
    "example.org/a.csv",
]


def refused(site: Site, action: str, **data: Any) -> dict[str, Any]:
    with pytest.raises(tk.ValidationError) as caught:
        site.call(action, "editor", **data)
    model.Session.rollback()
    said = json.dumps(caught.value.error_dict, ensure_ascii=False)
    assert "secret" not in said and "alert" not in said
    return caught.value.error_dict


@pytest.mark.parametrize("address", BAD)
def test_bad_addresses_are_refused(site: Site, address: str) -> None:
    open_data, conditional = site.dataset(), site.dataset("conditional")
    assert refused(site, "resource_create", package_id=open_data["id"], url=address)["url"]
    held = refused(site, "resource_create", package_id=conditional["id"], url=address)
    assert held["source_url"]
    assert refused(site, "package_patch", id=open_data["id"], url=address)["url"]


@pytest.mark.parametrize("address", GOOD)
def test_good_addresses_are_saved(site: Site, address: str) -> None:
    package = site.dataset()
    made = site.call("resource_create", "editor", package_id=package["id"], url=address)
    assert made["url"].endswith(address)
    site.call("package_patch", "editor", id=package["id"], url=address)


def test_the_portals_own_address_may_be_linked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(config, "ckan.site_url", "http://127.0.0.1:5000")
    package = site.dataset()
    own = "http://127.0.0.1:5000/open/law"
    assert site.call("resource_create", "editor", package_id=package["id"], url=own)["url"] == own
    refused(site, "resource_create", package_id=package["id"], url="http://127.0.0.1:50001/x")


@pytest.mark.parametrize("open_class", ["unconditional", "conditional"])
def test_what_is_stored_already_hinders_no_other_change(
    site: Site, monkeypatch: pytest.MonkeyPatch, open_class: str
) -> None:
    package = site.dataset(open_class)
    with monkeypatch.context() as before:
        before.setattr(links, "link_problem", lambda value, allow_private=False: None)
        site.call("package_patch", "editor", id=package["id"], url="javascript:alert(1)")
        made = site.call(
            "resource_create", "editor", package_id=package["id"], url="http://10.0.0.5/old"
        )
    changed = site.call("package_patch", "editor", id=package["id"], title="新标题")
    assert changed["title"] == "新标题"
    renamed = site.call("resource_patch", "editor", id=made["id"], name="新名")
    assert renamed["name"] == "新名"
    field = "source_url" if open_class == "conditional" else "url"
    refused(site, "resource_patch", id=made["id"], **{field: "http://10.0.0.6/new"})


def test_a_stricter_class_does_not_fail_for_an_old_address(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = site.dataset()
    with monkeypatch.context() as before:
        before.setattr(links, "link_problem", lambda value, allow_private=False: None)
        site.call("resource_create", "editor", package_id=package["id"], url="http://10.0.0.5/old")
    changed = site.call(
        "package_patch", "editor", id=package["id"], open_class="conditional", open_condition="教学"
    )
    assert changed["resources"][0]["url_type"] == "govopen_location"


@pytest.mark.parametrize("address", ["javascript:alert(1)", "http://127.0.0.1/c.csv", "file:///x"])
def test_harvest_sources(site: Site, address: str) -> None:
    fields = {
        "name": unique("source"),
        "title": "来源",
        "source_type": "ckan" if address.startswith("file") else "govopen_spreadsheet",
        "owner_org": site.organization["id"],
        "config": json.dumps({"defaults": {"acquired": "collected"}}),
    }
    assert refused(site, "harvest_source_create", url=address, **fields)["url"]
