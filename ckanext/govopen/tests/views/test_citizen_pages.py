"""What visitors read: conditional data, the note on the law, pages that are not there, the list."""

from __future__ import annotations

import csv
import io
import json
from typing import Any
from urllib.parse import quote_plus

import pytest
from bs4 import BeautifulSoup
from ckan import model

from ckanext.govopen.search import syntax
from ckanext.govopen.tests.views.portal import _approve, _call, _dataset
from ckanext.govopen.views import fewer, words

CODE = "11350200MB1A2B3C4X"


def soup(answer: Any) -> Any:
    return BeautifulSoup(answer.get_data(as_text=True), "html.parser")


@pytest.fixture(scope="module")
def described(portal):
    """A conditional dataset that describes its data and holds no file."""
    organization: Any = model.Group.get("traffic")
    assert organization is not None
    organization.extras = {"org_code": CODE}
    model.Session.commit()
    fields = _dataset(
        "signals",
        "信号灯配时",
        "traffic",
        open_class="conditional",
        open_condition="科研机构，说明用途",
        notes="各路口信号灯的配时方案。",
        tags=[{"name": "路口"}],
        delivery=["interface"],
        info_items=[
            {"name": "路口", "type": "C", "open": True},
            {"name": "责任人", "type": "C", "open": False},
        ],
    )
    _call("package_create", "editor", **fields)
    _approve("signals")
    return portal


def test_conditional_data_without_a_file_says_what_a_grant_gives(described):
    page = soup(described.get("/dataset/signals"))
    text = page.get_text(" ", strip=True)
    assert "还没有文件" not in text and "尚无文件" not in text
    assert "获得授权后可以得到" in text and "2 个信息项" in text and "接口" in text
    rows = [[cell.get_text() for cell in row.find_all("td")] for row in page.select("table tr")]
    assert rows[1][1:] == ["申请后提供"] and rows[2][1:] == ["不提供"]
    assert page.select_one("#contact") is not None
    assert page.select_one('.go-contact a[href="/organization/traffic"]') is not None


def test_items_of_open_data_are_simply_open(described):
    rows = soup(described.get("/dataset/parking")).select("table tbody tr")
    assert [row.find_all("td")[1].get_text() for row in rows] == ["是"]


def test_the_note_on_the_law_is_one_line_that_opens(described):
    for path in ("/dataset/signals", "/dataset/parking", "/open/figures"):
        page = soup(described.get(path))
        (note,) = page.select("details.go-law-line")
        line = note.summary.get_text()
        assert "现行有效" in line and len(line) < 60 and "open" not in note.attrs
        assert "由法制机构核对" in note.get_text() and "由法制机构核对" not in line
    whole = soup(described.get("/open/law"))
    assert "由法制机构核对" in whole.select_one("p.go-law-note").get_text()
    assert whole.select("details.go-law-line") == []


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("甲。乙。", "甲"),
        ("A trial measure of 2019. The later one prevails.", "A trial measure of 2019"),
        ("有效期二年；已届满。", "有效期二年"),
        ("Version 1.2 counts", "Version 1.2 counts"),
        ("", ""),
        (None, ""),
    ],
)
def test_the_first_sentence(text, first):
    assert words.first_sentence(text) == first


def test_words_that_no_dataset_has_all_of(described):
    page = soup(described.get("/dataset/?q=停车场 信号灯"))
    said = page.select_one(".go-empty")
    assert "没有找到" in said.h2.get_text() and "没有数据集同时包含" in said.p.get_text()
    assert page.select("select[name=sort]") == []  # there is nothing to be put in order
    links = {
        a["href"].rsplit("/", 1)[-1] for a in said.find_all_next("a") if "/dataset/" in a["href"]
    }
    assert {"parking", "signals"} <= links
    narrowed = soup(described.get("/dataset/?q=停车场 信号灯&open_class=conditional"))
    links = {a["href"].rsplit("/", 1)[-1] for a in narrowed.select(".go-item-title a")}
    assert "signals" in links and "parking" not in links


def test_words_that_all_datasets_have_are_not_offered(described, monkeypatch):
    """A list of everything is no answer; the words that say something still are."""
    asked = []

    def counted(query, within, rows):
        asked.append(query)
        count = {"": 1400, "市": 1300, "停车场": 7, "火星": 0}.get(query)
        if count is None:  # one word that most have makes the whole as common
            count = 1300 if "市" in query.split(syntax.OR) else 7
        return {"count": count, "results": []}

    monkeypatch.setattr(fewer, "_search", counted)
    with described.app.flask_app.test_request_context("/dataset/"):
        assert fewer.govopen_fewer("市 火星") is None
        some: Any = fewer.govopen_fewer("市 停车场 火星")
        assert some["count"] == 7 and asked[-1] == "停车场"
        some = fewer.govopen_fewer("停车场 火星")
        assert some["href"] == "?q=" + quote_plus("停车场 OR 火星")


def test_some_of_the_words_find_nothing_that_is_not_public(described):
    text = described.get("/dataset/?q=尚未审查 停车场").get_data(as_text=True)
    assert "/dataset/parking" in text and "/dataset/waiting" not in text
    staff = described.get("/dataset/?q=尚未审查 停车场", "editor").get_data(as_text=True)
    assert "/dataset/waiting" in staff


@pytest.mark.parametrize("query", ["不会有的词", "不会有的词 也没有", '"停车场" AND 信号灯'])
def test_nothing_is_found_is_said_plainly(described, query):
    text = soup(described.get("/dataset/", query_string={"q": query})).get_text()
    assert "没有数据集同时包含" not in text
    assert "没有找到" in text or "未找到" in text


@pytest.mark.parametrize(
    ("path", "last"),
    [
        ("/dataset/?page=999", "?"),
        ("/dataset/?page=999&open_class=conditional", "?open_class=conditional"),
        ("/open/list?page=999", "?"),
    ],
)
def test_a_page_beyond_the_last_leads_back(described, path, last):
    answer = described.get(path)
    page = soup(answer)
    assert answer.status_code == 200 and "没有这一页" in page.get_text()
    assert "未找到" not in page.select_one(".go-empty").get_text()
    assert page.select_one(".go-empty a")["href"] == last


def test_the_list_has_the_departments_code_and_its_name(described):
    text = described.get("/open/list.csv").get_data(as_text=True).lstrip("\ufeff")
    rows = {row["title"].lstrip("'"): row for row in csv.DictReader(io.StringIO(text))}
    assert rows["信号灯配时"]["department_code"] == CODE
    assert rows["信号灯配时"]["department_name"] == "traffic"
    listed = json.loads(described.get("/open/list.json").get_data(as_text=True))
    (row,) = [row for row in listed["rows"] if row["title"] == "信号灯配时"]
    assert (row["department_code"], row["department_name"]) == (CODE, "traffic")


def test_whoever_has_not_signed_in_is_told_that_applying_takes_an_account(described):
    page = soup(described.get("/open/apply/signals"))
    links = {a["href"] for a in page.select("main a")}
    assert "/open/register?next=/open/apply/signals" in links
    assert any(link.startswith("/user/login?came_from=/open/apply/signals") for link in links)
    assert "信号灯配时" in page.get_text()


def test_the_header_leads_to_what_is_ones_own(described):
    links = {a["href"] for a in soup(described.get("/", "citizen")).select("header a")}
    assert {"/open/applications?scope=mine", "/open/grants", "/open/account"} <= links
    assert "/open/grants" not in {a["href"] for a in soup(described.get("/")).select("header a")}


def test_groups_that_nobody_made_are_not_offered(described):
    answer = described.get("/group/")
    assert "按提供单位和主题归类" in answer.get_data(as_text=True)
    assert "/dataset/groups/" not in described.get(
        f"/dataset/activity/{described.dataset}", "editor"
    ).get_data(as_text=True)
