"""The forms of datasets, files and departments in a real browser, in Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from ckan.lib.i18n import build_js_translations
from ckan.plugins import toolkit
from playwright.sync_api import expect

from ckanext.govopen.tests.browser.conftest import sign_in

pytestmark = pytest.mark.browser

ROWS = "编号,名称\n1,甲\n2,乙\n"
FORMS = ["/dataset/new", "/dataset/edit/trips", "/dataset/parking/resource/new", "SOURCE"]
MODULES = "Object.keys(ckan.module.instances).filter(n => ckan.module.instances[n].length)"


@pytest.fixture(scope="module", autouse=True)
def _scripts_speak_chinese(live: Any) -> None:
    build_js_translations()


@pytest.fixture
def editor(live: Any, page: Any) -> Any:
    sign_in(page, "editor")
    return page


@pytest.fixture
def plain(live: Any, chromium: Any) -> Iterator[Any]:
    """An editor's browser without scripts."""
    context = chromium.new_context(base_url=live.address, locale="zh-CN", java_script_enabled=False)
    page = context.new_page()
    sign_in(page, "editor")
    yield page
    context.close()


def address(path: str) -> str:
    if path != "SOURCE":
        return path
    trips = toolkit.get_action("package_show")({"ignore_auth": True}, {"id": "trips"})
    return f"/dataset/trips/resource/{trips['resources'][0]['id']}/edit"


def started(page: Any, path: str) -> set[str]:
    """Opens a form; the scripts that have started on it."""
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(path)
    page.wait_for_function(f"window.ckan && {MODULES}.length > 0")
    assert problems == []
    return set(page.evaluate(MODULES))


def serious(page: Any) -> list[str]:
    """What axe finds wrong."""
    page.wait_for_load_state()
    return [
        f"{rule['id']}: {node['target']} {node.get('failureSummary', '')}"
        for rule in Axe().run(page).response["violations"]
        for node in rule["nodes"]
    ]


def test_the_scripts_of_the_forms_start_in_chinese(editor: Any) -> None:
    found = started(editor, "/dataset/new")
    assert {"autocomplete", "govopen-rows", "govopen-name", "basic-form"} <= found
    assert editor.locator(".select2-container").count() >= 2
    assert {"resource-upload-field", "resource-form"} <= started(
        editor, "/dataset/parking/resource/new"
    )


@pytest.mark.parametrize(
    ("language", "search", "nothing", "short"),
    [
        ("", "搜索", "没有匹配的选项", "请再输入 2 个字符。"),
        ("/zh_Hant_TW", "搜尋", "沒有相符的選項", "請再輸入 2 個字元。"),
        ("/en", "Search", "No results found", "Please enter 2 or more characters"),
    ],
)
def test_lists_that_are_typed_into_speak_the_page_s_language(
    editor: Any, language: str, search: str, nothing: str, short: str
) -> None:
    """Also where CKAN's own script has no words: for the library's lists as they come."""
    started(editor, f"{language}/dataset/new")
    box = editor.locator(".select2-selection").first
    label = editor.locator(f"#{box.get_attribute('aria-labelledby').split()[0]}")
    assert label.evaluate("(it) => it.tagName") == "LABEL"
    editor.evaluate(
        """() => {
            const list = document.createElement("select");
            list.id = "plain";
            document.querySelector("main form").appendChild(list);
            jQuery(list).select2({minimumInputLength: 2});
            jQuery(list).select2("open");
        }"""
    )
    field = editor.locator(".select2-container--open .select2-search__field")
    assert field.get_attribute("aria-label") == search
    message = editor.locator(".select2-results__message")
    assert message.inner_text() == short
    field.fill("qqzz")
    message.filter(has_text=nothing).wait_for()


def test_the_upload_of_a_picture_speaks_chinese(live: Any, page: Any) -> None:
    sign_in(page, "operator")
    assert "image-upload" in started(page, "/organization/new")
    expect(page.locator("main")).to_contain_text("上传")
    assert not re.search(r"\b(Upload|Link|Remove)\b", page.locator("main").inner_text())


def test_from_the_form_to_the_review_and_back(editor: Any, tmp_path: Path) -> None:
    started(editor, "/dataset/new")
    editor.fill("#field-title", "各区公共停车场名录2026")
    assert editor.input_value("#field-name") == ""  # of a Chinese title nothing is left
    editor.locator("#field-resource_code").press_sequentially("307010000000/000777")
    assert editor.input_value("#field-name") == "307010000000-000777"
    editor.fill("#field-notes", "说明")
    editor.select_option("#field-acquired_by", "collected")
    editor.select_option("#field-share_class", "unconditional")
    rows = editor.locator("#field-info_items .go-entry")
    expect(rows).to_have_count(1)
    editor.focus("#field-info_items .go-entry-add")
    editor.keyboard.press("Enter")
    assert editor.evaluate("document.activeElement.id") == "field-info_items-1-name"
    editor.keyboard.type("车位数")
    editor.click("#field-info_items .go-entry-add")
    editor.keyboard.type("多余")
    rows.nth(2).locator(".go-entry-remove").focus()
    editor.keyboard.press("Enter")
    expect(rows).to_have_count(2)
    assert "go-entry-add" in editor.evaluate("document.activeElement.className")
    editor.click("#dataset-edit button.btn-primary[name=save]")
    editor.wait_for_url("**/dataset/307010000000-000777/resource/new")

    file = tmp_path / "点.csv"
    file.write_text(ROWS, encoding="utf-8")
    editor.wait_for_function(f"window.ckan && {MODULES}.length > 0")
    with editor.expect_file_chooser() as chooser:
        editor.click("#resource-upload-button")
    chooser.value.set_files(str(file))
    assert editor.input_value("#field-name") == "点.csv"
    assert "发布" not in editor.locator(".form-actions").inner_text()
    editor.click("text=保存，前往送审")
    editor.wait_for_url("**/open/review/307010000000-000777")
    editor.click("text=提交审查")
    expect(editor.locator("main")).to_contain_text("已提交")

    started(editor, "/dataset/edit/307010000000-000777")
    names = editor.locator("#field-info_items input[type=text]")
    assert [names.nth(n).input_value() for n in range(names.count())] == ["车位数"]
    editor.fill("#field-notes", "改过的说明")
    editor.click("#dataset-edit button.btn-primary[name=save]")
    editor.wait_for_url("**/dataset/307010000000-000777")
    expect(editor.locator("main")).to_contain_text("改过的说明")


def test_a_refused_form_says_where_and_keeps_what_was_typed(editor: Any) -> None:
    started(editor, "/dataset/new")
    editor.fill("#field-title", "有错误的表单")
    editor.fill("#field-maintainer_email", "不是邮箱")
    editor.fill("#field-info_items-0-name", "车位数")
    editor.fill("#field-legal_basis-0-article", "第十三条")
    editor.click("#dataset-edit button.btn-primary[name=save]")
    editor.wait_for_selector(".error-explanation")
    summary = editor.locator(".error-explanation")
    assert {"#field-legal_basis-0-instrument", "#field-maintainer_email"} <= {
        link.get_attribute("href") for link in summary.locator("a").all()
    }
    for field, value in {
        "title": "有错误的表单",
        "maintainer_email": "不是邮箱",
        "info_items-0-name": "车位数",
        "legal_basis-0-article": "第十三条",
    }.items():
        assert editor.input_value(f"#field-{field}") == value, field
    wrong = editor.locator(".form-group.error").filter(
        has=editor.locator("#field-legal_basis-0-instrument")
    )
    expect(wrong.locator(".error-block")).to_have_count(1)


def test_rows_and_names_without_scripts(plain: Any) -> None:
    plain.goto("/dataset/new")
    plain.fill("#field-title", "没有脚本的数据集")
    items = plain.locator("#field-info_items .go-entry input[type=text]:visible")
    assert items.count() >= 3
    items.nth(0).fill("编号")
    items.nth(2).fill("名称")
    plain.click("#dataset-edit button.btn-primary[name=save]")
    following = re.compile(r"/dataset/(traffic-\d+)/resource/new")
    plain.wait_for_url(following)
    found = following.search(plain.url)
    assert found is not None, plain.url
    dataset = toolkit.get_action("package_show")({"ignore_auth": True}, {"id": found[1]})
    assert [item["name"] for item in dataset["info_items"]] == ["编号", "名称"]
    assert not dataset.get("legal_basis")
    plain.fill("#field-resource-url", "https://data.example.org/点.csv")
    expect(plain.locator("#field-resource-upload")).to_be_visible()
    plain.click("text=保存，前往送审")
    plain.wait_for_url(lambda url: f"/open/review/{found[1]}" in url)


def test_the_source_of_conditional_data_has_a_field_of_its_own(editor: Any) -> None:
    started(editor, address("SOURCE"))
    assert editor.input_value("#field-source_url") == "https://example.org/trips.csv"
    editor.fill("#field-source_url", "http://10.0.0.5/inside.csv")
    editor.click("#resource-edit button[name=save].btn-primary")
    editor.wait_for_selector(".error-block")
    expect(editor.locator(".error-block").first).to_contain_text("内部网络")
    editor.fill("#field-source_url", "https://example.org/newer.csv")
    editor.click("#resource-edit button[name=save].btn-primary")
    editor.wait_for_url("**/dataset/trips/resource/*")
    started(editor, address("SOURCE"))
    assert editor.input_value("#field-source_url") == "https://example.org/newer.csv"
    started(editor, "/dataset/parking/resource/new")
    expect(editor.locator("#field-source_url")).to_have_count(0)


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("path", [*FORMS, "/organization/new"])
def test_axe_finds_nothing_serious_in_forms(live: Any, page: Any, path: str, width: int) -> None:
    sign_in(page, "operator" if "organization" in path else "editor")
    page.set_viewport_size({"width": width, "height": 800})
    started(page, address(path))
    assert serious(page) == []
    beyond = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(beyond) == 0
