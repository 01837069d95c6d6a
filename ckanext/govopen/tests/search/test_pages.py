"""Through the running portal: hostile input is no server error, and the API keeps the fence."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from ckanext.govopen.tests.portal import Portal

HOSTILE = [
    '"',
    "x\\",
    "a) OR (b",
    "{!term f=id}x",
    "[a",
    "/*",
    "staff_text:x",
    "\u3000:",
    "消防/局",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(
    "path",
    [
        "/dataset/?q={}",
        "/dataset/?tags={}",
        "/dataset/?{}=x",
        "/dataset/?sort={}",
        "/feeds/custom.atom?q={}",
        "/feeds/custom.atom?tags={}",
        "/feeds/custom.atom?{}=x",
        "/api/3/action/package_search?q={}",
        "/api/3/action/package_search?fq={}",
        "/api/3/action/package_search?fl={}",
        "/api/3/action/package_autocomplete?q={}",
        "/api/3/action/tag_autocomplete?q={}",
        "/api/3/action/format_autocomplete?q={}",
        "/catalog.xml?q={}",
        "/catalog.xml?fq={}",
    ],
)
def test_no_input_is_a_server_error(portal: Portal, path: str, text: str) -> None:
    answer = portal.get(path.format(quote(text, safe="")))
    assert answer.status_code < 500
    body = answer.get_data(as_text=True)
    assert "permission_labels" not in body
    assert "SOLR" not in body


def test_the_api_says_what_is_wrong(portal: Portal) -> None:
    answer = portal.ask("package_search", {"fl": "id,docfreq(title,x)"})
    assert answer.status_code == 409
    error = (answer.get_json() or {})["error"]
    assert error["__type"] == "Validation Error"
    assert "docfreq" in error["fl"][0]


def test_zero_counts_are_not_given(portal: Portal) -> None:
    asked = {"facet.field": ["tags"], "facet.mincount": 0, "facet.limit": -1, "rows": 0}
    counts = portal.call("package_search", None, **asked)["facets"]["tags"]
    assert 0 not in counts.values()
