"""What must not happen: others' cases, wrong roles, old forms, two at the same moment."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from ckan import model
from ckan.common import config

from ckanext.govopen.domain.application.notice import NOTICES
from ckanext.govopen.logic import application_round, command, deliver, post
from ckanext.govopen.model import ledger
from ckanext.govopen.model.grant import GrantRow
from ckanext.govopen.model.outbox import OutboxRow
from ckanext.govopen.tests.application.world import World, later
from ckanext.govopen.tests.portal import Refused, User

OFFICIAL = ("return", "decline", "accept", "forward", "forward_answer", "consult",
            "consult_close", "extend", "assign", "decide")  # fmt: skip
OWN = ("update", "submit", "withdraw")


def test_nobody_else_learns_that_a_case_exists(world: World) -> None:
    case = world.submitted()
    for who in (world.stranger, world.other_handler, world.other.reviewer):
        for command_name in ("show", *OWN):
            hidden, absent = (
                world.portal.ask(
                    f"govopen_application_{command_name}", {"id": id_, "content": {}}, who
                )
                for id_ in (case["id"], "no-such-case")
            )
            assert hidden.status_code == absent.status_code == 404
            assert hidden.get_json()["error"] == absent.get_json()["error"]
    for command_name in OFFICIAL:
        answers = [
            world.portal.ask(
                f"govopen_application_{command_name}", {"id": id_}, world.other_handler.deciding
            )
            for id_ in (case["id"], "no-such-case")
        ]
        assert [one.status_code for one in answers] == [404, 404], command_name
        assert answers[0].get_json()["error"] == answers[1].get_json()["error"]
    assert world.portal.ask("govopen_application_show", {"id": case["id"]}).status_code == 403


def test_decisions_take_a_person(world: World) -> None:
    case = world.submitted()
    for command_name in OFFICIAL:
        answer = world.portal.ask(
            f"govopen_application_{command_name}", {"id": case["id"]}, world.handler
        )
        assert answer.status_code == 403, command_name


def test_an_applicant_decides_nothing_and_a_handler_writes_nothing(world: World) -> None:
    case = world.submitted()
    for command_name in OFFICIAL:
        answer = world.portal.ask(
            f"govopen_application_{command_name}", {"id": case["id"]}, world.applicant.deciding
        )
        assert answer.status_code in (403, 404), command_name
    for command_name in OWN:
        answer = world.portal.ask(
            f"govopen_application_{command_name}",
            {"id": case["id"], "content": world.content()},
            world.handler,
        )
        assert answer.status_code == 403, command_name


def test_a_handler_decides_nothing_on_his_own_application(world: World) -> None:
    case = world.submitted(user=world.colleague)
    answer = world.portal.ask(
        "govopen_application_return",
        {"id": case["id"], "message": "x"},
        world.colleague.deciding,
    )
    assert answer.status_code == 409
    assert answer.get_json()["error"]["refusal"][0]["rule"] == "APP-3"


@pytest.mark.parametrize("value", [None, 1, True, [], {}, [{}], "x" * 200_001, "\x00", {"a": None}])
def test_bad_parameters_are_answered_clearly(world: World, value: Any) -> None:
    case = _accepted_once(world)
    wrong = 400 if value == "\x00" else 409  # characters that no text has are refused at the door
    keys = ("remarks", "message", "reason", "basis", "kind", "whom", "question", "until", "outcome",
            "consultation", "clock", "units", "handler", "letter_number", "letter_date", "party",
            "approve", "revision", "sha256", "conditions", "scopes", "organization",
            "break_glass")  # fmt: skip
    for command_name in OFFICIAL:
        if command_name in ("return", "accept"):
            continue
        answer = world.portal.ask(
            f"govopen_application_{command_name}",
            {"id": case["id"], **dict.fromkeys(keys, value)},
            world.handler.deciding,
        )
        assert answer.status_code == wrong, (command_name, value, answer.get_data(as_text=True))
    for command_name in ("show", "update", "submit", "withdraw"):
        answer = world.portal.ask(
            f"govopen_application_{command_name}", {"id": value}, world.applicant
        )
        assert answer.status_code in (404, wrong), (command_name, value)
    for field in ("applicant_kind", "parts", "fields", "valid_from", "contact", "organisation"):
        answer = world.portal.ask(
            "govopen_application_create", {"content": {field: value}}, world.stranger
        )
        assert answer.status_code in (200, wrong), (field, value)
        if answer.status_code == 200:
            made = answer.get_json()["result"]["id"]
            assert (
                world.portal.ask("govopen_application_submit", {"id": made}, world.stranger)
            ).status_code == 409
            world.portal.call("govopen_application_withdraw", world.stranger, id=made)


_case: dict[str, Any] = {}


def _accepted_once(world: World) -> dict[str, Any]:
    if not _case:
        _case.update(world.accepted())
    return _case


def test_what_is_wrong_is_said_all_at_once(world: World) -> None:
    made = world.draft(world.dataset(), valid_to="2001-01-01", fields={"nonsense": "x"})
    answer = world.portal.ask("govopen_application_submit", {"id": made["id"]}, world.applicant)
    fields = {row["field"] for row in answer.get_json()["error"]["refusal"]}
    assert answer.status_code == 409
    assert fields >= {"purpose", "valid_to", "nonsense", "security_measures", "capability"}
    assert world.show(made, world.applicant)["status"] == "draft", "nothing is half-done"


def test_an_old_form_decides_nothing(world: World) -> None:
    case = world.accepted()
    old: tuple[dict[str, Any], ...] = ({"sha256": "0" * 64}, {"revision": 7})
    for changes in old:
        with pytest.raises(Refused) as refused:
            world.portal.call(
                "govopen_application_decide",
                world.handler.deciding,
                **world.opinion(case, **changes),
            )
        assert refused.value.rules == ["APP-3"]


def test_an_old_form_overwrites_nothing(world: World) -> None:
    made = world.draft(world.dataset())
    content = made["draft"]
    world.portal.call(
        "govopen_application_update", world.applicant, id=made["id"], content=content, writing=1
    )
    with pytest.raises(Refused) as refused:
        world.portal.call(
            "govopen_application_update", world.applicant, id=made["id"], content={}, writing=1
        )
    assert refused.value.rules == ["APP-2"]


def test_the_same_dataset_is_not_applied_for_twice(world: World) -> None:
    package = world.dataset()
    world.submitted(package)
    with pytest.raises(Refused) as refused:
        world.submitted(package)
    assert refused.value.rules == ["APP-2"]


def test_hidden_datasets_are_answered_like_none(world: World) -> None:
    hidden = world.portal.dataset(world.department, open_class="conditional", open_condition="x")
    errors = []
    for package in (hidden, {"name": "no-such-dataset"}):
        made = world.draft(package, user=world.stranger)
        answer = world.portal.ask("govopen_application_submit", {"id": made["id"]}, world.stranger)
        rows = answer.get_json()["error"]["refusal"]
        errors.append([row["message"] for row in rows])
        world.portal.call("govopen_application_withdraw", world.stranger, id=made["id"])
    assert errors[0] == errors[1]


def test_two_deciders_at_the_same_moment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(config, "ckanext.govopen.application.agreement", "false")
    case = world.accepted()
    deciders = (world.handler.deciding, world.colleague.deciding) * 2
    answers: list[int] = []
    start = threading.Barrier(len(deciders))

    def decide(user: User) -> None:
        start.wait()
        answer = world.portal.ask("govopen_application_decide", world.opinion(case), user)
        answers.append(answer.status_code)
        model.Session.remove()

    threads = [threading.Thread(target=decide, args=(user,)) for user in deciders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200, 409, 409, 409]
    model.Session.remove()
    given = model.Session.query(GrantRow).filter_by(application=case["id"]).count()
    assert given == 1
    stream = [event.type for event in ledger.read(model.Session, f"application/{case['id']}")]
    assert stream.count("application.decided") == stream.count("application.granted") == 1


def test_a_double_click_hands_in_once_and_text_stays_text(world: World) -> None:
    """HTML and formulas are what somebody wrote: kept as they are, and shown as such."""
    html, formula = "<img src=x onerror=alert(1)><b>粗</b>", '=HYPERLINK("http://a.example")'
    fields = {**world.content()["fields"], "purpose": html, "capability": formula}
    made = world.draft(world.dataset(), fields=fields)
    answers: list[int] = []
    start = threading.Barrier(4)

    def click() -> None:
        start.wait()
        answer = world.portal.ask("govopen_application_submit", {"id": made["id"]}, world.applicant)
        answers.append(answer.status_code)
        model.Session.remove()

    threads = [threading.Thread(target=click) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200, 409, 409, 409]
    model.Session.remove()
    stream = [event.type for event in ledger.read(model.Session, f"application/{made['id']}")]
    assert stream == ["application.submitted"]
    for user in (world.applicant, world.handler):
        path = f"/open/application/{made['id']}"
        page = world.portal.signed_in(user).get(path, base_url=config["ckan.site_url"])
        text = page.get_data(as_text=True)
        assert page.status_code == 200 and "=HYPERLINK(" in text
        assert "&lt;img src=x onerror=alert(1)&gt;" in text and "<img src=x" not in text


def test_a_crash_before_the_commit_leaves_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = world.accepted()

    def crash(context: Any) -> None:
        raise RuntimeError("the power went out")

    with monkeypatch.context() as broken:
        broken.setattr(command, "finish", crash)
        answer = world.portal.ask(
            "govopen_application_decide", world.opinion(case), world.handler.deciding
        )
        assert answer.status_code == 500
    model.Session.remove()
    seen = world.show(case, world.handler)
    assert seen["parts"][0]["status"] == "accepted" and not seen["letters"]
    decided = world.portal.call(
        "govopen_application_decide", world.handler.deciding, **world.opinion(case)
    )
    assert len(decided["letters"]) == 1


def test_mail_is_sent_once_whatever_fails_in_between(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = world.submitted()
    sent: list[tuple[str, str]] = []
    broken = {world.handler.name}

    def mail(user: Any, subject: str, body: str, **more: Any) -> None:
        if user.name in broken:
            raise OSError("no answer")
        if case["number"] in subject:
            sent.append((user.name, body))

    monkeypatch.setattr(post.mailer, "mail_user", mail)
    for _round in range(2):
        later(monkeypatch, hours=1)
        deliver.due_now(command.now())
        broken.clear()
    wanted = {world.applicant.name, world.handler.name, world.colleague.name}
    assert sorted(name for name, _body in sent) == sorted(wanted)
    for _name, body in sent:
        assert "消防栓" not in body and "论文" not in body
    left = [
        row.payload for row in model.Session.query(OutboxRow).filter_by(kind="mail")
        if row.payload["case"] == case["number"]
    ]  # fmt: skip
    assert left == []


def test_every_notice_has_a_sentence() -> None:
    templates = {notice.template for found in NOTICES.values() for notice in found}
    assert templates <= set(post.SENTENCES)


def test_a_dataset_that_is_closed_leaves_open_applications(world: World) -> None:
    package = world.dataset()
    case = world.submitted(package)
    world.portal.call(
        "govopen_dataset_reclassify",
        world.department.editor,
        id=package["id"],
        open_class="non_open",
        reason="涉及国家秘密",
        legal_basis=[{"instrument": "保守国家秘密法", "article": "13", "kind": "law"}],
    )
    seen = world.show(case, world.applicant)
    assert (seen["status"], seen["parts"][0]["status"]) == ("closed", "lapsed")
    listed = world.portal.call("govopen_application_list", world.applicant)["results"]
    titles = [row["titles"] for row in listed if row["id"] == case["id"]]
    assert titles == [[]], "no title of what is not public any more"


def test_overdue_is_reported_once_and_decides_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(config, "ckanext.govopen.application.targets", "acceptance=5wd")
    case = world.submitted()
    (clock,) = world.show(case, world.handler)["parts"][0]["clocks"]
    assert clock["internal"] and clock["due"]
    desk = world.portal.call("govopen_desk", world.handler)
    assert [one["due"] for one in desk["waiting"] if one["id"] == case["id"]] == [clock["due"]]
    assert case["id"] in {one["id"] for one in world.portal.call(
        "govopen_desk", world.applicant)["mine"]}  # fmt: skip
    later(monkeypatch, days=30)

    def reports() -> int:
        rows = model.Session.query(OutboxRow).filter_by(kind="mail")
        return sum(
            row.payload["template"] == "application-overdue"
            and row.payload["case"] == case["number"]
            and row.payload["users"] == [world.handler.id]
            for row in rows
        )

    for _ in range(2):
        application_round.run(command.now())
        assert reports() == 1
    assert world.show(case, world.handler)["parts"][0]["status"] == "submitted"


def test_how_much_one_person_hands_in_is_limited(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = User.make()
    package, more = world.dataset(), world.dataset()
    monkeypatch.setitem(config, "ckanext.govopen.application.max_per_day", "1")
    world.submitted(package, user=person)
    with pytest.raises(Refused) as refused:
        world.submitted(more, user=person)
    assert refused.value.rules == ["APP-2"]


def test_a_refusal_calls_the_state_as_the_pages_do(world: World) -> None:
    case = world.submitted()
    world.portal.call("govopen_application_withdraw", world.applicant, id=case["id"])
    answer = world.portal.ask("govopen_application_withdraw", {"id": case["id"]}, world.applicant)
    (refusal,) = answer.get_json()["error"]["refusal"]
    assert refusal["message"] == "申请处于“申请人撤回”状态，不能进行此操作。"
