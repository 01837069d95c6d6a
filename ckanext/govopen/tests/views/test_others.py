"""Fields of a schema of the site's own are shown beside the portal's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ckanext.govopen.views import others

SCHEMA = {
    "dataset_fields": [
        {"field_name": "title"},
        {"field_name": "humps", "label": "Humps"},
        {"field_name": "secret", "display_snippet": None},
    ],
    "resource_fields": [{"field_name": "url"}, {"field_name": "camels"}],
}


@pytest.fixture
def schema(monkeypatch: pytest.MonkeyPatch) -> None:
    helpers = SimpleNamespace(
        scheming_get_dataset_schema=lambda name: SCHEMA if name == "camels" else None,
        scheming_language_text=lambda text: f"read {text}",
    )
    monkeypatch.setattr(others, "plugin_loaded", lambda name: True)
    monkeypatch.setattr(others, "toolkit", SimpleNamespace(h=helpers))


def _names(fields: list[dict[str, Any]]) -> list[str]:
    return [field["field_name"] for field in fields]


@pytest.mark.usefixtures("schema")
def test_only_fields_that_the_portal_does_not_show_itself() -> None:
    assert _names(others.govopen_other_fields("dataset", "camels")) == ["humps"]
    assert _names(others.govopen_other_fields("resource", "camels")) == ["camels"]
    assert others.govopen_other_fields("dataset", "unknown") == []
    assert others.govopen_words("x") == "read x"


def test_internal_fields_of_the_portal_are_never_other_fields() -> None:
    assert {"share_class", "share_condition", "share_mode"} <= others.own_fields("dataset")
    assert "source_url" in others.own_fields("resource")


def test_without_scheming_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(others, "plugin_loaded", lambda name: False)
    assert others.dataset_schema() == {}
    assert others.govopen_other_fields("dataset", "dataset") == []
    assert others.govopen_words({"en": "Text"}) == "Text"
    assert others.govopen_words(None) == ""
