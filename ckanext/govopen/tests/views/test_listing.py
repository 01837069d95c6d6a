"""Links of list pages: facets, chips, page numbers. No services."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.govopen.views import listing

FOUND = {
    "open_class": {
        "items": [
            {"name": "conditional", "display_name": "conditional", "count": 3},
            {"name": "unconditional", "display_name": "unconditional", "count": 9},
        ]
    },
    "organization": {
        "items": [
            {"name": f"d{i:02}", "display_name": f"局{i}", "count": 30 - i} for i in range(20)
        ]
    },
}


def label(facet: str, item) -> str:
    return f"{facet}:{item['name']}"


def params(link: str) -> list[tuple[str, str]]:
    assert link.startswith("?")
    return parse_qsl(link[1:])


def test_a_value_adds_itself_and_goes_back_to_page_one():
    (facet, _) = listing.facets(FOUND, [("q", "停车"), ("page", "4")], label)
    assert [v.name for v in facet.values] == ["unconditional", "conditional"]
    assert params(facet.values[0].href) == [("q", "停车"), ("open_class", "unconditional")]


def test_an_active_value_comes_first_and_takes_itself_away():
    given_params = [("open_class", "conditional"), ("q", "x")]
    (facet, _) = listing.facets(FOUND, given_params, label)
    assert facet.active and facet.values[0].name == "conditional" and facet.values[0].active
    assert params(facet.values[0].href) == [("q", "x")]


def test_a_long_facet_is_cut_and_can_be_shown_whole():
    facet = listing.facets(FOUND, [], label)[1]
    assert len(facet.values) == listing.FACET_VALUES and facet.fewer is None
    assert facet.more is not None
    whole = listing.facets(FOUND, params(facet.more), label)[1]
    assert len(whole.values) == 20 and whole.more is None
    assert whole.fewer is not None and params(whole.fewer) == []


def test_an_active_value_is_shown_however_rare_it_is():
    facet = listing.facets(FOUND, [("organization", "d19")], label)[1]
    assert facet.values[0].name == "d19"


def test_chips_name_every_filter_and_nothing_else():
    given_params = [
        ("q", "x"), ("tags", "停车"), ("open_class", "conditional"), ("page", "2"),
        ("sort", "name asc"), ("_organization_limit", "0"),
    ]  # fmt: skip
    chips = listing.chips(given_params, FOUND, label)
    assert [c.label for c in chips] == ["tags:停车", "open_class:conditional"]
    assert ("tags", "停车") not in params(chips[0].href)
    assert ("open_class", "conditional") in params(chips[0].href)


@pytest.mark.parametrize(
    ("current", "last", "numbers"),
    [
        (1, 1, []),
        (1, 2, [1, 2]),
        (1, 9, [1, 2, 3, None, 9]),
        (5, 9, [1, None, 3, 4, 5, 6, 7, None, 9]),
        (9, 9, [1, None, 7, 8, 9]),
    ],
)
def test_page_numbers(current, last, numbers):
    assert [n for n, _ in listing.pages(current, last, [])] == numbers


def test_page_one_has_no_number_in_its_address():
    assert listing.page_link(1, [("q", "x"), ("page", "3")]) == "?q=x"
    assert params(listing.page_link(2, [("q", "x"), ("page", "3")])) == [("q", "x"), ("page", "2")]


TEXT = st.text(min_size=1, max_size=20).filter(lambda t: t.isprintable())


@given(st.lists(st.tuples(st.sampled_from(["q", "tags", "theme"]), TEXT), max_size=5))
def test_a_link_keeps_every_other_parameter(given_params):
    """Whatever people type stays what it is, and no link leads to another site."""
    link = listing.query(given_params)
    assert link.startswith("?")
    assert parse_qsl(link[1:], keep_blank_values=True) == given_params
