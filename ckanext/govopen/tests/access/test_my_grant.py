"""The pages of a grant's holder, the table within the portal, and what ends a grant."""

from __future__ import annotations

import datetime
import re
from typing import Any

import pytest
from ckan import model
from ckan.common import config

from ckanext.govopen.logic import closing as account
from ckanext.govopen.logic import grant_upkeep
from ckanext.govopen.model import outbox, projections
from ckanext.govopen.model.access_log import AccessRow
from ckanext.govopen.model.grant import GrantRow
from ckanext.govopen.tests.portal import Department, Portal, User, forgery_token, unique

WIDE = "区县,学校名称,学生数\n" + "".join(f"南关区,第{i}小学,{i}\n" for i in range(60))


class Browser:
    """Somebody who has signed in."""

    def __init__(self, portal: Portal, user: User) -> None:
        self._client = portal.signed_in(user)

    def get(self, path: str) -> Any:
        return self._client.get(path, base_url=config["ckan.site_url"])

    def post(self, path: str, data: dict[str, str]) -> Any:
        return self._client.post(path, data=data, base_url=config["ckan.site_url"])


@pytest.fixture
def place(portal: Portal) -> Department:
    return portal.department()


def offered(
    portal: Portal,
    place: Department,
    *persons: User,
    dataset: dict[str, Any] | None = None,
    **fields: Any,
) -> tuple[str, str, str]:
    """(dataset, resource, grant) of conditional data with its rows."""
    described = {"open_class": "conditional", "open_condition": "须申请", **(dataset or {})}
    made = portal.dataset(place, **described)
    resource = portal.upload(place.editor, WIDE, package_id=made["id"], name="名单")
    portal.approve(place, made["id"])
    portal.load_rows(made["id"])
    grant = portal.call(
        "govopen_grant_give",
        portal.operator.deciding,
        package_id=made["id"],
        persons=[user.name for user in persons],
        break_glass="test",
        **{
            "purpose": "研究",
            "delivery": ["on_platform"],
            "valid_to": "2100-01-01",
            **fields,
        },
    )
    return made["id"], resource["id"], grant["id"]


def test_the_table_within_the_portal(portal: Portal, place: Department) -> None:
    user, stranger = User.make(), User.make()
    _, resource_id, grant_id = offered(
        portal, place, user, items=["区县", "学生数"], quota={"rows_per_day": 60}
    )
    url = f"/open/grant/{grant_id}/table/{resource_id}"
    browser = Browser(portal, user)
    page = browser.get(url)
    text = page.get_data(as_text=True)
    assert page.status_code == 200, text[:500]
    assert text.count("<td>南关区</td>") == 25
    assert "小学" not in text
    assert "学校名称" not in text
    assert "不等于保密" in text
    # No other column is looked at: neither by search nor by order.
    assert "<td>南关区</td>" not in browser.get(f"{url}?q=第3小学").get_data(as_text=True)
    sorted_by_other = browser.get(f"{url}?sort=学校名称&order=desc&page=3").get_data(as_text=True)
    assert "<td>50</td>" in sorted_by_other
    found = browser.get(f"{url}?q=59").get_data(as_text=True)
    assert "<td>59</td>" in found
    # The rest of the day's rows, then nothing.
    rest = browser.get(url).get_data(as_text=True)
    assert rest.count("<td>南关区</td>") == 60 - 25 - 10 - 1
    assert browser.get(url).status_code == 429
    rows = model.Session.query(AccessRow).filter(AccessRow.grant_id == grant_id).all()
    assert {row.kind for row in rows} == {"on_platform"}
    assert sum(row.rows or 0 for row in rows if row.outcome == "granted") == 60
    # No program, nobody else, and not by the interface.
    assert portal.get(url, user).status_code == 403
    assert Browser(portal, stranger).get(url).status_code == 404
    asked = portal.ask("datastore_search", {"resource_id": resource_id}, user)
    assert asked.status_code == 403
    assert portal.get(f"/datastore/dump/{resource_id}", user).status_code == 403
    assert browser.get(f"/datastore/dump/{resource_id}").status_code == 403


def test_numbers_in_the_table_stand_in_the_order_of_numbers(
    portal: Portal, place: Department
) -> None:
    user = User.make()
    named = [{"name": "学生数", "type": "N", "open": True}]
    _, resource_id, grant_id = offered(portal, place, user, dataset={"info_items": named})
    url = f"/open/grant/{grant_id}/table/{resource_id}?sort=学生数"
    for order, first in (("asc", ["0", "1", "2", "3"]), ("desc", ["59", "58", "57", "56"])):
        page = Browser(portal, user).get(f"{url}&order={order}").get_data(as_text=True)
        cells = re.findall(r"<td>([0-9]+)</td>", page)
        assert cells[:4] == first, cells


def test_pages_of_holder_and_department(portal: Portal, place: Department) -> None:
    user, stranger = User.make(), User.make()
    _, resource_id, grant_id = offered(
        portal, place, user, delivery=["interface"], items=["区县"], purpose="研究消防"
    )
    browser = Browser(portal, user)
    mine = browser.get("/open/grants").get_data(as_text=True)
    assert f"/open/grant/{grant_id}" in mine
    page = browser.get(f"/open/grant/{grant_id}").get_data(as_text=True)
    assert "研究消防" in page
    assert resource_id in page
    assert "curl" in page
    assert portal.ask("datastore_search", {"resource_id": resource_id}, user).status_code == 200
    assert browser.get("/open/access-log").status_code == 200
    assert user.fullname in Browser(portal, place.reviewer).get("/open/access-log").get_data(True)
    assert Browser(portal, place.editor).get(f"/open/grant/{grant_id}").status_code == 200
    other = Browser(portal, stranger)
    assert other.get(f"/open/grant/{grant_id}").status_code == 404
    assert grant_id not in other.get("/open/grants").get_data(as_text=True)
    assert grant_id not in other.get("/open/access-log").get_data(as_text=True)
    assert portal.call("govopen_access_log_list", stranger)["count"] == 0
    assert portal.call("govopen_access_log_list", user)["count"] == 1
    token = forgery_token(browser.get(f"/open/grant/{grant_id}").get_data(as_text=True))
    sent = browser.post(
        f"/open/grant/{grant_id}/report", {"text": "已用于选址", "_csrf_token": token}
    )
    assert sent.status_code == 302
    shown = portal.call("govopen_grant_show", place.editor, id=grant_id)
    assert shown["report"]["text"] == "已用于选址"
    assert shown["report"]["due"] is None


def test_who_leaves_an_organisation_loses_access(portal: Portal, place: Department) -> None:
    first, second, handler = User.make(), User.make(), User.make()
    portal.duty(handler, place.name, "handler")
    _, resource_id, grant_id = offered(
        portal, place, first, second, delivery=["interface"], holder=unique("公司")
    )
    query = {"resource_id": resource_id, "limit": 1}
    assert portal.ask("datastore_search", query, second).status_code == 200
    data = {"id": grant_id, "persons": [first.name]}
    for wrong in (first.deciding, second.deciding, place.editor.deciding, User.make().deciding):
        assert portal.ask("govopen_grant_persons_set", data, wrong).status_code in (404, 409)
    assert portal.ask("govopen_grant_persons_set", data, handler).status_code == 403
    own = {"id": grant_id, "persons": [first.name, handler.name]}
    assert portal.ask("govopen_grant_persons_set", own, handler.deciding).status_code == 409
    portal.call("govopen_grant_persons_set", handler.deciding, **data)
    assert portal.ask("datastore_search", query, second).status_code == 403
    assert portal.ask("datastore_search", query, first).status_code == 200
    stream = f"grant/{grant_id}"
    events = portal.call("govopen_ledger_show", handler, stream=stream)["results"]
    assert "grant.persons_changed" in [event["type"] for event in events]
    assert not portal.call("govopen_ledger_show", second, stream=stream)["results"]
    assert told(grant_id)[-2:] == [("grant-person-removed", second.id),
                                   ("grant-persons-changed", first.id)]  # fmt: skip


def told(case: str) -> list[tuple[str, str]]:
    """The mails to be sent about a grant: what about, and to whom."""
    rows = model.Session.query(outbox.OutboxRow).filter_by(kind="mail").order_by(
        outbox.OutboxRow.id
    )  # fmt: skip
    return [
        (row.payload["template"], user) for row in rows for user in row.payload["users"]
        if row.payload["case"] == case
    ]  # fmt: skip


def test_a_person_who_was_named_gives_his_use_up(portal: Portal, place: Department) -> None:
    first, second, closing, handler = User.make(), User.make(), User.make(), User.make()
    portal.duty(handler, place.name, "handler")
    _, resource_id, grant_id = offered(
        portal, place, first, second, closing, delivery=["interface"], holder="某公司"
    )
    query, stream = {"resource_id": resource_id, "limit": 1}, f"grant/{grant_id}"
    assert portal.ask("datastore_search", query, second).status_code == 200
    assert portal.call("govopen_access_log_list", second)["count"] == 1
    assert portal.call("govopen_ledger_show", second, stream=stream)["results"]
    assert portal.call("govopen_access_log_list", first)["count"] == 0, "each his own uses"

    own = {"id": grant_id}
    assert portal.ask("govopen_grant_leave", own, User.make()).status_code == 404
    assert portal.ask("govopen_grant_leave", own, handler).status_code == 409, "he is none of them"
    assert portal.ask("govopen_grant_leave", own).status_code == 403
    assert portal.ask("govopen_grant_leave", {"id": "none"}, second).status_code == 404

    browser = Browser(portal, second)
    page = browser.get(f"/open/grant/{grant_id}").get_data(as_text=True)
    assert "退出使用" in page and "某公司" in page
    token = forgery_token(page)
    sent = browser.post(f"/open/grant/{grant_id}/leave", {"_csrf_token": token})
    assert sent.status_code == 302 and sent.headers["Location"].endswith("/open/grants")
    assert portal.ask("datastore_search", query, second).status_code == 403
    assert browser.get(f"/open/grant/{grant_id}").status_code == 404
    assert not portal.call("govopen_ledger_show", second, stream=stream)["results"]
    assert portal.ask("govopen_grant_leave", own, second).status_code == 404, "once is enough"
    assert portal.ask("datastore_search", query, first).status_code == 200

    # Whoever closes his account is no person of it any more either.
    user = model.User.get(closing.id)
    assert user is not None
    account.close(user, datetime.datetime.now(datetime.timezone.utc))
    model.repo.commit()
    shown = portal.call("govopen_grant_show", handler, id=grant_id)
    assert [one["id"] for one in shown["persons"]] == [first.id] and shown["works"]
    differences = [one for one in projections.check(model.Session) if grant_id in str(one)]
    assert differences == [], "the ledger says the same"
    portal.call("govopen_grant_leave", first, id=grant_id)
    assert portal.ask("datastore_search", query, first).status_code == 403
    assert portal.call("govopen_grant_show", handler, id=grant_id)["persons"] == []
    removed = [who for what, who in told(grant_id) if what == "grant-person-removed"]
    assert removed == [second.id, first.id]


@pytest.mark.parametrize("how", ["closed", "deleted", "open"])
def test_a_dataset_that_changes_its_class_ends_its_grants(
    portal: Portal, place: Department, how: str
) -> None:
    user = User.make()
    package_id, _, grant_id = offered(portal, place, user, delivery=["download"])
    basis = [{"instrument": "数据安全法", "article": "21", "kind": "law"}]
    change = {"id": package_id, "reason": "test", "legal_basis": basis}
    if how == "closed":
        portal.call("govopen_dataset_reclassify", place.editor, **change, open_class="non_open")
    elif how == "deleted":
        portal.call("package_delete", place.editor, id=package_id)
    else:
        portal.call("package_patch", place.editor, id=package_id, open_class="unconditional")
        portal.approve(place, package_id)
    shown = portal.call("govopen_grant_show", user, id=grant_id)
    causes = {"closed": "non_open", "deleted": "withdrawn", "open": "unconditional"}
    assert (shown["state"], shown["cause"]) == ("ended", causes[how])
    mails = [
        row.payload
        for row in model.Session.query(outbox.OutboxRow).filter_by(kind="mail")
        if row.payload.get("grant") == grant_id
    ]
    assert [(mail["template"], mail["users"]) for mail in mails] == [("grant-ended", [user.id])]


def test_notice_before_the_end_and_the_end_of_the_log(portal: Portal, place: Department) -> None:
    user = User.make()
    now = datetime.datetime.now(datetime.timezone.utc)
    until = (now + datetime.timedelta(days=20)).isoformat()
    _, resource_id, grant_id = offered(portal, place, user, delivery=["interface"], valid_to=until)
    day = datetime.timedelta(days=1)

    def told() -> int:
        rows = model.Session.query(outbox.OutboxRow).filter_by(kind="mail").all()
        return sum(
            row.payload.get("grant") == grant_id and row.payload["template"] == "grant-expiring"
            for row in rows
        )

    for at, expected in ((now - 12 * day, 0), (now, 1), (now, 1), (now + 14 * day, 2)):
        grant_upkeep.notify(at)
        assert told() == expected
    assert portal.ask("datastore_search", {"resource_id": resource_id}, user).status_code == 200
    grant_upkeep.forget(now + 729 * day)
    log = model.Session.query(AccessRow).filter(AccessRow.grant_id == grant_id)
    assert log.count() == 1
    grant_upkeep.forget(now + 731 * day)
    assert log.count() == 0
    assert model.Session.get(GrantRow, grant_id) is not None
