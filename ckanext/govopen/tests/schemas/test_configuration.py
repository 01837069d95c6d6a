"""Every option is declared, described, read by the code and stands in the documentation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ckan.common import CKANConfig
from ckan.config.declaration import Declaration
from ckan.config.declaration.load import load_dict

ROOT = Path(__file__).resolve().parents[2]
PREFIX = "ckanext.govopen."


@pytest.fixture(scope="module")
def declared() -> dict[str, dict[str, Any]]:
    text = (ROOT / "config_declaration.yaml").read_text(encoding="utf-8")
    return {
        option["key"]: option
        for group in yaml.safe_load(text)["groups"]
        for option in group["options"]
    }


def code() -> str:
    paths = [p for p in ROOT.rglob("*.py") if not {"tests", "stack"} & set(p.parts)]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


def test_ckan_reads_the_declaration() -> None:
    declaration = Declaration()
    text = (ROOT / "config_declaration.yaml").read_text(encoding="utf-8")
    load_dict(declaration, yaml.safe_load(text))
    config = CKANConfig()
    declaration.make_safe(config)
    declaration.normalize(config)
    assert config[PREFIX + "jurisdiction"] == "jilin"
    assert config[PREFIX + "review.settle_minutes"] == 10
    assert config[PREFIX + "unlisted"] == "deny"
    assert "交通" in config[PREFIX + "themes"]
    errors = declaration.validate(config)[1]
    assert not errors


def test_each_option_is_described(declared: dict[str, dict[str, Any]]) -> None:
    for key, option in declared.items():
        assert key.startswith(PREFIX)
        assert option["description"].strip().endswith("."), key


def test_the_documentation_names_each_option(declared: dict[str, dict[str, Any]]) -> None:
    page = ROOT.parents[1] / "docs" / "configuration.md"
    named = set(re.findall(r"^### `([^`]+)`$", page.read_text(encoding="utf-8"), re.MULTILINE))
    assert named == set(declared)


def test_no_option_is_there_for_nothing(declared: dict[str, dict[str, Any]]) -> None:
    text = code()
    unread = [
        key
        for key in declared
        if f'"{key.removeprefix(PREFIX)}"' not in text
        and key not in text
        # Read by name: ckanext.govopen.pages.<page>.
        and not key.startswith(PREFIX + "pages.")
    ]
    assert not unread


def test_no_option_is_read_without_being_declared(declared: dict[str, dict[str, Any]]) -> None:
    settings = (ROOT / "model" / "settings.py").read_text(encoding="utf-8")
    read = re.findall(r'_(?:text|flag|number|list)\("([a-z_.]+)"\)', settings)
    assert read
    assert not [key for key in read if PREFIX + key not in declared]
