"""The pages of a dataset for those who work on it: who gets them, and what their forms do.

Forms are sent as a browser sends them, from a session.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from bs4 import BeautifulSoup
from ckan.common import config
from werkzeug.test import Client

from ckanext.govopen.tests.portal import Department, Portal, User, unique, without_token

PAGES = ("class", "releases", "releases/1", "suspension", "live", "grants")
FORMS = (
    "class",
    "suspend",
    "restore",
    "live/give",
    "live/take",
    "grants/give",
    "grants/0b7f5f2e-0000-4000-8000-000000000000/revoke",
)
UNTIL = (datetime.date(2026, 1, 1) + datetime.timedelta(days=40 * 365)).isoformat()


@dataclass
class Browser:
    """A person's browser on the portal."""

    client: Client

    def get(self, path: str) -> Any:
        return self.client.get(path, base_url=config["ckan.site_url"])

    def post(self, path: str, **form: Any) -> Any:
        """Sends a form of the portal's own page, as browsers say it."""
        return self.client.post(
            path,
            base_url=config["ckan.site_url"],
            data=form,
            headers={"Sec-Fetch-Site": "same-origin"},
        )

    def page(self, path: str) -> BeautifulSoup:
        answer = self.get(path)
        assert answer.status_code == 200, answer.get_data(as_text=True)[:2000]
        return BeautifulSoup(answer.get_data(as_text=True), "html.parser")


def told(answer: Any) -> str:
    """What a page says."""
    return BeautifulSoup(answer.get_data(as_text=True), "html.parser").get_text(" ", strip=True)


def browser(portal: Portal, user: User) -> Browser:
    return Browser(portal.signed_in(user))


@pytest.fixture
def portal(_one_portal: Portal) -> Iterator[Portal]:
    """The portal with accounts that sign in, not the one of the public pages."""
    _one_portal.ready()
    yield _one_portal
    _one_portal.rest()


@pytest.fixture
def department(portal: Portal) -> Department:
    return portal.department()


@pytest.fixture
def conditional(portal: Portal, department: Department) -> dict[str, Any]:
    return portal.released(
        department,
        open_class="conditional",
        open_condition="科研机构，说明用途",
        class_reason="涉及企业",
        legal_basis=[{"instrument": "数据安全法", "article": "第三十条", "kind": "law"}],
    )


def public(portal: Portal, dataset: dict[str, Any]) -> int:
    return portal.get(f"/dataset/{dataset['name']}").status_code


# Who gets them


def test_who_works_on_the_dataset_gets_every_page(portal, department, conditional):
    for user in (department.editor, department.member, department.reviewer, portal.operator):
        reader = browser(portal, user)
        for page in PAGES:
            shown = reader.page(f"/open/dataset/{conditional['name']}/{page}")
            assert len(shown.find_all("h1")) == 1
            assert len(shown.select('nav [aria-current="page"]')) == 1


def test_for_others_there_is_no_such_page_and_no_such_form(portal, conditional):
    """The same answer as for a dataset that does not exist, the name apart."""

    def plain(answer: Any) -> str:
        text = answer.get_data(as_text=True).replace(conditional["name"], "no-such-dataset")
        return without_token(text)

    stranger = portal.department().editor
    for reader in (
        Browser(portal.client()),
        browser(portal, User.make()),
        browser(portal, stranger),
    ):
        places = [f"/open/dataset/{n}" for n in (conditional["name"], "no-such-dataset")]
        for page in PAGES:
            there, nowhere = (reader.get(f"{place}/{page}") for place in places)
            assert there.status_code == nowhere.status_code == 404, page
            assert plain(there) == plain(nowhere)
        for form in FORMS:
            answer = reader.post(f"{places[0]}/{form}", reason="x")
            assert answer.status_code == 404, form
    assert public(portal, conditional) == 200


def test_what_does_not_exist_is_not_found_for_the_operator_either(portal):
    operator = browser(portal, portal.operator)
    for page in PAGES:
        assert operator.get(f"/open/dataset/nowhere/{page}").status_code == 404


def test_the_dataset_page_leads_to_them(portal, department, conditional):
    path = f"/dataset/{conditional['name']}"
    links = {
        str(a["href"]) for a in browser(portal, department.editor).page(path).select(".go-tabs a")
    }
    assert f"/open/dataset/{conditional['name']}/class" in links
    assert "/open/dataset/" not in portal.get(path).get_data(as_text=True)


def test_a_member_reads_and_finds_no_form(portal, department, conditional):
    reader = browser(portal, department.member)
    for page in ("class", "suspension", "live", "grants"):
        shown = reader.page(f"/open/dataset/{conditional['name']}/{page}")
        assert shown.select_one("main form[method=post]") is None


def test_a_form_of_a_session_needs_its_token(portal, department, conditional, monkeypatch):
    """Also after somebody without an account has asked for the same address."""
    editor = browser(portal, department.editor)
    path = f"/open/dataset/{conditional['name']}/suspend"
    monkeypatch.setitem(portal.app._wsgi_app.config, "WTF_CSRF_ENABLED", True)
    assert Browser(portal.client()).post(path, reason="x").status_code in (400, 404)
    assert editor.post(path, reason="没有令牌").status_code == 400
    assert public(portal, conditional) == 200
    token = editor.page(f"/open/dataset/{conditional['name']}/suspension").select_one(
        'main input[name="_csrf_token"]'
    )
    assert token is not None
    assert editor.post(path, reason="有令牌", _csrf_token=token["value"]).status_code == 302
    assert public(portal, conditional) == 404


# Class


def test_a_stricter_class_counts_at_once(portal, department):
    made = portal.released(department, open_class="unconditional")
    editor, path = browser(portal, department.editor), f"/open/dataset/{made['name']}/class"
    shown = editor.page(path)
    marks = [tag.get_text() for tag in shown.select(".go-option .go-tag")]
    assert marks == ["立即生效", "立即生效"]
    answer = editor.post(
        path,
        open_class="non_open",
        reason="涉及商业秘密",
        instrument=["数据安全法", ""],
        article=["第三十条", ""],
        kind=["law", "law"],
    )
    assert answer.status_code == 302, told(answer)
    assert public(portal, made) == 404
    assert "即时对所有人生效" in told(editor.get(path))
    stored = portal.call("package_show", department.editor, id=made["id"])
    assert (stored["open_class"], stored["class_reason"]) == ("non_open", "涉及商业秘密")
    assert stored["legal_basis"][0]["instrument"] == "数据安全法"


def test_a_wider_class_waits_for_its_review(portal, department, conditional):
    editor, path = browser(portal, department.editor), f"/open/dataset/{conditional['name']}/class"
    answer = editor.post(path, open_class="unconditional", reason="便利公众")
    assert answer.status_code == 302, told(answer)
    text = told(editor.get(path))
    assert "审查批准后公众才会看到" in text and "已提出、等待审查" in text
    access = portal.call("govopen_access_show", department.editor, id=conditional["id"])
    assert access["open_class"] == "conditional" and access["pending"]


def test_a_refused_change_says_why_and_keeps_what_was_typed(portal, department, conditional):
    """Here: an answer to the rules' own criteria demands a stricter class."""
    path = f"/open/dataset/{conditional['name']}/class"
    form = {"open_class": "unconditional", "reason": "便利公众", "answer-privacy": "yes"}
    answer = browser(portal, department.editor).post(path, **form)
    assert answer.status_code == 200
    page = BeautifulSoup(answer.get_data(as_text=True), "html.parser")
    refused = page.select_one("[role=alert]")
    assert refused is not None and "操作未执行" in refused.get_text()
    assert refused.select_one(".go-article") and "不得开放" in refused.get_text()
    assert "non_open" not in refused.get_text() and "规则" not in refused.get_text()
    assert page.select_one("#f-reason").get_text() == "便利公众"  # type: ignore[union-attr]
    assert page.select_one('input[value="unconditional"][checked]') is not None
    assert page.select_one("details[open]") is not None
    assert page.select_one('input[name="answer-privacy"][value="yes"][checked]') is not None
    access = portal.call("govopen_access_show", department.editor, id=conditional["id"])
    assert not access["pending"]


def test_nothing_chosen_names_the_field(portal, department, conditional):
    path = f"/open/dataset/{conditional['name']}/class"
    answer = browser(portal, department.editor).post(path)
    assert answer.status_code == 200 and "新的开放属性：" in told(answer)


# Releases


def test_the_history_says_what_changed_and_who_decided(portal, department):
    made = portal.released(department)
    portal.call("package_patch", department.editor, id=made["id"], title="消防栓位置（新）")
    portal.approve(department, made["id"], remarks="看过了")
    editor, path = browser(portal, department.editor), f"/open/dataset/{made['name']}/releases"
    rows = editor.page(path).select(".go-history > li")
    texts = [row.get_text(" ", strip=True) for row in rows]
    assert len(texts) == 2 and "第 2 版" in texts[0] and "首次发布" in texts[1]
    assert "经审查批准：标题" in texts[0]
    for text in texts:
        assert department.editor.fullname in text and department.reviewer.fullname in text
    one = told(editor.get(f"{path}/2"))
    assert "消防栓位置（新）" in one and "看过了" in one
    for missing in ("3", "99999999999999999999"):
        assert editor.get(f"{path}/{missing}").status_code == 404


def test_who_took_something_away_stands_in_the_history(portal, department):
    made = portal.released(department)
    data = {"id": made["id"], "open_class": "non_open", "reason": "涉密"}
    basis = [{"instrument": "保守国家秘密法", "article": "第九条", "kind": "law"}]
    portal.call("govopen_dataset_reclassify", department.editor.deciding, legal_basis=basis, **data)
    (row,) = portal.call("govopen_release_list", department.reviewer, id=made["id"])
    assert row["status"] == "withdrawn" and row["ended_by"] == department.editor.fullname
    assert row["submitters"] == [department.editor.fullname]
    assert row["decided_by"] == department.reviewer.fullname


def test_an_outsider_asks_in_vain_for_the_history(portal, conditional):
    assert portal.ask("govopen_release_list", {"id": conditional["id"]}).status_code in (403, 404)


@pytest.mark.parametrize("field", ["version", "limit", "offset"])
@pytest.mark.parametrize("value", ["x", -1, 2**70, True, [1]])
def test_a_number_that_is_none_is_named(portal, department, conditional, field, value):
    data = {"id": conditional["id"], field: value}
    answer = portal.ask("govopen_release_list", data, department.editor)
    assert answer.status_code == 409 and field in answer.get_json()["error"]


# Suspension


def test_suspended_and_restored_on_the_web(portal, department, conditional):
    editor, base = browser(portal, department.editor), f"/open/dataset/{conditional['name']}"
    assert editor.post(f"{base}/suspend", reason="文件有误").status_code == 302
    assert public(portal, conditional) == 404
    notice = told(editor.get(f"/dataset/{conditional['name']}"))
    assert "数据集已暂停" in notice and "文件有误" in notice
    assert "文件有误" in told(editor.get(f"{base}/suspension"))
    assert editor.post(f"{base}/restore", reason="已更正").status_code == 302
    assert public(portal, conditional) == 200


def test_a_suspension_without_a_reason_is_refused(portal, department, conditional):
    editor, base = browser(portal, department.editor), f"/open/dataset/{conditional['name']}"
    answer = editor.post(f"{base}/suspend", reason="  ")
    assert answer.status_code == 200 and "操作未执行" in told(answer)
    assert public(portal, conditional) == 200


def test_what_the_authority_suspended_the_department_does_not_restore(
    portal, department, conditional
):
    portal.call(
        "govopen_dataset_suspend", portal.operator.deciding, id=conditional["id"], reason="有投诉"
    )
    editor, base = browser(portal, department.editor), f"/open/dataset/{conditional['name']}"
    page = editor.page(f"{base}/suspension")
    assert page.select_one("main form[method=post]") is None
    assert "有投诉" in page.get_text() and "由数据主管部门暂停" in page.get_text()
    answer = editor.post(f"{base}/restore", reason="自己恢复")
    assert answer.status_code == 200 and "自己恢复" not in told(answer)
    assert public(portal, conditional) == 404


def test_the_reason_of_a_suspension_is_no_matter_for_outsiders(portal, department, conditional):
    shown = portal.call("govopen_access_show", None, id=conditional["id"])
    assert shown["suspension"] is None and shown["may"] == []
    portal.call("govopen_dataset_suspend", department.editor, id=conditional["id"], reason="机密")
    shown = portal.call("govopen_access_show", department.member, id=conditional["id"])
    assert shown["suspension"]["reason"] == "机密" and not shown["suspension"]["by_authority"]
    assert portal.ask("govopen_access_show", {"id": conditional["id"]}).status_code in (403, 404)


# Live data


def test_a_standing_approval_on_the_web(portal, department):
    made = portal.released(department)
    resource = portal.upload(
        department.editor, "编号,泊位\n1,20\n", package_id=made["id"], name="泊"
    )
    portal.approve(department, made["id"])
    portal.load_rows(made["id"])
    machine, path = User.make(), f"/open/dataset/{made['name']}/live"
    reviewer = browser(portal, department.reviewer)
    held = [i["value"] for i in reviewer.page(path).select("input[name=column]") if i["value"]]
    assert held == ["编号", "泊位"]
    form = {
        "what": "give",
        "resource_id": resource["id"],
        "column": ["编号", "泊位", ""],
        "type": ["text", "text", "text"],
        "source": machine.name,
        "until": "2026-12-31",
    }
    refused = reviewer.post(f"{path}/give", **form)
    page = BeautifulSoup(refused.get_data(as_text=True), "html.parser")
    assert refused.status_code == 200 and "操作未执行" in page.get_text()
    assert page.select_one("#f-source")["value"] == machine.name  # type: ignore[index]
    more = reviewer.post(f"{path}/give", **{**form, "more": "1"})
    page = BeautifulSoup(more.get_data(as_text=True), "html.parser")
    assert len(page.select("input[name=column]")) == 5 and not page.select("[role=alert]")
    until = (datetime.date.fromisoformat(_today()) + datetime.timedelta(days=30)).isoformat()
    given = reviewer.post(f"{path}/give", **{**form, "until": until, "reason": "每分钟变化"})
    assert given.status_code == 302, told(given)
    (row,) = portal.call("govopen_standing_list", department.editor, id=made["id"])
    assert row["in_force"] and [f["id"] for f in row["fields"]] == ["编号", "泊位"]
    assert machine.name in told(reviewer.get(path))
    editor = browser(portal, department.editor)
    assert editor.page(path).select_one("main form[method=post]") is None
    take = {"what": "take", "resource_id": resource["id"], "reason": "停止"}
    assert "操作未执行" in told(editor.post(f"{path}/take", **take))
    assert reviewer.post(f"{path}/take", **take).status_code == 302
    (row,) = portal.call("govopen_standing_list", department.editor, id=made["id"])
    assert not row["in_force"] and row["ended_at"]


def test_a_resource_of_another_dataset_is_not_there(portal, department):
    made, other = portal.released(department), portal.released(department)
    resource = portal.upload(department.editor, "a\n1\n", package_id=other["id"])
    path = f"/open/dataset/{made['name']}/live/give"
    answer = browser(portal, department.reviewer).post(
        path, what="give", resource_id=resource["id"], source=User.make().name, reason="x"
    )
    assert answer.status_code == 200 and "请选择此数据集中的一个文件" in told(answer)


# Grants


@pytest.fixture
def handler(portal: Portal, department: Department) -> User:
    user = User.make()
    portal.duty(user, department.name, "handler")
    return user


def test_a_grant_is_given_suspended_resumed_and_revoked(portal, conditional, handler):
    holder = User.make()
    reader, path = browser(portal, handler), f"/open/dataset/{conditional['name']}/grants"
    form = {
        "persons": holder.name,
        "purpose": "研究火灾风险",
        "delivery": ["download"],
        "valid_to": UNTIL,
        "downloads": "5",
    }
    answer = reader.post(f"{path}/give", **form)
    assert answer.status_code == 302, told(answer)
    (grant,) = portal.call("govopen_grant_list", handler, package_id=conditional["id"])["results"]
    assert grant["quota"]["downloads"] == 5
    text = told(reader.get(path))
    assert "研究火灾风险" in text and holder.fullname in text and "共可下载 5 次" in text

    def content() -> bool:
        return portal.call("govopen_access_show", holder, id=conditional["id"])["content"]

    assert content()
    refused = reader.post(f"{path}/{grant['id']}/suspend", reason="")
    page = BeautifulSoup(refused.get_data(as_text=True), "html.parser")
    assert refused.status_code == 200 and content()
    assert page.select_one("details[open]") is not None and "操作未执行" in page.get_text()
    for command, works in (("suspend", False), ("resume", True), ("revoke", False)):
        answer = reader.post(f"{path}/{grant['id']}/{command}", reason="有疑问")
        assert answer.status_code == 302, told(answer)
        assert content() is works
    page = reader.page(path)
    assert "已撤销" in page.get_text() and page.select_one("details form") is None


def test_a_refused_grant_keeps_what_was_typed_and_names_fields_in_words(
    portal, conditional, handler
):
    reader, path = browser(portal, handler), f"/open/dataset/{conditional['name']}/grants"
    answer = reader.post(
        f"{path}/give", persons="nobody-of-that-name", purpose="研究", rows_per_day="viele"
    )
    page = BeautifulSoup(answer.get_data(as_text=True), "html.parser")
    refused = page.select_one("[role=alert]")
    assert answer.status_code == 200 and refused is not None
    for word in ("用户账号", "截止：", "用量限制"):
        assert word in refused.get_text()
    for code in ("valid_to", "persons:", "quota"):
        assert code not in refused.get_text()
    places = {str(a["href"])[1:] for a in refused.select("a")}
    assert places and all(page.find(id=place) is not None for place in places)
    assert page.select_one("#f-persons")["value"] == "nobody-of-that-name"  # type: ignore[index]
    assert page.select_one("#f-persons")["aria-invalid"] == "true"  # type: ignore[index]


def test_the_grant_of_another_dataset_is_not_there(portal, department, conditional, handler):
    other = portal.released(
        department,
        open_class="conditional",
        open_condition="说明用途",
        class_reason="涉及企业",
        legal_basis=[{"instrument": "数据安全法", "article": "第三十条", "kind": "law"}],
    )
    grant = portal.call(
        "govopen_grant_give",
        handler.deciding,
        package_id=other["id"],
        persons=[User.make().name],
        purpose="研究",
        valid_to=UNTIL,
    )
    path = f"/open/dataset/{conditional['name']}/grants/{grant['id']}/revoke"
    assert browser(portal, handler).post(path, reason="x").status_code == 404
    shown = portal.call("govopen_grant_show", handler, id=grant["id"])
    assert shown["state"] == "active"


def test_an_unconditional_dataset_offers_no_grant(portal, department, handler):
    made = portal.released(department)
    page = browser(portal, handler).page(f"/open/dataset/{made['name']}/grants")
    assert page.select_one("main form[method=post]") is None
    assert "只有已发布的有条件开放数据集" in page.get_text()


def test_the_operator_gives_a_grant_only_with_a_reason(portal, conditional):
    operator, path = (
        browser(portal, portal.operator),
        f"/open/dataset/{conditional['name']}/grants/give",
    )
    form = {
        "persons": User.make().name,
        "purpose": unique("目的"),
        "delivery": "download",
        "valid_to": UNTIL,
    }
    assert "操作未执行" in told(operator.post(path, **form))
    assert operator.post(path, **form, break_glass="承办人均不在岗").status_code == 302


def _today() -> str:
    return datetime.datetime.now(datetime.timezone.utc).date().isoformat()
