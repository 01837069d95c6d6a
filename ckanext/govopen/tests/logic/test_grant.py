"""Grants: what they open, when they stop, who may see and change them."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ckan import model
from ckan.plugins import toolkit as tk
from ckan.tests import factories

from ckanext.govopen.access import clock
from ckanext.govopen.access.sight import may_read_content
from ckanext.govopen.logic import command
from ckanext.govopen.model import grant as grants
from ckanext.govopen.model import ledger, projections
from ckanext.govopen.tests.access.site import Site


@pytest.fixture(scope="module")
def dataset(site: Site) -> dict[str, Any]:
    """A released conditional dataset of the department education."""
    made = site.dataset("conditional")
    site.release(made["id"])
    return made


@pytest.fixture
def someone(site: Site) -> dict[str, Any]:
    return factories.UserWithToken()


def call_as(name: str, action: str, **data: Any) -> Any:
    return tk.get_action(action)({"user": name, "ignore_auth": False}, data)


def give(site: Site, dataset: dict[str, Any], *users: str, **more: Any) -> dict[str, Any]:
    data = {
        "package_id": dataset["name"],
        "persons": list(users),
        "purpose": "教学研究",
        "valid_to": "2099-12-31",
        "break_glass": "测试",
        **more,
    }
    return site.call("govopen_grant_give", "operator", **data)


def reads(dataset: dict[str, Any], user: str) -> bool:
    return may_read_content({"user": user, "ignore_auth": False}, dataset["id"]).content


def refusal(site: Site, who: str, action: str, **data: Any) -> str:
    with pytest.raises(tk.ValidationError) as caught:
        site.call(action, who, **data)
    model.Session.rollback()
    return str(caught.value.error_dict["refusal"])


def test_a_grant_opens_the_content_to_its_holder_only(
    site: Site, dataset: dict[str, Any], someone: dict[str, Any]
) -> None:
    assert not reads(dataset, someone["name"])
    row = give(site, dataset, someone["name"])
    assert row["works"] is True and row["dataset"]["name"] == dataset["name"]
    assert reads(dataset, someone["name"])
    assert not reads(dataset, site.name("citizen"))
    assert not reads(dataset, site.name("other"))


def test_suspending_resuming_and_revoking_work_with_the_next_request(
    site: Site, dataset: dict[str, Any], someone: dict[str, Any]
) -> None:
    row = give(site, dataset, someone["name"])
    order = {"id": row["id"], "reason": "核查用途", "break_glass": "测试"}
    assert site.call("govopen_grant_suspend", "operator", **order)["state"] == "suspended"
    assert not reads(dataset, someone["name"])
    assert site.call("govopen_grant_resume", "operator", **order)["works"] is True
    assert reads(dataset, someone["name"])
    revoked = site.call("govopen_grant_revoke", "operator", **order)
    assert (revoked["state"], revoked["works"]) == ("revoked", False)
    assert not reads(dataset, someone["name"])
    refusal(site, "operator", "govopen_grant_resume", **order)
    types = [event.type for event in ledger.read(model.Session, f"grant/{row['id']}")]
    assert types == ["grant.given", "grant.suspended", "grant.resumed", "grant.revoked"]


def test_an_expired_grant_gives_nothing(
    site: Site,
    dataset: dict[str, Any],
    someone: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    end = command.now() + datetime.timedelta(minutes=5)
    row = give(site, dataset, someone["name"], valid_to=end.isoformat())
    assert reads(dataset, someone["name"])
    for module in (clock, command):
        monkeypatch.setattr(module, "now", lambda: end)
    assert not reads(dataset, someone["name"])
    shown = call_as(someone["name"], "govopen_grant_show", id=row["id"])
    assert (shown["state"], shown["works"], shown["reason_code"]) == ("active", False, "expired")


def test_a_grant_of_an_organisation_serves_the_persons_it_names(
    site: Site, dataset: dict[str, Any]
) -> None:
    one, two, third = (factories.User() for _ in range(3))
    row = give(
        site, dataset, one["name"], two["name"], holder="某大学", holder_code="12350200MB1234567U"
    )
    assert (row["kind"], row["holder"]) == ("organisation", "某大学")
    assert reads(dataset, one["name"]) and reads(dataset, two["name"])
    assert not reads(dataset, third["name"])


def test_the_department_s_handler_decides_its_own_grants_and_no_others(
    site: Site, dataset: dict[str, Any], someone: dict[str, Any]
) -> None:
    handler = factories.User()
    site.call(
        "govopen_duty_give",
        "operator",
        user=handler["name"],
        organization=site.organization["name"],
        duty="handler",
    )
    row = give(site, dataset, someone["name"])
    stopped = call_as(handler["name"], "govopen_grant_suspend", id=row["id"], reason="核查")
    assert stopped["state"] == "suspended"
    for who in ("other", "citizen", None):
        with pytest.raises((tk.ObjectNotFound, tk.NotAuthorized)):
            site.call("govopen_grant_revoke", who, id=row["id"], reason="越权")
        model.Session.rollback()
    refusal(site, "editor", "govopen_grant_revoke", id=row["id"], reason="越权")
    stored = grants.get(model.Session, row["id"])
    assert stored is not None and stored.state == "suspended"


def test_the_operator_decides_nothing_without_breaking_the_glass(
    site: Site, dataset: dict[str, Any], someone: dict[str, Any]
) -> None:
    row = give(site, dataset, someone["name"])
    refusal(site, "operator", "govopen_grant_revoke", id=row["id"], reason="无")


@pytest.mark.parametrize(
    "wrong",
    [
        {"persons": []},
        {"purpose": " "},
        {"valid_to": "2001-01-01"},
        {"valid_to": None},
        {"valid_to": "soon"},
        {"persons": ["nobody-1"]},
        {"package_id": "no-such-dataset"},
        {"delivery": ["pigeon"]},
        {"quota": {"downloads": -1}},
        {"quota": {"wishes": 3}},
        {"quota": "many"},
        {"items": ["学校名称"], "delivery": ["download"]},
    ],
)
def test_a_wrong_grant_is_refused(
    site: Site, dataset: dict[str, Any], someone: dict[str, Any], wrong: dict[str, Any]
) -> None:
    with pytest.raises(tk.ValidationError):
        give(site, dataset, someone["name"], **wrong)
    model.Session.rollback()
    assert not reads(dataset, someone["name"])


def test_grants_are_for_conditional_data_only(site: Site, someone: dict[str, Any]) -> None:
    open_to_all = site.dataset("unconditional")
    site.release(open_to_all["id"])
    with pytest.raises(tk.ValidationError):
        give(site, open_to_all, someone["name"])
    model.Session.rollback()


def test_everybody_sees_what_concerns_him(
    site: Site, dataset: dict[str, Any], someone: dict[str, Any]
) -> None:
    row = give(site, dataset, someone["name"])
    own = call_as(someone["name"], "govopen_grant_list")
    assert [found["id"] for found in own["results"]] == [row["id"]]
    assert "persons" not in own["results"][0] and "created_by" not in own["results"][0]
    assert own["results"][0]["dataset"]["title"] == dataset["title"]
    staff = site.call("govopen_grant_list", "reviewer", user=someone["name"])
    assert staff["results"][0]["persons"][0]["name"] == someone["name"]
    # A member without a duty has the grant without the people, and does not find it by them.
    (shown,) = [
        one
        for one in site.call("govopen_grant_list", "editor", package_id=dataset["id"])["results"]
        if one["id"] == row["id"]
    ]
    assert shown["person_count"] == 1 and "persons" not in shown
    assert site.call("govopen_grant_list", "editor", user=someone["name"])["count"] == 0
    assert site.call("govopen_grant_list", "other", user=someone["name"])["count"] == 0
    for who in ("other", "citizen"):
        with pytest.raises(tk.ObjectNotFound):
            site.call("govopen_grant_show", who, id=row["id"])
    with pytest.raises(tk.NotAuthorized):
        site.call("govopen_grant_list", None)


def test_a_holder_does_not_read_the_title_of_what_was_taken_away(
    site: Site, someone: dict[str, Any]
) -> None:
    secret = site.dataset("conditional", title="暗号标题")
    site.release(secret["id"])
    row = give(site, secret, someone["name"])
    site.call("package_delete", "editor", id=secret["id"])
    shown = call_as(someone["name"], "govopen_grant_show", id=row["id"])
    assert "暗号" not in str(shown) and secret["name"] not in str(shown)


@pytest.mark.parametrize(
    ("field", "value"), [("limit", "many"), ("limit", -1), ("offset", "-1"), ("state", "gone")]
)
def test_wrong_pages_are_refused(site: Site, field: str, value: Any) -> None:
    with pytest.raises(tk.ValidationError) as caught:
        site.call("govopen_grant_list", "operator", **{field: value})
    assert field in caught.value.error_dict


def test_authorised_use(
    site: Site,
    dataset: dict[str, Any],
    someone: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = {"authorised_use": True, "holder": "某公司"}
    glass = {"break_glass": "The authority has nobody today."}
    with pytest.raises(tk.ValidationError) as caught:  # the default text knows no such right
        give(site, dataset, someone["name"], **asked, **glass)
    model.Session.rollback()
    assert "GRT-3" in str(caught.value.error_dict["refusal"])
    monkeypatch.setitem(tk.config, "ckanext.govopen.jurisdiction", "xian")
    monkeypatch.setitem(tk.config, "ckanext.govopen.allow_profile_not_in_force", "true")
    given = give(site, dataset, someone["name"], **asked, **glass)
    assert given["authorised_use"] and given["works"] and reads(dataset, someone["name"])
    shown = call_as(someone["name"], "govopen_grant_show", id=given["id"])
    assert shown["authorised_use"] is True
    # What the table repeats is what the ledger says.
    found = [one for one in projections.check(model.Session) if given["id"] in one.key]
    assert found == []
    site.call("govopen_grant_revoke", "operator", id=given["id"], reason="结束", **glass)
    assert not reads(dataset, someone["name"])
