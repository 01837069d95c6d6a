"""A real city's list as published: 1,429 rows, 34 departments, no heading of the template."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ckanext.govopen.domain import catalogue as mapping
from ckanext.govopen.harvesters import config, spreadsheet
from ckanext.govopen.model import jurisdiction
from ckanext.govopen.tests.harvesters.conftest import Catalogue

LIST = Path(__file__).parents[5] / "shared" / "data" / "taoyuan-open-data-list-2018.csv"
SETTINGS = {
    "columns": {
        "資料名稱": "title",
        "更新頻率": "cycle",
        "檔案格式": "format.detail",
        "主要欄位": "items",
        "資料集描述": "summary",
        "標籤/關鍵字": "keywords",
        "建立日期": "issued",
        "最後更新時間": "updated",
        "資料連結網址": "distribution.url",
    },
    "extract": {
        "code": {"column": "資料連結網址", "pattern": "oid=([0-9a-f-]+)"},
        "provider.code": {"column": "資料來源", "pattern": "^(\\S+)"},
        "provider.name": {"column": "資料來源", "pattern": "【(.+)】"},
        "category": {"column": "分類及編號", "pattern": "^(\\S+)"},
    },
    "defaults": {"acquired": "collected", "open": {"open": True}, "license": "OGDL-Taiwan-1.0"},
    "departments": "all",
    "create_organizations": True,
    "org_code_scheme": "tw",
}

published = pytest.mark.skipif(not LIST.is_file(), reason=f"{LIST.name} is not beside the project")


def records() -> list[mapping.Record]:
    found = []
    for entry in spreadsheet.entries(LIST, config.parse(json.dumps(SETTINGS))):
        assert not entry.problem, entry
        parsed = mapping.parse_record(entry.record)
        assert isinstance(parsed, mapping.Record), parsed
        found.append(parsed)
    return found


@published
def test_every_row_is_a_record_with_a_code_of_its_own() -> None:
    found = records()
    assert len(found) == 1429 == len({record.code for record in found})
    assert len({record.provider for record in found}) == 34
    social = next(record.provider for record in found if record.provider.code == "380120000J")
    assert social.name == "社會局"
    profile = jurisdiction.read(jurisdiction.path_of("jilin"))
    actions = {mapping.classify(record, profile).action for record in found}
    assert actions == {"publish"}
    assert sum(1 for record in found if record.items) > 1400


@published
@pytest.mark.long
def test_the_whole_list_harvests_and_then_has_nothing_to_do(catalogue: Catalogue) -> None:
    portal = catalogue.portal
    portal.call(
        "package_patch",
        catalogue.keeper,
        id=catalogue.source_id,
        url="upload:taoyuan",
        source_type="govopen_spreadsheet",
        config=json.dumps(SETTINGS),
    )
    report = catalogue.run(LIST.read_bytes(), LIST.name)
    assert report["counts"]["new"] == 1429 and report["counts"]["refused"] == 0
    again = catalogue.run()
    assert again["counts"]["unchanged"] == 1429 and again["counts"]["new"] == 0
