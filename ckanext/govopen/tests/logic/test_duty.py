"""Giving and taking duties: who may, what the ledger keeps, what it changes at once."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ckan import model
from ckan.plugins import toolkit as tk
from ckan.tests import factories

from ckanext.govopen.access import clock
from ckanext.govopen.access.viewer import person
from ckanext.govopen.logic import command
from ckanext.govopen.model import duty as duties
from ckanext.govopen.model import ledger
from ckanext.govopen.tests.access.site import Site


def refused(site: Site, who: str | None, action: str = "govopen_duty_give", **data: Any) -> Any:
    with pytest.raises((tk.ValidationError, tk.NotAuthorized)) as caught:
        site.call(action, who, **data)
    model.Session.rollback()
    return caught.value


def call_as(name: str, action: str, **data: Any) -> Any:
    return tk.get_action(action)({"user": name, "ignore_auth": False}, data)


def place(site: Site) -> str:
    """Name of the department."""
    return site.organization["name"]


def elsewhere(site: Site) -> str:
    """Name of the other department."""
    return site.call("organization_list_for_user", "other")[0]["name"]


def rules_of(error: Any) -> list[str]:
    return [row["rule"] for row in error.error_dict["refusal"]]


@pytest.fixture
def someone(site: Site) -> dict[str, Any]:
    return factories.UserWithToken()


def test_the_operator_gives_and_takes(site: Site, someone: dict[str, Any]) -> None:
    given = site.call(
        "govopen_duty_give",
        "operator",
        user=someone["name"],
        organization=place(site),
        duty="handler",
        until="2099-12-31",
    )
    assert given["user"]["name"] == someone["name"]
    assert given["organization"]["name"] == site.organization["name"]
    # A bare day is included: the duty ends with the day in China.
    assert given["until"] == "2099-12-31T16:00:00+00:00"
    assert given["in_force"] is True
    who = person({"user": someone["name"]})
    assert (site.organization["id"], "handler") in who.duties and who.is_staff
    taken = site.call(
        "govopen_duty_take",
        "operator",
        user=someone["id"],
        organization=site.organization["id"],
        duty="handler",
    )
    assert taken["taken"] == 1
    assert not person({"user": someone["name"]}).is_staff


def test_each_is_an_event_of_the_ledger(site: Site, someone: dict[str, Any]) -> None:
    data = {"user": someone["name"], "organization": place(site), "duty": "handler"}
    site.call("govopen_duty_give", "operator", **data, break_glass="眼下无人经办")
    site.call("govopen_duty_take", "operator", **data)
    stream = f"duty/{site.organization['id']}"
    mine = [
        event
        for event in ledger.read(model.Session, stream)
        if (event.payload.get("user") or "") == someone["id"]
    ]
    assert [event.type for event in mine] == ["duty.given", "duty.taken"]
    assert mine[0].payload["break_glass"] == "眼下无人经办"
    assert mine[0].actor is not None


@pytest.mark.parametrize("who", [None, "citizen", "editor", "other", "reviewer"])
def test_nobody_else_gives_or_takes(site: Site, who: str | None) -> None:
    for action in ("govopen_duty_give", "govopen_duty_take"):
        error = refused(
            site,
            who,
            action,
            user=site.name("citizen"),
            organization=place(site),
            duty="reviewer",
        )
        assert isinstance(error, tk.NotAuthorized)
    assert not duties.find(model.Session, user_id=site.users["citizen"]["id"])


def test_whoever_may_not_learns_nothing_of_accounts(site: Site) -> None:
    known = refused(
        site,
        "editor",
        user=site.name("citizen"),
        organization=place(site),
        duty="reviewer",
    )
    unknown = refused(site, "editor", user="nobody-1", organization="nowhere", duty="reviewer")
    assert str(known) == str(unknown)


def test_never_oneself(site: Site) -> None:
    error = refused(
        site,
        "operator",
        user=site.name("operator"),
        organization=place(site),
        duty="reviewer",
    )
    assert rules_of(error) == ["DUTY-2"]


def test_central_duties_belong_to_the_authority(site: Site, someone: dict[str, Any]) -> None:
    for duty in ("authority", "auditor"):
        error = refused(
            site,
            "operator",
            user=someone["name"],
            organization=place(site),
            duty=duty,
        )
        assert rules_of(error) == ["DUTY-4"]


def test_the_holder_of_the_authority_gives_duties(
    site: Site, someone: dict[str, Any], ckan_config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bureau = factories.Organization()
    monkeypatch.setitem(ckan_config, "ckanext.govopen.authority", bureau["name"])
    site.call(
        "govopen_duty_give",
        "operator",
        user=someone["name"],
        organization=bureau["id"],
        duty="authority",
    )
    row = call_as(
        someone["name"],
        "govopen_duty_give",
        user=site.name("applicant"),
        organization=elsewhere(site),
        duty="reviewer",
    )
    assert row["given_by"]["name"] == someone["name"]
    everything = call_as(someone["name"], "govopen_duty_list")
    assert {row["organization"]["name"] for row in everything} >= {
        elsewhere(site),
        site.organization["name"],
    }
    call_as(
        someone["name"],
        "govopen_duty_take",
        user=site.name("applicant"),
        organization=elsewhere(site),
        duty="reviewer",
    )


def test_a_deputy_goes_with_whom_he_stands_in_for(site: Site, someone: dict[str, Any]) -> None:
    deputy = factories.User()
    own = {"organization": place(site), "duty": "handler"}
    site.call("govopen_duty_give", "operator", user=someone["name"], **own)
    site.call(
        "govopen_duty_give",
        "operator",
        user=deputy["name"],
        deputy_for=someone["name"],
        until="2099-01-01",
        **own,
    )
    now = command.now()
    assert duties.held_by(model.Session, deputy["id"], now)
    taken = site.call("govopen_duty_take", "operator", user=someone["name"], **own)
    assert taken["taken"] == 2
    assert not duties.held_by(model.Session, deputy["id"], now)


def test_a_duty_that_ran_out_gives_nothing_and_can_be_given_again(
    site: Site, someone: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = {"user": someone["name"], "organization": place(site), "duty": "handler"}
    past = command.now() - datetime.timedelta(days=30)
    with monkeypatch.context() as patch:
        patch.setattr(command, "now", lambda: past)
        end = (past + datetime.timedelta(days=1)).isoformat()
        site.call("govopen_duty_give", "operator", **data, until=end)
    assert not person({"user": someone["name"]}).duties
    assert site.call("govopen_duty_list", "operator", user=someone["name"])[0]["in_force"] is False
    site.call("govopen_duty_give", "operator", **data)
    rows = site.call("govopen_duty_list", "operator", user=someone["name"])
    assert [row["in_force"] for row in rows] == [True]


def test_a_duty_that_begins_later_gives_nothing_yet(site: Site, someone: dict[str, Any]) -> None:
    data = {"user": someone["name"], "organization": place(site), "duty": "handler"}
    given = site.call("govopen_duty_give", "operator", **data, since="2099-01-01")
    assert given["in_force"] is False
    assert not person({"user": someone["name"]}).duties


def test_a_deputy_sees_nothing_once_the_other_s_duty_has_run_out(
    site: Site, someone: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    deputy = factories.User()
    own = {"organization": place(site), "duty": "handler"}
    end = command.now() + datetime.timedelta(days=1)
    site.call("govopen_duty_give", "operator", user=someone["name"], until=end.isoformat(), **own)
    site.call(
        "govopen_duty_give",
        "operator",
        user=deputy["name"],
        deputy_for=someone["name"],
        until="2099-01-01",
        **own,
    )
    assert person({"user": deputy["name"]}).duties
    monkeypatch.setattr(clock, "now", lambda: end)
    assert not person({"user": deputy["name"]}).duties


def test_lists_are_narrowed(site: Site) -> None:
    mine = site.call("govopen_duty_list", "editor")
    assert {row["organization"]["name"] for row in mine} == {site.organization["name"]}
    assert site.call("govopen_duty_list", "other") == []
    assert site.call("govopen_duty_list", "other", organization=place(site)) == []
    for who in (None, "citizen"):
        assert isinstance(refused(site, who, "govopen_duty_list"), tk.NotAuthorized)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("user", ""),
        ("user", "nobody-1"),
        ("user", ["citizen"]),
        ("organization", "nowhere"),
        ("organization", 7),
        ("duty", None),
        ("until", "soon"),
        ("deputy_for", "nobody-1"),
    ],
)
def test_wrong_parameters_are_named(site: Site, field: str, value: Any) -> None:
    data = {
        "user": site.name("citizen"),
        "organization": place(site),
        "duty": "reviewer",
        field: value,
    }
    error = refused(site, "operator", **data)
    assert field in error.error_dict


def test_an_unknown_duty_is_a_refusal(site: Site) -> None:
    error = refused(
        site,
        "operator",
        user=site.name("citizen"),
        organization=place(site),
        duty="king",
    )
    assert rules_of(error) == ["DUTY-3"]
