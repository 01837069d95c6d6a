"""Who uses a grant: read by a duty, and then written down for each person; by nobody else."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from ckan import model
from sqlalchemy import event

from ckanext.govopen.logic import command
from ckanext.govopen.logic import look as looking
from ckanext.govopen.model import ledger, look
from ckanext.govopen.model.grant import GrantRow
from ckanext.govopen.model.look import LookRow
from ckanext.govopen.tests.agreement.world import by_session
from ckanext.govopen.tests.application.world import World
from ckanext.govopen.tests.portal import User, unique

ROWS = "区县,学校名称\n" + "".join(f"南关区,第{i}小学\n" for i in range(5))


@dataclass
class Given:
    """A grant of an organisation for two persons, one of whom has used it and reported."""

    world: World
    dataset: str
    id: str
    holder: str
    first: User
    second: User
    auditor: User

    @property
    def persons(self) -> tuple[User, User]:
        return self.first, self.second

    def looks(self, user: User) -> list[tuple[str, str, int]]:
        """(capacity, what, times) of the looks that the account is told of, the first one first."""
        found = self.world.portal.call("govopen_look_list", user)["results"]
        return [(one["capacity"], one["what"], one["times"]) for one in reversed(found)]

    def forget(self) -> None:
        """As if nobody had looked yet."""
        model.Session.rollback()
        model.Session.execute(
            sa.delete(LookRow).where(LookRow.subject_id.in_([one.id for one in self.persons]))
        )
        model.Session.commit()


@pytest.fixture(scope="module")
def given(world: World) -> Given:
    portal, place = world.portal, world.department
    first, second, auditor = User.make(), User.make(), User.make()
    portal.duty(auditor, "data-authority", "auditor")
    made = portal.dataset(place, open_class="conditional", open_condition="须申请")
    resource = portal.upload(place.editor, ROWS, package_id=made["id"], name="名单")
    portal.approve(place, made["id"])
    portal.load_rows(made["id"])
    holder = unique("公司")
    grant = portal.call(
        "govopen_grant_give",
        world.handler.deciding,
        package_id=made["id"],
        persons=[first.name, second.name],
        holder=holder,
        holder_code="91440300708461136T",
        purpose="研究",
        delivery=["interface"],
        valid_to="2100-01-01",
    )
    portal.call("datastore_search", second, resource_id=resource["id"], limit=1)
    portal.call("govopen_grant_report", second, id=grant["id"], text="已用于选址")
    return Given(world, made["name"], grant["id"], holder, first, second, auditor)


def reads(given: Given) -> dict[str, Callable[[User], Any]]:
    """All the ways in which somebody could read who uses the grant."""
    portal, stream = given.world.portal, f"grant/{given.id}"

    def action(name: str, **data: Any) -> Callable[[User], Any]:
        return lambda user: portal.ask(name, data, user)

    def page(path: str) -> Callable[[User], Any]:
        return lambda user: portal.get(path, user)

    return {
        "show": action("govopen_grant_show", id=given.id),
        "list": action("govopen_grant_list", package_id=given.dataset),
        "list of all": action("govopen_grant_list", limit=1000),
        "log": action("govopen_access_log_list", grant_id=given.id),
        "ledger": action("govopen_ledger_show", stream=stream),
        "ledger of the department": action(
            "govopen_ledger_show", organization=given.world.department.name, limit=500
        ),
        "export": action("govopen_ledger_export", stream=stream),
        "export as a party": action("govopen_ledger_export", stream=stream, reader="party"),
        "page": page(f"/open/grant/{given.id}"),
        "page of all": page("/open/grants?of=departments"),
        "page of the log": page("/open/access-log"),
        "page of the dataset": page(f"/open/dataset/{given.dataset}/grants"),
        "page of the ledger": page("/open/ledger?part=staff"),
        "file of the ledger": page(f"/open/ledger/export.jsonl?stream={stream}"),
        "file as a party": page(f"/open/ledger/export.jsonl?stream={stream}&reader=party"),
        "open list": page("/open/list.csv"),
        "figures": page("/open/figures.csv"),
        "desk": page("/open/desk"),
    }


def names(answer: Any, user: User) -> bool:
    text = answer.get_data(as_text=True)
    return any(name in text for name in (user.id, user.name, user.fullname))


def looked(reader: User, subject: User) -> bool:
    """Does a row say that the one has read who the other is?"""
    model.Session.rollback()
    number = ledger.number_of(model.Session, reader.id)
    rows = sa.select(LookRow.id).where(
        LookRow.actor == number, LookRow.subject_id == subject.id
    )  # fmt: skip
    return number is not None and model.Session.execute(rows).first() is not None


def test_nobody_reads_a_name_that_is_not_written_down(given: Given) -> None:
    world = given.world
    by_duty = {
        "handler": world.handler,
        "reviewer": world.department.reviewer,
        "authority": world.authority,
        "auditor": given.auditor,
        "operator": world.portal.operator,
    }
    others = (world.department.member, world.department.editor, world.other_handler, world.stranger)
    read: dict[str, set[str]] = {}
    for reader in (*by_duty.values(), *others):
        for way, ask in reads(given).items():
            given.forget()
            answer = ask(reader)
            assert answer.status_code < 500, way
            for subject in given.persons:
                if names(answer, subject):
                    assert looked(reader, subject), (reader.name, way)
                    read.setdefault(reader.id, set()).add(way)
    for one in others:
        assert not read.get(one.id)
    # The test means something: by a duty the names are read, in all these ways.
    ways = {"show", "list", "log", "ledger", "export", "page", "page of the log"}
    assert read[world.handler.id] >= ways | {"page of the dataset", "file of the ledger"}
    assert read[world.authority.id] >= ways | {"export as a party", "file as a party"}
    assert read[given.auditor.id] >= {"log", "ledger", "export", "page of the log"}
    given.forget()


def test_each_person_of_a_grant_is_told_who_read_his_name(given: Given) -> None:
    portal, world = given.world.portal, given.world
    given.forget()
    for user in given.persons:
        portal.call("govopen_grant_show", user, id=given.id)
        portal.call("govopen_access_log_list", user)
    assert [given.looks(user) for user in given.persons] == [[], []], "their own reading is none"

    portal.call("govopen_grant_show", world.handler, id=given.id)
    for user in given.persons:
        assert given.looks(user) == [("handler", "grant", 1)], "within ten minutes, yet two people"
    portal.call("govopen_grant_list", world.handler, package_id=given.dataset)
    order = {"id": given.id, "reason": "核查"}
    portal.call("govopen_grant_suspend", world.handler.deciding, **order)
    portal.call("govopen_grant_resume", world.handler.deciding, **order)
    portal.call(
        "govopen_grant_persons_set",
        world.handler.deciding,
        id=given.id,
        persons=[user.name for user in given.persons],
    )
    portal.call("govopen_access_log_list", given.auditor, grant_id=given.id)
    portal.call("govopen_ledger_show", world.authority, stream=f"grant/{given.id}")
    common = [("handler", "grant", 5)]
    record = [("authority", "record", 1)]
    assert given.looks(given.first) == [*common, *record], "he has not used it"
    assert given.looks(given.second) == [*common, ("auditor", "uses", 1), *record]

    rows = portal.call("govopen_look_list", given.first)["results"]
    assert all(one["mine"] and one["by"] is None for one in rows)
    assert rows[-1]["organization"]["id"] == world.department.id
    # Each says of which grant, by the dataset, and leads to it.
    for reader in (given.first, world.handler, given.auditor):
        rows = portal.call("govopen_look_list", reader)["results"]
        told = [one["grant"] for one in rows if one["grant"]]
        assert (given.id, given.dataset) in {(one["id"], one["dataset"]["name"]) for one in told}
    page = portal.get("/open/looks", given.second).get_data(as_text=True)
    assert f"/open/grant/{given.id}" in page
    for words in ("授权及其使用人信息", "授权的使用日志", "决定记录"):
        assert words in page
    assert world.handler.fullname not in page
    page = portal.get("/zh_Hant_TW/open/looks", given.second).get_data(as_text=True)
    assert "授權及其使用人資訊" in page and "授權的使用紀錄" in page


def test_looks_at_two_grants_of_one_person_are_two(given: Given) -> None:
    """Also where both were given by hand, and so belong to no application."""
    portal, world, someone = given.world.portal, given.world, User.make()
    made = []
    for _ in range(2):
        dataset = portal.released(
            world.department, open_class="conditional", open_condition="须申请"
        )
        grant = portal.call(
            "govopen_grant_give",
            world.handler.deciding,
            package_id=dataset["id"],
            persons=[someone.name],
            holder="本人",
            purpose="研究",
            delivery=["download"],
            valid_to="2100-01-01",
        )
        portal.call("govopen_grant_show", world.handler, id=grant["id"])
        made.append((grant["id"], dataset["id"]))
    rows = portal.call("govopen_look_list", someone)["results"]
    told = [(one["grant"]["id"], one["grant"]["dataset"]["id"]) for one in reversed(rows)]
    assert told == made


def test_who_signed_for_an_organisation_is_told_as_well(given: Given) -> None:
    """He need not be among those who use it."""
    signatory = User.make()
    row = model.Session.get(GrantRow, given.id)
    assert row is not None
    before = {"authorised": row.authorised, "created_by": row.created_by}
    own = sa.update(GrantRow).where(GrantRow.id == given.id)
    signed = {"authorised": signatory.id, "created_by": signatory.id}
    model.Session.execute(own.values(**signed))
    model.Session.commit()
    try:
        shown = given.world.portal.call("govopen_grant_show", given.world.handler, id=given.id)
        assert shown["created_by"]["id"] == signatory.id
        assert looked(given.world.handler, signatory)
        assert given.looks(signatory) == [("handler", "grant", 1)]
    finally:
        model.Session.execute(own.values(**before))
        model.Session.commit()


def test_a_member_without_a_duty_reads_no_name_anywhere(given: Given) -> None:
    portal, world = given.world.portal, given.world
    given.forget()
    hidden = [name for one in given.persons for name in (one.id, one.name, one.fullname)]
    for user in (world.department.member, world.department.editor):
        shown = portal.call("govopen_grant_show", user, id=given.id)
        assert (shown["holder"], shown["person_count"]) == (given.holder, 2)
        assert not {"persons", "holder_code", "created_by"} & set(shown)
        (use,) = portal.call("govopen_access_log_list", user, grant_id=given.id)["results"]
        assert (use["user"], use["address"], use["rows"]) == (None, None, 1)
        for ask in reads(given).values():
            text = ask(user).get_data(as_text=True)
            assert not any(name in text for name in hidden)
        # Nor does he find out by asking for somebody.
        for one in given.persons:
            assert portal.call("govopen_grant_list", user, user=one.name)["count"] == 0
            assert portal.call("govopen_access_log_list", user, user=one.name)["count"] == 0
        page = portal.get(f"/open/dataset/{given.dataset}/grants", user).get_data(as_text=True)
        assert given.holder in page and "使用人员：2" in page
    assert [given.looks(user) for user in given.persons] == [[], []]
    # One of the persons does not learn so who the others are.
    found = portal.call("govopen_grant_list", given.first, user=given.second.name)
    assert found["count"] == 0
    for user in (world.handler, world.authority):
        assert portal.call("govopen_grant_list", user, user=given.first.name)["count"] == 1
        assert portal.call("govopen_access_log_list", user, user=given.second.name)["count"] == 1


def test_the_authority_of_a_lower_level_reads_names_in_its_area_alone(
    given: Given, world: World
) -> None:
    portal = world.portal
    place = portal.department()
    officer, handler, holder = User.make(), User.make(), User.make()
    seat = portal.organization(unique("city"))
    portal.place(place.name, seat["name"])
    portal.duty(officer, seat["name"], "authority")
    portal.duty(handler, place.name, "handler")
    grant = portal.call(
        "govopen_grant_give",
        handler.deciding,
        package_id=world.dataset(place)["id"],
        persons=[holder.name],
        purpose="研究",
        valid_to="2100-01-01",
    )
    model.Session.execute(sa.delete(LookRow).where(LookRow.subject_id == holder.id))
    model.Session.commit()
    shown = portal.call("govopen_grant_show", officer, id=grant["id"])
    assert [one["id"] for one in shown["persons"]] == [holder.id]
    portal.call("govopen_ledger_show", officer, stream=f"grant/{grant['id']}")
    rows = portal.call("govopen_look_list", holder)["results"]
    assert [(one["what"], one["capacity"]) for one in reversed(rows)] == [
        ("grant", "authority"),
        ("record", "authority"),
    ]
    assert {one["organization"]["id"] for one in rows} == {seat["id"]}
    found = portal.call("govopen_grant_list", officer, limit=1000)["results"]
    assert given.id not in {one["id"] for one in found}
    stream = f"grant/{given.id}"
    assert portal.call("govopen_ledger_show", officer, stream=stream)["results"] == []


def test_each_fact_of_a_card_says_what_it_is(given: Given) -> None:
    portal, world = given.world.portal, given.world
    portal.call("govopen_grant_show", world.handler, id=given.id)
    for path, user in (
        ("/open/access-log", world.handler),
        (f"/open/grant/{given.id}", given.second),
        ("/open/looks", given.second),
        ("/open/ledger?part=staff", world.handler),
    ):
        page = BeautifulSoup(portal.get(path, user).get_data(as_text=True), "html.parser")
        cells = page.select("table.go-brief tbody td")
        assert cells, path
        assert all(cell.get("data-label") for cell in cells), path


def test_who_withdrew_an_application_is_not_named_to_a_member(world: World) -> None:
    case = world.submitted()
    place = world.department.name
    world.portal.call(
        "govopen_application_withdraw", world.applicant, id=case["id"], organization=place
    )
    stream = f"application/{case['id']}"

    def by(user: User) -> Any:
        found = world.portal.call(
            "govopen_ledger_show", user, stream=stream, type="application.withdrawn"
        )["results"]
        return [one["by"] and one["by"]["id"] for one in found]

    assert by(world.department.member) == [None]
    assert not looked(world.department.member, world.applicant)
    assert by(world.colleague) == [world.applicant.id]
    assert looked(world.colleague, world.applicant)


def test_who_signed_and_who_opened_a_letter_is_not_named_to_a_member(world: World) -> None:
    """Both are the applicant's own doing: the grants follow from his signature."""
    portal, place, user = world.portal, world.department, User.make()
    case = world.accepted(user=user)
    portal.call("govopen_application_decide", world.handler.deciding, **world.opinion(case))
    keys = {"application": case["id"], "organization": place.id}
    read = portal.call("govopen_agreement_show", user, **keys)
    order = {name: read[name] for name in ("template", "template_version", "text_sha256")}
    order |= {**keys, "typed_name": "李四", "password": user.password}
    signed = by_session(portal.signed_in(user), "govopen_agreement_sign", order)
    assert signed.status_code == 200, signed.get_data(as_text=True)
    for letter in portal.call("govopen_letter_list", user, application=case["id"]):
        portal.call("govopen_letter_show", user, number=letter["number"])
    own = {"application.granted", "application.letter_delivered"}

    def by(reader: User) -> dict[str, Any]:
        stream = {"stream": f"application/{case['id']}"}
        found = portal.call("govopen_ledger_show", reader, **stream)["results"]
        return {one["type"]: one["by"] and one["by"]["id"] for one in found}

    for reader in (place.member, place.editor):
        told = by(reader)
        assert own <= told.keys() and user.id not in told.values()
        assert told["application.approved"] == world.handler.id, "officials are named"
        page = portal.get(f"/open/application/{case['id']}", reader).get_data(as_text=True)
        assert world.handler.fullname in page and user.fullname not in page
        assert not looked(reader, user)
    assert {by(world.colleague)[name] for name in own} == {user.id}
    assert looked(world.colleague, user)


def test_the_answer_of_an_identity_check_is_written_down(world: World) -> None:
    case = world.submitted()
    world.checked(case)
    order = {"application": case["id"], "reason": "证件有误"}
    world.portal.call("govopen_applicant_withdraw", world.handler.deciding, **order)
    found = world.portal.call("govopen_look_list", world.applicant, application=case["id"])
    (one,) = found["results"]
    assert (one["what"], one["capacity"], one["times"]) == ("identity", "handler", 2)


def test_what_cannot_be_written_down_is_neither_read_nor_done(
    given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    portal, world = given.world.portal, given.world
    case = world.submitted(user=User.make())

    def fails(*_args: Any, **_values: Any) -> None:
        raise RuntimeError("no room")

    monkeypatch.setattr(look, "add", fails)
    monkeypatch.setattr(look, "add_unless_recent", fails)
    order = {"id": given.id, "reason": "核查"}
    for name, data in (
        ("govopen_grant_show", {"id": given.id}),
        ("govopen_grant_list", {"package_id": given.dataset}),
        ("govopen_access_log_list", {"grant_id": given.id}),
        ("govopen_ledger_show", {"stream": f"grant/{given.id}"}),
        ("govopen_ledger_export", {"stream": f"grant/{given.id}"}),
        ("govopen_grant_suspend", order),
        ("govopen_grant_revoke", order),
        ("govopen_applicant_check",
         {"application": case["id"], "name": "李四", "document": "身份证"}),
    ):  # fmt: skip
        answer = portal.ask(name, data, world.handler.deciding)
        assert answer.status_code == 500, name
        assert not any(names(answer, user) for user in given.persons), name
        assert "李四" not in answer.get_data(as_text=True)
    monkeypatch.undo()
    model.Session.rollback()
    row = model.Session.get(GrantRow, given.id)
    assert row is not None and row.state == "active"
    checked = portal.call("govopen_applicant_show", world.handler, application=case["id"])
    assert not checked["in_force"]


def statements(work: Callable[[], Any]) -> int:
    """How many SQL statements it takes."""
    counted: list[str] = []

    def count(_c: object, _cur: object, statement: str, *_: object) -> None:
        counted.append(statement)

    engine = model.meta.engine
    event.listen(engine, "before_cursor_execute", count)
    try:
        work()
    finally:
        event.remove(engine, "before_cursor_execute", count)
    return len(counted)


def test_fifty_grants_take_no_more_statements_than_five(world: World) -> None:
    made, now = world.dataset(), command.now()
    people = [unique("person") for _ in range(50)]
    rows = [
        GrantRow(
            id=unique("grant"), package_id=made["id"], organization_id=world.department.id,
            holder_kind="person", persons=[user], purpose="研究", delivery=["download"],
            valid_from=now, valid_to=now + datetime.timedelta(days=9), created_at=now,
            state="active",
        )
        for user in people
    ]  # fmt: skip
    model.Session.add_all(rows)
    model.Session.commit()
    ids = [row.id for row in rows]
    reader = world.handler

    def listing(limit: int) -> Callable[[], Any]:
        def work() -> None:
            found = world.portal.call(
                "govopen_grant_list", reader, package_id=made["id"], limit=limit
            )
            assert len(found["results"]) == limit

        return work

    listing(1)()  # what is looked up once in a process
    few, many, again = (statements(listing(limit)) for limit in (5, 50, 50))
    # A list that writes what it has counted before as well takes one statement more.
    assert many <= few + 1 and again <= few + 1, (few, many, again)
    found = model.Session.query(LookRow).filter(LookRow.subject_id.in_(people))
    assert sorted({row.subject_id for row in found}) == sorted(people)
    assert found.count() == 50
    assert sum(row.times for row in found) == 1 + 5 + 50 + 50

    context = {"user": reader.name, "ignore_auth": False}
    streams = {f"grant/{one}": {user} for one, user in zip(ids, people, strict=True)}
    some = dict(list(streams.items())[:5])
    few = statements(lambda: looking.in_ledger(dict(context), some))
    assert statements(lambda: looking.in_ledger(dict(context), streams)) <= few
    found = model.Session.query(LookRow).filter(LookRow.subject_id.in_(people))
    assert found.filter(LookRow.what == "record").count() == 50
    # They are no accounts: nobody else's figures are to count them.
    model.Session.execute(sa.delete(GrantRow).where(GrantRow.id.in_(ids)))
    model.Session.execute(sa.delete(LookRow).where(LookRow.subject_id.in_(people)))
    model.Session.commit()


def test_a_person_whom_an_organisation_named_gets_no_link_to_its_case(world: World) -> None:
    friend, case = User.make(), world.submitted()
    given = {
        "application_id": case["id"], "grant_id": "", "subject_id": friend.id, "what": "grant",
        "actor": 1, "capacity": "handler", "organization_id": world.department.id, "status": "",
    }  # fmt: skip
    look.add(model.Session, command.now(), [given])
    model.Session.commit()
    (one,) = world.portal.call("govopen_look_list", friend)["results"]
    assert one["application"]["number"] and not one["application"]["readable"]
    page = world.portal.get("/open/looks", friend).get_data(as_text=True)
    assert case["number"] in page and f"/open/application/{case['id']}" not in page
    assert json.dumps(one).count(world.applicant.id) == 0
