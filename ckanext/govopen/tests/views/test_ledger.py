"""The ledger's pages: each reader sees his part, files are files, bad addresses are no errors."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from ckanext.govopen.domain.event import EVENT_TYPES
from ckanext.govopen.ledger_verifier import verify_ledger
from ckanext.govopen.tests.ledger_site import own_key
from ckanext.govopen.tests.portal import Portal, User

__all__ = ["own_key"]


@pytest.fixture
def portal(_one_portal: Portal) -> Portal:
    _one_portal.ready()
    return _one_portal


def text(portal: Portal, path: str, user: User | None = None) -> str:
    answer = portal.get(path, user)
    assert answer.status_code == 200, answer.get_data(as_text=True)[:500]
    return answer.get_data(as_text=True)


def test_everybody_sees_what_was_published_and_staff_sees_more(portal: Portal) -> None:
    department = portal.department()
    made = portal.released(department, title="公交站点位置")
    page = text(portal, f"/en/open/ledger?dataset={made['id']}")
    assert "公交站点位置" in page
    assert '<th scope="row">Published</th>' in page
    assert "Review: approved" not in page
    own = text(portal, f"/en/open/ledger?part=staff&dataset={made['id']}", department.member)
    assert "Review: approved" in own
    assert department.reviewer.fullname in own
    assert department.reviewer.fullname not in page
    asked = text(portal, f"/en/open/ledger?part=staff&dataset={made['id']}")
    assert "Review: approved" not in asked


def test_a_withdrawn_dataset_is_not_named(portal: Portal) -> None:
    department = portal.department()
    made = portal.released(department, title="停车场空位")
    portal.call("package_delete", department.editor, id=made["id"])
    page = text(portal, "/open/ledger")
    assert "停车场空位" not in page
    assert made["id"] not in page
    assert made["id"] not in text(portal, "/open/ledger/export.jsonl")


@pytest.mark.parametrize(
    "query",
    ["?page=x", "?page=-1", "?part=everything", "?organization=%F0", "?dataset=../x"],
)
def test_a_strange_address_is_no_error(portal: Portal, query: str) -> None:
    assert portal.get(f"/open/ledger{query}").status_code == 200


def test_the_files_are_there_to_take(portal: Portal, own_key: Path) -> None:
    portal.call("govopen_ledger_checkpoint", portal.operator)
    page = text(portal, "/en/open/ledger/verify")
    for name in ("ledger.jsonl", "checkpoints.jsonl", "keys.json", "verify_ledger.py"):
        assert name in page
    answer = portal.get("/open/ledger/verify_ledger.py")
    assert answer.get_data(as_text=True) == Path(verify_ledger.__file__).read_text(encoding="utf-8")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert portal.get("/open/ledger/export.jsonl?reader=x").status_code == 400
    assert portal.get("/open/ledger/checkpoints/x.json").status_code == 404


@pytest.mark.parametrize("language", ["", "/zh_Hant_TW", "/en"])
def test_every_event_has_a_name_in_every_language(portal: Portal, language: str) -> None:
    page = BeautifulSoup(
        text(portal, f"{language}/open/ledger?part=staff", portal.operator), "html.parser"
    )
    labels = {
        str(option["value"]): option.get_text(strip=True)
        for option in page.select("#type option")
        if option.get("value")
    }
    assert set(labels) == set(EVENT_TYPES)
    assert len(set(labels.values())) == len(labels), "two events under one name"
    for name, label in labels.items():
        assert name not in label and "_" not in label, name
        assert language == "/en" or not re.search("[A-Za-z]", label), label
