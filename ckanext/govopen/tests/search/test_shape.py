"""The document of a dataset: CKAN's fields, the portal's, and what is in none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ckanext.govopen.search.shape import document
from ckanext.govopen.tests.search.conftest import dataset

EXTRAS: dict[str, Any] = {
    "open_class": "conditional",
    "theme": '["水利", "环境"]',
    "update_cycle": "每月",
    "resource_code": "R-1",
    "provider_unit": "水資源科",
    "info_items": '[{"name": "測站", "type": "C"}, {"name": "水位"}]',
    "legal_basis": '[{"instrument": "x"}]',
    "share_class": "non_share",
    "data_updated": "2021-03-04",
    "some_date": "2020-05",
    "Bad key!": "v",
}


def made(hidden: bool = False, **fields: Any) -> dict[str, Any]:
    found = dataset("levels", " 水位", tags=["水", "河"], **{**EXTRAS, **fields})
    found["relationships_as_subject"] = [{"object": "secret-name"}]
    return document(
        found,
        {**found, "share_mode": "x"},
        hidden=hidden,
        labels=["public"],
        site_id="s",
        open_class=None if hidden else "conditional",
        fingerprint="" if hidden else "f" * 64,
        harvest_source="source-1",
    )


def test_fields_of_ckan() -> None:
    solr = made(
        resources=[
            {"name": "表", "description": "每日", "format": "CSV", "url": "http://x.test/a"},
            {"name": "圖", "format": "PNG", "url": ""},
        ]
    )
    assert solr["res_name"] == ["表", "圖"]
    assert solr["res_format"] == ["CSV", "PNG"]
    assert solr["res_url"] == ["http://x.test/a", ""]
    assert solr["tags"] == ["水", "河"]
    assert solr["organization"] == "water"
    assert solr["extras_update_cycle"] == solr["update_cycle"] == "每月"
    assert solr["extras_Badkey"] == "v"
    assert solr["metadata_modified"] == "2020-01-01T00:00:00Z"
    assert solr["capacity"] == "public"
    assert solr["entity_type"] == "package"
    assert solr["dataset_type"] == "dataset"
    assert solr["title_string"] == "水位"
    assert solr["some_date"] == "2020-05-01T00:00:00Z"
    assert solr["permission_labels"] == ["public"]


def test_fields_of_the_portal() -> None:
    solr = made()
    assert solr["open_class"] == "conditional"
    assert solr["theme"] == ["水利", "环境"]
    assert solr["items_text"] == ["測站", "水位"]
    assert solr["provider_text"] == ["水務局", "water", "水資源科"]
    assert solr["data_date"] == "2021-03-04T00:00:00Z"
    assert solr["harvest_source_id"] == "source-1"
    assert solr["govopen_form"] == "release"
    assert "extras_info_items" not in solr and "extras_legal_basis" not in solr


@pytest.mark.parametrize("hidden", [True, False])
def test_what_stays_among_the_departments_is_nowhere(hidden: bool) -> None:
    text = json.dumps(made(hidden))
    assert "share_class" not in text and "non_share" not in text and "share_mode" not in text
    assert "secret-name" not in text


def test_the_same_dataset_is_the_same_document() -> None:
    """CKAN deletes and replaces by this id; both forms must meet."""
    assert made()["index_id"] == made(hidden=True)["index_id"]


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("2020-01-01T10:00:00+08:00", "2020-01-01T02:00:00Z"),
        ("2020-01-01 10:00", "2020-01-01T10:00:00Z"),
        ("nonsense", "2020-01-01T00:00:00Z"),
        ("99999", "2020-01-01T00:00:00Z"),
        ("", "2020-01-01T00:00:00Z"),
    ],
)
def test_dates_as_departments_write_them(given: str, read: str) -> None:
    assert made(data_updated=given)["data_date"] == read
