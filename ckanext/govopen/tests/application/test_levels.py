"""The data authority of a lower level decides for its area, and is nobody elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from ckan.common import config

from ckanext.govopen.model import projections
from ckanext.govopen.tests.application.world import World
from ckanext.govopen.tests.portal import Department, User, forgery_token, unique


@dataclass
class City:
    """An authority below the province's, with an officer, a handler and a department."""

    name: str
    officer: User
    handler: User
    department: Department


def make(world: World) -> City:
    portal = world.portal
    name = portal.organization(unique("city"))["name"]
    city = City(name, User.make(), User.make(), portal.department())
    portal.place(city.department.name, city.name)
    portal.duty(city.officer, city.name, "authority")
    portal.duty(city.handler, city.department.name, "handler")
    return city


@pytest.fixture(scope="module")
def city(world: World) -> City:
    return make(world)


@pytest.fixture(scope="module")
def town(world: World) -> City:
    return make(world)


@pytest.fixture
def under(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts the site under another regulation for the rest of a test."""

    def choose(name: str) -> None:
        monkeypatch.setitem(config, "ckanext.govopen.jurisdiction", name)
        monkeypatch.setitem(config, "ckanext.govopen.allow_profile_not_in_force", "true")

    return choose


def status(world: World, action: str, by: User, **data: Any) -> int:
    return world.portal.ask(action, data, by).status_code


def suspend(world: World, package: str, user: User, what: str = "suspend") -> int:
    return status(world, f"govopen_dataset_{what}", user.deciding, id=package, reason="数据有误")


def test_it_reads_the_working_copies_of_its_area_alone(
    world: World, city: City, town: City
) -> None:
    draft = world.portal.dataset(city.department)
    for user, code in ((city.officer, 200), (world.authority, 200), (town.officer, 404)):
        assert status(world, "package_show", user, id=draft["id"]) == code
    fq = {"fq": f"id:{draft['id']}", "include_private": True}
    for user, count in ((city.officer, 1), (town.officer, 0), (world.stranger, 0)):
        assert world.portal.call("package_search", user, **fq)["count"] == count
    # Elsewhere it is a citizen: what it may not see does not exist.
    other = world.portal.dataset(world.department)
    assert status(world, "package_show", city.officer, id=other["id"]) == 404
    assert status(world, "package_show", world.stranger, id=other["id"]) == 404


def test_it_suspends_in_its_area_and_does_not_lift_what_a_higher_one_did(
    world: World, city: City, town: City
) -> None:
    package = world.portal.released(city.department)["id"]
    assert suspend(world, package, town.officer) in (403, 404, 409)
    assert suspend(world, package, city.officer) == 200
    assert suspend(world, package, city.department.editor, "restore") == 409
    assert suspend(world, package, city.officer, "restore") == 200
    assert suspend(world, package, world.authority) == 200
    shown = world.portal.call("govopen_access_show", city.officer, id=package)
    assert shown["suspended"] and "restore" not in shown["may"]
    assert suspend(world, package, city.officer, "restore") == 409
    assert suspend(world, package, world.authority, "restore") == 200


@pytest.mark.parametrize("regulation", ["jilin", "shandong"])
def test_what_it_suspended_is_lifted_where_the_department_stands_now(
    world: World, city: City, town: City, under: Callable[[str], None], regulation: str
) -> None:
    """Else nobody could: it does not see the dataset any more, and others did not do it."""
    place = world.portal.department()
    world.portal.place(place.name, city.name)
    package = world.portal.released(place)["id"]
    under(regulation)
    assert suspend(world, package, city.officer) == 200
    world.portal.place(place.name, town.name)
    assert suspend(world, package, city.officer, "restore") == 404
    assert suspend(world, package, place.editor, "restore") == 409, "an authority did it"
    shown = world.portal.call("govopen_access_show", town.officer, id=package)
    assert shown["suspended"] and "restore" in shown["may"]
    assert suspend(world, package, town.officer, "restore") == 200


def test_where_the_text_says_so_the_higher_keeps_to_its_own_level(
    world: World, city: City, under: Callable[[str], None]
) -> None:
    package = world.portal.released(city.department)["id"]
    own = world.portal.released(world.department)["id"]
    under("shandong")  # each authority is competent for its own level (6.1)
    assert status(world, "package_show", world.authority, id=package) == 200
    assert suspend(world, package, world.authority) in (403, 404, 409)
    assert suspend(world, package, city.officer) == 200
    assert suspend(world, package, world.authority, "restore") in (403, 404, 409)
    assert suspend(world, package, city.officer, "restore") == 200
    # Beside its cities the province decides as before.
    assert suspend(world, own, world.authority) == 200


def test_it_receives_and_decides_the_applications_of_its_area(
    world: World, city: City, town: City, under: Callable[[str], None]
) -> None:
    package = world.dataset(city.department)
    under("haishu")  # the authority receives, and joins in the decision
    fields = {**world.content()["fields"], "scenario": "学术研究"}
    parts = [{"datasets": [{"dataset": package["name"], "delivery": ["on_platform"]}]}]
    applicant = User.make()
    case = world.submitted(package, user=applicant, fields=fields, parts=parts)
    assert case["parts"][0]["waits_for"] == ["authority@authority"]

    def waits(user: User) -> bool:
        desk = world.portal.call("govopen_desk", user, organization=city.department.name)
        return any(row["id"] == case["id"] for row in desk["waiting"])

    assert waits(city.officer) and not waits(town.officer) and not waits(world.stranger)
    # A higher authority could act under this regulation; it does not wait for it.
    assert not waits(world.authority)
    assert "accept" in world.show(case, world.authority)["parts"][0]["may"]
    assert world.show(case, city.department.member)["parts"][0]["may"] == []
    assert status(world, "govopen_application_show", town.officer, id=case["id"]) == 404
    accept = ("govopen_application_accept", town.officer.deciding)
    assert status(world, *accept, id=case["id"]) in (403, 404)
    world.checked(case, by=city.officer)
    after = world.portal.call("govopen_application_accept", city.officer.deciding, id=case["id"])
    assert after["parts"][0]["status"] == "accepted"
    (look,) = [
        row
        for row in world.portal.call("govopen_look_list", applicant)["results"]
        if row["capacity"] == "authority"
    ][:1]
    assert look["organization"]["name"] == city.name


def test_it_gives_duties_in_its_area_and_none_in_itself(
    world: World, city: City, town: City
) -> None:
    def give(by: User, to: User, where: str, duty: str) -> int:
        given = {"user": to.name, "organization": where, "duty": duty}
        return status(world, "govopen_duty_give", by.deciding, **given)

    someone = User.make()
    assert give(city.officer, someone, city.department.name, "handler") == 200
    assert give(city.officer, someone, town.department.name, "handler") == 409
    assert give(city.officer, someone, city.name, "authority") == 409
    assert give(city.officer, someone, world.department.name, "handler") == 409
    assert give(world.authority, someone, city.name, "authority") == 200
    assert give(world.authority, someone, city.name, "auditor") == 409
    assert give(world.authority, someone, world.department.name, "authority") == 409
    order = {"organization": world.department.name, "authority": city.name}
    assert status(world, "govopen_level_set", city.officer.deciding, **order) == 403
    assert status(world, "govopen_level_set", world.stranger.deciding, **order) == 403
    # By a token that is not made for deciding nobody places anything.
    assert status(world, "govopen_level_set", world.authority, **order) == 403


def test_it_ends_with_the_next_request(world: World) -> None:
    city = make(world)
    draft = world.portal.dataset(city.department)
    assert status(world, "package_show", city.officer, id=draft["id"]) == 200
    world.portal.place(city.department.name, None)
    assert status(world, "package_show", city.officer, id=draft["id"]) == 404
    world.portal.place(city.department.name, city.name)
    assert status(world, "package_show", city.officer, id=draft["id"]) == 200
    world.portal.call("organization_delete", world.portal.operator, id=city.name)
    assert status(world, "package_show", city.officer, id=draft["id"]) == 404
    assert world.portal.call("govopen_level_list", organization=city.department.name) == []
    page = world.portal.get(f"/organization/{city.department.name}").get_data(as_text=True)
    assert f"/organization/{city.name}" not in page, "nobody is sent to an authority that is gone"


def test_nobody_stands_above_an_authority_that_has_become_the_highest(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    city, region, officer = make(world), world.portal.organization()["name"], User.make()
    world.portal.place(city.name, region)
    world.portal.duty(officer, region, "authority")
    draft = world.portal.dataset(city.department)
    assert status(world, "package_show", officer, id=draft["id"]) == 200
    monkeypatch.setitem(config, "ckanext.govopen.authority", city.name)
    assert status(world, "package_show", officer, id=draft["id"]) == 404
    assert status(world, "package_show", city.officer, id=draft["id"]) == 200
    assert world.portal.call("govopen_level_list", organization=city.name) == []


def test_everybody_reads_who_is_competent(world: World, city: City) -> None:
    (row,) = world.portal.call("govopen_level_list", organization=city.department.name)
    assert row["authority"]["name"] == city.name and row["responsible"] is None
    page = world.portal.get(f"/organization/{city.department.name}").get_data(as_text=True)
    assert f"/organization/{city.name}" in page
    circle = {"organization": city.name, "authority": city.name}
    answer = world.portal.ask("govopen_level_set", circle, world.authority.deciding)
    assert answer.status_code == 409
    assert answer.get_json()["error"]["refusal"][0]["rule"] == "LVL-1"


def test_a_department_responsible_for_a_system_is_named(world: World, city: City) -> None:
    named = {
        "organization": city.department.name,
        "authority": city.name,
        "responsible": world.department.name,
    }
    row = world.portal.call("govopen_level_set", world.authority.deciding, **named)
    assert row["responsible"]["name"] == world.department.name
    package = world.portal.released(city.department)
    page = world.portal.get(f"/dataset/{package['name']}").get_data(as_text=True)
    assert f"/organization/{world.department.name}" in page
    # It is a name: no power follows.
    draft = world.portal.dataset(city.department)
    assert status(world, "package_show", world.handler, id=draft["id"]) == 404


def test_the_ledger_makes_the_levels_again(world: World, city: City) -> None:
    from ckan import model

    assert [one for one in projections.check(model.Session) if one.table == "levels"] == []
    model.Session.execute(projections.LevelRow.__table__.delete())
    found = {one.kind for one in projections.rebuild(model.Session) if one.table == "levels"}
    assert found == {"missing"}
    assert [one for one in projections.check(model.Session) if one.table == "levels"] == []
    model.Session.commit()
    draft = world.portal.dataset(city.department)
    assert status(world, "package_show", city.officer, id=draft["id"]) == 200


def test_the_page_places_and_shows(world: World) -> None:
    place, above = world.portal.department(), world.portal.organization()
    base = {"base_url": config["ckan.site_url"]}

    def send(user: User) -> int:
        browser = world.portal.signed_in(user)
        text = browser.get("/open/duties", **base).get_data(as_text=True)
        given = {"organization": place.name, "authority": above["name"]}
        data = {**given, "_csrf_token": forgery_token(text)}
        assert ("设定部门的主管部门" in text) is (user is world.authority)
        return browser.post("/open/duties/place", data=data, **base).status_code

    assert send(world.handler) == 200, "the page again, with the reason"
    assert world.portal.call("govopen_level_list", organization=place.name) == []
    assert send(world.authority) == 302
    (row,) = world.portal.call("govopen_level_list", organization=place.name)
    assert row["authority"]["name"] == above["name"]


def test_the_page_offers_what_somebody_may_do(world: World) -> None:
    city = make(world)
    portal, base = world.portal, {"base_url": config["ckan.site_url"]}
    other = portal.organization(unique("village"))["name"]
    portal.place(city.department.name, city.name)

    def page(user: User, path: str = "/open/duties") -> str:
        return portal.signed_in(user).get(path, **base).get_data(as_text=True)

    def taking(text: str, place: str, duty: str) -> bool:
        return (
            f'name="organization" value="{place}"><input type="hidden" name="duty" value="{duty}"'
            in text
        )

    text = page(city.officer)
    assert taking(text, city.department.name, "handler")
    assert not taking(text, city.name, "authority"), "who decides there says the highest one"
    assert f'value="{city.department.name}"' in text and f'value="{other}"' not in text
    assert '<option value="handler"' in text and '<option value="auditor"' not in text
    text = page(world.authority)
    assert taking(text, city.name, "authority") and '<option value="auditor"' in text
    assert f'value="{other}"' in text
    # What is not chosen again would be taken away: the form begins with what there is.
    portal.place(other, city.department.name)
    text = page(world.authority, f"/open/duties?place={city.department.name}")
    assert text.count(f'value="{city.department.name}" selected') == 1
    assert text.count(f'value="{city.name}" selected') == 1
    assert text.count(" selected") == 2
    assert "尚无人履职" in text, "nobody decides for the village"


def test_more_departments_than_ckan_lists_at_once_can_be_chosen(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CKAN cuts such lists at 25 unless a site says otherwise: a province has hundreds."""
    monkeypatch.setitem(config, "ckan.group_and_organization_list_all_fields_max", "2")
    browser, base = world.portal.signed_in(world.authority), {"base_url": config["ckan.site_url"]}
    names = [world.portal.organization()["name"] for _ in range(3)]
    for path in ("/open/duties", "/open/ledger"):
        text = browser.get(path, **base).get_data(as_text=True)
        assert all(f'value="{name}"' in text for name in names), path


def test_why_an_organisation_has_no_officers_is_said_in_words(world: World) -> None:
    someone, place = User.make(), world.portal.organization()["name"]
    for duty in ("authority", "auditor"):
        given = {"user": someone.name, "organization": place, "duty": duty}
        answer = world.portal.ask("govopen_duty_give", given, world.authority.deciding)
        assert answer.status_code == 409
        (refusal,) = answer.get_json()["error"]["refusal"]
        assert refusal["rule"] == "DUTY-4" and duty not in refusal["message"]
