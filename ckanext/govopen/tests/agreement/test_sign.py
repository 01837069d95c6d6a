"""Signing: by the applicant himself, what he read, once."""

from __future__ import annotations

import datetime
import hashlib
import json
import threading
from typing import Any

import pytest
import sqlalchemy as sa
from ckan import model
from ckan.common import config
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from redis.exceptions import RedisError

from ckanext.govopen.domain.agreement import Proof
from ckanext.govopen.logic import application_record, command, erasure, session
from ckanext.govopen.model import agreement as stored
from ckanext.govopen.model import attempts, projections
from ckanext.govopen.model.grant import GrantRow
from ckanext.govopen.model.ledger import EventRow
from ckanext.govopen.tests.agreement.world import NAME, Case, approved, by_session
from ckanext.govopen.tests.portal import Department, Portal, Refused, User


@pytest.fixture(scope="module")
def department(_one_portal: Portal) -> Department:
    _one_portal.ready()
    return _one_portal.department()


@pytest.fixture
def case(portal: Portal, department: Department) -> Case:
    """A case of its own."""
    return approved(portal, department)


@pytest.fixture(scope="module")
def still(_one_portal: Portal, department: Department) -> Case:
    """A case that every test leaves as it is."""
    return approved(_one_portal, department)


def signatures(case: Case) -> int:
    event = EventRow.__table__
    query = sa.select(sa.func.count()).where(
        event.c.stream == f"application/{case.id}", event.c.type == "agreement.signed"
    )
    return model.Session.scalar(query) or 0


def grants(case: Case) -> list[Any]:
    query = sa.select(GrantRow).where(GrantRow.package_id == case.package["id"])
    return list(model.Session.scalars(query))


def error(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 409, answer.get_data(as_text=True)[:600]
    return answer.get_json()["error"]


def nothing_happened(case: Case) -> None:
    assert signatures(case) == 0
    assert grants(case) == []
    assert stored.of_part(model.Session, case.id, case.department.id) is None


def test_what_is_read_before_signing(still: Case, portal: Portal) -> None:
    read = still.show()
    assert read["text"].startswith("公共数据利用协议\n")
    assert "注明来源" in read["text"] and "李四" in read["text"]
    assert "消防栓位置" in read["text"]
    assert read["text_sha256"] == hashlib.sha256(read["text"].encode()).hexdigest()
    assert read["may"] == ["sign"] and read["signed"] is None
    assert (read["origin"], read["article"]) == ("local", None)


def test_a_signature_gives_the_grants(case: Case) -> None:
    read = case.show()
    answer = case.sign()
    assert answer.status_code == 200, answer.get_data(as_text=True)[:600]
    signed = answer.get_json()["result"]["signed"]
    assert signed["typed_name"] == "李四" and signed["method"] == "password"
    (grant,) = grants(case)
    assert grant.persons == [case.applicant.id] and grant.state == "active"
    assert signatures(case) == 1
    assert case.show()["text"] == read["text"]
    assert case.show()["may"] == []
    mine = case.portal.call("govopen_grant_list", case.applicant)
    assert [row["works"] for row in mine["results"]] == [True]


def test_the_signature_is_verified_without_the_portal(case: Case) -> None:
    case.sign()
    shown = case.show()
    signed = shown["signed"]
    keys = case.portal.get("/open/ledger/keys.json").get_json()["keys"]
    public = next(key["public"] for key in keys if key["id"] == signed["key"])
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
    statement = signed["statement"].encode()
    key.verify(bytes.fromhex(signed["signature"]), statement)
    stated = json.loads(statement)
    assert stated["text_sha256"] == hashlib.sha256(shown["text"].encode()).hexdigest()
    assert stated["application"] == case.id and stated["part"] == case.department.id
    assert stated["template"] == shown["template"]
    assert case.applicant.id not in signed["statement"]
    with pytest.raises(InvalidSignature):
        key.verify(bytes.fromhex(signed["signature"]), statement.replace(b"2", b"3"))


def test_the_ledger_holds_the_signature(case: Case) -> None:
    case.sign()
    signed = case.show()["signed"]
    event = EventRow.__table__
    row = model.Session.execute(
        sa.select(event.c.payload).where(
            event.c.stream == f"application/{case.id}", event.c.type == "agreement.signed"
        )
    ).scalar_one()
    for name in ("key", "signature", "pdf_sha256"):
        assert row[name] == signed[name]


def test_the_ledger_tells_a_colleague_without_a_duty_no_name(case: Case) -> None:
    case.sign()
    stream, text = f"application/{case.id}", case.show()["text"]

    def told(user: User) -> str:
        found = case.portal.call("govopen_ledger_show", user, stream=stream)["results"]
        lines = case.portal.call("govopen_ledger_export", user, stream=stream)["lines"]
        return json.dumps([found, lines], ensure_ascii=False)

    line = next(one for one in text.splitlines() if NAME in one)
    assert line in told(case.department.reviewer)
    assert line not in told(case.department.editor)


@pytest.mark.parametrize("token", ["token", "deciding"])
def test_no_token_signs(still: Case, portal: Portal, token: str) -> None:
    user = still.applicant if token == "token" else still.applicant.deciding
    answer = portal.ask("govopen_agreement_sign", still.order(), user)
    assert answer.status_code == 403
    beside = still.client.post(
        "/api/3/action/govopen_agreement_sign",
        base_url=config["ckan.site_url"],
        json=still.order(),
        headers={"Sec-Fetch-Site": "same-origin", "Authorization": user.token},
    )
    assert beside.status_code == 403
    nothing_happened(still)


def test_no_other_page_signs(still: Case, portal: Portal) -> None:
    answer = still.client.post(
        "/api/3/action/govopen_agreement_sign",
        base_url=config["ckan.site_url"],
        json=still.order(),
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    assert answer.status_code == 403
    nothing_happened(still)


def test_a_text_that_was_not_read_is_not_signed(still: Case, portal: Portal) -> None:
    refusal = error(still.sign(text_sha256="0" * 64))["refusal"]
    assert [row["field"] for row in refusal] == ["text_sha256"]
    nothing_happened(still)


def test_a_text_that_changed_is_not_signed(still: Case, portal: Portal) -> None:
    order = still.order()
    row = model.Session.scalars(
        sa.select(stored.TemplateRow)
        .where(stored.TemplateRow.id == order["template"])
        .order_by(stored.TemplateRow.version.desc())
    ).first()
    assert row is None or row.version == order["template_version"]
    site_title = config["ckan.site_title"]
    config["ckan.site_title"] = "另一平台"
    try:
        refusal = error(by_session(still.client, "govopen_agreement_sign", order))["refusal"]
    finally:
        config["ckan.site_title"] = site_title
    assert [row["field"] for row in refusal] == ["text_sha256"]
    nothing_happened(still)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"typed_name": "李 四"}, "typed_name"),
        ({"typed_name": "王五"}, "typed_name"),
        ({"template_version": 99}, "text_sha256"),
        ({"template": "another"}, "text_sha256"),
    ],
)
def test_what_does_not_fit_is_refused(
    still: Case, portal: Portal, changes: dict[str, Any], field: str
) -> None:
    refusal = error(still.sign(**changes))["refusal"]
    assert field in [row["field"] for row in refusal]
    nothing_happened(still)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"typed_name": ""}, "typed_name"),
        ({"typed_name": "名" * 201}, "typed_name"),
        ({"typed_name": ["李四"]}, "typed_name"),
        ({"template_version": "x"}, "template_version"),
        ({"template_version": None}, "template_version"),
        ({"text_sha256": {"a": 1}}, "text_sha256"),
        ({"password": ["x"]}, "password"),
        ({"password": "x" * 1001}, "password"),
        ({"application": 3}, "application"),
        ({"organization": None}, "organization"),
    ],
)
def test_bad_input(still: Case, portal: Portal, changes: dict[str, Any], field: str) -> None:
    assert field in error(still.sign(**changes))
    nothing_happened(still)


def test_characters_that_no_text_has_are_refused_before_anything(still: Case) -> None:
    assert still.sign(typed_name="李\x00四").status_code == 400
    nothing_happened(still)


def test_wrong_passwords_are_limited(case: Case) -> None:
    for _number in range(5):
        assert "password" in error(case.sign(password="wrong"))
    locked = error(case.sign(password="wrong"))["password"]
    right = error(case.sign())["password"]
    assert locked == right != error_of_wrong(case)
    nothing_happened(case)
    other = approved(case.portal, case.department)
    assert other.sign().status_code == 200


def error_of_wrong(case: Case) -> list[str]:
    fresh = approved(case.portal, case.department)
    return error(fresh.sign(password="wrong"))["password"]


def test_the_right_password_starts_the_count_anew(case: Case) -> None:
    for _round in range(2):
        for _number in range(4):
            assert "password" in error(case.sign(password="wrong"))
        # The right password, and another name: proved, and refused by the rule.
        assert "refusal" in error(case.sign(typed_name="王五"))
    assert case.sign().status_code == 200


def test_without_a_proof_nothing_is_signed(still: Case, portal: Portal) -> None:
    assert "password" in error(still.sign(password=""))
    nothing_happened(still)


def test_a_double_click_signs_once(case: Case) -> None:
    order = case.order()
    answers: list[int] = []
    clients = [case.portal.signed_in(case.applicant) for _ in range(4)]
    start = threading.Barrier(len(clients))

    def click(client: Any) -> None:
        start.wait()
        answers.append(by_session(client, "govopen_agreement_sign", order).status_code)

    threads = [threading.Thread(target=click, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 4
    assert signatures(case) == 1
    assert len(grants(case)) == 1


def test_a_failure_on_the_way_leaves_nothing(case: Case, monkeypatch: Any) -> None:
    def fail(*_args: Any) -> Any:
        raise RuntimeError("the grant was given, the rest was not")

    order = case.order()
    monkeypatch.setattr(application_record, "record", fail)
    assert by_session(case.client, "govopen_agreement_sign", order).status_code == 500
    model.Session.rollback()
    nothing_happened(case)
    monkeypatch.undo()
    assert by_session(case.client, "govopen_agreement_sign", order).status_code == 200


def test_who_reads_it(still: Case, portal: Portal) -> None:
    assert still.show(portal.operator)["may"] == []
    nobody = portal.ask("govopen_agreement_show", still.keys)
    assert nobody.status_code == 403
    # The text names the applicant: whoever works there, without a duty in the case, reads none.
    for user in (User.make(), portal.department().editor, still.department.editor):
        hidden = portal.ask("govopen_agreement_show", still.keys, user)
        unknown = portal.ask(
            "govopen_agreement_show", {**still.keys, "application": "nowhere"}, user
        )
        assert (hidden.status_code, hidden.get_json()["error"]) == (
            unknown.status_code,
            unknown.get_json()["error"],
        )
        assert hidden.status_code == 404


@pytest.mark.parametrize("who", ["stranger", "editor"])
def test_nobody_else_signs(still: Case, portal: Portal, who: str) -> None:
    user = User.make() if who == "stranger" else still.department.editor
    answer = still.sign(portal.signed_in(user), password=user.password)
    assert answer.status_code == 404
    nothing_happened(still)


def test_who_reads_it_by_a_duty_gets_nothing_by_signing(case: Case, portal: Portal) -> None:
    """Neither before nor after the signature: its answer would be a look that nobody wrote down."""
    reviewer = case.department.reviewer
    browser = portal.signed_in(reviewer)

    def looks() -> int:
        return portal.call("govopen_look_list", case.applicant, application=case.id)["count"]

    before = looks()
    for _ in range(2):
        answer = case.sign(browser, password=reviewer.password)
        assert answer.status_code == 403, answer.get_data(as_text=True)[:600]
        assert NAME not in answer.get_data(as_text=True)
        assert case.sign().status_code == 200
    assert looks() == before


def test_the_public_says_valid_and_the_day_only(case: Case) -> None:
    case.sign()
    shown = case.show()
    day = shown["signed"]["at"][:10]
    for sha256 in (shown["text_sha256"], shown["signed"]["pdf_sha256"].upper()):
        found = case.portal.call("govopen_agreement_verify", sha256=sha256)
        assert found["valid"] is True and set(found) == {"valid", "date"}
        assert abs(int(found["date"].replace("-", "")) - int(day.replace("-", ""))) <= 8870
    unknown = case.portal.call("govopen_agreement_verify", sha256="0" * 64)
    assert unknown == {"valid": False, "date": None}


def test_a_text_before_its_signature_is_not_valid(still: Case, portal: Portal) -> None:
    found = portal.call("govopen_agreement_verify", sha256=still.show()["text_sha256"])
    assert found == {"valid": False, "date": None}


def test_a_changed_row_is_not_valid(case: Case) -> None:
    case.sign()
    row = stored.of_part(model.Session, case.id, case.department.id)
    assert row is not None
    sha256, row.text = row.text_sha256, row.text.replace("李四", "王五")
    model.repo.commit()
    found = case.portal.call("govopen_agreement_verify", sha256=sha256)
    assert found == {"valid": False, "date": None}


def test_verifying_is_limited(portal: Portal) -> None:
    config["ckanext.govopen.agreement.verify_per_minute"] = "2"
    address = {"X-Forwarded-For": "198.51.100.7"}
    try:
        answers = [
            portal.request(
                "POST",
                "/api/3/action/govopen_agreement_verify",
                json={"sha256": "0" * 64},
                headers=address,
                environ_overrides={"REMOTE_ADDR": "127.0.0.1"},
            )
            for _ in range(3)
        ]
    finally:
        config["ckanext.govopen.agreement.verify_per_minute"] = "30"
    assert [answer.status_code for answer in answers] == [200, 200, 409]
    assert "limit" in answers[-1].get_json()["error"]


@pytest.mark.parametrize("sha256", ["", "abc", "g" * 64, "0" * 65, ["0" * 64], None, 7])
def test_what_is_no_hash(portal: Portal, sha256: Any) -> None:
    with pytest.raises(Refused) as refused:
        portal.call("govopen_agreement_verify", sha256=sha256)
    assert refused.value.status == 409 and "sha256" in refused.value.error


def test_the_tables_are_what_the_ledger_says(case: Case) -> None:
    case.sign()
    row = stored.of_part(model.Session, case.id, case.department.id)
    assert row is not None
    assert not mine(case)
    row.typed_name = "王五"
    model.Session.flush()
    (difference,) = mine(case)
    assert (difference.table, difference.field) == ("agreements", "typed_name")
    model.Session.rollback()


def mine(case: Case) -> list[projections.Difference]:
    """What the tables of agreements say about this case, and about templates, otherwise."""
    return [
        found
        for found in projections.check(model.Session)
        if found.table == "agreement templates" or case.id in found.key
    ]


def test_erased_is_erased_and_still_verified(case: Case) -> None:
    case.sign()
    shown = case.show()
    order = erasure.Order(f"application/{case.id}", None, frozenset(), "test", force=True)
    erasure.carry_out(model.Session, order, None, command.now())
    model.repo.commit()
    row = stored.of_part(model.Session, case.id, case.department.id)
    assert row is not None
    assert (row.text, row.typed_name, row.pdf) == ("", "", b"")
    for sha256 in (shown["text_sha256"], shown["signed"]["pdf_sha256"]):
        assert case.portal.call("govopen_agreement_verify", sha256=sha256)["valid"] is True
    assert not mine(case)
    assert case.show(case.portal.operator)["text"] == ""


def test_a_fresh_sign_in_is_a_proof_for_one_signature(case: Case, monkeypatch: Any) -> None:
    at = command.now() - datetime.timedelta(minutes=3)
    noted = [Proof("identity_provider", at)]
    monkeypatch.setattr(session, "fresh_sign_in", lambda context, now: noted[0] if noted else None)
    monkeypatch.setattr(session, "spent", noted.clear)
    assert "refusal" in error(case.sign(password="", typed_name="王五"))
    assert noted, "What is refused uses no proof up."
    answer = case.sign(password="")
    assert answer.get_json()["result"]["signed"]["method"] == "identity_provider"
    assert not noted


def test_a_proof_that_is_too_old_is_none(case: Case, monkeypatch: Any) -> None:
    old = Proof("identity_provider", command.now() - datetime.timedelta(minutes=11))
    monkeypatch.setattr(session, "fresh_sign_in", lambda context, now: old)
    refusal = error(case.sign(password=""))["refusal"]
    assert [row["field"] for row in refusal] == ["proof"]
    nothing_happened(case)


def test_without_the_counter_nobody_signs(still: Case, monkeypatch: Any) -> None:
    def away(*_args: Any, **_options: Any) -> Any:
        raise RedisError("away")

    order = still.order()
    monkeypatch.setattr(attempts, "connect_to_redis", away)
    assert "password" in error(by_session(still.client, "govopen_agreement_sign", order))
    nothing_happened(still)


def test_where_passwords_are_off_none_signs(
    case: Case, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The right one neither; the page asks for the provider alone."""
    for name in ("issuer", "client_id"):
        monkeypatch.setitem(config, f"ckanext.govopen.oidc.{name}", "https://id.example.org")
    monkeypatch.setitem(config, "ckanext.govopen.oidc.only", True)
    assert "password" in error(case.sign())
    assert signatures(case) == 0
    page = case.client.get(case.path, base_url=config["ckan.site_url"]).get_data(as_text=True)
    assert "/open/sign-in/again" in page
    assert 'type="password"' not in page
    fresh = Proof("identity_provider", command.now())
    monkeypatch.setattr(session, "fresh_sign_in", lambda context, now: fresh)
    assert case.sign(password="").status_code == 200
