from __future__ import annotations

import datetime
import time
from typing import Any

import pytest

from ckanext.govopen.domain.catalogue import Record, RecordError, classify, parse_record
from ckanext.govopen.domain.sheet_columns import ConfigError
from ckanext.govopen.domain.spreadsheet import (
    SheetConfig,
    SheetRecord,
    rows_to_records,
    split_items,
)

from .builders import jilin, published_rows

DEFAULTS = {"defaults": {"acquired": "collected"}}
TEMPLATE = [
    "信息资源分类", None, None, None, "信息资源名称", "信息资源代码", "信息资源提供方",
    "提供方内部部门", "信息资源提供方代码", "信息资源摘要", "信息资源格式", None, "信息项信息",
    None, None, "共享属性", None, None, None, "开放属性", None, "更新周期",
    "发布日期", "关联资源代码",
]  # fmt: skip
BELOW = [
    "类", "项", "目", "细目", None, None, None, None, None, None, "信息资源格式分类",
    "信息资源格式类型", "信息项名称", "数据类型", "数据长度", "共享类型", "共享条件",
    "共享方式分类", "共享方式类型", "是否向社会开放", "开放条件", None, None, None,
]  # fmt: skip
FLAT = [below or above for above, below in zip(TEMPLATE, BELOW, strict=True)]
FIRST = [
    "部门", "财政局", "预算", "年度", "部门预算", "307010000000/000123", "财政局", "预算处",
    "11350200MB1234567U", "各部门预算", "电子表格", "xlsx", "部门", "字符型C", 50.0,
    "无条件共享", None, "共享平台", "接口", "是", None, "每年",
    datetime.date(2020, 1, 1), "307010000000/000120",
]  # fmt: skip


def more(name: str, type: str = "N", opened: str | None = None) -> list[Any]:
    row: list[Any] = [None] * len(FLAT)
    row[12], row[13], row[19] = name, type, opened
    return row


def read(rows: list[list[Any]], config: dict[str, Any] | None = None) -> list[Any]:
    return list(rows_to_records(rows, SheetConfig.from_json(config or DEFAULTS)))


def parsed(rows: list[list[Any]], config: dict[str, Any] | None = None) -> list[Record]:
    found = []
    for item in read(rows, config):
        assert isinstance(item, SheetRecord), item
        record = parse_record(item.json)
        assert isinstance(record, Record), record
        found.append(record)
    return found


@pytest.mark.parametrize(
    "head",
    [[FLAT], [TEMPLATE, BELOW], [["某市目录"], [None], TEMPLATE, BELOW], [["说明"], FLAT]],
    ids=["one row", "two rows", "title and two rows", "title and one row"],
)
def test_the_template_with_merged_cells(head: list[list[Any]]) -> None:
    second = [*FIRST]
    second[4], second[5] = "部门决算", "307010000000/000124"
    rows = [*head, FIRST, more("金额"), more("年度", "D"), [None] * 24, second, more("金额")]
    one, other = parsed(rows)
    assert one.title == "部门预算"
    assert [(i.name, i.type) for i in one.items] == [("部门", "C"), ("金额", "N"), ("年度", "D")]
    assert one.category == ("部门", "财政局", "预算", "年度")
    assert one.provider.unit == "预算处"
    assert (one.format_kind, one.format_detail) == ("电子表格", "xlsx")
    assert (one.share_class, one.share_mode) == ("无条件共享", "共享平台/接口")
    assert (one.cycle, one.issued, one.acquired) == ("yearly", "2020-01-01", "collected")
    assert one.related == ("307010000000/000120",)
    assert classify(one, jilin()).action == "publish"
    assert [item.name for item in other.items] == ["部门", "金额"]


def test_cells_repeated_in_every_row_are_one_resource_too() -> None:
    repeated = [*FIRST]
    repeated[12] = "金额"
    [record] = parsed([FLAT, FIRST, repeated])
    assert [item.name for item in record.items] == ["部门", "金额"]


def test_traditional_headings_in_another_order_with_more_columns() -> None:
    head = [
        "備註",
        "資訊資源代碼",
        "信息資源名稱",
        "信息資源代碼",
        "信息資源提供方",
        "是否向社會開放",
    ]
    rows = [head, ["x", "", "預算", "a/1", "財政局", "是"]]
    [record] = parsed(rows)
    assert (record.code, record.title, record.provider.name) == ("a/1", "預算", "財政局")


def test_each_item_can_be_open_or_not() -> None:
    [record] = parsed([FLAT, FIRST, more("手机号", "C", "否"), more("地址", "C", "是")])
    assert [item.open for item in record.items] == [True, False, True]
    assert record.open
    [record] = parsed([FLAT, FIRST, more("手机号", "C", "否"), more("住址", "C")])
    assert [item.open for item in record.items] == [True, False, False]


def test_a_closed_resource_is_closed() -> None:
    closed = [*FIRST]
    closed[19] = "否"
    [record] = parsed([FLAT, closed, more("金额")])
    assert not record.open
    silent = [*FIRST]
    silent[19] = None
    [item] = read([FLAT, silent])
    assert isinstance(parse_record(item.json), RecordError)


def test_partly_open() -> None:
    partly = [*FIRST]
    partly[19] = "部分开放"
    [record] = parsed([FLAT, partly])
    assert record.partly
    assert classify(record, jilin()).action == "keep_back"


def test_an_answer_that_nobody_understands_is_refused_not_guessed() -> None:
    odd = [*FIRST]
    odd[19] = "再议"
    [item] = read([FLAT, odd])
    found = parse_record(item.json)
    assert isinstance(found, RecordError)
    assert found.code == "307010000000/000123"


def test_the_same_code_again_is_an_error_unless_it_closes() -> None:
    second = [*FIRST]
    second[4], second[5] = "另一个", "a/2"
    again = read([FLAT, FIRST, second, FIRST])
    assert [type(item) for item in again] == [SheetRecord, SheetRecord, RecordError]
    assert again[2].code == "307010000000/000123"
    assert "row 4" in again[2].reason
    closing = [*FIRST]
    closing[19] = "否"
    last = read([FLAT, FIRST, second, closing])[2]
    assert isinstance(last, SheetRecord)
    assert last.json["open"]["open"] is False


def test_rows_that_belong_to_nothing() -> None:
    [error, record] = read([FLAT, more("金额"), FIRST])
    assert "row 2" in error.reason
    assert isinstance(record, SheetRecord)
    nameless = [*FIRST]
    nameless[5] = None
    [error] = read([FLAT, nameless])
    assert "row 2" in error.reason and "code" in error.reason


@pytest.mark.parametrize("rows", [[], [[]], [["a", "b"], ["c", "d"]], [["信息资源名称"]]])
def test_tables_without_headings(rows: list[list[Any]]) -> None:
    [error] = read(rows)
    assert isinstance(error, RecordError)
    assert "headings" in error.reason


def test_an_empty_table_is_empty() -> None:
    assert read([FLAT]) == []


def test_short_and_long_rows() -> None:
    assert len(read([FLAT, FIRST[:6], [*FIRST, "x", "y"]])) == 1
    assert len(read([FLAT, [*FIRST, "x", "y"]])) == 1


def test_cells_are_text_never_formulas() -> None:
    odd = [*FIRST]
    odd[9] = "=cmd|'/c calc'!A1"
    odd[4] = -5.0
    [record] = parsed([FLAT, odd])
    assert record.summary == "=cmd|'/c calc'!A1"
    assert record.title == "-5"


# The source's own configuration.

TAOYUAN = {
    "columns": {
        "資料名稱": "title", "更新頻率": "cycle", "主要欄位": "items", "資料集描述": "summary",
        "分類及編號": "category", "標籤/關鍵字": "keywords", "最後更新時間": "data_updated",
        "建立日期": "issued",
    },
    "extract": {
        "code": {"column": "資料連結網址", "pattern": "oid=([0-9a-f-]+)"},
        "provider.code": {"column": "資料集提供機關", "pattern": r"^(\S+)\s*【"},
        "provider.name": {"column": "資料集提供機關", "pattern": "【(.+)】"},
    },
    "defaults": {"acquired": "collected", "open": {"open": True}, "share": {"class": "无条件共享"}},
    "trust_review": False,
}  # fmt: skip


def test_a_published_list_as_it_is() -> None:
    records = parsed(published_rows("taoyuan-open-data-list-2018.csv"), TAOYUAN)
    assert len(records) == len({record.code for record in records}) == 1429
    providers = {(record.provider.code, record.provider.name) for record in records}
    assert len(providers) == 34
    assert ("380120000J", "社會局") in providers
    assert all(record.cycle for record in records)
    assert {classify(record, jilin()).action for record in records} == {"publish"}
    first = records[0]
    assert [item.name for item in first.items][:2] == ["委辦單位", "電話"]


def test_item_lists_in_one_cell() -> None:
    cell = "分類(境外移入、本土)、通報日期（日）、 地址,分類(x)"
    assert split_items(cell) == ["分類", "通報日期", "地址"]
    assert split_items("") == []
    assert split_items("a((b、c))、d") == ["a", "d"]


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"columns": {"x": "name"}}, "no field name"),
        ({"columns": ["x"]}, "texts is wanted"),
        ({"columns": {"x": 1}}, "texts is wanted"),
        ({"extract": {"nowhere": {}}}, "no field nowhere"),
        ({"extract": []}, ""),
        ({"extract": ["x"]}, "extract"),
        ({"extract": {"code": {"column": "x"}}}, "exactly column and pattern"),
        ({"extract": {"code": {"column": "x", "pattern": "a", "flags": "i"}}}, "exactly"),
        ({"extract": {"code": {"column": "x", "pattern": "a"}}}, "one group"),
        ({"extract": {"code": {"column": "x", "pattern": "(a)(b)"}}}, "one group"),
        ({"extract": {"code": {"column": "x", "pattern": "(a"}}}, "regular expression"),
        ({"extract": {"code": {"column": "x", "pattern": "(a)" + "b" * 300}}}, "300"),
        ({"defaults": {"colour": "red"}}, "no field colour"),
        ({"defaults": "x"}, "defaults"),
    ],
)
def test_wrong_configuration(config: dict[str, Any], reason: str) -> None:
    if not reason:
        assert SheetConfig.from_json(config) == SheetConfig()
        return
    with pytest.raises(ConfigError, match=reason):
        SheetConfig.from_json(config)


def test_a_catastrophic_pattern_is_stopped() -> None:
    config = {
        "columns": {"标题": "title"},
        "extract": {"code": {"column": "码", "pattern": r"^((?:a+)+)+$b"}},
    }
    rows = [["标题", "码"], ["x", "a" * 5000 + "!"]]
    begin = time.monotonic()
    found = read(rows, config)
    assert time.monotonic() - begin < 5
    assert len(found) == 1 and isinstance(found[0], RecordError)
