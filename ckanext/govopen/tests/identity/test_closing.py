"""Closing an account: who may, what ends at once, what is erased when, and what stays."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from ckan import model
from ckan.common import config

from ckanext.govopen.logic import closing, command
from ckanext.govopen.model import ledger
from ckanext.govopen.model.grant import GrantRow
from ckanext.govopen.model.identity import ClosedAccountRow, ExternalIdentityRow
from ckanext.govopen.model.outbox import OutboxRow
from ckanext.govopen.tests.identity.provider import Provider
from ckanext.govopen.tests.identity.test_sign_in import Browser, accounts, again
from ckanext.govopen.tests.portal import Portal, User, unique


def close(browser: Browser, password: str, **more: str) -> Any:
    return browser.post("/open/account/close", password=password, **{"sure": "yes", **more})


def state(user: User) -> str:
    model.Session.rollback()
    found = model.User.get(user.id)
    assert found is not None
    return found.state


def test_everything_ends_at_once(portal: Portal) -> None:
    user, department = User.make(), portal.department()
    group = portal.organization(unique("org"), member=user)
    made = portal.released(department, open_class="conditional", open_condition="申请")
    given = portal.call(
        "govopen_grant_give",
        portal.operator.deciding,
        package_id=made["id"],
        persons=[user.name],
        purpose="research",
        valid_to=(command.now() + datetime.timedelta(days=30)).isoformat(),
        break_glass="A test.",
    )
    browser, elsewhere = Browser(portal, user), Browser(portal, user)
    assert elsewhere.name == user.name
    answer = close(browser, user.password)
    assert answer.status_code == 302, answer.get_data(as_text=True)[:3000]
    assert answer.headers["Location"].endswith("/open/account/closed")
    assert state(user) == "deleted"
    assert browser.name is None
    assert elsewhere.name is None
    assert portal.ask("govopen_account_show", {}, user).status_code == 403
    members = portal.call("member_list", portal.operator, id=group["id"], object_type="user")
    assert user.id not in [row[0] for row in members]
    row = model.Session.get(GrantRow, given["id"])
    assert row is not None
    assert (row.state, row.reason) == ("ended", "account_closed")
    with pytest.raises(AssertionError):
        portal.signed_in(user)


def told(user: User, grant: str) -> list[str]:
    """Templates of the mails that wait for somebody about a grant, by name."""
    rows = model.Session.scalars(
        sa.select(OutboxRow.payload).where(
            OutboxRow.payload["users"].contains([user.id]),
            OutboxRow.payload["grant"].astext == grant,
        )
    )
    return sorted(row["template"] for row in rows)


def test_those_who_stay_with_a_grant_are_told(portal: Portal) -> None:
    leaves, stays, stranger, handler = User.make(), User.make(), User.make(), User.make()
    department = portal.department()
    portal.duty(handler, department.name, "handler")
    made = portal.released(department, open_class="conditional", open_condition="申请")
    given = portal.call(
        "govopen_grant_give",
        portal.operator.deciding,
        package_id=made["id"],
        persons=[leaves.name, stays.name],
        holder="某公司",
        purpose="research",
        valid_to=(command.now() + datetime.timedelta(days=30)).isoformat(),
        break_glass="A test.",
    )["id"]
    assert close(Browser(portal, leaves), leaves.password).status_code == 302
    model.Session.rollback()
    row = model.Session.get(GrantRow, given)
    assert row is not None
    assert (row.state, row.persons) == ("active", [stays.id])
    assert told(stays, given) == ["grant-person-closed"]
    assert told(leaves, given) == told(stranger, given) == told(handler, given) == []
    # He names the persons and uses nothing himself; without him only the department can.
    row.authorised, row.persons = stranger.id, [stays.id]
    model.repo.commit()
    assert close(Browser(portal, stranger), stranger.password).status_code == 302
    model.Session.rollback()
    assert told(handler, given) == ["grant-authorised-closed"]
    assert told(stays, given) == ["grant-authorised-closed", "grant-person-closed"]


def test_it_takes_the_password_and_a_yes(portal: Portal) -> None:
    user = User.make()
    browser = Browser(portal, user)
    assert close(browser, "wrong").status_code == 400
    assert close(browser, "").status_code == 400
    assert close(browser, user.password, sure="").status_code == 400
    assert state(user) == "active"


def test_passwords_are_not_guessed(portal: Portal) -> None:
    user = User.make()
    browser = Browser(portal, user)
    for _ in range(8):
        assert close(browser, "wrong").status_code == 400
    assert close(browser, user.password).status_code == 400
    assert state(user) == "active"


def test_no_token_and_no_other_page_closes_it(portal: Portal) -> None:
    user = User.make()
    for one in (user, user.deciding):
        answer = portal.ask("govopen_account_close", {"password": user.password}, one)
        assert answer.status_code == 403
    answer = portal.ask("govopen_account_close", {"password": user.password})
    assert answer.status_code == 403
    browser = Browser(portal, user)
    foreign = browser.client.post(
        "/open/account/close",
        base_url=browser.base,
        data={"password": user.password, "sure": "yes"},
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    assert foreign.status_code == 403
    assert state(user) == "active"


@pytest.mark.parametrize("password", [1, ["x"], {"a": 1}, "x" * 200_000, "\x00"])
def test_what_is_no_password(portal: Portal, password: Any) -> None:
    user = User.make()
    browser = Browser(portal, user)
    answer = browser.client.post(
        "/api/3/action/govopen_account_close", base_url=browser.base, json={"password": password}
    )
    assert answer.status_code in (400, 403, 409)
    assert state(user) == "active"


def test_duties_are_given_back_first(portal: Portal) -> None:
    department = portal.department()
    browser = Browser(portal, department.reviewer)
    assert close(browser, department.reviewer.password).status_code == 400
    assert state(department.reviewer) == "active"
    operator = Browser(portal, portal.operator)
    assert close(operator, portal.operator.password).status_code == 400
    assert state(portal.operator) == "active"


def test_a_fresh_sign_in_does_instead_of_the_password(portal: Portal, provider: Provider) -> None:
    browser = Browser(portal)
    browser.sign_in()
    [row] = accounts(provider)
    assert close(browser, "").status_code == 400
    again(browser)
    assert close(browser, "").status_code == 302
    found = model.User.get(row.user_id)
    assert found is not None
    assert found.state == "deleted"


def test_what_names_the_person_is_erased_when_its_time_is_over(
    portal: Portal, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(config, "ckanext.govopen.account.erase_days", 7)
    provider.user.update(name="韩梅梅", email=f"{unique('han')}@example.com", email_verified=True)
    browser = Browser(portal)
    browser.sign_in()
    [linked] = accounts(provider)
    again(browser)
    close(browser, "")
    user_id, name = linked.user_id, model.User.get(linked.user_id).name  # type: ignore[union-attr]
    number = ledger.number_of(model.Session, user_id)
    assert number is not None
    closing.erase_due(command.now() + datetime.timedelta(days=6))
    kept = model.User.get(user_id)
    assert kept is not None
    assert kept.fullname == "韩梅梅"
    closing.erase_due(command.now() + datetime.timedelta(days=8))
    model.Session.expire_all()
    user = model.User.get(user_id)
    assert user is not None
    assert user.state == "deleted"
    assert user.name.startswith("closed-")
    assert name not in user.name
    assert (user.fullname, user.email) == (None, None)
    assert not user.password
    links = sa.select(ExternalIdentityRow).where(ExternalIdentityRow.user_id == user_id)
    assert model.Session.scalars(links).all() == []
    row = model.Session.get(ClosedAccountRow, user_id)
    assert row is not None
    erased = row.erased_at
    assert erased is not None
    # The record still knows that somebody, under this number, closed his account.
    assert ledger.number_of(model.Session, user_id) == number
    events = [
        event for event in ledger.read(model.Session, closing.STREAM) if event.actor == str(number)
    ]
    assert [event.type for event in events] == ["account.closed"]
    # The same person may come back: as a new account.
    browser.sign_in()
    assert accounts(provider)[0].user_id != user_id


def test_an_account_that_the_operator_opened_again_is_not_erased(portal: Portal) -> None:
    user = User.make()
    close(Browser(portal, user), user.password)
    found = model.User.get(user.id)
    assert found is not None
    found.state = "active"
    model.repo.commit()
    closing.erase_due(command.now() + datetime.timedelta(days=400))
    found = model.User.get(user.id)
    assert found is not None
    assert (found.name, found.state) == (user.name, "active")
