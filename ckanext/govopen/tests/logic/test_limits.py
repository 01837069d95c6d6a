"""What is given out at once is limited, and whoever goes on gets the rest: whole, and once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ckan.common import config

from ckanext.govopen.logic.action import ledger as action
from ckanext.govopen.logic.schema import grant as grant_schema
from ckanext.govopen.logic.schema import ledger as schema
from ckanext.govopen.tests.portal import Portal


def lines(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in answer["lines"]][1:]


def test_an_export_in_parts_is_the_export_and_no_stream_is_cut(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    department = portal.department()
    for _ in range(3):
        portal.released(department)
    monkeypatch.setitem(config, "ckanext.govopen.ledger.exports_per_minute", "100000")
    whole = lines(portal.call("govopen_ledger_export", department.reviewer))
    monkeypatch.setattr(action, "EXPORT_LIMIT", 2)
    parts: list[list[dict[str, Any]]] = []
    after: str | None = None
    while True:
        given = {"after": after} if after else {}
        answer = portal.call("govopen_ledger_export", department.reviewer, **given)
        parts.append(lines(answer))
        after = answer["next"]
        if after is None:
            break
        assert parts[-1] and parts[-1][-1]["stream"] == after
        assert len(parts) < 10_000
    key = lambda one: (one["stream"], one["version"])  # noqa: E731
    assert [key(one) for part in parts for one in part] == [key(one) for one in whole]
    assert len(parts) > 2
    streams = [{one["stream"] for one in part} for part in parts]
    for number, names in enumerate(streams):
        assert not names & set().union(*streams[:number]), "a stream is whole in one part"


def test_who_has_no_account_exports_only_so_often(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(config, "ckanext.govopen.ledger.exports_per_minute", "2")
    asked: dict[str, Any] = {"headers": {"X-Forwarded-For": "203.0.113.77"}}
    answers = [portal.get("/open/ledger/export.jsonl", **asked) for _ in range(4)]
    refused = [one for one in answers if one.status_code == 429]
    assert refused and all(one.headers["Retry-After"] == "60" for one in refused)
    answer = portal.request("POST", "/api/3/action/govopen_ledger_export", json={}, **asked)
    assert answer.status_code == 409 and "limit" in answer.get_json()["error"]
    member = portal.department().member
    assert portal.get("/open/ledger/export.jsonl", member).status_code == 200


@pytest.mark.parametrize(
    ("name", "most"),
    [("govopen_access_log_list", grant_schema.LIMIT), ("govopen_grant_list", grant_schema.LIMIT),
     ("govopen_ledger_show", schema.LIMIT)],
)  # fmt: skip
def test_a_list_gives_a_page_however_much_is_asked_for(
    portal: Portal, name: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number asked for never reaches the database."""
    asked: list[Any] = []
    table = {"govopen_access_log_list": grant_schema.USES, "govopen_grant_list": grant_schema.LIST,
             "govopen_ledger_show": schema.SHOW}[name]  # fmt: skip
    for wanted in (most + 1, 10**9, str(10**8)):
        asked.append(table.read({"limit": wanted})["limit"])
    assert set(asked) == {most}
    answer = portal.ask(name, {"limit": 10**9, "offset": 2**31 - 1}, portal.operator)
    assert answer.status_code == 200
    for wrong in ("x", -1, [1], {"a": 1}, 10**30):
        assert portal.ask(name, {"limit": wrong}, portal.operator).status_code == 409, wrong
