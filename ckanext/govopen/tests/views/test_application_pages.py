"""The pages of applications: who sees them, what their forms refuse, the whole way."""

from __future__ import annotations

import datetime
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from bs4 import BeautifulSoup
from ckan.common import config
from werkzeug.test import Client, TestResponse

from ckanext.govopen.tests.portal import Department, Portal, User, forgery_token, unique

TODAY = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=8))).date()
#: Longer than any field, with a character that no text has.
BAD = "\x00" + "x" * 200_000
LAST = (TODAY + datetime.timedelta(days=60)).isoformat()
BASIS = [{"instrument": "中华人民共和国数据安全法", "article": "第三十条", "kind": "law"}]


@dataclass
class World:
    """A department with a conditional dataset, who handles its applications, and applicants."""

    portal: Portal
    department: Department
    handler: User
    applicant: User
    stranger: User
    dataset: dict[str, Any]
    other: dict[str, Any]
    open: dict[str, Any]
    case: str | None = None

    def browser(self, user: User) -> Browser:
        return Browser(self.portal.signed_in(user))

    def draft(self, applicant: User | None = None) -> str:
        """A draft with everything that is needed."""
        browser = self.browser(applicant or self.applicant)
        answer = browser.post(f"/open/apply/{self.dataset['name']}", self.filled())
        assert answer.status_code == 302, answer.get_data(as_text=True)[-4000:]
        return re.search(r"/open/application/([^/]+)/edit", answer.location)[1]  # type: ignore[index]

    def filled(self, **more: Any) -> dict[str, Any]:
        id = self.dataset["id"]
        return {
            "applicant_kind": "natural_person",
            "contact.name": "王申请",
            "contact.phone": "0431-1234567",
            "purpose": "研究停车需求",
            "security_measures": "专机存放，专人管理",
            "capability": "有数据分析经验",
            "valid_from": TODAY.isoformat(),
            "valid_to": LAST,
            "dataset": [id],
            f"scope-{id}": "all",
            f"delivery-{id}": ["interface"],
            "what": "save",
            **more,
        }

    def standing(self) -> str:
        """One case that many refused commands are tried on; they leave it as it is."""
        if self.case is None:
            self.case = self.submitted(User.make(fullname="赵申请"))
        return self.case

    def submitted(self, applicant: User | None = None) -> str:
        id = self.draft(applicant)
        who = applicant or self.applicant
        self.portal.call("govopen_application_submit", who, id=id)
        return id


@dataclass
class Browser:
    """A signed-in browser that posts forms with their token."""

    client: Client

    def get(self, path: str) -> TestResponse:
        return self.client.get(path, base_url=config["ckan.site_url"])

    def text(self, path: str) -> str:
        answer = self.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.get_data(as_text=True)

    def post(self, path: str, data: dict[str, Any], **files: Any) -> TestResponse:
        token = forgery_token(self.get("/open/desk").get_data(as_text=True))
        return self.client.post(
            path, base_url=config["ckan.site_url"], data={**data, **files, "_csrf_token": token}
        )


@pytest.fixture(scope="module")
def world(_one_portal: Portal) -> Iterator[World]:
    portal = _one_portal
    portal.ready()
    department = portal.department()
    handler = User.make(fullname="李经办")
    portal.duty(handler, department.name, "handler")
    conditional = {
        "open_class": "conditional",
        "open_condition": "科研机构，说明用途",
        "legal_basis": BASIS,
        "class_reason": "含企业经营数据",
        "delivery": ["interface", "download"],
    }
    items = [
        {"name": "编号", "type": "C", "open": True},
        {"name": "位置", "type": "C", "open": True},
    ]
    first = portal.released(department, title="停车场明细", info_items=items, **conditional)
    other = portal.released(department, title="公交刷卡记录", info_items=items, **conditional)
    yield World(
        portal,
        department,
        handler,
        User.make(fullname="王申请"),
        User.make(),
        first,
        other,
        portal.released(department, title="消防栓"),
    )
    portal.rest()


def test_the_dataset_page_leads_to_the_form(world: World) -> None:
    path = f"/open/apply/{world.dataset['name']}"
    assert path in world.portal.get(f"/dataset/{world.dataset['name']}").get_data(as_text=True)
    assert "/open/apply/" not in world.portal.get(f"/dataset/{world.open['name']}").get_data(
        as_text=True
    )
    assert "登录" in world.portal.get(path).get_data(as_text=True)
    text = world.browser(world.applicant).text(path)
    assert "停车场明细" in text and "自然人" in text and "本站规则" in text
    assert "条文未规定天数" in text


@pytest.mark.parametrize("name", ["open", "nothing"])
def test_what_cannot_be_applied_for_has_no_form(world: World, name: str) -> None:
    reference = world.open["name"] if name == "open" else unique("nothing")
    browser = world.browser(world.applicant)
    assert browser.get(f"/open/apply/{reference}").status_code == 404
    assert browser.post(f"/open/apply/{reference}", {}).status_code == 404


def test_errors_stand_at_their_fields_and_nothing_is_lost(world: World) -> None:
    browser, id = world.browser(world.applicant), world.draft()
    bad = world.filled(
        **{
            "applicant_kind": "legal_person",
            "organisation.code": "12100000400000000Y",
            "purpose": "",
            "what": "submit",
        },
        capability="独一无二的一段话",
    )
    answer = browser.post(f"/open/application/{id}/edit", bad)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert 'href="#f-purpose"' in text and 'href="#f-organisation.code"' in text
    assert re.search(r'id="f-purpose"[^>]*aria-invalid="true"', text)
    assert "独一无二的一段话" in text and 'value="12100000400000000Y"' in text
    assert "独一无二的一段话" in browser.text(f"/open/application/{id}/edit")  # saved as well


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"valid_from": "nonsense", "valid_to": "9999999"},
        {"dataset": ["nothing", "\u200b", "x" * 5000]},
        {"purpose": "x" * 300_000},
        {"applicant_kind": "emperor", "organisation.persons": "nobody-of-that-name"},
        {"contact.name": "<script>alert(1)</script>"},
    ],
)
@pytest.mark.parametrize("what", ["save", "submit", "search", "attach", ""])
def test_no_input_breaks_the_form(world: World, data: dict[str, Any], what: str) -> None:
    browser = world.browser(world.applicant)
    answer = browser.post(
        f"/open/apply/{world.dataset['name']}", {**data, "what": what, "words": "停车"}
    )
    assert answer.status_code in (200, 302)
    assert "<script>alert(1)" not in answer.get_data(as_text=True)


def test_a_dataset_is_found_added_and_taken_out(world: World) -> None:
    browser, id = world.browser(world.applicant), world.draft()
    path = f"/open/application/{id}/edit"
    text = browser.post(path, world.filled(what="search", words="公交刷卡")).get_data(as_text=True)
    assert f'name="add" value="{world.other["id"]}"' in text
    browser.post(path, world.filled(what="", add=world.other["id"]))
    assert f'name="dataset" value="{world.other["id"]}"' in browser.text(path)
    both = world.filled(dataset=[world.dataset["id"], world.other["id"]], remove=world.other["id"])
    browser.post(path, both)
    assert f'name="dataset" value="{world.other["id"]}"' not in browser.text(path)


def test_attachments(world: World) -> None:
    browser, id = world.browser(world.applicant), world.draft()
    path = f"/open/application/{id}/edit"
    browser.post(
        path, world.filled(what="attach"), file=(io.BytesIO(b"%PDF-1.4 x"), "../../证明.pdf")
    )
    text = browser.text(path)
    assert "证明.pdf" in text and "../" not in re.sub(r'(href|src|action)="[^"]*"', "", text)
    for content, name in ((b"MZ", "x.exe"), (b"", "x.pdf")):
        refused = browser.post(path, world.filled(what="attach"), file=(io.BytesIO(content), name))
        assert refused.status_code == 200 and "go-wrong" in refused.get_data(as_text=True)
    (one,) = world.portal.call("govopen_application_show", world.applicant, id=id)["attachments"]
    file = f"/open/application/{id}/attachment/{one['id']}"
    assert f'href="{file}"' in text, "he can look at what he has attached"
    answer = browser.get(file)
    assert answer.get_data() == b"%PDF-1.4 x"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert world.browser(world.stranger).get(file).status_code == 404
    browser.post(path, world.filled(what="", detach=one["id"]))
    assert "证明.pdf" not in browser.text(path)


def test_a_form_without_its_token_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    client, draft, case = world.portal.signed_in(world.applicant), world.draft(), world.standing()
    monkeypatch.setitem(world.portal.app.config, "WTF_CSRF_ENABLED", True)
    for path in (
        f"/open/apply/{world.dataset['name']}",
        f"/open/application/{draft}/edit",
        f"/open/application/{case}/withdraw",
        f"/open/application/{case}/{world.department.id}/accept",
        f"/open/application/{case}/{world.department.id}/check",
    ):
        assert client.post(path, base_url=config["ckan.site_url"], data={}).status_code == 400


def test_a_case_is_hidden_like_one_that_does_not_exist(world: World) -> None:
    id = world.standing()
    browser = world.browser(world.stranger)
    for path in ("", "/edit"):
        hidden = browser.get(f"/open/application/{id}{path}")
        missing = browser.get(f"/open/application/{unique('none')}{path}")
        assert (hidden.status_code, missing.status_code) == (404, 404)
        same = [
            re.sub(r'"[^"]{30,}"|/open/application/\S+', "", a.get_data(as_text=True))
            for a in (hidden, missing)
        ]
        assert same[0] == same[1]
    place = world.department.id
    for command in ("accept", "decide", "nonsense"):
        assert browser.post(f"/open/application/{id}/{place}/{command}", {}).status_code == 404


def test_the_whole_way_by_forms(world: World) -> None:
    id = world.submitted()
    mine, office = world.browser(world.applicant), world.browser(world.handler)
    case, place = f"/open/application/{id}", world.department.id
    assert "已提交，等待受理" in mine.text(case)
    steps = BeautifulSoup(mine.text(case), "html.parser").select(".go-step strong")
    assert [step.get_text() for step in steps] == ["已提交", "受理", "决定", "签署", "授权"]
    # Who works for a department begins with what it has received.
    assert id in office.text("/open/applications")
    assert "查看本单位收到的申请" in office.text("/open/applications?scope=mine")
    assert f"/{place}/accept" not in mine.text(case)
    assert mine.post(f"{case}/{place}/accept", {}).status_code in (200, 403)
    assert id in office.text("/open/applications?scope=department")
    # Back for correction, with a remark at its field.
    office.post(f"{case}/{place}/return", {"remark-purpose": "请写明研究课题", "message": "请补充"})
    assert f'href="{case}/edit#f-purpose"' in mine.text(case).replace("/zh_Hans_CN", "")
    assert "请写明研究课题" in mine.text(f"{case}/edit")
    again = world.filled(purpose="研究停车需求的时空分布", what="submit")
    answer = mine.post(f"{case}/edit", again)
    assert answer.status_code == 302, answer.get_data(as_text=True)[-3000:]
    text = office.text(case)
    assert "研究停车需求的时空分布" in text and "与上一版的差异" in text
    # Accepted only after the identity was checked.
    assert "身份" in office.post(f"{case}/{place}/accept", {}).get_data(as_text=True)
    check = {"kind": "person", "name": "王申请", "document": "居民身份证", "document_tail": "123X"}
    answer = office.post(f"{case}/{place}/check", check)
    assert answer.status_code == 302, answer.get_data(as_text=True)[-3000:]
    assert office.post(f"{case}/{place}/accept", {}).status_code == 302
    shown = world.portal.call("govopen_application_show", world.handler, id=id)["parts"][0]
    opinion = {
        "revision": shown["revision"],
        "sha256": shown["sha256"],
        "decision": "approve",
        "reason": "符合条件",
        "conditions": "不得转让\n按季报告",
    }
    # An old form decides nothing.
    dataset = shown["datasets"][0]["dataset"]
    typed = {
        "basis-instrument": ["数据安全法", "某某规定", "第三部规章"],
        "basis-article": ["第三十条", "", "第七条"],
        "basis-kind": ["law", "", "rule"],
        f"narrow-{dataset}": "some",
        f"delivery-{dataset}": ["interface"],
    }
    old = office.post(f"{case}/{place}/decide", {**opinion, **typed, "sha256": "0" * 64})
    text = old.get_data(as_text=True)
    assert old.status_code == 200 and "go-note-warn" in text
    # What was typed stands there still.
    for value in ("数据安全法", "第三十条", "某某规定", "第三部规章", "第七条"):
        assert f'value="{value}"' in text, value
    assert re.search(r'<option value="rule" selected>', text)
    assert re.search(rf'name="narrow-{dataset}" value="some" checked', text)
    assert re.search(rf'name="delivery-{dataset}" value="interface" checked', text)
    answer = office.post(f"{case}/{place}/decide", opinion)
    assert answer.status_code == 302, answer.get_data(as_text=True)[-3000:]
    text = mine.text(case)
    assert "不得转让" in text and f"/open/agreement/{id}/{place}" in text
    assert "阅读并签署协议" in text


COMMANDS = (
    "withdraw",
    "return",
    "decline",
    "accept",
    "forward",
    "record_answer",
    "consult",
    "close_consultation",
    "extend",
    "assign",
    "decide",
    "check",
)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "data",
    [
        {},
        dict.fromkeys(("reason", "clock", "handler", "whom", "kind", "name", "until"), BAD),
        {"revision": "-1", "units": "many", "consultation": "x", "letter_date": "31.12."},
        {"decision": "approve", "revision": "9" * 40, "sha256": "zz", "reason": "x"},
    ],
)
def test_no_form_of_a_case_breaks(world: World, command: str, data: dict[str, Any]) -> None:
    case = world.standing()
    answer = world.browser(world.handler).post(
        f"/open/application/{case}/{world.department.id}/{command}", data
    )
    assert answer.status_code in (200, 302, 403, 413)


def test_the_list_and_its_filters(world: World) -> None:
    id = world.draft()
    browser = world.browser(world.applicant)
    number = world.portal.call("govopen_application_show", world.applicant, id=id)["number"]
    assert number in browser.text("/open/applications")
    assert number in browser.text(f"/open/applications?q={number}")
    assert number not in browser.text("/open/applications?status=granted")
    for query in ("status=nonsense", "due=never", "organization=none", "page=x", "q=" + "y" * 3000):
        assert browser.get(f"/open/applications?{query}").status_code == 200
    assert number not in world.browser(world.stranger).text("/open/applications")
