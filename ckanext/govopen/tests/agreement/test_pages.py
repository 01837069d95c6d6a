"""The pages of agreements, letters, templates, and of verifying."""

from __future__ import annotations

import hashlib

import pypdfium2
import pytest
import sqlalchemy as sa
from ckan import model
from ckan.common import config

from ckanext.govopen.model import agreement as stored
from ckanext.govopen.model.letter import LetterRow
from ckanext.govopen.tests.agreement.world import NAME, Case, approved, by_session, form
from ckanext.govopen.tests.portal import AUTHORITY, Portal, Refused, User, unique

pytestmark = pytest.mark.usefixtures("portal")


@pytest.fixture(scope="module")
def signed(_one_portal: Portal) -> Case:
    """A case that was signed on its page."""
    _one_portal.ready()
    case = approved(_one_portal)
    answer = form(case.client, case.path, f"{case.path}/sign", sent(case))
    assert answer.status_code == 302, answer.get_data(as_text=True)
    return case


def sent(case: Case, **changes: str) -> dict[str, str]:
    read = case.show()
    return {
        "template": read["template"],
        "template_version": str(read["template_version"]),
        "text_sha256": read["text_sha256"],
        "typed_name": NAME,
        "password": case.applicant.password,
        **changes,
    }


def get(case: Case, path: str) -> tuple[int, str]:
    answer = case.client.get(path, base_url=config["ckan.site_url"])
    return answer.status_code, answer.get_data(as_text=True)


def read(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    return "".join("".join(page.get_textpage().get_text_range() for page in document).split())


def test_reading_and_a_refused_signature(portal: Portal) -> None:
    case = approved(portal)
    status, page = get(case, case.path)
    assert status == 200
    assert "公共数据利用协议" in page and "注明来源" in page and case.show()["text_sha256"] in page
    answer = form(case.client, case.path, f"{case.path}/sign", sent(case, typed_name="王五"))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert 'href="#f-typed_name"' in page and 'value="王五"' in page
    assert case.applicant.password not in page
    assert stored.of_part(model.Session, case.id, case.department.id) is None


def test_without_the_token_against_forgery_nothing_is_signed(portal: Portal) -> None:
    case = approved(portal)
    case.client.own_page = False
    answer = case.client.post(
        f"{case.path}/sign", base_url=config["ckan.site_url"], data=sent(case)
    )
    assert answer.status_code == 403
    assert stored.of_part(model.Session, case.id, case.department.id) is None


def test_the_page_after_signing(signed: Case) -> None:
    status, page = get(signed, signed.path)
    assert status == 200 and NAME in page
    assert "agreement.pdf" in page and 'name="password"' not in page


def test_the_copy(signed: Case, portal: Portal) -> None:
    answer = signed.client.get(f"{signed.path}/agreement.pdf", base_url=config["ckan.site_url"])
    pdf = answer.get_data()
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    shown = signed.show()
    assert hashlib.sha256(pdf).hexdigest() == shown["signed"]["pdf_sha256"]
    said = read(pdf)
    assert "公共数据利用协议" in said and f"签署人{NAME}" in said
    assert shown["text_sha256"] in said
    assert portal.call("govopen_agreement_verify", sha256=hashlib.sha256(pdf).hexdigest())["valid"]


def test_the_text_as_a_file_has_the_signed_hash(signed: Case) -> None:
    answer = signed.client.get(f"{signed.path}/agreement.txt", base_url=config["ckan.site_url"])
    assert hashlib.sha256(answer.get_data()).hexdigest() == signed.show()["text_sha256"]


def test_pages_of_others_do_not_exist(signed: Case, portal: Portal) -> None:
    letter = letter_of(signed)
    stranger = portal.signed_in(User.make())
    for path in ("", "/agreement.pdf", "/agreement.txt"):
        answer = stranger.get(signed.path + path, base_url=config["ckan.site_url"])
        assert answer.status_code == 404
        anonymous = portal.get(signed.path + path)
        assert anonymous.status_code == 302 and "/user/login" in anonymous.location
    for path in (f"/open/letter/{letter}", f"/open/letter/{letter}/letter.pdf"):
        assert stranger.get(path, base_url=config["ckan.site_url"]).status_code == 404
        assert portal.get(path).status_code == 302


def letter_of(case: Case) -> str:
    number = model.Session.scalar(
        sa.select(LetterRow.number).where(LetterRow.application_id == case.id)
    )
    assert number is not None
    return number


def test_a_letter_is_delivered_when_its_applicant_reads_it(signed: Case, portal: Portal) -> None:
    number = letter_of(signed)
    editor = portal.signed_in(signed.department.editor)
    page = editor.get(f"/open/letter/{number}", base_url=config["ckan.site_url"])
    assert page.status_code == 200
    assert "尚未送达" in page.get_data(as_text=True)
    # He holds no duty in the case: who applies is not for him.
    assert NAME not in page.get_data(as_text=True)
    status, mine = get(signed, f"/open/letter/{number}")
    assert status == 200
    assert "尚未送达" not in mine and NAME in mine and "注明来源" in mine
    answer = signed.client.get(
        f"/open/letter/{number}/letter.pdf", base_url=config["ckan.site_url"]
    )
    said = read(answer.get_data())
    assert "同意告知书" in said and number in said and f"{NAME}：" in said
    assert "尚未送达" not in said


def test_verifying_by_hand(signed: Case, portal: Portal) -> None:
    sha256 = signed.show()["signed"]["pdf_sha256"]
    page = portal.get("/open/verify", query_string={"sha256": f" {sha256.upper()} "})
    assert page.status_code == 200
    said = page.get_data(as_text=True)
    assert "Valid." in said or "有效" in said
    for hidden in (NAME, signed.id, signed.applicant.name, signed.department.name):
        assert hidden not in said
    unknown = portal.get("/open/verify", query_string={"sha256": "0" * 64})
    assert unknown.status_code == 200
    wrong = portal.get("/open/verify", query_string={"sha256": "<script>"})
    assert wrong.status_code == 400 and '<script>"' not in wrong.get_data(as_text=True)


# Templates


@pytest.fixture(scope="module")
def authority(_one_portal: Portal) -> User:
    _one_portal.ready()
    user = User.make()
    _one_portal.duty(user, AUTHORITY, "authority")
    return user


def test_everybody_reads_the_template(portal: Portal) -> None:
    page = portal.get("/open/agreements")
    assert page.status_code == 200 and "公共数据利用协议" in page.get_data(as_text=True)
    assert 'name="reason"' not in page.get_data(as_text=True)
    assert portal.get("/open/agreements/1").status_code == 200
    for version in ("99999", "99999999999999999999"):
        assert portal.get(f"/open/agreements/{version}").status_code == 404


def test_a_new_version_is_tried_out_and_published(portal: Portal, authority: User) -> None:
    newest = portal.call("govopen_agreement_template_show")
    text = newest["text"] + f"\n附：{unique('clause')}\n"
    client = portal.signed_in(authority)
    path, send_to = "/open/agreements", "/open/agreements/publish"
    tried = form(client, path, send_to, {"text": text, "preview": "1"})
    assert tried.status_code == 200 and "示例公司" in tried.get_data(as_text=True)
    assert portal.call("govopen_agreement_template_show")["version"] == newest["version"]
    order = {"text": text, "reason": "补充条款", "version": str(newest["version"])}
    answer = form(client, path, send_to, order)
    assert answer.status_code == 302, answer.get_data(as_text=True)
    now = portal.call("govopen_agreement_template_show")
    assert now["version"] == newest["version"] + 1 and now["reason"] == "补充条款"
    assert now["sha256"] == hashlib.sha256(now["text"].encode()).hexdigest()
    first = portal.call("govopen_agreement_template_show", version=1)
    assert first["bundled"] and first["sha256"] == stored.bundled(first["id"]).sha256
    late = form(client, path, send_to, order)
    assert late.status_code == 409
    assert portal.call("govopen_agreement_template_show")["version"] == now["version"]


def test_a_new_template_needs_a_new_reading(portal: Portal, authority: User) -> None:
    case = approved(portal)
    order = case.order()
    newest = portal.call("govopen_agreement_template_show")
    portal.call(
        "govopen_agreement_template_publish",
        authority.deciding,
        text=newest["text"] + f"\n{unique('clause')}\n",
        version=newest["version"],
    )
    answer = by_session(case.client, "govopen_agreement_sign", order)
    assert answer.status_code == 409
    assert [row["field"] for row in answer.get_json()["error"]["refusal"]] == ["text_sha256"]
    assert case.sign().status_code == 200


@pytest.mark.parametrize(
    ("text", "place"),
    [("甲方 {{nobody}}", "nobody"), ("甲方 }}", "}}"), ("甲\x07方", ""), ("长" * 60_001, "")],
)
def test_what_is_no_template(portal: Portal, authority: User, text: str, place: str) -> None:
    newest = portal.call("govopen_agreement_template_show")["version"]
    for action in ("govopen_agreement_template_preview", "govopen_agreement_template_publish"):
        with pytest.raises(Refused) as refused:
            portal.call(action, authority.deciding, text=text, version=newest)
        assert refused.value.status == 409
        assert place in str(refused.value.error)
    assert portal.call("govopen_agreement_template_show")["version"] == newest


def test_only_the_authority_publishes(portal: Portal, authority: User) -> None:
    newest = portal.call("govopen_agreement_template_show")
    department = portal.department()
    text = {"text": newest["text"], "version": newest["version"]}
    for user in (authority, User.make().deciding, department.reviewer.deciding):
        answer = portal.ask("govopen_agreement_template_publish", text, user)
        assert answer.status_code == 403
    assert portal.call("govopen_agreement_template_show")["version"] == newest["version"]
