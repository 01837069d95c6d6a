"""Standing approvals: what they let through, what they hold back, who gives them."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ckan import model
from ckan.plugins import toolkit

from ckanext.govopen.model import ledger
from ckanext.govopen.tests.access.site import Site, first_refusal, now
from ckanext.govopen.tests.portal import Portal

FIELDS = [{"id": "站点", "type": "text"}, {"id": "值", "type": "numeric"}]


@pytest.fixture(scope="module")
def site(_one_portal: Portal) -> Site:
    return Site.build(_one_portal)


@pytest.fixture
def live(site: Site) -> str:
    """A released resource of delivered rows."""
    package = site.dataset()
    made = site.call(
        "datastore_create",
        "editor",
        resource={"package_id": package["id"], "name": "实时"},
        fields=FIELDS,
        records=[{"站点": "甲", "值": 1}],
    )
    site.release(package["id"])
    return made["resource_id"]


def give(site: Site, resource_id: str, who: str = "reviewer", **fields: Any) -> dict[str, Any]:
    until = (now() + datetime.timedelta(days=30)).isoformat()
    data = {"fields": FIELDS, "source": site.name("editor"), "until": until, "reason": "每分钟更新"}
    return site.call("govopen_standing_give", who, resource_id=resource_id, **{**data, **fields})


def deliver(site: Site, resource_id: str, who: str = "editor", **record: Any) -> Any:
    records = [record or {"站点": "乙", "值": 2}]
    return site.call(
        "datastore_upsert", who, resource_id=resource_id, method="insert", records=records
    )


def count(site: Site, resource_id: str) -> int:
    return site.call("datastore_search", None, resource_id=resource_id)["total"]


def refused(site: Site, resource_id: str, who: str = "editor", **record: Any) -> str:
    with pytest.raises(toolkit.ValidationError) as error:
        deliver(site, resource_id, who, **record)
    return first_refusal(error.value)["message"]


def events(resource_id: str) -> list[str]:
    return [event.type for event in ledger.read(model.Session, f"standing/{resource_id}")]


def test_a_delivery_under_an_approval_is_public_at_once(site: Site, live: str) -> None:
    assert "standing approval" in refused(site, live)
    given = give(site, live)
    assert given["in_force"]
    deliver(site, live)
    assert count(site, live) == 2
    assert events(live) == ["standing.given", "standing.delivered"]
    listed = site.call("govopen_standing_list", "editor", resource_id=live)
    assert [row["id"] for row in listed] == [given["id"]]


def test_deliveries_open_no_review(site: Site, live: str) -> None:
    give(site, live)
    deliver(site, live)
    resource = model.Session.get(model.Resource, live)
    assert resource is not None
    shown = site.call("govopen_access_show", "editor", id=resource.package_id)
    assert shown["pending"] is False


def test_other_columns_are_held_back_and_recorded(site: Site, live: str) -> None:
    give(site, live, fields=FIELDS[:1])
    refused(site, live, 站点="乙", 值=2)
    assert count(site, live) == 1
    assert events(live) == ["standing.given", "standing.held"]
    deliver(site, live, 站点="乙")
    assert count(site, live) == 2


def test_other_sources_are_held_back(site: Site, live: str) -> None:
    give(site, live, source=site.name("operator"))
    assert "source" in refused(site, live)
    assert count(site, live) == 1


def test_columns_and_tables_stay_as_they_were_approved(site: Site, live: str) -> None:
    give(site, live)
    more = [*FIELDS, {"id": "身份证号", "type": "text"}]
    for action, data in (
        ("datastore_create", {"fields": more, "records": [{"身份证号": "1"}]}),
        ("datastore_create", {"aliases": "alias"}),
        ("datastore_delete", {}),
    ):
        with pytest.raises(toolkit.ValidationError):
            site.call(action, "editor", resource_id=live, force=True, **data)
    assert count(site, live) == 1


def test_a_delivery_that_fails_leaves_no_trace_of_success(site: Site, live: str) -> None:
    give(site, live)
    with pytest.raises(toolkit.ValidationError):
        deliver(site, live, 值="不是数字")
    assert events(live) == ["standing.given"]
    assert count(site, live) == 1


def test_the_end(site: Site, live: str, monkeypatch: pytest.MonkeyPatch) -> None:
    give(site, live)
    later = now() + datetime.timedelta(days=31)
    with monkeypatch.context() as patch:
        patch.setattr("ckanext.govopen.access.clock.now", lambda: later)
        assert "expired" in refused(site, live)
    deliver(site, live)
    site.call("govopen_standing_take", "reviewer", resource_id=live, reason="数据有误")
    refused(site, live)
    assert count(site, live) == 2
    assert events(live)[-1] == "standing.taken"


def test_a_new_approval_takes_the_place_of_the_old_one(site: Site, live: str) -> None:
    give(site, live)
    give(site, live, fields=FIELDS[:1])
    listed = site.call("govopen_standing_list", "reviewer", resource_id=live)
    assert [row["in_force"] for row in listed] == [True, False]


@pytest.mark.parametrize("who", ["editor", "operator"])
def test_only_the_disclosure_office_gives(site: Site, live: str, who: str) -> None:
    with pytest.raises(toolkit.ValidationError) as error:
        give(site, live, who, source=site.name("reviewer"))
    assert "refusal" in error.value.error_dict


def test_nobody_approves_his_own_deliveries(site: Site, live: str) -> None:
    with pytest.raises(toolkit.ValidationError) as error:
        give(site, live, source=site.name("reviewer"))
    assert "refusal" in error.value.error_dict


@pytest.mark.parametrize("who", [None, "citizen", "other"])
def test_outsiders_learn_nothing(site: Site, live: str, who: str | None) -> None:
    for action in ("govopen_standing_give", "govopen_standing_take", "govopen_standing_list"):
        with pytest.raises((toolkit.NotAuthorized, toolkit.ObjectNotFound)):
            site.call(action, who, resource_id=live, reason="x")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("fields", []),
        ("fields", "站点"),
        ("fields", [{"id": "站点"}]),
        ("source", "nobody-of-that-name"),
        ("until", ""),
        ("until", "soon"),
        ("reason", ""),
    ],
)
def test_wrong_parameters_are_named(site: Site, live: str, field: str, value: object) -> None:
    with pytest.raises(toolkit.ValidationError) as error:
        give(site, **{"resource_id": live, field: value})
    assert field in error.value.error_dict
