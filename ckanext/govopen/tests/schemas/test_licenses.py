"""The list of licences: those used in China, and all that CKAN itself has."""

from __future__ import annotations

import json
from pathlib import Path

from ckan import model
from ckan.model import license as ckan_license

from ckanext.govopen.tests.access.site import Site

FILE = Path(__file__).resolve().parents[2] / "schemas" / "licenses.json"


def test_no_licence_of_ckan_is_lost() -> None:
    """Datasets of an existing site keep the name of their licence."""
    own = {row["id"]: row["title"] for row in json.loads(FILE.read_text(encoding="utf-8"))}
    for kind in ckan_license.DefaultLicense.__subclasses__():
        assert own.get(kind.id) == kind().title, kind.id


def test_the_portal_uses_the_list(site: Site) -> None:
    if hasattr(model.Package, "_license_register"):
        del model.Package._license_register
    listed = {row["id"] for row in site.call("license_list", None)}
    assert {"OGDL-Taiwan-1.0", "CC-BY-4.0", "CC0-1.0", "cn-portal-terms", "notspecified"} <= listed


def test_a_dataset_names_its_licence(site: Site) -> None:
    made = site.dataset(license_id="OGDL-Taiwan-1.0")
    shown = site.call("package_show", "editor", id=made["id"])
    assert shown["license_title"] == "Open Government Data License, version 1.0 (Taiwan)"
    assert shown["isopen"] is True
    page = site.app.get(f"/zh_Hant_TW/dataset/{made['name']}", headers=site.headers("editor"))
    assert "政府資料開放授權條款－第1版" in page.body
