"""Everything that the description allows, and what it does not, never ends in a fault.

Schemathesis makes the calls out of the description; what they name is replaced by real things half
of the time, so that they get past the first look-up.
"""

from __future__ import annotations

import io
import warnings
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from ckanext.govopen.logic import openapi
from ckanext.govopen.tests.api.conftest import Site
from ckanext.govopen.views.api import example

ACTORS = ("nobody", "applicant", "staff", "operator")
#: Statuses that are an answer; 413 is that of a form that is too long, 415 of a body without type.
ANSWERS = {200, 400, 403, 404, 409, 413, 415}
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
SHORT, LONG = 1, 60
#: Calls are made out of large descriptions, on machines that others use as well.
SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)
OPERATIONS = [one.name for one in openapi.operations()]
#: Values that hardly any parameter can be.
WRONG: tuple[Any, ...] = ({"a": [1]}, [{"a": 1}, "b"], -7.5, True, "\u202e<b>=1+1</b>", 10**30)
#: Names of all parameters.
KEYS = {
    parameter.name
    for one in openapi.operations()
    for parameter in (*one.table.parameters, *one.table.one_of)
}


@pytest.mark.parametrize("actor", ACTORS)
def test_no_call_is_a_fault(site: Site, actor: str) -> None:
    """A few calls of each action."""
    for name in sorted(beyond(site, actor)):
        fuzz(site, actor, name, SHORT)


@pytest.mark.parametrize("actor", ACTORS)
def test_each_call_with_all_its_parameters(site: Site, actor: str) -> None:
    """As the description shows it, with real things; then with values of other kinds."""
    told = beyond(site, actor)
    for one in openapi.operations():
        parameters = (*one.table.parameters, *one.table.one_of)
        if one.name not in told or not parameters:
            continue
        shown = {
            parameter.name: site.pool.get(parameter.name, [example(parameter)])[0]
            for parameter in parameters
        }
        for body in (shown, *(dict.fromkeys(shown, wrong) for wrong in WRONG)):
            if one.name == "govopen_ledger_rebuild":  # the tables belong to other tests as well
                body["check"] = True
            send(site, actor, "POST", one.path, json=body)


@pytest.mark.long
@pytest.mark.parametrize("actor", ACTORS)
@pytest.mark.parametrize("name", OPERATIONS)
def test_no_call_is_a_fault_however_often(site: Site, actor: str, name: str) -> None:
    fuzz(site, actor, name, LONG)


def test_what_is_not_described_is_refused(site: Site) -> None:
    """An outsider's calls of what is for staff."""
    hidden = names(site, "operator") - names(site, "nobody")
    assert hidden
    for name in sorted(hidden):
        for actor in ("nobody", "applicant"):
            answer = site.portal.ask(name, {"id": site.pool["id"][0]}, site.actors[actor])
            assert answer.status_code == 403, name


def names(site: Site, actor: str) -> set[str]:
    return {path.rpartition("/")[2] for path in site.document(actor)["paths"]}


def beyond(site: Site, actor: str) -> set[str]:
    """What he is told of; of staff, and of the operator, only what the one before was not told."""
    before = {"staff": "applicant", "operator": "staff"}.get(actor)
    return names(site, actor) - (names(site, before) if before else set())


def fuzz(site: Site, actor: str, name: str, examples: int) -> None:
    """Calls one action as ``actor`` with ``examples`` calls of each mode."""
    # What an outsider is not told of he may still try.
    told = actor if name in names(site, actor) else "operator"
    methods = schemathesis.openapi.from_dict(site.document(told))[f"/api/3/action/{name}"]
    for method in methods:
        for mode in MODES if method.lower() == "post" else MODES[:1]:
            _fuzz(site, actor, methods[method], mode, examples)


def _fuzz(site: Site, actor: str, operation: Any, mode: Any, examples: int) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=examples == SHORT,
        suppress_health_check=SLOW,
    )
    @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
    def run(case: Any, data: Any) -> None:
        call(site, actor, case, data)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run()


def call(site: Site, actor: str, case: Any, data: Any) -> None:
    options: dict[str, Any] = {}
    if case.method.upper() == "GET":
        options["query_string"] = {
            key: value
            for key, value in real(site, dict(case.query or {}), data).items()
            if isinstance(value, (str, int, bool))
        }
    elif isinstance(case.body, dict):
        body = real(site, case.body, data)
        if case.path.endswith("_rebuild"):  # the tables belong to other tests as well
            body["check"] = True
        if case.media_type == "multipart/form-data":
            options["data"] = form(body)
        else:
            options["json"] = body
    elif isinstance(case.body, bytes):
        options |= {"data": case.body, "content_type": "application/json"}
    else:
        options["json"] = case.body if isinstance(case.body, (list, str, int)) else None
    send(site, actor, case.method, case.path, **options)


def send(site: Site, actor: str, method: str, path: str, **options: Any) -> None:
    """Sends a request; the answer is one, in the shape that CKAN's answers have."""
    answer = site.portal.request(method, path, site.actors[actor], **options)
    said = answer.get_data(as_text=True)[:600]
    assert answer.status_code in ANSWERS, (method, path, options, said)
    assert answer.is_json, (path, said)
    if answer.status_code in (400, 413, 415):
        return
    body = answer.get_json()
    assert set(body) == {
        "help",
        "success",
        "result" if answer.status_code == 200 else "error",
    }, said
    if answer.status_code != 200:
        assert body["success"] is False and body["error"]["__type"]
        assert len(body["error"]) > 1, "says what is wrong"


def real(site: Site, body: dict[Any, Any], data: Any) -> dict[Any, Any]:
    """The body with real things in it, half of the time."""
    if not data.draw(st.booleans()):
        return body
    known = {key: value for key, value in body.items() if key in KEYS}
    return {
        **known,
        **{key: data.draw(st.sampled_from(site.pool[key])) for key in known if key in site.pool},
    }


def form(body: dict[Any, Any]) -> dict[str, Any]:
    """As a form sends it: texts, and a file where bytes are."""
    return {
        str(key): (io.BytesIO(value), "a.csv") if isinstance(value, bytes) else str(value)
        for key, value in body.items()
    }
