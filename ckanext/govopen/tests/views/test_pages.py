"""Every page: who gets it, what stands on it, and what must not stand on it."""

from __future__ import annotations

import csv
import datetime
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from bs4 import BeautifulSoup

from ckanext.govopen import i18n
from ckanext.govopen.logic import datastore_load
from ckanext.govopen.tests.portal import without_token
from ckanext.govopen.tests.views.portal import LONG
from ckanext.govopen.views import freshness

PUBLIC = [
    "/",
    "/dataset/",
    "/dataset/?q=停车&open_class=unconditional",
    "/dataset/?q=不会有的词",
    "/dataset/parking",
    "/dataset/trips",
    "/organization/",
    "/organization/traffic",
    "/organization/empty-office",
    "/open/list",
    "/open/law",
    "/open/terms",
    "/open/privacy",
    "/about",
    "/user/login",
    "/open/register",
]
OFFICE = ["/open/desk", "/open/review", "/open/duties", "/dataset/waiting"]
LOCALES = [("", "zh-Hans-CN"), ("/zh_Hant_TW", "zh-Hant-TW"), ("/en", "en")]


def soup(response) -> BeautifulSoup:
    return BeautifulSoup(response.body, "html.parser")


def visible(page: BeautifulSoup) -> str:
    """What a reader reads, names for screen readers included."""
    for hidden in page(["script", "style"]):
        hidden.decompose()
    labels = [
        str(tag[attribute])
        for attribute in ("aria-label", "placeholder", "title", "alt")
        for tag in page.select(f"[{attribute}]")
    ]
    return " ".join([page.get_text(" ", strip=True), *labels])


def own_english() -> list[str]:
    """The English sources of the pages that are long enough to be recognised."""
    fragment = Path(i18n.__file__).parent / "pages.yaml"
    rows = yaml.safe_load(fragment.read_text(encoding="utf-8"))
    return [r["en"] for r in rows if len(r["en"]) > 3 and "{" not in r["en"]]


@pytest.mark.parametrize("prefix,language", LOCALES)
@pytest.mark.parametrize("path", PUBLIC)
def test_public_page(portal, path, prefix, language):
    response = portal.get(prefix + path)
    assert response.status_code == 200, response.body[:2000]
    page = soup(response)
    assert page.html is not None and page.html["lang"] == language
    assert len(page.find_all("h1")) == 1
    assert page.title is not None and "公共数据开放平台" in page.title.get_text()
    assert page.find("main", id="content") is not None
    assert page.find("a", class_="go-skip", href="#content") is not None


@pytest.mark.parametrize("path", OFFICE)
def test_office_page(portal, path):
    page = soup(portal.get(path, "reviewer"))
    assert len(page.find_all("h1")) == 1
    assert "reviewer 某" in page.get_text()


@pytest.mark.parametrize("path", ["/open/desk", "/open/review", "/open/duties"])
def test_office_pages_send_visitors_to_the_login(portal, path):
    response = portal.get(path)
    assert response.status_code == 302 and "/user/login" in response.headers["Location"]


@pytest.mark.parametrize(
    "path", ["/open/review", "/open/review/no-such", "/dataset/waiting", "/dataset/no-such"]
)
def test_what_is_not_for_a_citizen_does_not_exist_for_him(portal, path):
    assert portal.get(path, "citizen").status_code == 404


def test_a_review_of_others_looks_like_none(portal):
    there = portal.get(f"/open/review/{portal.review}", "citizen")
    nowhere = portal.get("/open/review/0b7f5f2e-0000-4000-8000-000000000000", "citizen")
    assert there.status_code == nowhere.status_code == 404
    seen, none = without_token(there.body), without_token(nowhere.body)
    assert seen.replace(portal.review, "") == none.replace(
        "0b7f5f2e-0000-4000-8000-000000000000", ""
    )


@pytest.mark.parametrize("path", PUBLIC)
def test_no_english_is_left_over(portal, path):
    text = visible(soup(portal.get(path)))
    found = [s for s in own_english() if re.search(rf"(?<!\w){re.escape(s)}(?!\w)", text)]
    assert not found


@pytest.mark.parametrize("path", PUBLIC)
def test_reading_costs_no_cookie_and_no_foreign_address(portal, path):
    response = portal.get(path)
    page = soup(response)
    if not path.startswith("/user/"):
        assert "Set-Cookie" not in response.headers
    loaded = [str(t["src"]) for t in page(["script", "img", "iframe"]) if t.get("src")]
    loaded += [str(t["href"]) for t in page("link") if "stylesheet" in (t.get("rel") or [])]
    assert all(not re.match(r"(https?:)?//(?!test\.ckan\.net)", address) for address in loaded)


def test_reading_pages_load_one_small_style_sheet(portal):
    page = soup(portal.get("/dataset/"))
    sheets = [str(t["href"]) for t in page("link") if "stylesheet" in (t.get("rel") or [])]
    assert len(sheets) == 1 and "page" in sheets[0]


def test_home_counts_what_is_public(portal):
    text = visible(soup(portal.get("/")))
    assert "1 个单位的 2 个数据集" in text
    assert LONG in text and "尚未审查的数据集甲" not in text


def test_home_is_the_same_for_people_with_rights(portal):
    assert "尚未审查的数据集甲" not in visible(soup(portal.get("/", "operator")))


def test_list_has_its_facets_and_chips(portal):
    page = soup(portal.get("/dataset/?theme=交通&open_class=unconditional"))
    assert {h.get_text() for h in page.select(".go-facet h2")} >= {
        "开放属性",
        "主题",
        "提供单位",
        "格式",
        "更新周期",
    }
    chips = [a.get_text(strip=True) for a in page.select(".go-chips a")]
    assert chips == ["交通", "无条件开放", "清除全部筛选"]
    assert [a.get_text() for a in page.select(".go-item-title a")] == [LONG]


def test_descriptions_in_lists_are_plain_text(portal):
    text = visible(soup(portal.get("/dataset/")))
    assert "按日更新的停车场信息，见说明。" in text and "**" not in text


def test_dataset_page_says_what_one_may_do_and_why(portal):
    page = soup(portal.get("/dataset/parking"))
    text = visible(page)
    for expected in ("无条件开放", "您可以按照许可协议查看、下载和使用数据", "便利公众出行"):
        assert expected in text
    assert "第28条第2款" in text and "吉林省大数据条例" in text  # the article and the note
    assert "交通运输局：《" in text  # how to cite it
    assert page.select_one("table th[scope=row]").get_text() == "停车场名称"  # type: ignore[union-attr]
    assert page.select_one(f'a[href*="{portal.resource}/download"]') is not None
    assert "工作版本" not in text


def test_conditional_dataset_says_what_is_needed_and_gives_nothing(portal):
    response = portal.get("/dataset/trips")
    text = visible(soup(response))
    assert "科研机构，说明用途" in text and "个人信息保护法" in text
    assert "申请" in text and soup(response).select_one('a[href="/open/apply/trips"]')
    assert "download" not in response.body and "trips.csv" not in response.body


def test_department_sees_that_it_is_the_working_copy(portal):
    page = soup(portal.get("/dataset/waiting", "editor"))
    text = visible(page)
    assert "您看到的是工作版本" in text and "公众看不到任何内容" in text
    assert page.select_one('a[href*="/open/review/"]') is not None
    assert page.select_one('a[href="/dataset/edit/waiting"]') is not None
    assert page.select_one('script[type="application/ld+json"]') is None


def test_structured_data_is_valid_and_cannot_end_its_element(portal):
    page = soup(portal.get("/dataset/parking"))
    element = page.select_one('script[type="application/ld+json"]')
    assert element is not None and element.string is not None
    data = json.loads(element.string)
    assert data["@type"] == "Dataset" and data["name"] == LONG
    assert "<" not in element.string


def test_resource_page(portal):
    page = soup(portal.get(f"/dataset/parking/resource/{portal.resource}"))
    assert [h.get_text() for h in page("h1")] == ["停车场.csv"]
    assert page.select_one(f'a[href*="{portal.resource}/download"]') is not None


def test_rows_of_a_file_are_shown_without_a_script(portal):
    path = f"/dataset/parking/resource/{portal.resource}"
    assert soup(portal.get(path)).select_one("#preview") is None
    datastore_load.load(portal.dataset)
    cells = [td.get_text() for td in soup(portal.get(path)).select("#preview td")]
    assert cells[:3] == ["南关区", "=1+1", "120"]


def rows(portal) -> list[dict[str, str]]:
    response = portal.get("/open/list.csv")
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    text = response.get_data().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_open_list_holds_the_public_and_nothing_else(portal):
    shown = visible(soup(portal.get("/open/list")))
    assert LONG in shown and "尚未审查的数据集甲" not in shown
    assert {r["open_class"] for r in rows(portal)} == {"unconditional", "conditional"}
    assert len(rows(portal)) == 2


@pytest.mark.parametrize("path", ["/open/list", "/open/list.csv", "/open/list.json"])
def test_open_list_is_the_same_for_everybody(portal, path):
    assert "尚未审查的数据集甲" not in portal.get(path, "operator").get_data(as_text=True)


def test_formulas_are_guarded_where_people_write(portal):
    titles = {r["title"] for r in rows(portal)}
    assert "'=HYPERLINK 公交刷卡记录" in titles
    assert {r["resource_code"] for r in rows(portal)} == {"307010000000/000123"}


def test_open_list_as_json_is_not_guarded(portal):
    data = json.loads(portal.get("/open/list.json").get_data(as_text=True))
    assert set(data["columns"]) == set(data["rows"][0])
    assert "=HYPERLINK 公交刷卡记录" in {r["title"] for r in data["rows"]}


@pytest.mark.parametrize("number", ["0", "-1", "x", "99999999999999999999", "二"])
def test_a_page_that_is_none(portal, number):
    assert portal.get(f"/open/list?page={number}").status_code == 200


def test_law_has_every_article(portal):
    page = soup(portal.get("/open/law"))
    assert len(page.select("tr[id^=article-]")) == 53
    assert "现行有效" in visible(page)


@pytest.mark.parametrize("path", ["/nothing/here", "/dataset/no-such", "/organization/no-such"])
def test_not_found_is_designed(portal, path):
    response = portal.get(path)
    assert response.status_code == 404
    page = soup(response)
    assert [h.get_text() for h in page("h1")] == ["此页面不存在"]
    assert page.select_one('form[role=search] input[name="q"]') is not None


def test_no_link_of_the_error_page_leads_to_another_site(portal):
    page = soup(portal.get("//evil.example/x"))
    assert not [a["href"] for a in page("a") if str(a.get("href", "")).startswith("//")]


def test_language_links_stay_on_the_page(portal):
    page = soup(portal.get("/dataset/?theme=交通"))
    links = {str(a["hreflang"]): str(a["href"]) for a in page.select("a[hreflang]")}
    assert links["en"].startswith("/en/dataset/?theme=")
    assert links["zh-Hans-CN"].startswith("/dataset/?theme=")


def form_fields(page: BeautifulSoup, action: str) -> dict[str, str]:
    form = page.select_one(f'form[action$="{action}"]')
    assert form is not None
    assert form.select_one('input[name="_csrf_token"]') is not None
    return {str(i["name"]): str(i.get("value", "")) for i in form.select("input[type=hidden]")}


def test_decision_forms_carry_the_fingerprint_and_keep_what_was_typed(portal):
    path = f"/open/review/{portal.review}"
    page = soup(portal.get(path, "reviewer"))
    fields = form_fields(page, f"{path}/decide")
    assert re.fullmatch(r"[0-9a-f]{64}", fields["fingerprint"])
    answer = portal.post(f"{path}/decide", "reviewer", {**fields, "decision": "return"})
    assert answer.status_code == 200 and "请说明需要修改的内容" in answer.body
    answer = portal.post(
        f"{path}/decide", "reviewer", {**fields, "decision": "approve", "remarks": "看过了"}
    )
    assert "批准之前请回答全部问题" in answer.body and "看过了" in answer.body


def test_a_reviewer_reads_words_and_not_codes(portal):
    page = soup(portal.get(f"/open/review/{portal.review}", "reviewer"))
    rows = {
        str(tr.th.get_text()): tr.select("td")[2].get_text(" ", strip=True)  # type: ignore[union-attr]
        for tr in page.select(".go-changes tbody tr")
    }
    assert next(iter(rows)) == "标题" and "id" not in rows
    assert rows["开放属性"].startswith("无条件开放") and rows["更新周期"] == "每日"
    assert "字符型" in rows["信息项"]


def test_a_stale_fingerprint_decides_nothing(portal):
    path = f"/open/review/{portal.review}"
    form = {
        "fingerprint": "0" * 64,
        "decision": "return",
        "remarks": "过时的页面",
    }
    answer = portal.post(f"{path}/decide", "reviewer", form)
    assert answer.status_code == 200 and "操作未执行" in answer.body
    assert "待决定" in visible(soup(portal.get(path, "reviewer")))


def test_who_submitted_finds_no_decision_form(portal):
    page = soup(portal.get(f"/open/review/{portal.review}", "editor"))
    assert page.select_one('button[value="approve"]') is None


def test_nothing_ticked(portal):
    answer = portal.post("/open/review/decide", "reviewer", {"decision": "return", "remarks": "x"})
    assert "请至少选择一项审查" in answer.body


def test_what_is_missing_is_named_with_its_article(portal):
    page = soup(portal.get("/open/review/lacking", "editor"))
    missing = page.select(".go-missing li")
    assert missing and all(li.select_one(".go-article") for li in missing)


def test_duties_are_given_by_the_operator_only(portal):
    form = {"user": "citizen", "organization": "traffic", "duty": "handler"}
    answer = portal.post("/open/duties/give", "reviewer", form)
    assert "职责已授予" not in answer.body and answer.status_code in (200, 404)
    page = soup(portal.get("/open/duties", "operator"))
    assert page.select_one('form[action$="/open/duties/give"]') is not None


def test_an_error_of_the_duty_form_keeps_what_was_typed(portal):
    form = {"user": "nobody-of-that-name", "organization": "traffic", "duty": "handler"}
    answer = portal.post("/open/duties/give", "operator", form)
    assert answer.status_code == 200
    assert 'value="nobody-of-that-name"' in answer.body and "操作未执行" in answer.body


def test_the_operator_edits_the_terms(portal):
    from ckan.plugins import toolkit

    context: Any = {"user": "operator", "ignore_auth": False}
    option = "ckanext.govopen.pages.terms"
    toolkit.get_action("config_option_update")(context, {option: "## 本市条款\n先注明来源"})
    try:
        text = visible(soup(portal.get("/open/terms")))
        assert "本市条款" in text and "您可以" not in text
    finally:
        toolkit.get_action("config_option_update")(context, {option: ""})
    assert "本市条款" not in visible(soup(portal.get("/open/terms")))


# Last: it changes the portal.
def test_an_approval_on_the_web_makes_it_public(portal):
    path = f"/open/review/{portal.review}"
    page = soup(portal.get(path, "reviewer"))
    fields = form_fields(page, f"{path}/decide")
    answers = {str(i["name"]): "no" for i in page.select("input[type=radio]")}
    assert portal.get("/dataset/waiting").status_code == 404
    answer = portal.post(f"{path}/decide", "reviewer", {**fields, **answers, "decision": "approve"})
    assert answer.status_code == 302, visible(soup(answer))
    assert portal.get("/dataset/waiting").status_code == 200


def test_the_page_says_when_an_update_is_overdue(portal, monkeypatch):
    """Updated daily, last on 1 July 2026; without a limit or a date nothing is said."""
    for day, said in ((2, "2026-07-02"), (5, "2026-07-02 (overdue by 3 days)")):
        noon = datetime.datetime(2026, 7, day, 4, tzinfo=datetime.timezone.utc)
        monkeypatch.setattr(freshness.command, "now", lambda noon=noon: noon)
        facts = soup(portal.get("/en/dataset/parking")).select_one(".go-facts")
        assert facts is not None
        rows = [(row.select_one("dt"), row.select_one("dd")) for row in facts.select("div")]
        due = [told.text for name, told in rows if name and told and name.text == "Update due"]
        assert due == [said]
    for fields in ({"update_cycle": "irregular", "data_updated": "2026-07-01"}, {}):
        assert freshness.govopen_update_due(fields) == ""
