"""A portal's search: real Solr, CKAN's own ``package_search``, labels as the test gives them."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from ckan import model
from ckan.lib import plugins as lib_plugins
from ckan.lib.search.common import make_connection
from ckan.logic.action.get import package_search

from ckanext.govopen.access.policy import Person
from ckanext.govopen.search import query
from ckanext.govopen.search.shape import document
from ckanext.govopen.tests.portal import migrating

SITE = "search-tests"
ANYBODY = Person()
MEMBER = Person(user_id="u1", memberships={"org-water": "editor"})
REPOSITORY = Path(__file__).parents[4]


def dataset(name: str, title: str, **fields: Any) -> dict[str, Any]:
    """A dataset dict as CKAN's default show schema gives it; unknown fields become extras."""
    plain = {
        "id": fields.pop("id", f"id-{name}"),
        "name": name,
        "title": title,
        "notes": fields.pop("notes", ""),
        "type": fields.pop("type", "dataset"),
        "state": fields.pop("state", "active"),
        "private": False,
        "owner_org": fields.pop("owner_org", "org-water"),
        "organization": fields.pop("organization", {"name": "water", "title": "水務局"}),
        "metadata_created": fields.pop("metadata_created", "2020-01-01T00:00:00"),
        "metadata_modified": fields.pop("metadata_modified", "2020-01-01T00:00:00"),
        "tags": [{"name": tag, "vocabulary_id": None} for tag in fields.pop("tags", [])],
        "groups": [],
        "resources": fields.pop("resources", []),
        "license_id": fields.pop("license_id", "cc-by"),
    }
    return {**plain, "extras": [{"key": key, "value": value} for key, value in fields.items()]}


def release(name: str, title: str, **fields: Any) -> dict[str, Any]:
    """The Solr document of a released dataset."""
    open_class = fields.pop("open_class", "unconditional")
    info_items = fields.pop("info_items", [])
    found = dataset(name, title, **fields)
    shown = {**found, "info_items": info_items}
    return document(
        found, shown, hidden=False, labels=["public"], site_id=SITE, open_class=open_class
    )


def hidden(name: str, title: str, **fields: Any) -> dict[str, Any]:
    """The Solr document of a dataset that only the department ``org-water`` sees."""
    found = dataset(name, title, **fields)
    return document(found, found, hidden=True, labels=["member-org-water"], site_id=SITE)


class Labels:
    """Gives the labels that a test wants, in place of a plugin's."""

    def __init__(self, labels: list[str]) -> None:
        self.labels = labels

    def get_user_dataset_labels(self, user: Any) -> list[str]:
        return self.labels


Search = Callable[..., dict[str, Any]]


@pytest.fixture
def search(monkeypatch: pytest.MonkeyPatch, ckan_config: Any) -> Search:
    """Asks as the portal does: sanitised, with defaults, through CKAN's own action."""
    monkeypatch.setitem(ckan_config, "ckan.site_id", SITE)
    # Titles of organisations in facets come from there.
    if not sa.inspect(model.Session.get_bind()).has_table("user"):
        with migrating():
            model.repo.init_db()

    def ask(
        params: dict[str, Any] | None = None, person: Person = ANYBODY, **more: Any
    ) -> dict[str, Any]:
        asked = query.sanitise({**(params or {}), **more}, person, frozenset())
        asked = query.search_defaults(asked, person)
        labels = ["public", *(f"member-{org}" for org in person.memberships)]
        monkeypatch.setattr(lib_plugins, "get_permission_labels", lambda: Labels(labels))
        context: Any = {"user": "", "auth_user_obj": None, "session": model.Session}
        return package_search(context, asked)

    return ask


@pytest.fixture
def found(search: Search) -> Callable[..., list[str]]:
    """The names of the datasets that a query finds, in order."""

    def names(q: str, person: Person = ANYBODY, **more: Any) -> list[str]:
        answer = search({"q": q, "rows": 1000, **more}, person)
        return [hit["name"] for hit in answer["results"]]

    return names


class Index:
    """Puts documents into the tests' part of the index."""

    def __init__(self) -> None:
        self.solr = make_connection()

    def clear(self) -> None:
        self.solr.delete(q=f'+site_id:"{SITE}"', commit=True)

    def add(self, *documents: dict[str, Any]) -> None:
        self.solr.add(list(documents), commit=True)


@pytest.fixture(scope="module")
def index() -> Iterator[Index]:
    """An empty part of the index, cleared again afterwards."""
    made = Index()
    made.clear()
    yield made
    made.clear()


def real_list() -> list[dict[str, str]]:
    """The published list of a city, where it lies beside the repository; empty elsewhere."""
    path = REPOSITORY.parent / "shared" / "data" / "taoyuan-open-data-list-2018.csv"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def real_release(number: int, row: dict[str, str]) -> dict[str, Any]:
    """The document of a row of that list."""
    code, _, provider = row["資料集提供機關"].partition("【")
    return release(
        f"real-{number}",
        row["資料名稱"],
        notes=row["資料集描述"],
        tags=[tag for tag in (t.strip() for t in re.split("[,，、]", row["標籤/關鍵字"])) if tag],
        organization={"name": code.strip().lower() or "none", "title": provider.strip("】 ")},
        theme=re.sub(r"\s*\(\d+\)$", "", row["分類及編號"]),
        update_cycle=row["更新頻率"],
        info_items=[{"name": name} for name in row["主要欄位"].split("、") if name],
        metadata_modified=row["最後更新時間"].replace(" ", "T") or "2018-01-01T00:00:00",
    )
