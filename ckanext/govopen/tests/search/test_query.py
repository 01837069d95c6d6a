"""What ``sanitise`` refuses and what it leaves alone; what ``search_defaults`` adds."""

from __future__ import annotations

from typing import Any

import pytest
from ckan.lib.search import SearchError, SearchQueryError
from ckan.logic import ValidationError

from ckanext.govopen.access.policy import INTERNAL, Person
from ckanext.govopen.search import fields
from ckanext.govopen.search.query import (
    MOST_FACET_VALUES,
    SearchRefused,
    sanitise,
    search_defaults,
    told,
)
from ckanext.govopen.tests.search.conftest import ANYBODY, MEMBER

OPERATOR = Person(user_id="u0", sysadmin=True)


def clean(**params: Any) -> dict[str, Any]:
    return sanitise(params, ANYBODY, frozenset({"site_field", "staff_secret", "share_class"}))


@pytest.mark.parametrize(
    "params",
    [
        {"q": "", "fq": ' tags:"水質" +dataset_type:dataset', "rows": 20, "start": 0, "sort": None},
        {"q": "*:*", "facet": "false", "fq": 'capacity:"public"', "facet.mincount": 1},
        {"fq": '+owner_org:"abc"', "include_private": True, "include_drafts": True},
        {"fq": "+creator_user_id:u1", "sort": "metadata_modified desc", "fl": ["id", "name"]},
        {"fq_list": ["-dataset_type:harvest", "metadata_modified:[NOW-1DAY TO NOW]"]},
        {"fq": 'groups:"x" +harvest_source_id:"s" +vocab_country:tw extras_a-b:c site_field:x'},
        {"facet.field": ["organization", "groups", "tags", "res_format", "license_id"]},
        {"use_default_schema": True, "extras": {"ext_x": 1}, "ext_bbox": "1,2"},
    ],
)
def test_what_ckan_itself_and_its_clients_ask_stays(params: dict[str, Any]) -> None:
    result = clean(**params)
    assert {k: v for k, v in result.items() if v is not None} == {
        k: v for k, v in params.items() if v is not None
    }


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        *((name, "x") for name in ("qf", "bf", "boost", "pf", "bq", "defType", "mm", "tie", "df")),
        *(("fl", name) for name in ("score", "permission_labels", "staff_text", "idf(text,x)")),
        *(
            ("fl", name)
            for name in ("extras_*", "t*", "staff_secret", "share_class", ["id,[docid]"])
        ),
        ("fl", {"id": 1}),
        ("fl", '["id"'),
        *(("sort", value) for value in ("title", "staff_text asc", "docfreq(title,x) desc", "a,b")),
        *(("sort", value) for value in ("score desc; name", ["name asc"], "permission_labels asc")),
        ("facet.field", ["permission_labels"]),
        ("facet.field", "staff_title"),
        ("facet.field", ["{!ex=a}tags"]),
        ("facet.limit", "x"),
        ("facet.mincount", [1]),
        ("start", -1),
        ("start", 10**9),
        ("q", ["a"]),
        ("fq", {"a": 1}),
        ("fq", "title:[a"),
        ("fq_list", ["{!term f=id}x"]),
        ("q", "x" * 9000),
    ],
)
def test_what_is_refused_says_where(parameter: str, value: Any) -> None:
    with pytest.raises(SearchRefused) as refused:
        clean(**{parameter: value})
    assert list(refused.value.error_dict) == [parameter]
    assert isinstance(refused.value, ValidationError)
    assert isinstance(refused.value, SearchQueryError)  # what CKAN's pages answer with 400


def test_counts_start_at_one_and_end_somewhere() -> None:
    result = clean(**{"facet.mincount": "0", "facet.limit": -1})
    assert result["facet.mincount"] == 1
    assert result["facet.limit"] == MOST_FACET_VALUES
    assert clean(**{"facet.mincount": 5, "facet.limit": 0}) == {
        "facet.mincount": 5,
        "facet.limit": 0,
    }


def test_star_means_what_may_be_returned() -> None:
    assert set(clean(fl="*")["fl"]) == fields.RETURN_FIELDS
    assert clean(fl="id,name title")["fl"] == ["id", "name", "title"]


def test_the_portal_and_the_operator_are_not_asked() -> None:
    params = {"q": "permission_labels:x", "fl": "score,id", "facet.mincount": 0, "qf": "title"}
    for person in (INTERNAL, OPERATOR):
        assert sanitise(dict(params), person, frozenset()) == params


def test_no_list_names_a_forbidden_field() -> None:
    for among in (
        fields.QUERY_FIELDS,
        fields.RETURN_FIELDS,
        fields.SORT_FIELDS,
        fields.FACET_FIELDS,
    ):
        assert [name for name in among if not fields.allowed(name, among)] == []
        for name in ("staff_text", "permission_labels", "_version_", "extras_share_class"):
            assert not fields.allowed(name, among | {name})


def test_staff_search_their_own_words() -> None:
    assert "staff_text" not in search_defaults({"q": "水"}, ANYBODY)["qf"]
    assert "staff_text" in search_defaults({"q": "水"}, MEMBER)["qf"]
    assert "qf" not in search_defaults({"q": ""}, MEMBER)
    assert "qf" not in search_defaults({"q": "name:x"}, OPERATOR)


def test_order_by_default(ckan_config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert search_defaults({"q": "水"}, ANYBODY)["sort"] == fields.RELEVANCE
    assert search_defaults({}, ANYBODY)["sort"] == fields.NEWEST
    assert search_defaults({"sort": "name asc"}, ANYBODY)["sort"] == "name asc"
    monkeypatch.setitem(ckan_config, "ckan.search.default_package_sort", "name desc")
    assert "sort" not in search_defaults({}, ANYBODY)


def test_errors_are_told_without_the_query() -> None:
    error = SearchError("SOLR returned an error running query: permission_labels secret")
    assert "secret" not in str(told(error))
    refused = SearchRefused({"q": ["no"]})
    assert told(refused) is refused
