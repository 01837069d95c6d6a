"""``doctor --index`` and ``--repair``: the index and the database are damaged in every way."""

from __future__ import annotations

import json
import tracemalloc
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from ckan import model
from ckan.lib.search.common import make_connection
from ckan.plugins import toolkit
from ckan.tests.helpers import CKANCliRunner

from ckanext.govopen.cli.checks import services
from ckanext.govopen.cli.doctor import command
from ckanext.govopen.model.release import DatasetRow
from ckanext.govopen.search import compare, document
from ckanext.govopen.tests.portal import Department, Portal


@dataclass
class Own:
    """Two released datasets and two that wait, and the documents of the index."""

    portal: Portal
    department: Department
    released: list[str]
    waiting: list[str]

    @property
    def ids(self) -> set[str]:
        return {*self.released, *self.waiting}

    def found(self) -> dict[str, str]:
        """Kinds of differences by id."""
        model.Session.remove()
        return {one.package_id: one.kind for one in compare.check()}

    @staticmethod
    def stored(package_id: str) -> dict[str, Any]:
        docs = make_connection(decode_dates=False).search(f'id:"{package_id}"', fl="*").docs
        # What is not stored would be lost by writing a document back: labels are said anew.
        return {key: value for key, value in docs[0].items() if key != "_version_"}

    def write(self, package_id: str, labels: list[str] | None = None, **changes: Any) -> None:
        """The document as it is, but for these fields."""
        found = {**self.stored(package_id), **changes}
        if labels is None:
            package = model.Package.get(package_id)
            assert package is not None
            labels = _labels(package)
        make_connection().add([{**found, "permission_labels": labels}], commit=True)


def _labels(package: model.Package) -> list[str]:
    from ckanext.govopen.access.labels import dataset_labels

    return dataset_labels(package)


@pytest.fixture
def own(portal: Portal) -> Iterator[Own]:
    department = portal.department()
    made = [portal.dataset(department, open_class="unconditional")["id"] for _ in range(4)]
    for package_id in made[:2]:
        portal.approve(department, package_id)
    compare.repair(compare.check())
    found = Own(portal, department, made[:2], made[2:])
    assert found.found() == {}
    yield found
    compare.repair(compare.check())


def test_each_damage_is_found_told_and_repaired(
    own: Own, cli: CKANCliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shown, other), (hidden, lost) = own.released, own.waiting
    title = own.stored(shown)["title"]
    solr = make_connection()
    damages = {
        "missing": lambda: solr.delete(q=f'id:"{lost}"', commit=True),
        "form": lambda: own.write(hidden, govopen_form="release"),
        "labels": lambda: own.write(hidden, ["govopen-public", *_labels(_package(hidden))]),
        "labels lost": lambda: own.write(shown, [f"member-{own.department.id}"]),
        "stale fingerprint": lambda: own.write(shown, govopen_fingerprint="old"),
        "stale class": lambda: own.write(shown, open_class="conditional"),
        "stale capacity": lambda: own.write(shown, capacity="private"),
        "stale time": lambda: own.write(hidden, metadata_modified="2020-01-01T00:00:00Z"),
        "double": lambda: own.write(other, index_id="another"),
        "orphan": lambda: own.write(
            other, id="0-gone", index_id="gone", permission_labels=["govopen-public"]
        ),
        # The same from the other side: the database goes on and the index is not told.
        "database: stale": lambda: _update(hidden, metadata_modified=sa.func.now()),
        "database: orphan": lambda: _update(hidden, state="deleted"),
        "database: form": lambda: _suspend(shown),
        "database: labels": lambda: _update(lost, owner_org=own.portal.organization()["id"]),
    }
    for name, damage in damages.items():
        damage()
        kind = name.removeprefix("database: ").split()[0]
        found = own.found()
        assert list(found.values()) == [kind], (name, found)
        (package_id,) = found
        told = list(services.compared())
        assert [(one.level, one.code) for one in told] == [("error", f"index-{kind}")], name
        assert package_id in told[0].message and "--repair" in told[0].todo
        told = list(services.compared(repair=True))
        assert [(one.level, one.code) for one in told] == [("note", "index-repaired")], name
        assert own.found() == {} and not list(services.compared()), name
    assert own.stored(other)["title"] and title


def test_the_exit_code_says_whether_the_index_is_right(
    own: Own, cli: CKANCliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ckanext.govopen.cli import doctor

    for area in ("options", "database", "surfaces", "places", "others"):
        monkeypatch.setattr(getattr(doctor, area), "check", lambda *_: [])
    monkeypatch.setattr(services, "solr", list)
    monkeypatch.setattr(services, "storage", list)
    document.remove_many([own.waiting[0]])
    for options, code, said in (
        ([], 0, []),
        (["--index"], 1, ["index-missing"]),
        (["--repair"], 0, ["index-repaired"]),
        (["--index"], 0, []),
    ):
        answer = cli.invoke(command, ["--json", *options])
        assert answer.exit_code == code, answer.output
        assert [one["code"] for one in json.loads(answer.output)] == said


def test_pages_meet_whatever_their_size(own: Own) -> None:
    document.remove_many([own.released[0]])
    own.write(own.waiting[0], id="zz-gone", index_id="zz", permission_labels=["x"])
    own.write(own.waiting[0], id="0-gone", index_id="00", permission_labels=["x"])
    for page in (1, 2, 3, 1000):
        found = {one.package_id: one.kind for one in compare.differences(page)}
        assert found == {own.released[0]: "missing", "zz-gone": "orphan", "0-gone": "orphan"}


def _package(package_id: str) -> model.Package:
    found = model.Package.get(package_id)
    assert found is not None
    return found


def _update(package_id: str, **values: Any) -> None:
    table = model.package_table
    model.Session.execute(sa.update(table).where(table.c.id == package_id).values(**values))
    model.Session.commit()


def _suspend(package_id: str) -> None:
    row = model.Session.get(DatasetRow, package_id)
    assert row is not None
    row.suspended = True
    model.Session.commit()


@pytest.mark.long
def test_a_hundred_thousand_are_compared_in_little_memory(own: Own) -> None:
    """Rows without documents, documents without rows: every one of them is a difference."""
    count, mark = 100_000, uuid.uuid4().hex[:8]
    site, solr = toolkit.config["ckan.site_id"], make_connection()
    model.Session.execute(
        sa.text(
            "INSERT INTO package (id, name, type, state, private, owner_org, metadata_created,"
            " metadata_modified) SELECT md5(:mark || n)::uuid::text, :mark || '-' || n, 'dataset',"
            " 'active', true, :org, now(), now() FROM generate_series(1, :count) n"
        ),
        {"mark": mark, "org": own.department.id, "count": count},
    )
    model.Session.commit()
    try:
        for start in range(0, count, 10_000):
            rows = range(start, start + 10_000)
            solr.add(
                [
                    {
                        "id": f"{mark}-{at}", "index_id": f"{mark}-{at}", "site_id": site,
                        "entity_type": "package", "metadata_modified": "2020-01-01T00:00:00Z",
                    }
                    for at in rows
                ],
                commit=True,
            )  # fmt: skip
        tracemalloc.start()
        kinds = {"missing": 0, "orphan": 0}
        for one in compare.differences():
            kinds[one.kind] += 1
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert kinds == {"missing": count, "orphan": count}
        assert peak < 60_000_000, peak
    finally:
        model.Session.execute(
            sa.text("DELETE FROM package WHERE name LIKE :name"), {"name": f"{mark}-%"}
        )
        model.Session.commit()
        solr.delete(q=f"index_id:{mark}-*", commit=True)
