"""Every address that takes a form leads a reader to the page on which the form stands."""

from __future__ import annotations

from urllib.parse import urlsplit

from ckan.common import config

from ckanext.govopen.tests.portal import Portal
from ckanext.govopen.views.returning import PREFIX, page_of


def forms(portal: Portal) -> list:
    """Rules below /open/ that answer POST, where none of the same address answers GET."""
    rules = [rule for rule in portal.app.url_map.iter_rules() if rule.rule.startswith(PREFIX)]
    pages = {rule.rule for rule in rules if "GET" in (rule.methods or ())}
    return [rule for rule in rules if "POST" in (rule.methods or ()) and rule.rule not in pages]


def test_every_form_has_its_page(portal: Portal) -> None:
    rules, found = list(portal.app.url_map.iter_rules()), {}
    for rule in forms(portal):
        page = page_of(rule, rules)
        assert page is not None, rule.rule
        assert page.arguments <= rule.arguments, rule.rule
        found[rule.rule] = page.rule
    assert found["/open/review/<id>/submit"] == "/open/review/<id>"
    assert found["/open/review/decide"] == "/open/review"
    assert len(found) > 20


def test_reading_the_address_of_a_form_leads_to_its_page(portal: Portal) -> None:
    adapter = portal.app.url_map.bind(urlsplit(config["ckan.site_url"]).netloc)
    rules = list(portal.app.url_map.iter_rules())
    browser = portal.signed_in(portal.operator)
    for rule in forms(portal):
        values = dict.fromkeys(rule.arguments, "7")
        address = adapter.build(rule.endpoint, values, method="POST")
        page = page_of(rule, rules)
        assert page is not None
        expected = adapter.build(page.endpoint, dict.fromkeys(page.arguments, "7"))
        for language in ("", "/en"):
            answer = browser.get(language + address, base_url=config["ckan.site_url"])
            assert answer.status_code == 302, (rule.rule, answer.status_code)
            assert urlsplit(answer.headers["Location"]).path == language + expected, rule.rule


def test_it_says_nothing_about_what_is_named(portal: Portal) -> None:
    department = portal.department()
    made = portal.dataset(department)
    review = portal.submit(department, made["id"])
    for identity in (review["id"], "no-such-review"):
        answer = portal.get(f"/open/review/{identity}/submit")
        assert answer.status_code == 302
        assert portal.get(f"/open/dataset/{made['name']}/class").status_code in (302, 404)
    stranger = portal.signed_in(portal.department().editor)
    for identity in (review["id"], "no-such-review"):
        page = f"/open/review/{identity}"
        assert stranger.get(page, base_url=config["ckan.site_url"]).status_code == 404


def test_other_addresses_stay_what_they_are(portal: Portal) -> None:
    assert portal.get("/open/nothing/here").status_code == 404
    assert portal.request("DELETE", "/open/review/x/submit").status_code in (404, 405)
