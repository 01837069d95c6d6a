"""The data of the demonstration: what ships is what the rules make of the facts. No services."""

from __future__ import annotations

import csv
import io
import json
import re
import struct
from collections import Counter
from pathlib import Path

import openpyxl
import pytest

from ckanext.govopen.demo import files, load, make, people, rule
from ckanext.govopen.domain import catalogue as mapping
from ckanext.govopen.domain.classification import check_requirements
from ckanext.govopen.domain.terms import OpenClass
from ckanext.govopen.harvesters import config, spreadsheet
from ckanext.govopen.model import jurisdiction

LIST = Path(__file__).parents[5] / "shared" / "data" / "taoyuan-open-data-list-2018.csv"
published = pytest.mark.skipif(not LIST.is_file(), reason=f"{LIST.name} is not beside the project")
HERE = Path(files.__file__).parent


@pytest.fixture(scope="module")
def records() -> list[mapping.Record]:
    """The catalogue as the harvester reads it, with the configuration of the demonstration."""
    found = []
    for entry in spreadsheet.entries(files.CATALOGUE, config.parse(json.dumps(load.CONFIG))):
        assert not entry.problem, entry
        parsed = mapping.parse_record(entry.record)
        assert isinstance(parsed, mapping.Record), parsed
        found.append(parsed)
    return found


def test_a_whole_city(records: list[mapping.Record]) -> None:
    assert len(records) == 1429 == len({record.code for record in records})
    assert len({mapping.dataset_name(record.code) for record in records}) == 1429
    assert len({record.provider.code for record in records}) == 34
    assert all(record.title and record.summary and record.cycle for record in records)


def test_about_a_twelfth_is_conditional_by_the_stated_rule(records: list[mapping.Record]) -> None:
    profile = jurisdiction.read(jurisdiction.path_of("jilin"))
    classes = Counter(mapping.classify(record, profile).open_class for record in records)
    assert classes == {OpenClass.UNCONDITIONAL: 1311, OpenClass.CONDITIONAL: 118}
    assert "118 of the 1,429" in (HERE / "RULE.md").read_text(encoding="utf-8")
    for record in records:
        names = [item.name for item in record.items]
        assert record.open_condition == rule.condition(record.title, names)
        # Content of conditional data is never a link to somewhere else.
        assert not (record.open_condition and record.distributions)


def test_nothing_is_missing_for_the_review(records: list[mapping.Record]) -> None:
    profile = jurisdiction.read(jurisdiction.path_of("jilin"))
    for record in records:
        dataset = mapping.to_dataset(record, mapping.classify(record, profile), profile)
        dataset["owner_org"] = "x"
        assert not check_requirements(dataset, profile), record.code


@pytest.mark.parametrize(
    ("title", "items", "conditional"),
    [
        ("人民團體名冊", ["團體名稱", "理事長"], True),
        ("登革熱確診個案分布", ["年齡", "地址"], True),
        ("登革熱宣導活動", ["活動", "地址"], False),
        ("新舊建號對照", ["舊建號", "新建號"], True),
        ("職員年齡統計", ["平均年齡", "人數"], False),
        ("補助說明", ["申請人須年滿二十歲且設籍本市並於期限內提出申請文件"], False),
    ],
)
def test_the_rule(title: str, items: list[str], conditional: bool) -> None:
    assert bool(rule.condition(title, items)) is conditional


def test_columns_out_of_free_text() -> None:
    text = "年別(年別)、支出（含（內）稅）、備註\n其他, 其他；"
    assert make.items(text) == ["年別", "支出", "備註", "其他"]


@published
def test_the_catalogue_is_what_the_script_makes_of_the_list(tmp_path: Path) -> None:
    target = tmp_path / "catalogue.csv"
    assert make.main(LIST, target) == 1429
    assert target.read_bytes() == files.CATALOGUE.read_bytes()


@published
def test_no_description_of_the_publisher_is_taken_over(records: list[mapping.Record]) -> None:
    with LIST.open(encoding="utf-8-sig", newline="") as read:
        sentences = {
            sentence.strip()
            for row in csv.DictReader(read)
            for sentence in re.split("[。\n]", row["資料集描述"])
            # A description that only repeats titles or columns has nothing of its own.
            if len(sentence.strip()) > 30
        }
    text = "\n".join(record.summary for record in records)
    facts = "\n".join(
        f"{record.title}\n{'、'.join(item.name for item in record.items)}" for record in records
    )
    taken = [one for one in sentences if one in text and one not in facts]
    assert taken == []


def test_every_record_names_its_source_and_licence(records: list[mapping.Record]) -> None:
    assert all("政府資料開放授權條款" in record.summary for record in records)
    assert {record.license_id for record in records} == {"OGDL-Taiwan-1.0"}
    attribution = (HERE / "ATTRIBUTION.md").read_text(encoding="utf-8")
    assert "桃園市政府" in attribution and "政府資料開放授權條款－第1版" in attribution


def test_the_files_are_real() -> None:
    code = people.SOCIAL
    lines = len(files.of_department(code))
    assert lines == 60
    for name, encoding in (
        ("catalogue-utf8.csv", "utf-8-sig"),
        ("catalogue-gb18030.csv", "gb18030"),
    ):
        text = files.FILES[name](code).decode(encoding)
        assert len(list(csv.reader(io.StringIO(text)))) == lines + 1
    book = openpyxl.load_workbook(io.BytesIO(files.FILES["catalogue.xlsx"](code)))
    assert book.active is not None and book.active.max_row == lines + 1
    themes = json.loads(files.FILES["themes.json"](code))["主題"]
    assert sum(theme["資料集數"] for theme in themes) == 1429
    picture = files.FILES["themes.png"](code)
    assert picture.startswith(b"\x89PNG") and struct.unpack(">I", picture[16:20]) == (640,)


def test_who_reviews_did_not_publish() -> None:
    for upload in people.UPLOADS:
        accounts = {account.name: account for account in people.ACCOUNTS}
        editor, reviewer = accounts[upload.editor], accounts[upload.reviewer]
        assert editor is not reviewer and "reviewer" in reviewer.duties
        assert editor.department == reviewer.department == upload.department
        if upload.fields["open_class"] == "conditional":
            assert any(
                "handler" in account.duties and account.department == upload.department
                for account in people.ACCOUNTS
            ), "whoever applies for it finds somebody who can accept it"
    classes = Counter(upload.fields["open_class"] for upload in people.UPLOADS)
    assert classes == {"unconditional": 3, "conditional": 1, "non_open": 3}
