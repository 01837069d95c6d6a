"""The description of the interface: valid, complete, and for each reader what is his."""

from __future__ import annotations

import re

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from ckanext.govopen.logic import openapi
from ckanext.govopen.tests.api.conftest import Site
from ckanext.govopen.tests.portal import User
from ckanext.govopen.views import api

ACTORS = ("nobody", "applicant", "staff", "operator")


def names(site: Site, actor: str) -> set[str]:
    return {path.rpartition("/")[2] for path in site.document(actor)["paths"]}


@pytest.mark.parametrize("actor", ACTORS)
def test_it_is_valid(site: Site, actor: str) -> None:
    assert not list(OpenAPIV31SpecValidator(site.document(actor)).iter_errors())


def test_each_reads_what_he_may_call(site: Site) -> None:
    everything = openapi.operations()
    outside = {one.name for one in everything if one.circle in ("anyone", "user")}
    assert names(site, "nobody") == outside == names(site, "applicant")
    assert names(site, "staff") == {one.name for one in everything if one.circle != "operator"}
    assert names(site, "operator") == {one.name for one in everything}
    assert "govopen_duty_give" not in outside
    assert "govopen_application_create" in outside


def test_it_says_by_what_means(site: Site) -> None:
    paths = site.document("operator")["paths"]

    def means(name: str) -> list[list[str]]:
        return [list(one) for one in paths[f"/api/3/action/{name}"]["post"]["security"]]

    assert means("govopen_profile_show") == [[], ["token"], ["session"]]
    assert means("govopen_application_create") == [["token"], ["session"]]
    assert means("govopen_application_decide") == [["session"], ["decidingToken"]]
    assert means("govopen_dataset_suspend") == [["session"], ["decidingToken"], ["token"]]
    assert means("govopen_agreement_sign") == [["session"]]


def test_what_only_reads_may_be_asked_by_address(site: Site) -> None:
    paths = site.document("nobody")["paths"]
    assert "get" in paths["/api/3/action/govopen_ledger_show"]
    assert "get" not in paths["/api/3/action/govopen_application_submit"]


def test_an_account_without_a_duty_is_an_outsider(site: Site) -> None:
    someone = User.make()
    answer = site.portal.get("/open/api/openapi.json", someone)
    assert set(answer.get_json()["paths"]) == set(site.document("nobody")["paths"])


def test_the_page_shows_the_same(site: Site) -> None:
    for actor in ("nobody", "staff"):
        page = site.portal.get("/open/api", site.actors[actor])
        assert page.status_code == 200
        text = page.get_data(as_text=True)
        shown = set(re.findall(r'<article id="(govopen_\w+)"', text))
        assert shown == names(site, actor)
        assert "curl -sS" in text and "/api/3/action/govopen_profile_show" in text
        assert "编程接口" in text


def test_the_description_speaks_the_language_of_the_page(site: Site) -> None:
    title = site.document("nobody")["info"]["title"]
    assert "接口" in title
    english = site.portal.get("/en/open/api/openapi.json").get_json()
    assert english["info"]["title"] == "Programming interface of this portal"
    assert site.portal.get("/zh_Hant_TW/open/api").status_code == 200


def test_every_chapter_has_a_title(site: Site) -> None:
    assert {one.room for one in openapi.operations()} == set(api.ROOMS)
