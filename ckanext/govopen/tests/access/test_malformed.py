"""Requests that nobody can read are answered as mistakes, never as faults of the server."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from ckanext.govopen.access.inventory import inventory
from ckanext.govopen.tests.portal import Portal, User, unique

DEEP = '{"id":' + "[" * 50_000 + "]" * 50_000 + "}"
NOT_DEEP = '{"id":' + "[" * 300 + "]" * 300 + "}"
HUGE = "9" * 25

#: Addresses, and the statuses that are an answer to them.
ADDRESSES: list[tuple[str, set[int]]] = [
    ("/dataset/a%00b", {400}),
    ("/dataset/?q=a%00b", {400}),
    ("/dataset/?a%00b=1", {400}),
    ("/no-such-place%00", {400}),
    ("/base/images/a%00b.png", {400}),
    ("/user/a%00b", {400}),
    ("/api/3/action/package_show?id=a%00b", {400}),
    ("/api/3/action/package_search?q=a%00b", {400}),
    ("/api/3/action/package_show?id=a&id=b", {409}),
    (f"/api/3/action/package_search?start={HUGE}", {400, 409}),
    (f"/api/3/action/package_search?rows={HUGE}", {200, 400, 409}),
    (f"/api/3/action/package_list?offset={HUGE}", {200, 400, 409}),
    (f"/api/3/action/organization_list?limit={HUGE}", {200, 400, 409}),
    ("/api/3/action/package_search?facet.field=%5B", {400, 409}),
    (f"/dataset/?page={HUGE}", {200, 400, 404}),
    (f"/organization/?page={HUGE}", {200, 400, 404}),
    (f"/group/?page={HUGE}", {200, 400, 404}),
    (f"/open/ledger?page={HUGE}", {200, 400, 404}),
    (f"/open/ledger?after={HUGE}", {200, 400, 404}),
    (f"/feeds/dataset.atom?page={HUGE}", {400, 404}),
    ("/catalog.ttl?q=%7B%22a%22%3A", {200, 400, 409}),
    (f"/catalog.ttl?page={HUGE}", {400, 404, 409}),
    ("/catalog.ttl?page=x", {400, 404, 409}),
    ("/catalog.ttl?modified_since=99999999999999999999", {400, 409}),
    ("/catalog.ttl?modified_since=x", {400, 409}),
    ("/api/2/util/dataset/autocomplete?incomplete=" + "a" * 5000, {200, 400}),
    ("/api/2/util/tag/autocomplete?incomplete=" + "a" * 5000, {200, 400}),
    ("/api/2/util/resource/format_autocomplete?incomplete=" + "a" * 5000, {200, 400}),
    (f"/api/2/util/dataset/autocomplete?incomplete=a&limit={HUGE}", {200, 400}),
    ("/api/2/util/dataset/autocomplete?incomplete=a&limit=x", {200, 400}),
]
#: Actions and bodies, with the statuses that are an answer to them.
BODIES: list[tuple[str, str, set[int]]] = [
    ("package_show", DEEP, {400}),
    ("package_show", NOT_DEEP, {400}),
    ("package_show", '{"id": "a\\u0000b"}', {400}),
    ("package_show", '{"id": "\\ud800"}', {400}),
    ("package_show", '{"a\\u0000b": 1}', {400}),
    ("package_search", '{"rows": Infinity}', {400}),
    ("package_search", '{"rows": NaN}', {400}),
    ("package_search", '{"rows": 1e999}', {400}),
    ("package_show", '{"id": ', {400}),
    ("package_show", '{"id": {}}', {409}),
    ("package_show", '{"id": []}', {409}),
    ("package_show", '{"id": {"a": 1}}', {409}),
    ("package_show", '{"id": ["a"]}', {409}),
    ("package_show", '{"id": 5}', {409}),
    ("package_show", '{"id": true}', {409}),
    ("resource_show", '{"id": {"a": 1}}', {409}),
    ("user_show", '{"id": {"a": 1}}', {409}),
    ("package_delete", '{"id": {"a": 1}}', {409}),
    ("datastore_search", '{"resource_id": {"a": 1}}', {409}),
    ("bulk_update_private", '{"datasets": [{"a": 1}]}', {409}),
    ("bulk_update_private", '{"datasets": {"a": 1}}', {409}),
    ("group_member_create", "{}", {409}),
    ("group_member_create", '{"id": {}, "username": [1], "role": 2}', {409}),
    ("organization_member_create", "{}", {409}),
    ("harvest_job_create", "{}", {409}),
    ("datastore_run_triggers", "{}", {409}),
    ("user_list", '{"q": {}}', {409}),
    ("user_list", '{"q": {"a": 1}}', {409}),
]

#: Actions that others are refused before anything is looked at.
#: Nothing is asked of those that end the session's own account or tokens.
AWAY = {"user_delete", "user_update", "user_patch", "api_token_revoke"}
OF_STAFF = {"harvest_job_create", "datastore_run_triggers", "user_list"}


@pytest.mark.parametrize(("path", "expected"), ADDRESSES, ids=lambda value: str(value)[:60])
def test_an_address_that_says_nothing(portal: Portal, path: str, expected: set[int]) -> None:
    answer = portal.get(path)
    assert answer.status_code in expected, answer.get_data(as_text=True)[:600]


@pytest.mark.parametrize("who", ["anybody", "operator"])
@pytest.mark.parametrize(("action", "body", "expected"), BODIES, ids=lambda value: str(value)[:50])
def test_a_body_that_says_nothing(
    portal: Portal, who: str, action: str, body: str, expected: set[int]
) -> None:
    user = portal.operator if who == "operator" else User.make()
    answer = send(portal, action, body, user)
    if who == "anybody" and action in OF_STAFF:
        expected = {403}
    assert answer.status_code in expected, answer.get_data(as_text=True)[:600]
    assert answer.is_json
    if answer.status_code == 409:
        error = answer.get_json()["error"]
        assert error.pop("__type") == "Validation Error"
        assert error, "says what is wrong"


#: Bodies that no action of CKAN expects.
ODD: tuple[dict[str, Any], ...] = (
    {},
    {"id": 1, "limit": "x", "rows": "x", "offset": -1, "start": -1},
    {"id": {}, "name": {}, "type": {}, "object_id": [], "object_type": {}, "key": []},
    {"fq": {}, "q": [], "fq_list": [1, {}], "facet.field": [1, None], "fl": [{}], "sort": []},
    {"id": "a", "q": 1, "tags": "x", "extras": [1], "resources": {"a": 1}, "groups": 1},
    {"id": "a", "__extras": {}, "__before": [], "__junk": 1, "users": "x"},
)


def test_no_action_of_others_fails_on_odd_values(portal: Portal) -> None:
    department = portal.department()
    failed = []
    for name in sorted(inventory().loaded_actions()):
        if name.startswith("govopen_") or name in AWAY:
            continue
        for data in ODD:
            answer = portal.ask(name, data, department.editor)
            if answer.status_code >= 500:
                failed.append((name, data))
    assert failed == []


#: Kinds of mistakes in a dataset that somebody writes by the API.
WRONG_PARTS: tuple[dict[str, Any], ...] = (
    {"groups": 1},
    {"groups": [1]},
    {"__junk": 1},
    {"owner_org": {}},
    {"owner_org": 5},
    {"type": []},
    {"notes": {"a": 1}},
    {"tag_string": [1]},
    {"resources": [{"format": {}}]},
    {"resources": [{"id": 1}]},
    {"resources": "x"},
    {"extras": [{"key": {}, "value": 1}]},
    {"info_items": 1},
    {"info_items": [1]},
)


@pytest.mark.parametrize("wrong", WRONG_PARTS, ids=str)
def test_a_dataset_with_a_wrong_part_is_refused(portal: Portal, wrong: dict[str, Any]) -> None:
    department = portal.department()
    fields = {**portal.fields(department), "name": unique("odd"), **wrong}
    answer = portal.ask("package_create", fields, department.editor)
    assert answer.status_code in {400, 403, 409}, answer.get_data(as_text=True)[:600]
    assert answer.get_json()["error"]
    found = portal.ask("package_show", {"id": fields["name"]}, department.editor)
    assert found.status_code == 404, "nothing half-written"


def test_a_dataset_written_without_its_name_is_refused(portal: Portal) -> None:
    department = portal.department()
    dataset = portal.dataset(department)
    answer = portal.ask("package_update", {"id": dataset["id"]}, department.editor)
    assert answer.status_code == 409
    assert portal.call("package_show", department.editor, id=dataset["id"])["title"]


def test_a_fault_of_this_extension_stays_one(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: Any, **_kwargs: Any) -> Any:
        raise TypeError

    monkeypatch.setattr("ckanext.govopen.access.lists.tag_names", broken)
    assert portal.ask("tag_list", {}).status_code == 500


def test_a_reference_that_is_none_is_named(portal: Portal) -> None:
    error = portal.ask("package_show", {"id": {"a": 1}}).get_json()["error"]
    assert list(error) == ["id", "__type"]


def test_json_in_a_form_is_read_as_well(portal: Portal) -> None:
    for body in (DEEP, NOT_DEEP, '{"id": "\\ud800"}', '{"rows": NaN}'):
        answer = portal.request("POST", "/api/3/action/package_show", data={body: ""})
        assert answer.status_code == 400, body[:40]
    answer = portal.request("POST", "/api/3/action/package_show", data={"id": "a\0b"})
    assert answer.status_code == 400


def test_what_can_be_read_still_is(portal: Portal) -> None:
    """Rare characters, depth and numbers that are fine."""
    deep = json.dumps({"q": "𠮷野家 😀", "rows": 1e0, "extras": json.loads("[" * 20 + "]" * 20)})
    assert send(portal, "package_search", deep, None).status_code == 200
    assert portal.get("/dataset/?q=%F0%A0%AE%B7").status_code == 200


def test_a_body_of_another_type_is_told_in_json(portal: Portal) -> None:
    answer = portal.request(
        "POST", "/api/3/action/package_show", data=b"<id>1</id>", content_type="application/xml"
    )
    assert answer.status_code in {400, 415}
    assert answer.is_json


def test_a_form_that_is_too_long_is_told_in_json_and_on_a_page(portal: Portal) -> None:
    """Files may be long, the other fields of a form not."""
    for what in ({"application": "x" * 600_000}, {f"field{n}": "" for n in range(1_100)}):
        form = {**what, "upload": (io.BytesIO(b"1"), "a.csv")}
        answer = portal.request("POST", "/api/3/action/govopen_attachment_add", data=form)
        assert answer.status_code == 413 and answer.is_json
        form = {**what, "upload": (io.BytesIO(b"1"), "a.csv")}
        answer = portal.request("POST", "/user/login", data=form)
        assert answer.status_code == 413 and "<h1" in answer.get_data(as_text=True)


def test_a_search_that_fails_says_why(portal: Portal) -> None:
    answer = portal.ask("package_search", {"q": 'a:"'})
    assert answer.status_code in {200, 400, 409}
    answer = portal.ask("package_search", {"fq_list": ["+title:[a TO"]})
    assert answer.status_code in {400, 409}


def test_signing_in_without_fields_shows_the_form_again(portal: Portal) -> None:
    for data in ({}, {"login": "a"}, {"password": "a"}, {"login": "", "password": ""}):
        answer = portal.request("POST", "/user/login", data=data)
        assert answer.status_code == 200, data
        assert 'name="password"' in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "address", ["\t//evil.example.com", "/\\evil.example.com", "/\t/evil.example.com"]
)
def test_signing_in_leads_nowhere_else(portal: Portal, address: str) -> None:
    user = User.make()
    answer = portal.request(
        "POST",
        "/user/login",
        query_string={"next": address},
        data={"login": user.name, "password": user.password},
    )
    assert answer.status_code == 302
    assert "evil" not in answer.headers["Location"]


#: Pages of CKAN and other plugins, and forms in which something is missing or wrongly named.
FORMS: tuple[tuple[str, dict[str, str]], ...] = (
    ("/user/edit", {"save": ""}),
    ("/user/edit/{user}", {"save": ""}),
    ("/user/{user}/api-tokens", {"name": "x", "a__0__b": "1", "a__x": "2"}),
    ("/dataset/edit/{dataset}", {}),
    ("/dataset/{dataset}/resource/new", {}),
    ("/dataset/{dataset}/resource/{resource}/edit", {"a__0__b": "1", "a__x": "2"}),
    ("/dataset/{dataset}/resource/{resource}/new_view", {"a__0__b": "1", "a__x": "2"}),
    ("/dataset/{dataset}/dictionary/{resource}", {"a__0__b": "1", "a__x": "2"}),
    ("/harvest/new", {"save": "", "id": "x"}),
)


def test_a_form_that_lacks_something_is_a_mistake(portal: Portal) -> None:
    department = portal.department()
    made = portal.dataset(department)
    resource = portal.upload(department.editor, "a,b\n1,2\n", package_id=made["id"])["id"]
    user = department.editor
    statuses = {}
    for path, form in FORMS:
        page = path.format(user=user.id, dataset=made["id"], resource=resource)
        statuses[path] = portal.request("POST", page, user, data=form).status_code
    assert {path: code for path, code in statuses.items() if code not in {200, 400, 404}} == {}
    assert statuses["/user/edit"] == statuses["/dataset/edit/{dataset}"] == 400


def test_a_fault_behind_a_form_stays_one(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: Any, **_kwargs: Any) -> Any:
        raise TypeError

    department = portal.department()
    made = portal.dataset(department)
    monkeypatch.setattr("ckanext.govopen.logic.working_copy._possible_dates", broken)
    form = {"save": "", "title": "x", "name": made["name"]}
    page = f"/dataset/edit/{made['id']}"
    assert portal.request("POST", page, department.editor, data=form).status_code == 500


def test_a_dump_in_no_format(portal: Portal) -> None:
    department = portal.department()
    made = portal.dataset(department)
    uploaded = portal.upload(department.editor, "a,b\n1,2\n", package_id=made["id"])
    portal.approve(department, made["id"])
    portal.load_rows(made["id"])
    for asked in ("format=x", f"limit={HUGE}", f"offset={HUGE}", "limit=x", "filters=%5B"):
        answer = portal.get(f"/datastore/dump/{uploaded['id']}?{asked}")
        assert answer.status_code < 500, asked


#: Questions for rows that the database cannot answer; the second as the query of a dump.
UNANSWERABLE = [
    ({"filters": {"_id": "abc"}}, 'filters={"_id":"abc"}'),
    ({"filters": {"_id": ["abc"]}}, 'filters={"_id":["abc"]}'),
    ({"filters": {"_id": {"gt": "abc"}}}, 'filters={"_id":{"gt":"abc"}}'),
    ({"q": "x", "language": "klingon"}, "q=x&language=klingon"),
    ({"q": "a & ", "plain": False}, "q=a%20%26%20&plain=false"),
    ({"distinct": True, "fields": ["n"], "sort": "_id"}, "distinct=true&fields=n"),
    ({"offset": 10**19}, "filters=[]"),
    ({"filters": [1]}, "filters=[1]"),
]


@pytest.fixture(scope="module")
def numbers(_one_portal: Portal) -> str:
    department = _one_portal.department()
    made = _one_portal.dataset(department)
    uploaded = _one_portal.upload(department.editor, "n,b\n1,x\n2,y\n", package_id=made["id"])
    _one_portal.approve(department, made["id"])
    _one_portal.load_rows(made["id"])
    return uploaded["id"]


@pytest.mark.parametrize(("question", "query"), UNANSWERABLE, ids=lambda value: str(value)[:50])
def test_what_the_database_cannot_answer_is_a_mistake_in_every_format(
    portal: Portal, numbers: str, question: dict[str, Any], query: str
) -> None:
    for records_format in ("objects", "lists", "csv", "tsv"):
        asked = {"resource_id": numbers, "records_format": records_format, **question}
        answer = portal.ask("datastore_search", asked)
        assert answer.status_code == 409, (records_format, answer.get_data(as_text=True))
    for dumped in ("csv", "tsv", "json", "xml"):
        answer = portal.get(f"/datastore/dump/{numbers}?format={dumped}&{query}")
        assert answer.status_code == 400, (dumped, query)


def test_a_query_that_takes_too_long_is_no_fault(
    portal: Portal, numbers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ckanext.datastore.backend import postgres
    from psycopg2 import errors

    def slow(*_: Any) -> None:
        raise errors.QueryCanceled

    monkeypatch.setattr(postgres, "_execute_single_statement_copy_to", slow)
    answer = portal.ask("datastore_search", {"resource_id": numbers, "records_format": "csv"})
    assert answer.status_code == 409
    assert portal.get(f"/datastore/dump/{numbers}").status_code == 400


@pytest.mark.parametrize(
    "address",
    ["/dashboard?type=x", "/user/?limit=[]", "/dataset/new?facet[]=1", "/organization/new?a__0=1"],
)
def test_a_query_that_pages_of_ckan_cannot_read_is_a_mistake(portal: Portal, address: str) -> None:
    answer = portal.request("GET", address, portal.operator)
    assert answer.status_code in (200, 302, 400), address


def send(portal: Portal, action: str, body: str, user: User | None) -> Any:
    return portal.request(
        "POST", f"/api/3/action/{action}", user, data=body, content_type="application/json"
    )


@pytest.mark.parametrize("page", ["/dataset/", "/organization/", "/group/"])
@pytest.mark.parametrize("sort", ["name asc,", ",", " ", "name asc,,title_string asc"])
def test_an_order_with_an_empty_part_is_no_fault(portal: Portal, page: str, sort: str) -> None:
    assert portal.request("GET", page, query_string={"sort": sort}).status_code == 400
    assert portal.request("GET", page, query_string={"sort": ""}).status_code == 200
