"""The public description of the catalogue interface, and the server that conforms to it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema
import pytest
import yaml
from openapi_spec_validator import validate

from ckanext.govopen.domain.catalogue import RecordError, parse_record
from ckanext.govopen.exchange_demo import days
from ckanext.govopen.exchange_demo.faults import FAULTS, Faults
from ckanext.govopen.exchange_demo.server import Exchange, Settings, running

DESCRIPTION: dict[str, Any] = yaml.safe_load(
    (Path(__file__).resolve().parents[4] / "docs" / "exchange-openapi.yaml").read_text("utf-8")
)


@pytest.fixture(scope="module")
def server() -> Iterator[Exchange]:
    catalogue = days.Days("description")
    catalogue.to(5)
    with running(Settings(catalogue)) as found:
        yield found


def test_it_is_openapi() -> None:
    validate(DESCRIPTION)


def ask(url: str, **headers: str) -> tuple[int, dict[str, str], Any]:
    request = urllib.request.Request(url, headers=headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return answer.status, dict(answer.headers), json.load(answer)
    except urllib.error.HTTPError as error:
        body = error.read()
        return error.code, dict(error.headers), json.loads(body) if body else None


def check(content: Any, name: str) -> None:
    """Does it conform to a schema of the description?"""
    schema = {"$ref": f"#/components/schemas/{name}", "components": DESCRIPTION["components"]}
    jsonschema.Draft202012Validator(schema).validate(content)


def test_every_page_conforms_and_is_understood(server: Exchange) -> None:
    url, read = f"{server.url}/records?limit=500", 0
    cursor: str | None = ""
    while cursor is not None:
        status, _, page = ask(f"{url}&cursor={quote(cursor)}")
        assert status == 200
        check(page, "Page")
        assert not [
            one for one in map(parse_record, page["records"]) if isinstance(one, RecordError)
        ]
        read, cursor = read + len(page["records"]), page["next"]
    assert read == page["total"] > 1300


def test_tombstones_conform(server: Exchange) -> None:
    _, _, page = ask(f"{server.url}/records?since={quote(days.moment(1))}&limit=1000")
    check(page, "Page")
    assert any(one["deleted"] for one in page["records"])


def test_one_record_and_what_is_not_there(server: Exchange) -> None:
    records = server.settings.catalogue.records
    alive = next(code for code, one in records.items() if not one["deleted"])
    gone = next(code for code, one in records.items() if one["deleted"])
    for code, wanted, name in ((alive, 200, "Record"), (gone, 410, "Error"), ("x/y", 404, "Error")):
        status, _, content = ask(f"{server.url}/records/{quote(code, safe='')}")
        assert status == wanted
        assert str(status) in DESCRIPTION["paths"]["/records/{code}"]["get"]["responses"]
        check(content, name)


def test_every_answer_is_described() -> None:
    described = DESCRIPTION["paths"]["/records"]["get"]["responses"]
    for fault, wanted in (("busy", "429"), ("unavailable", "503")):
        settings = Settings(days.Days("x", []), Faults.from_text([fault]))
        with running(settings) as server:
            status, headers, content = ask(f"{server.url}/records")
        assert str(status) == wanted and wanted in described and headers["Retry-After"]
        check(content, "Error")
    with running(Settings(days.Days("x", []), bearer="x")) as server:
        assert ask(f"{server.url}/records")[0] == 401 and "401" in described
        assert ask(f"{server.url}/records?limit=x", Authorization="Bearer x")[0] == 400
        status, headers, _ = ask(f"{server.url}/records", Authorization="Bearer x")
        assert status == 200
        again = ask(
            f"{server.url}/records",
            **{"Authorization": "Bearer x", "If-None-Match": headers["ETag"]},
        )
        assert again[0] == 304 and "304" in described


def test_files_are_what_their_record_says(server: Exchange) -> None:
    _, _, page = ask(f"{server.url}/records?limit=3")
    for record in page["records"]:
        (file,) = record["distributions"]
        with urllib.request.urlopen(file["url"], timeout=30) as answer:  # noqa: S310
            content = answer.read()
        assert len(content) == file["size"]
        assert content.decode().splitlines()[0].split(",") == file["columns"] or not record["items"]


def test_the_same_seed_gives_the_same_days() -> None:
    first, second, other = days.Days("a"), days.Days("a"), days.Days("b")
    for one in (first, second, other):
        one.to(10)
    assert first.records == second.records != other.records
    kinds = {one["deleted"] for one in first.records.values()}
    closed = [one for one in first.records.values() if not one["open"]["open"]]
    assert kinds == {True, False} and closed
    with pytest.raises(ValueError, match="over"):
        first.to(3)


def test_faults_are_named() -> None:
    with pytest.raises(ValueError, match="down"):
        Faults.from_text(["nonsense"])
    twice = Faults.from_text(["busy:2"])
    assert [twice.take("busy") for _ in range(3)] == [True, True, False]
    assert all(FAULTS.values())
