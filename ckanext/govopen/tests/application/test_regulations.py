"""One engine under other regulations, through the running portal: who, when, and what is refused.

The profile is the site's setting and read at each request, so a test sets another one for itself.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from typing import Any

import pytest
from ckan import model
from ckan.common import config

from ckanext.govopen.domain.deadline import local_date
from ckanext.govopen.logic import application_round, command
from ckanext.govopen.model import working_days
from ckanext.govopen.model.outbox import OutboxRow
from ckanext.govopen.tests.application.world import World, later
from ckanext.govopen.tests.portal import Refused, User

CITY = "authority@city_authority"
LAW = [{"instrument": "数据安全法", "article": "21", "kind": "law"}]
DAY = datetime.timedelta(days=1)


@pytest.fixture
def under(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts the site under another regulation for the rest of a test."""

    def choose(name: str) -> None:
        monkeypatch.setitem(config, "ckanext.govopen.jurisdiction", name)
        monkeypatch.setitem(config, "ckanext.govopen.allow_profile_not_in_force", "true")

    return choose


def refused(world: World, action: str, user: User, **data: Any) -> list[dict[str, Any]]:
    """The rows of a refusal, which is a 409 and names its rule."""
    answer = world.portal.ask(f"govopen_application_{action}", data, user)
    assert answer.status_code == 409, answer.get_data(as_text=True)
    rows = answer.get_json()["error"]["refusal"]
    assert all(row["rule"] and row["message"] for row in rows)
    return rows


def wrong(world: World, action: str, user: User, **data: Any) -> set[str]:
    """The parameters that are missing or have the wrong form."""
    answer = world.portal.ask(f"govopen_application_{action}", data, user)
    assert answer.status_code == 409, answer.get_data(as_text=True)
    error = answer.get_json()["error"]
    assert "refusal" not in error
    return set(error) - {"__type"}


def do(world: World, action: str, user: User, **data: Any) -> dict[str, Any]:
    return world.portal.call(f"govopen_application_{action}", user.deciding, **data)


def clock(case: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [one for one in case["parts"][0]["clocks"] if one["id"] == name]
    return found


def working_day_after(day: datetime.date, count: int) -> datetime.date:
    calendar = working_days.calendar()
    while count:
        day += DAY
        count -= calendar.is_workday(day)
    return day


def mails(template: str, case: dict[str, Any]) -> list[str]:
    """Who was to be told of a case."""
    model.Session.rollback()
    rows = model.Session.query(OutboxRow).filter_by(kind="mail")
    return [
        user for row in rows for user in row.payload["users"]
        if (row.payload["template"], row.payload["case"]) == (template, case["number"])
    ]  # fmt: skip


def told_by_the_ledger(world: World, case: dict[str, Any]) -> list[str]:
    """The types of a case's events that its applicant reads."""
    stream = f"application/{case['id']}"
    found = world.portal.call("govopen_ledger_show", world.applicant, stream=stream)["results"]
    assert all("by" not in one["payload"] for one in found)
    return [one["type"] for one in found]


def exported(world: World, case: dict[str, Any]) -> tuple[int, int]:
    """How many events his export of a case has, and how many decisions can be read in it."""
    stream = f"application/{case['id']}"
    answer = world.portal.call("govopen_ledger_export", world.applicant, stream=stream)
    rows = [json.loads(line) for line in answer["lines"][1:]]
    return len(rows), [row.get("type") for row in rows].count("application.decided")


# Haishu


def haishu(world: World, under: Callable[[str], None]) -> dict[str, Any]:
    """Accepted by the authority, which receives there; not yet passed on."""
    world.applicant = User.make()  # nobody has checked him yet
    package = world.dataset()
    under("haishu")
    fields = {**world.content()["fields"], "scenario": "学术研究"}
    parts = [{"datasets": [{"dataset": package["name"], "delivery": ["on_platform"]}]}]
    case = world.submitted(package, fields=fields, parts=parts)
    assert case["parts"][0]["waits_for"] == ["authority@authority"]
    assert case["agreement"], "an article demands it"
    (row,) = refused(world, "accept", world.handler.deciding, id=case["id"])
    assert row["message"]
    (row,) = refused(world, "accept", world.authority.deciding, id=case["id"])
    assert row["rule"] == "ID-4"
    world.checked(case, by=world.authority)
    return do(world, "accept", world.authority, id=case["id"])


def letter_of(case: dict[str, Any], approve: bool = True) -> dict[str, Any]:
    today = local_date(command.now()).isoformat()
    return {
        **World.opinion(case, approve),
        "party": CITY,
        "letter_number": "甬数函〔2026〕7号",
        "letter_date": today,
    }


@pytest.mark.parametrize("first", ["city", "provider"])
def test_haishu_both_decide_in_any_order(
    world: World, under: Callable[[str], None], first: str
) -> None:
    case = haishu(world, under)
    key, today = case["id"], local_date(command.now()).isoformat()
    passed_on = {"id": key, "letter_number": "海数函〔2026〕1号", "letter_date": today}
    (row,) = refused(world, "forward_answer", world.authority.deciding, **letter_of(case))
    assert (row["rule"], row["article"]) == ("APP-1", "25.3"), "not passed on yet"
    refused(world, "forward", world.handler.deciding, **passed_on)
    tomorrow = (local_date(command.now()) + DAY).isoformat()
    future = {**passed_on, "letter_date": tomorrow}
    (row,) = refused(world, "forward", world.authority.deciding, **future)
    assert row["field"] == "letter_date"
    before = world.show(case, world.authority)["parts"][0]
    assert "authority@authority" in before["waits_for"], "it has to pass the case on"
    after = do(world, "forward", world.authority, **passed_on)
    sent = after["parts"][0]["forwarding"]
    assert sent["letter"] == {"number": "海数函〔2026〕1号", "date": today}
    assert sent["body"] == "city_authority" and sent["answer"] is None
    (row,) = refused(world, "forward", world.authority.deciding, **passed_on)
    assert (row["rule"], row["article"]) == ("APP-1", "25.3")
    assert clock(after, "reply")["due"] is None, "the text has no number"

    def city() -> dict[str, Any]:
        return do(world, "forward_answer", world.authority, **letter_of(case))

    def provider() -> dict[str, Any]:
        return do(world, "decide", world.handler, **world.opinion(case))

    steps = (city, provider) if first == "city" else (provider, city)
    between = steps[0]()
    receives = "authority@authority" in between["parts"][0]["waits_for"]
    assert receives is (first == "provider"), "it records what the city answers"
    assert between["parts"][0]["status"] == "accepted"
    assert len(between["parts"][0]["waiting"]) == 1
    seen = world.show(case, world.applicant)["parts"][0]
    assert seen["votes"] == [], "what one body thinks is not told before both have decided"
    assert "application.decided" not in told_by_the_ledger(world, case)
    before, decisions = exported(world, case)
    assert decisions == 0, "its place in the chain is all there is"
    again = letter_of(case) if first == "city" else world.opinion(case)
    action = "forward_answer" if first == "city" else "decide"
    who = world.authority if first == "city" else world.handler
    assert refused(world, action, who.deciding, **again)[0]["rule"] == "APP-3"
    done = steps[1]()["parts"][0]
    assert done["status"] == "approved"
    assert done["forwarding"]["answer"]["number"] == "甬数函〔2026〕7号"
    assert {vote["party"] for vote in done["votes"]} == {CITY, "handler@provider"}
    letters = world.show(case, world.applicant)["letters"]
    assert [one["kind"] for one in letters] == ["approved"], "one letter, when both have agreed"
    assert told_by_the_ledger(world, case).count("application.decided") == 2
    after, decisions = exported(world, case)
    assert decisions == 2 and after > before


def test_haishu_one_refusal_of_the_city_is_enough(
    world: World, under: Callable[[str], None]
) -> None:
    case = haishu(world, under)
    today = local_date(command.now()).isoformat()
    do(world, "forward", world.authority, id=case["id"], letter_number="1", letter_date=today)
    do(world, "decide", world.handler, **world.opinion(case))
    # Nobody here decides in the city's place, the authority only records what came.
    rows = refused(
        world, "decide", world.authority.deciding, **{**world.opinion(case), "party": CITY}
    )
    assert {row["rule"] for row in rows} == {"APP-3"}
    after = do(world, "forward_answer", world.authority, **letter_of(case, False))
    assert (after["status"], after["parts"][0]["status"]) == ("closed", "refused")
    (letter,) = world.show(case, world.applicant)["letters"]
    shown = world.portal.call("govopen_letter_show", world.applicant, number=letter["number"])
    assert "不符合条件" in json.dumps(shown["facts"], ensure_ascii=False)


# Chaohu


def test_chaohu_ten_calendar_days_move_off_a_day_off_and_silence_opens_nothing(
    world: World, under: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    package = world.dataset()
    under("chaohu")
    calendar = working_days.calendar()
    today = local_date(command.now())
    ahead = next(
        days for days in range(1, 40) if not calendar.is_workday(today + (days + 10) * DAY)
    )
    case = world.submitted(package)
    world.checked(case)
    later(monkeypatch, days=ahead)
    accepted = do(world, "accept", world.handler, id=case["id"])
    provide = clock(accepted, "open_provide")
    plain = local_date(command.now()) + 10 * DAY
    assert provide["moved"] and provide["origin"] == "derived" and provide["article"] == "19.3"
    assert provide["due"] == working_day_after(plain, 1).isoformat() != plain.isoformat()
    seen = clock(world.show(case, world.applicant), "open_provide")
    assert seen["due"] == provide["due"], "the applicant reads the same day"

    rows = refused(
        world,
        "extend",
        world.handler.deciding,
        id=case["id"],
        clock="open_provide",
        reason="数据量大",
    )
    assert rows[0]["rule"] in ("APP-3", "APP-4")
    asked = do(
        world, "consult", world.handler, id=case["id"], kind="right_holder_consent",
        whom="某公司", question="是否同意？",
    )  # fmt: skip
    assert not clock(asked, "open_provide")["suspended"], "nothing suspends these days"

    later(monkeypatch, days=60)
    application_round.run(command.now())
    application_round.run(command.now())
    over = world.show(case, world.handler)
    assert over["parts"][0]["status"] == "accepted" and clock(over, "open_provide")["overdue"]
    assert not over["letters"] and not over["parts"][0]["grants"]
    assert mails("application-overdue", case).count(world.handler.id) == 1, "told once"
    rows = refused(world, "decide", world.handler.deciding, **world.opinion(over))
    assert "APP-3" in {row["rule"] for row in rows}, "an answer stands out"
    do(world, "consult_close", world.handler, id=case["id"], consultation=1, outcome="no_answer")
    rows = refused(world, "decide", world.handler.deciding, **world.opinion(over))
    assert rows[0]["article"] == "17.2", "without the right holder's consent it stays closed"
    (row,) = refused(world, "decide", world.handler.deciding, **world.opinion(over, False))
    assert (row["field"], row["article"]) == ("basis", "19.3")
    done = do(world, "decide", world.handler, **world.opinion(over, False, basis=LAW))
    assert done["parts"][0]["status"] == "refused"


# Shandong


def shandong(world: World, under: Callable[[str], None]) -> dict[str, Any]:
    package = world.dataset()
    under("shandong")
    case = world.submitted(package)
    world.checked(case)
    accepted = do(world, "accept", world.handler, id=case["id"])
    reply = clock(accepted, "open_reply")
    assert reply["due"] == working_day_after(local_date(command.now()), 20).isoformat()
    assert reply["article"] == "25.3" and reply["origin"] == "derived"
    return accepted


def test_shandong_asking_a_third_party_stops_the_clock(
    world: World, under: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    case = shandong(world, under)
    began = local_date(command.now())
    order = {"id": case["id"], "kind": "third_party_consultation", "whom": "某科技公司",
             "question": "是否同意向申请人提供？"}  # fmt: skip
    refused(world, "consult", world.handler.deciding, **{**order, "kind": "nobody"})
    assert wrong(world, "consult", world.handler.deciding, **{**order, "whom": " "}) == {"whom"}
    asked = do(world, "consult", world.handler, **order)
    assert clock(asked, "open_reply")["suspended"]
    third = clock(asked, "third_party_reply")
    assert third["due"] == working_day_after(began, 15).isoformat()
    (row,) = refused(world, "consult", world.handler.deciding, **order)
    assert row["field"] == "whom"
    shown = world.show(case, world.applicant)["parts"][0]["consultations"]
    assert [one["kind"] for one in shown] == ["third_party_consultation"]
    assert "whom" not in shown[0], "who was asked stays with the departments"
    later(monkeypatch, days=45)
    application_round.run(command.now())
    assert not clock(world.show(case, world.handler), "open_reply")["overdue"]
    rows = refused(world, "decide", world.handler.deciding, **world.opinion(case))
    assert [row["rule"] for row in rows] == ["APP-3"]
    close = {"id": case["id"], "consultation": 1, "outcome": "consent", "answer": "同意"}
    refused(world, "consult_close", world.handler.deciding, **{**close, "consultation": 9})
    refused(world, "consult_close", world.handler.deciding, **{**close, "answer": ""})
    after = do(world, "consult_close", world.handler, **close)
    reply = clock(after, "open_reply")
    assert not reply["suspended"] and not reply["overdue"]
    assert reply["due"] > working_day_after(began, 20).isoformat()
    refused(world, "consult_close", world.handler.deciding, **close)
    done = do(world, "decide", world.handler, **world.opinion(case))
    assert done["parts"][0]["status"] == "approved"


def test_shandong_the_head_of_disclosure_lengthens_once_and_the_applicant_is_told(
    world: World, under: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    case = shandong(world, under)
    head, began = world.department.reviewer, local_date(command.now())
    order = {"id": case["id"], "clock": "open_reply", "reason": "数据量大", "units": 5}
    (row,) = refused(world, "extend", world.handler.deciding, **order)
    assert row["rule"].startswith("APP")
    assert wrong(world, "extend", head.deciding, **{**order, "reason": " "}) == {"reason"}
    for changes, field in (
        ({"units": 21}, "units"),
        ({"clock": "third_party_reply"}, "clock"),
        ({"clock": "x"}, "clock"),
    ):
        rows = refused(world, "extend", head.deciding, **{**order, **changes})
        assert {row["field"] for row in rows} == {field}
    after = do(world, "extend", head, **order)
    reply = clock(after, "open_reply")
    assert reply["extended"] and reply["due"] == working_day_after(began, 25).isoformat()
    (row,) = refused(world, "extend", head.deciding, **order)
    assert (row["rule"], row["article"]) == ("APP-4", "25.3"), "once only"
    seen = world.show(case, world.applicant)["parts"][0]
    assert [(one["clock"], one["units"]) for one in seen["extensions"]] == [("open_reply", 5)]
    letters = [one["kind"] for one in world.show(case, world.applicant)["letters"]]
    told = mails("application-extended", case)
    assert world.applicant.id in told or "extended" in letters, "a notice goes out"

    under("jilin")
    other = shandong(world, under)
    later(monkeypatch, days=60)
    rows = refused(world, "extend", head.deciding, **{**order, "id": other["id"]})
    assert [row["article"] for row in rows] == ["25.3"], "a limit that is over is not lengthened"


def test_shandong_a_correction_lets_the_days_begin_anew(
    world: World, under: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    package = world.dataset()
    under("shandong")
    case = world.submitted(package)
    do(world, "return", world.handler, id=case["id"], message="请补充用途")
    later(monkeypatch, days=9)
    again = world.portal.call("govopen_application_submit", world.applicant, id=case["id"])
    due = working_day_after(local_date(command.now()), 20).isoformat()
    assert clock(again, "open_reply")["due"] == due


# Every regulation


def test_who_handles_a_part_is_named_and_another_takes_it_over(world: World) -> None:
    case = world.submitted()
    key = case["id"]
    for user, changes in (
        (world.stranger, {}),
        (world.applicant, {}),
        (world.other_handler, {}),
    ):
        rows = refused(
            world, "assign", world.handler.deciding, id=key, handler=user.name, **changes
        )
        assert {row["field"] for row in rows} == {"handler"}
    done = do(world, "assign", world.handler, id=key, handler=world.colleague.name)
    assert done["parts"][0]["handler"]["id"] == world.colleague.id
    assert "handler" not in world.show(case, world.applicant)["parts"][0]
    world.checked(case)
    (row,) = refused(world, "accept", world.handler.deciding, id=key)
    assert row["rule"] == "APP-1", "a colleague handles this"
    (row,) = refused(world, "assign", world.handler.deciding, id=key, handler=world.handler.name)
    assert row["field"] == "reason"
    do(world, "assign", world.handler, id=key, handler=world.handler.name, reason="同事休假")
    accepted = do(world, "accept", world.handler, id=key)
    (row,) = refused(world, "decide", world.colleague.deciding, **world.opinion(accepted))
    assert row["rule"] == "APP-1"
    assert do(world, "decide", world.handler, **world.opinion(accepted))


def test_what_is_not_signed_in_time_lapses_where_the_site_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(config, "ckanext.govopen.application.sign_within_days", "0")
    case = world.accepted()
    do(world, "decide", world.handler, **world.opinion(case))
    later(monkeypatch, days=40)
    application_round.run(command.now())
    assert world.show(case, world.applicant)["parts"][0]["status"] == "approved", "no limit"
    monkeypatch.setitem(config, "ckanext.govopen.application.sign_within_days", "30")
    application_round.run(command.now())
    after = world.show(case, world.applicant)
    assert (after["status"], after["parts"][0]["status"]) == ("closed", "lapsed")
    assert not after["parts"][0]["grants"]
    rows = refused(
        world, "withdraw", world.applicant, id=case["id"], organization=world.department.id
    )
    assert rows[0]["rule"].startswith("APP")


def test_several_departments_decide_each_for_its_own_part(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(config, "ckanext.govopen.application.agreement", "false")
    mine, theirs = world.dataset(), world.dataset(world.other)
    case = world.submitted(mine, theirs)
    assert len(case["parts"]) == 2 and len({one["status"] for one in case["parts"]}) == 1
    for user, package in ((world.handler, mine), (world.other_handler, theirs)):
        (part,) = world.show(case, user)["parts"]
        assert [one["id"] for one in part["datasets"]] == [package["id"]]
    text = json.dumps(world.show(case, world.handler), ensure_ascii=False)
    assert theirs["id"] not in text and world.other.id not in text
    answer = world.portal.ask(
        "govopen_application_accept",
        {"id": case["id"], "organization": world.other.id},
        world.handler.deciding,
    )
    assert answer.status_code == 409, "the other department's part is not there for him"
    world.checked(case)
    accepted = do(world, "accept", world.handler, id=case["id"])
    do(world, "decide", world.handler, **world.opinion(accepted))
    states = {
        one["organization"]["id"]: one["status"]
        for one in world.show(case, world.applicant)["parts"]
    }
    assert states == {world.department.id: "granted", world.other.id: "submitted"}
    assert world.show(case, world.applicant)["status"] == "open"
    do(
        world, "decline", world.other_handler, id=case["id"], reason="不属于本部门职责",
        basis=LAW,
    )  # fmt: skip
    seen = world.show(case, world.applicant)
    assert seen["status"] == "closed" and len(seen["letters"]) == 2
    assert [one["kind"] for one in world.show(case, world.handler)["letters"]] == ["approved"]
    page = world.portal.signed_in(world.applicant).get(
        f"/open/application/{case['id']}", base_url=config["ckan.site_url"]
    )
    text = page.get_data(as_text=True)
    assert page.status_code == 200 and "不属于本部门职责" in text


def test_under_a_regulation_without_a_procedure_nothing_is_applied_for(
    world: World, under: Callable[[str], None]
) -> None:
    package = world.dataset()
    under("panzhihua")
    made = world.draft(package)
    with pytest.raises(Refused) as no:
        world.portal.call("govopen_application_submit", world.applicant, id=made["id"])
    assert no.value.status == 409 and no.value.rules == ["APP-2"]
