"""What people type finds what they mean, title hits first, against a real Solr."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ckanext.govopen.tests.search.conftest import Index, Search, real_list, real_release, release

Found = Callable[..., list[str]]

#: name, title, notes, tags, items, other fields
SMALL: list[tuple[str, str, dict[str, Any]]] = [
    ("fire-hydrants", "桃園市消防栓位置", {"notes": "各區消防栓的座標", "tags": ["消防"]}),
    ("fire-cars", "救災車輛清冊", {"notes": "消防局各分隊的車輛", "tags": ["車輛"]}),
    ("fire-bureau", "年度出勤統計", {"organization": {"name": "fire", "title": "消防局"}}),
    ("fire-items", "场所安全检查", {"info_items": [{"name": "消防设施"}, {"name": "地址"}]}),
    ("not-fire", "取消防疫措施一覽", {"notes": "疫情"}),
    ("split", "消費者保護與國防教育", {"notes": "講座"}),
    ("clinics", "醫療院所名冊", {"notes": "含地址與電話"}),
    ("clinics-cn", "医疗机构名录", {"notes": "包括地址和电话"}),
    ("data-tw", "開放資料平台使用統計", {"notes": "瀏覽次數"}),
    ("data-cn", "开放数据目录", {"notes": "目录"}),
    ("net-tw", "公共無線網路熱點", {"notes": "iTaiwan"}),
    ("net-cn", "公共无线网络接入点", {"notes": "wifi_hotspots.csv"}),
    ("air", "空氣品質PM2.5監測值", {"notes": "每小時，單位μg/m3"}),
    ("air-wide", "ＰＭ２．５年平均", {"notes": "全形"}),
    ("rain", "桃園市雨量站5G傳輸點", {"notes": "A1類", "resource_code": "330100/WR-0042"}),
    ("taipei", "臺北颱風週報", {"notes": "氣象"}),
    ("english", "Road traffic datasets", {"notes": "Annual_report of accidents"}),
    (
        "land",
        "公告土地現值",
        {"theme": "地政", "update_cycle": "每年", "open_class": "conditional"},
    ),
]


@pytest.fixture(scope="module")
def small(index: Index) -> Index:
    index.clear()
    index.add(
        *(
            release(name, title, metadata_modified=f"2020-01-{day:02d}T00:00:00", **fields)
            for day, (name, title, fields) in enumerate(SMALL, 1)
        )
    )
    return index


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("消防", {"fire-hydrants", "fire-cars", "fire-bureau", "fire-items", "not-fire"}),
        ("消防局", {"fire-cars", "fire-bureau"}),
        ("開放資料目錄", {"data-tw", "data-cn"}),
        ("开放数据", {"data-tw", "data-cn"}),
        ("医疗", {"clinics", "clinics-cn"}),
        ("醫療", {"clinics", "clinics-cn"}),
        ("資料", {"data-tw", "data-cn"}),
        ("数据", {"data-tw", "data-cn"}),
        ("网络", {"net-tw", "net-cn"}),
        ("無線網路", {"net-tw", "net-cn"}),
        ("栓", {"fire-hydrants"}),
        ("疫", {"not-fire"}),
        ("PM2.5", {"air", "air-wide"}),
        ("pm2.5 監測", {"air"}),
        ("ＰＭ２．５", {"air", "air-wide"}),
        ("5G", {"rain"}),
        ("台北台风", {"taipei"}),
        ("周報", {"taipei"}),
        ("dataset", {"english"}),
        ("annual report", {"english"}),
        ("hotspots", {"net-cn"}),
        ("水務局", {name for name, _, _ in SMALL if name != "fire-bureau"}),
        ("330100/WR-0042", {"rain"}),
        ("WR-0042", {"rain"}),
        ("fire-cars", {"fire-cars"}),
        ("地政", {"land"}),
        ("title:消防 OR title:医疗", {"fire-hydrants", "not-fire", "clinics", "clinics-cn"}),
        ("消防 -車輛", {"fire-hydrants", "fire-bureau", "fire-items", "not-fire"}),
        ('"無線網路熱點"', {"net-tw"}),
        ("外星人", set()),
    ],
)
def test_finds(found: Found, typed: str, wanted: set[str]) -> None:
    assert set(found(typed)) == wanted


@pytest.mark.usefixtures("small")
def test_title_hits_come_first(found: Found) -> None:
    order = found("消防")
    assert set(order[:2]) == {"fire-hydrants", "not-fire"}
    assert order[2] != "split"
    assert found("医疗机构")[0] == "clinics-cn"


@pytest.mark.usefixtures("small")
def test_a_long_question_finds_what_shares_its_words(found: Found) -> None:
    assert "fire-hydrants" in found("桃園市各區消防栓位置查詢")
    assert found("空气质量PM2.5监测")[0] == "air"


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    "typed",
    [
        *('"', "(", ")", "[", "{", "{!", "a/b", "*", "?", "~", "^", ":", "::", "\\", "AND", "OR"),
        *("NOT", "+", "-", "&&", "||", "title:", "title:[", "a:b:c", "/*", "消防 AND", "\x00"),
        *("x" * 3000, "消" * 3000, "a " * 2000, "𠮷", "💧", "消防\u3000局", "{!term f=id}x"),
        *('_query_:"x"', "_val_:1", "filter(", "score:1", "*:* AND title:消防"),
    ],
)
def test_nothing_typed_is_an_error(search: Search, typed: str) -> None:
    assert search({"q": typed, "rows": 0})["count"] >= 0


@pytest.mark.usefixtures("small")
def test_filters_facets_and_sorting(search: Search, found: Found) -> None:
    answer = search(
        {"q": "", "rows": 0, "facet.field": ["open_class", "organization", "theme", "tags"]}
    )
    assert answer["count"] == len(SMALL)
    assert answer["facets"]["open_class"] == {"unconditional": len(SMALL) - 1, "conditional": 1}
    assert answer["facets"]["theme"] == {"地政": 1}
    assert answer["facets"]["organization"] == {"water": len(SMALL) - 1, "fire": 1}
    assert found("", fq="open_class:conditional") == ["land"]
    assert found("", fq='theme:"地政" +update_cycle:"每年"') == ["land"]
    assert found("", fq="metadata_modified:[2020-01-02T00:00:00Z TO 2020-01-03T00:00:00Z]") == [
        "fire-bureau",
        "fire-cars",
    ]
    assert found("", fq_list=["organization:fire", "title:統計"]) == ["fire-bureau"]
    by_title = search({"q": "", "rows": 1000, "sort": "title_string asc"})["results"]
    assert [hit["title"] for hit in by_title] == sorted(title for _, title, _ in SMALL)


@pytest.mark.usefixtures("small")
def test_without_a_query_the_newest_data_come_first(small: Index, found: Found) -> None:
    small.add(release("fresh", "舊目錄新資料", data_updated="2021-05-01"))
    order = found("")
    small.solr.delete(q="name:fresh", commit=True)
    assert order[:3] == ["fresh", "land", "english"]


def test_long_and_odd_values_are_indexed(index: Index, found: Found) -> None:
    index.add(
        release(
            "odd",
            "控制字符\x0b与\ud800代理",
            notes="長" * 50_000,
            spatial="x" * 60_000,
            some_date="not a date",
            tags=["a\x00b"],
        )
    )
    assert found("控制字符") == ["odd"]
    index.clear()


WORDS = [
    *("消防", "統計", "土地", "停車場", "學校", "水質", "空氣品質", "環境"),
    *("預算", "圖書館", "醫院", "人口", "公車", "社會局", "里", "年"),
]


@pytest.mark.skipif(not real_list(), reason="the city's published list lies beside the repository")
class TestRealList:
    """The whole list of a city: whatever contains what was typed must be found."""

    @pytest.fixture(scope="class")
    def texts(self, index: Index) -> dict[str, tuple[str, str]]:
        index.clear()
        rows = real_list()
        for start in range(0, len(rows), 500):
            index.add(
                *(
                    real_release(number, row)
                    for number, row in enumerate(rows[start : start + 500], start)
                )
            )
        return {
            f"real-{number}": (
                row["資料名稱"],
                " ".join((row["資料名稱"], row["資料集描述"], row["標籤/關鍵字"])),
            )
            for number, row in enumerate(rows)
        }

    @pytest.mark.parametrize("word", WORDS)
    def test_every_substring_is_found_titles_first(
        self, texts: dict[str, tuple[str, str]], found: Found, word: str
    ) -> None:
        wanted = {name for name, (_, text) in texts.items() if word in text}
        in_title = {name for name, (title, _) in texts.items() if word in title}
        order = found(word, rows=1000)
        if len(wanted) < 1000 and len(order) < 1000:
            assert wanted <= set(order)
        first = order[: len(in_title)]
        assert set(first) == in_title or set(first) <= in_title

    def test_the_baseline(self, texts: dict[str, tuple[str, str]], found: Found) -> None:
        """Stock CKAN found 88 of 105 for 消防, 13 of 289 for 統計, 4 of 133 for 土地."""
        for word, there in (("消防", 105), ("統計", 289), ("土地", 133)):
            wanted = {name for name, (_, text) in texts.items() if word in text}
            assert len(wanted) == there
            assert wanted <= set(found(word))
