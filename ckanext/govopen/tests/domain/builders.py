"""What the tests of the rules are built from: the profile, people, datasets, published lists."""

from __future__ import annotations

import csv
import datetime
import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ckanext.govopen.domain.duty import Actor
from ckanext.govopen.domain.jurisdiction import Profile, load
from ckanext.govopen.domain.terms import SHANGHAI

JURISDICTIONS = Path(__file__).parents[2] / "jurisdictions"
NOW = datetime.datetime(2026, 11, 23, 9, 0, tzinfo=SHANGHAI)
ORG = "org-finance"

EDITOR = Actor("edith", edits=frozenset({ORG}))
REVIEWER = Actor("rita", duties=frozenset({(ORG, "reviewer")}))
HANDLER = Actor("hank", duties=frozenset({(ORG, "handler")}))
OTHER_REVIEWER = Actor("oscar", duties=frozenset({("org-other", "reviewer")}))
AUTHORITY = Actor("anna", duties=frozenset({("org-bureau", "authority")}), authority=True)
OPERATOR = Actor("root", operator=True)
SYSTEM = Actor("system", system=True)
STRANGER = Actor("stan")


def profile_text(name: str = "jilin") -> str:
    """The text of a bundled profile."""
    return (JURISDICTIONS / f"{name}.yaml").read_text(encoding="utf-8")


#: The six regulations that come with the portal.
BUNDLED = ("xian", "shandong", "haishu", "panzhihua", "chaohu", "jilin")


@functools.cache
def bundled(name: str) -> Profile:
    """A bundled profile."""
    return load(profile_text(name), f"{name}.yaml")


@functools.cache
def jilin() -> Profile:
    """The profile of Jilin."""
    return load(profile_text(), "jilin.yaml")


@functools.cache
def _values() -> str:
    return json.dumps(yaml.safe_load(profile_text()), default=str)


def changed(change: Callable[[dict[str, Any]], None]) -> Profile:
    """Jilin's profile with something else in it, through the loader like any other."""
    data = json.loads(_values())
    change(data)
    return load(dump(data), "changed.yaml")


def dump(data: dict[str, Any]) -> str:
    """A profile as text: JSON is YAML too."""
    return json.dumps(data, ensure_ascii=False, indent=1, default=str)


def complete_dataset(**fields: Any) -> dict[str, Any]:
    """A dataset that lacks nothing under Jilin's profile."""
    return {
        "id": "d1",
        "title": "医疗机构名录",
        "notes": "全市医疗机构的名称和地址",
        "owner_org": ORG,
        "open_class": "unconditional",
        "share_class": "unconditional",
        "acquired_by": "collected",
        "resources": [],
        **fields,
    }


def record_json(**fields: Any) -> dict[str, Any]:
    """A record of the exchange catalogue that may be opened."""
    return {
        "code": "307010000000/000123",
        "version": 7,
        "updated": "2026-11-20T10:00:00+08:00",
        "title": "医疗机构名录",
        "summary": "名称和地址",
        "category": ["部门", "卫生健康委", "医疗"],
        "keywords": ["医疗", "机构"],
        "provider": {"name": "卫生健康委", "code": "11350200MB1234567U", "unit": "信息中心"},
        "format": {"kind": "电子表格", "detail": "xlsx"},
        "items": [{"name": "名称", "type": "C", "open": True}],
        "share": {"class": "无条件共享", "condition": "", "mode": "接口"},
        "open": {"open": True, "condition": "", "class": None},
        "cycle": "每月",
        "issued": "2020-01-01",
        "acquired": "collected",
        "distributions": [
            {"id": "a", "name": "名录", "format": "CSV", "url": "https://data.example.cn/a.csv"}
        ],
        **fields,
    }


def published_rows(name: str) -> list[list[str]]:
    """Rows of a published list that lies beside the repository; skips where it does not."""
    path = Path(__file__).parents[4].parent / "shared" / "data" / name
    if not path.is_file():
        pytest.skip(f"the published list {name} is not beside this repository")
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))
