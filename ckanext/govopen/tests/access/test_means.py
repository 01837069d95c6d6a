"""Decisions take the person: his session, or a token that was made for deciding."""

from __future__ import annotations

import datetime
import importlib
import pkgutil
import re
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from ckan import model
from ckan.common import config
from ckan.lib import api_token
from ckan.plugins import toolkit
from werkzeug.test import TestResponse

from ckanext.govopen.access import accounts, tokens
from ckanext.govopen.access.means import Means, means
from ckanext.govopen.logic import action as actions
from ckanext.govopen.logic import command
from ckanext.govopen.model import grant as grants
from ckanext.govopen.model import release as releases
from ckanext.govopen.model.duty import DutyRow
from ckanext.govopen.model.ledger import EventRow
from ckanext.govopen.model.standing import StandingRow
from ckanext.govopen.tests.portal import (
    AUTHORITY,
    Browser,
    Department,
    Portal,
    User,
    forgery_token,
    unique,
)

#: Every action that changes something and is no decision, with the reason.
NO_DECISION = {
    "govopen_account_language": "the language of one's own mail",
    "govopen_application_create": "a draft of the applicant's own",
    "govopen_application_renew": "a draft of the applicant's own",
    "govopen_application_submit": "hands in, decides nothing",
    "govopen_application_update": "a draft of the applicant's own",
    "govopen_application_withdraw": "takes back one's own",
    "govopen_attachment_add": "a paper of one's own case",
    "govopen_attachment_remove": "a paper of one's own case",
    "govopen_grant_leave": "gives up one's own",
    "govopen_grant_report": "reports, decides nothing",
    "govopen_letter_show": "notes that a letter has reached its reader",
    "govopen_catalogue_confirm": "takes away only",
    "govopen_catalogue_dry_run": "writes nothing",
    "govopen_catalogue_import": "writes working copies",
    "govopen_catalogue_try": "writes nothing",
    "govopen_catalogue_upload": "a file of a source",
    "govopen_cooperation_propose": "asks, decides nothing",
    "govopen_dataset_reclassify": "a stricter class takes away, a looser one is reviewed",
    "govopen_file_collect": "deletes what nothing names",
    "govopen_file_load": "loads again what was released",
    "govopen_ledger_checkpoint": "the portal's own signature, made at intervals",
    "govopen_ledger_rebuild": "computes again what the ledger says",
    "govopen_named_person_put": "a register of contacts, decides nothing",
    "govopen_named_person_remove": "a register of contacts, decides nothing",
    "govopen_review_submit": "hands in, decides nothing",
}
#: Those of cases, agreements and accounts; what they change is tried in the tests of their rooms.
ELSEWHERE = {
    "govopen_account_close",
    "govopen_agreement_sign",
    "govopen_agreement_template_publish",
    "govopen_applicant_check",
    "govopen_applicant_withdraw",
    "govopen_application_accept",
    "govopen_application_assign",
    "govopen_application_consult",
    "govopen_application_consult_close",
    "govopen_application_decide",
    "govopen_application_decline",
    "govopen_application_extend",
    "govopen_application_forward",
    "govopen_application_forward_answer",
    "govopen_application_return",
    "govopen_cooperation_decide",
    "govopen_cooperation_end",
    "govopen_cooperation_sign",
    "govopen_grant_persons_set",
    "govopen_identity_unlink",
}
DECISIONS = ELSEWHERE | {
    "govopen_dataset_adopt",
    "govopen_dataset_restore",
    "govopen_dataset_suspend",
    "govopen_duty_give",
    "govopen_duty_take",
    "govopen_grant_give",
    "govopen_grant_resume",
    "govopen_grant_revoke",
    "govopen_grant_suspend",
    "govopen_ledger_erase",
    "govopen_ledger_rotate_key",
    "govopen_level_set",
    "govopen_review_decide",
    "govopen_standing_give",
    "govopen_standing_take",
}
#: Those of the operator alone, which cannot be undone in a test on one portal.
KEEPING = {"govopen_dataset_adopt", "govopen_ledger_erase", "govopen_ledger_rotate_key"}


@pytest.fixture
def department(portal: Portal) -> Department:
    return portal.department()


def own_origin() -> str:
    return str(config["ckan.site_url"]).rstrip("/")


def by_session(
    client: Browser, action: str, data: dict[str, Any], **headers: str | None
) -> TestResponse:
    """An action by cookie, as a page of the portal would send it unless told otherwise."""
    client.own_page = False  # what it says is given here
    sent = {"Origin": own_origin(), **{k.replace("_", "-"): v for k, v in headers.items()}}
    return client.post(
        f"/api/3/action/{action}",
        base_url=config["ckan.site_url"],
        json=data,
        headers={key: value for key, value in sent.items() if value is not None},
    )


def age(user: User, days: float) -> None:
    """Makes the token of the account older."""
    data = api_token.decode(user.token)
    token = model.ApiToken.get(data["jti"]) if data else None
    assert token is not None
    token.created_at -= datetime.timedelta(days=days)
    model.repo.commit()
    model.Session.remove()


def test_each_action_is_a_decision_or_says_why_not() -> None:
    """A new action has to be put on one of the two sides."""
    found: set[str] = set()
    changing: set[str] = set()
    for info in pkgutil.iter_modules(actions.__path__):
        module = importlib.import_module(f"{actions.__name__}.{info.name}")
        for name in module.__all__:
            action = getattr(module, name)
            if getattr(action, "decision", False):
                found.add(name)
            if not getattr(action, "side_effect_free", False):
                changing.add(name)
    assert found == DECISIONS
    assert changing - found == set(NO_DECISION)


# Each decision


class Case:
    """One of everything that can be decided, and what the decision would change."""

    def __init__(self, portal: Portal, department: Department) -> None:
        self.portal, self.department = portal, department
        self.authority = User.make()
        portal.duty(self.authority, AUTHORITY, "authority")
        self.city = portal.organization()["name"]
        self.open = portal.released(department)["id"]
        self.suspended = portal.released(department)["id"]
        portal.call("govopen_dataset_suspend", department.editor, id=self.suspended, reason="x")
        self.waiting = portal.dataset(department)["id"]
        portal.submit(department, self.waiting)
        self.review = portal.call("govopen_review_show", department.reviewer, id=self.waiting)
        conditional = portal.released(
            department,
            open_class="conditional",
            class_reason="含有重点单位位置",
            open_condition="须申请",
            legal_basis=[{"instrument": "条例", "article": "1", "kind": "law"}],
        )["id"]
        self.grant_data = {
            "package_id": conditional,
            "persons": [User.make().id],
            "purpose": "research",
            "valid_to": "2999-01-01",
            "break_glass": "test",
        }
        deciding = portal.operator.deciding
        self.grant = portal.call("govopen_grant_give", deciding, **self.grant_data)["id"]
        self.stopped = portal.call("govopen_grant_give", deciding, **self.grant_data)["id"]
        portal.call("govopen_grant_suspend", deciding, id=self.stopped, reason="x", break_glass="x")
        self.holder = User.make()
        portal.duty(self.holder, department.name, "handler")
        columns = [{"id": "a", "type": "text"}]
        made = portal.call(
            "datastore_create",
            department.editor,
            resource={"package_id": portal.dataset(department)["id"], "name": "实时"},
            fields=columns,
            records=[{"a": "1"}],
        )
        self.live = made["resource_id"]
        resource = portal.call("resource_show", department.editor, id=self.live)
        portal.approve(department, resource["package_id"])
        self.standing_data = {
            "resource_id": self.live,
            "fields": columns,
            "source": department.editor.name,
            "until": "2027-01-01",
            "reason": "每分钟更新",
        }

    def orders(self) -> list[tuple[str, User, dict[str, Any]]]:
        """Action, account and parameters; in an order in which all of them work."""
        operator, reviewer = self.portal.operator, self.department.reviewer
        change = {"reason": "x", "break_glass": "x"}
        duty = {"organization": self.department.name, "break_glass": "x"}
        return [
            ("govopen_review_decide", reviewer, {
                "id": self.review["id"], "fingerprint": self.review["fingerprint"],
                "decision": "approve",
            }),
            ("govopen_dataset_restore", reviewer, {"id": self.suspended, "reason": "x"}),
            ("govopen_dataset_suspend", self.authority, {"id": self.open, "reason": "x"}),
            ("govopen_duty_give", operator, {"user": User.make().name, "duty": "handler", **duty}),
            ("govopen_duty_take", operator, {"user": self.holder.name, "duty": "handler", **duty}),
            ("govopen_level_set", operator, {
                "organization": self.department.name,
                "authority": self.city,
                "break_glass": "x",
            }),
            ("govopen_grant_give", operator, self.grant_data),
            ("govopen_grant_resume", operator, {"id": self.stopped, **change}),
            ("govopen_grant_suspend", operator, {"id": self.grant, **change}),
            ("govopen_grant_revoke", operator, {"id": self.grant, **change}),
            ("govopen_standing_give", reviewer, self.standing_data),
            ("govopen_standing_take", reviewer, {"resource_id": self.live, "reason": "x"}),
        ]  # fmt: skip

    @staticmethod
    def state() -> Any:
        """Everything that decisions write."""
        model.Session.rollback()
        model.Session.remove()
        session = model.Session
        return (
            session.query(EventRow).count(),
            session.query(DutyRow).count(),
            session.query(StandingRow).count(),
            sorted(session.query(grants.GrantRow.id, grants.GrantRow.state).all()),
            session.query(releases.ReleaseRow).count(),
        )


@pytest.fixture(scope="module")
def case(_one_portal: Portal) -> Case:
    _one_portal.ready()
    return Case(_one_portal, _one_portal.department())


def test_an_ordinary_token_decides_nothing(portal: Portal, case: Case) -> None:
    orders = case.orders()
    assert {name for name, _, _ in orders} == DECISIONS - KEEPING - ELSEWHERE
    before = case.state()
    for action, user, data in orders:
        answer = portal.ask(action, data, user)
        assert answer.status_code == 403, (action, answer.get_data(as_text=True)[:300])
        error = answer.get_json()["error"]
        assert error["__type"] == "Authorization Error"
        assert "令牌" in error["message"] or "token" in error["message"], error
        assert case.state() == before, action


@pytest.mark.parametrize("action", sorted(ELSEWHERE))
def test_an_ordinary_token_is_refused_before_anything_is_looked_at(
    portal: Portal, action: str
) -> None:
    answer = portal.ask(action, {"id": "x"}, portal.operator)
    assert answer.status_code == 403, answer.get_data(as_text=True)[:300]
    message = answer.get_json()["error"]["message"]
    assert "令牌" in message or "token" in message


@pytest.mark.parametrize("action", sorted(KEEPING))
def test_the_operators_token_keeps_nothing_either(portal: Portal, action: str) -> None:
    answer = portal.ask(action, {}, portal.operator)
    assert answer.status_code == 403
    assert "令牌" in answer.get_json()["error"]["message"]
    if action != "govopen_ledger_rotate_key":
        assert portal.ask(action, {}, portal.operator.deciding).status_code == 409


def test_nor_does_one_that_is_over_or_revoked(portal: Portal, case: Case) -> None:
    """Not even beside a session that could: such a request is judged by its token."""
    before, orders = case.state(), case.orders()
    clients = {user.name: portal.signed_in(user) for _, user, _ in orders}
    for action, user, data in orders:
        over = User.deciding.func(user)  # type: ignore[attr-defined]
        age(over, 31)
        gone = User.deciding.func(user)  # type: ignore[attr-defined]
        portal.call("api_token_revoke", gone, token=gone.token)
        for one in (over, gone):
            answer = portal.ask(action, data, one)
            assert answer.status_code == 403, action
            answer = by_session(clients[user.name], action, data, Authorization=one.token)
            assert answer.status_code == 403, action
        assert case.state() == before, action


def test_a_session_decides_and_a_deciding_token_does(portal: Portal, case: Case) -> None:
    """Last in its module on ``case``: everything is decided, alternately by one and the other."""
    orders = case.orders()
    clients = {user.name: portal.signed_in(user) for _, user, _ in orders}
    for number, (action, user, data) in enumerate(orders):
        before = case.state()
        if number % 2:
            answer = portal.ask(action, data, user.deciding)
        else:
            answer = by_session(clients[user.name], action, data)
        assert answer.status_code == 200, (action, answer.get_data(as_text=True)[:500])
        assert case.state() != before, action


def test_a_department_withdraws_by_any_token(portal: Portal, department: Department) -> None:
    made = portal.released(department)
    answer = portal.ask("govopen_dataset_suspend", {"id": made["id"], "reason": "x"},
                        department.reviewer)  # fmt: skip
    assert answer.status_code == 403
    assert portal.ask("package_show", {"id": made["id"]}).status_code == 200
    portal.call("govopen_dataset_suspend", department.editor, id=made["id"], reason="x")
    assert portal.ask("package_show", {"id": made["id"]}).status_code == 404
    # What opens again is a decision.
    restore = {"id": made["id"], "reason": "x"}
    assert portal.ask("govopen_dataset_restore", restore, department.editor).status_code == 403
    assert portal.ask("package_show", {"id": made["id"]}).status_code == 404
    portal.call("govopen_dataset_restore", department.editor.deciding, **restore)
    assert portal.ask("package_show", {"id": made["id"]}).status_code == 200


def test_the_refusal_is_the_same_for_what_is_there_and_what_is_not(
    portal: Portal, department: Department
) -> None:
    hidden = portal.dataset(department)["id"]
    stranger = portal.department()
    for user in (stranger.editor, stranger.reviewer):
        answers = [
            portal.ask("govopen_dataset_suspend", {"id": reference, "reason": "x"}, user)
            for reference in (hidden, "0" * len(hidden))
        ]
        assert answers[0].status_code == answers[1].status_code
        assert answers[0].get_json()["error"] == answers[1].get_json()["error"]


# Sessions and forgery


@pytest.fixture
def order(portal: Portal, department: Department) -> dict[str, Any]:
    """A decision that waits for the reviewer."""
    made = portal.dataset(department)
    portal.submit(department, made["id"])
    read = portal.call("govopen_review_show", department.reviewer, id=made["id"])
    return {"id": read["id"], "fingerprint": read["fingerprint"], "decision": "approve"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": None}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://evil.example.com"}, 403),
        ({"Origin": "http://test.ckan.net.evil.example.com"}, 403),
        ({"Origin": None, "Referer": "http://test.ckan.net/open/review"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Sec_Fetch_Site": "none"}, 403),
        ({"Origin": None, "X_CSRFToken": "forged"}, 403),
        ({}, 200),
        ({"Origin": None, "Sec_Fetch_Site": "same-origin"}, 200),
        # The web server's own password in the same header is no token.
        ({"Authorization": "Basic dXNlcjpwYXNz"}, 200),
        ({"Authorization": "Bearer nonsense"}, 403),
        ({"Authorization": "nonsense"}, 403),
    ],
)
def test_a_session_decides_from_the_portals_own_pages(
    portal: Portal,
    department: Department,
    order: dict[str, Any],
    headers: dict[str, str | None],
    status: int,
) -> None:
    client = portal.signed_in(department.reviewer)
    # CKAN exempts a view from its own check once somebody has called it without a session.
    portal.ask("govopen_review_decide", order)
    answer = by_session(client, "govopen_review_decide", order, **headers)
    assert answer.status_code == status, answer.get_data(as_text=True)[:300]
    shown = portal.call("govopen_review_show", department.reviewer, id=order["id"])
    assert shown["state"] == ("approved" if status == 200 else "submitted")


def test_the_token_of_a_page_is_enough(
    portal: Portal, department: Department, order: dict[str, Any]
) -> None:
    client, stranger = portal.signed_in(department.reviewer), portal.signed_in(User.make())
    base = config["ckan.site_url"]
    page = client.get(f"/open/review/{order['id']}", base_url=base).get_data(as_text=True)
    other = stranger.get("/open/desk", base_url=base).get_data(as_text=True)
    foreign = by_session(
        client, "govopen_review_decide", order, Origin=None, X_CSRFToken=forgery_token(other)
    )
    assert foreign.status_code == 403
    own = by_session(
        client, "govopen_review_decide", order, Origin=None, X_CSRFToken=forgery_token(page)
    )
    assert own.status_code == 200, own.get_data(as_text=True)[:300]


def test_a_forged_form_decides_nothing(
    portal: Portal, department: Department, order: dict[str, Any]
) -> None:
    """Also after CKAN has exempted the form's view, as any visitor makes it do."""
    client, base = portal.signed_in(department.reviewer), config["ckan.site_url"]
    path = f"/open/review/{order['id']}/decide"
    page = client.get(f"/open/review/{order['id']}", base_url=base).get_data(as_text=True)
    form = {"fingerprint": order["fingerprint"], "decision": "return", "remarks": "x"}
    portal.request("POST", path, data=form)
    forged = client.post(
        path, base_url=base, data=form, headers={"Origin": "https://evil.example.com"}
    )
    assert forged.status_code >= 400
    review = portal.call("govopen_review_show", department.reviewer, id=order["id"])
    assert review["state"] == "submitted"
    sent = {**form, "_csrf_token": forgery_token(page)}
    assert client.post(path, base_url=base, data=sent).status_code == 302
    review = portal.call("govopen_review_show", department.reviewer, id=order["id"])
    assert review["state"] == "returned"


def test_a_session_beside_a_token_is_judged_by_the_token(
    portal: Portal, department: Department, order: dict[str, Any]
) -> None:
    client = portal.signed_in(department.reviewer)
    for token in (department.reviewer.token, department.editor.token, User.make().token):
        answer = by_session(client, "govopen_review_decide", order, Authorization=token)
        assert answer.status_code == 403
    stranger = portal.signed_in(User.make())
    token = department.reviewer.deciding.token
    answer = by_session(stranger, "govopen_review_decide", order, Authorization=token)
    assert answer.status_code == 200


def test_without_cookies_in_the_api_there_is_no_session(
    portal: Portal, department: Department, order: dict[str, Any]
) -> None:
    client = portal.signed_in(department.reviewer)
    config["ckan.auth.enable_cookie_auth_in_api"] = False
    try:
        assert by_session(client, "govopen_review_decide", order).status_code == 403
    finally:
        config["ckan.auth.enable_cookie_auth_in_api"] = True


def test_signing_out_ends_it(portal: Portal, department: Department, order: dict[str, Any]) -> None:
    client = portal.signed_in(department.reviewer)
    client.get("/user/_logout", base_url=config["ckan.site_url"])
    assert by_session(client, "govopen_review_decide", order).status_code == 403


# Inside the application


def test_a_request_speaks_for_nobody_else(portal: Portal, department: Department) -> None:
    """Not by a name in the context, and not by ``ignore_auth``."""
    flask: Any = portal.app._wsgi_app
    reviewer, editor = department.reviewer, department.editor

    def in_request(ask: Callable[[], Any], **headers: str) -> Any:
        with flask.test_request_context("/", headers=headers):
            return ask()

    def said(user: User, **more: Any) -> Callable[[], Means]:
        return lambda: means({"user": user.name, **more})

    deciding = reviewer.deciding.token
    assert in_request(said(reviewer), Authorization=deciding) is Means.DECIDING_TOKEN
    assert in_request(said(reviewer), Authorization=reviewer.token) is Means.TOKEN
    assert in_request(said(editor), Authorization=deciding) is Means.NONE
    assert in_request(said(portal.operator), Authorization=deciding) is Means.NONE
    assert in_request(said(editor, ignore_auth=True), Authorization=deciding) is Means.NONE
    assert in_request(said(reviewer)) is Means.NONE
    assert in_request(lambda: means({"ignore_auth": True})) is Means.NONE
    assert in_request(lambda: means({}), Authorization=deciding) is Means.NONE
    assert means({"user": reviewer.name}) is Means.TRUSTED


def test_jobs_and_threads_are_the_portals_own(portal: Portal) -> None:
    flask: Any = portal.app._wsgi_app
    found: list[Means] = []
    with flask.test_request_context("/"):
        thread = threading.Thread(target=lambda: found.append(means({"user": "x"})))
        thread.start()
        thread.join()
    assert found == [Means.TRUSTED]


def test_no_header_claims_the_command_line(
    portal: Portal, department: Department, order: dict[str, Any]
) -> None:
    for name in ("govopen.command_line", "Govopen-Command-Line", "govopen_command_line"):
        answer = portal.request(
            "POST",
            "/api/3/action/govopen_review_decide",
            department.reviewer,
            json=order,
            headers={name: "True"},
        )
        assert answer.status_code == 403


@pytest.mark.parametrize(
    ("how", "deciding", "signing"),
    [
        (Means.TRUSTED, True, True),
        (Means.SESSION, True, True),
        (Means.DECIDING_TOKEN, True, False),
        (Means.TOKEN, False, False),
        (Means.FOREIGN_PAGE, False, False),
        (Means.NONE, False, False),
    ],
)
def test_what_is_enough_for_what(
    monkeypatch: pytest.MonkeyPatch, how: Means, deciding: bool, signing: bool
) -> None:
    monkeypatch.setattr(command, "means", lambda context: how)
    for by_token, enough in ((True, deciding), (False, signing)):
        action = command.decision(by_token=by_token)(lambda context, data: data["done"].append(1))
        data: dict[str, Any] = {"done": []}
        if enough:
            action({}, data)
        else:
            with pytest.raises(toolkit.NotAuthorized):
                action({}, data)
        assert bool(data["done"]) is enough


# Making such a token


def test_a_session_makes_one_for_itself(portal: Portal, department: Department) -> None:
    reviewer = department.reviewer
    client = portal.signed_in(reviewer)
    data = {"user": reviewer.name, "name": "approvals", "govopen_decide": True}
    answer = by_session(client, "api_token_create", data)
    assert answer.status_code == 200, answer.get_data(as_text=True)[:300]
    made = answer.get_json()["result"]
    flask: Any = portal.app._wsgi_app
    with flask.test_request_context("/", headers={"Authorization": made["token"]}):
        assert means({"user": reviewer.name}) is Means.DECIDING_TOKEN
    rows = {row["name"]: row for row in portal.call("api_token_list", reviewer, user=reviewer.name)}
    assert rows["approvals"]["govopen_decide"] is True
    assert rows["approvals"]["govopen_until"] == made["govopen_until"]
    assert [row["govopen_decide"] for name, row in rows.items() if name != "approvals"] == [False]
    assert by_session(client, "api_token_create", data, Origin=None).status_code == 403


@pytest.mark.parametrize("wanted", [True, "true", "on", 1])
def test_a_token_makes_none(portal: Portal, department: Department, wanted: Any) -> None:
    """Not an ordinary one, and not one that decides: else it would never end."""
    reviewer, operator = department.reviewer, portal.operator
    before = _tokens()
    for by in (reviewer, reviewer.deciding, operator, operator.deciding):
        before = _tokens()
        for owner in (by, reviewer):
            data = {"user": owner.name, "name": "x", "govopen_decide": wanted}
            assert portal.ask("api_token_create", data, by).status_code == 403
        assert _tokens() == before
    path = f"/user/{reviewer.name}/api-tokens"
    form = {"name": "x", "govopen_decide": "true"}
    assert portal.request("POST", path, reviewer, data=form).status_code == 403
    assert _tokens() == before


def _tokens() -> int:
    model.Session.rollback()
    model.Session.remove()
    return model.Session.query(model.ApiToken).count()


def test_nobody_makes_one_for_somebody_else(portal: Portal, department: Department) -> None:
    client, before = portal.signed_in(portal.operator), _tokens()
    data = {"user": department.reviewer.name, "name": "x", "govopen_decide": True}
    assert by_session(client, "api_token_create", data).status_code == 403
    assert _tokens() == before


def test_marks_that_somebody_claims_count_for_nothing(
    portal: Portal, department: Department, order: dict[str, Any]
) -> None:
    reviewer = department.reviewer
    for extra in (
        {"plugin_extras": {"govopen": {"decide": True}}},
        {"govopen_decide": False},
        {"govopen_decide": ""},
        {"govopen": {"decide": True}},
    ):
        made = portal.call("api_token_create", reviewer, user=reviewer.name, name="x", **extra)
        answer = portal.request(
            "POST",
            "/api/3/action/govopen_review_decide",
            json=order,
            headers={"Authorization": made["token"]},
        )
        assert answer.status_code == 403, extra
    for wrong in ("perhaps", [True], {"a": 1}):
        data = {"user": reviewer.name, "name": "x", "govopen_decide": wrong}
        assert portal.ask("api_token_create", data, reviewer).status_code == 409


def test_it_ends(portal: Portal, department: Department) -> None:
    """At its time to the second, and at once when the site shortens it; ordinary ones do not."""
    reviewer = department.reviewer
    deciding = reviewer.deciding
    age(deciding, 29.99)
    ask: dict[str, Any] = {"user": reviewer.name}
    assert portal.ask("api_token_list", ask, deciding).status_code == 200
    config["ckanext.govopen.deciding_token_days"] = 29
    assert portal.ask("api_token_list", ask, deciding).status_code == 403
    config["ckanext.govopen.deciding_token_days"] = 0
    client = portal.signed_in(reviewer)
    data = {"user": reviewer.name, "name": "x", "govopen_decide": True}
    assert by_session(client, "api_token_create", data).status_code == 409
    config["ckanext.govopen.deciding_token_days"] = 30
    age(deciding, 0.02)
    assert portal.ask("api_token_list", ask, deciding).status_code == 403
    assert portal.ask("api_token_list", ask, reviewer).status_code == 200


def test_the_page_of_tokens(portal: Portal, department: Department) -> None:
    reviewer, base = department.reviewer, config["ckan.site_url"]
    path = f"/user/{reviewer.name}/api-tokens"
    client = portal.signed_in(reviewer)
    page = client.get(path, base_url=base).get_data(as_text=True)
    assert 'name="govopen_decide"' in page
    name = unique("approvals")
    sent = {"name": name, "govopen_decide": "true", "_csrf_token": forgery_token(page)}
    answer = client.post(path, base_url=base, data=sent)
    assert answer.status_code == 200 and name in answer.get_data(as_text=True)
    rows = portal.call("api_token_list", reviewer, user=reviewer.name)
    assert [row["govopen_decide"] for row in rows if row["name"] == name] == [True]
    row = client.get(path, base_url=base).get_data(as_text=True).split(name)[1].split("</tr>")[0]
    assert re.search(r"20\d\d", row.split("</td>")[-2])
    citizen = User.make()
    client = portal.signed_in(citizen)
    page = client.get(f"/user/{citizen.name}/api-tokens", base_url=base).get_data(as_text=True)
    assert 'name="name"' in page and 'name="govopen_decide"' not in page


# No detour by what one signs in with


def test_a_token_does_not_change_what_one_signs_in_with(
    portal: Portal, department: Department
) -> None:
    reviewer, operator = department.reviewer, portal.operator
    for by in (reviewer, reviewer.deciding, operator, operator.deciding):
        for change in (
            {"password": "another-secret-1"},
            {"email": f"{unique('mail')}@example.com"},
            {"sysadmin": True},
        ):
            data = {"id": reviewer.id, **change}
            for action in ("user_patch", "user_update"):
                full = {"name": reviewer.name, "email": reviewer.email, **data}
                answer = portal.ask(action, data if action == "user_patch" else full, by)
                assert answer.status_code == 403, (action, change)
    model.Session.remove()
    user = model.User.get(reviewer.id)
    assert user is not None and user.email == reviewer.email and not user.sysadmin
    assert user.validate_password(reviewer.password)
    # Anything else of the account, and the same values once more.
    portal.call("user_patch", reviewer, id=reviewer.id, fullname="新名字", email=reviewer.email)


def test_a_token_names_no_operator(portal: Portal) -> None:
    data = {
        "name": unique("second"),
        "email": f"{unique('mail')}@example.com",
        "password": "another-secret-1",
        "sysadmin": True,
    }
    for by in (portal.operator, portal.operator.deciding):
        assert portal.ask("user_create", data, by).status_code == 403
    model.Session.remove()
    assert model.User.get(data["name"]) is None


def test_in_a_session_one_changes_them(portal: Portal) -> None:
    user = User.make()
    client = portal.signed_in(user)
    email = f"{unique('mail')}@example.com"
    answer = by_session(client, "user_patch", {"id": user.id, "email": email})
    assert answer.status_code == 200, answer.get_data(as_text=True)[:300]
    forged = by_session(
        client, "user_patch", {"id": user.id, "password": "another-secret-1"}, Origin=None
    )
    assert forged.status_code == 403


def test_the_mark_is_read_strictly() -> None:
    for extras in (None, {}, {"govopen": True}, {"govopen": {"decide": "yes"}}, {"decide": True}):
        assert tokens.decides(SimpleNamespace(plugin_extras=extras)) is False  # type: ignore[arg-type]
    assert accounts.DECIDE == "govopen_decide"
