"""The index follows releases and policy: by CKAN's hook, in batches, rebuilt, compared."""

from __future__ import annotations

import json
from typing import Any

import pysolr
import pytest
from ckan import model
from ckan.lib.search import SearchIndexError
from ckan.lib.search.common import make_connection
from ckan.plugins import toolkit
from sqlalchemy import event

from ckanext.govopen.access.labels import PUBLIC, dataset_labels
from ckanext.govopen.model.release import DatasetRow
from ckanext.govopen.search import compare, document
from ckanext.govopen.search.fields import HIDDEN_FORM
from ckanext.govopen.tests.portal import Portal, unique


class Site:
    """A department of its own in the running portal."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.department = portal.department()

    def dataset(self, open_class: str = "unconditional", **fields: Any) -> dict[str, Any]:
        return self.portal.dataset(self.department, open_class=open_class, **fields)

    def release(self, package_id: str) -> None:
        self.portal.approve(self.department, package_id)

    def call(self, action: str, **data: Any) -> Any:
        return self.portal.call(action, self.department.editor, **data)


@pytest.fixture(scope="module")
def department(_one_portal: Portal) -> Site:
    _one_portal.ready()
    return Site(_one_portal)


@pytest.fixture
def site(portal: Portal, department: Site) -> Site:
    """The department, on a portal that is ready for this test."""
    return department


def stored(package_id: str) -> dict[str, Any] | None:
    """What the index returns of a dataset; ``open`` says whether its words are in open fields."""
    solr = make_connection(decode_dates=False)
    where = f'+id:"{package_id}" +site_id:"{toolkit.config["ckan.site_id"]}"'
    found = solr.search(where, fl="*").docs
    if not found:
        return None
    assert len(found) == 1
    return {**found[0], "open": bool(solr.search(f"{where} +text:*").hits)}


def labels_of(package_id: str) -> set[str]:
    solr = make_connection()
    facet = solr.search(
        f'id:"{package_id}"', rows=0, facet="true", **{"facet.field": "permission_labels",
        "facet.mincount": 1},
    ).facets["facet_fields"]["permission_labels"]  # fmt: skip
    return set(facet[0::2])


def test_a_dataset_without_a_release_is_hidden(site: Site) -> None:
    package = site.dataset(title="未放行的標題", notes="未放行")
    found = stored(package["id"])
    assert found and found["govopen_form"] == "staff"
    assert not found["open"]
    assert {key for key in found if key != "indexed_ts"} <= HIDDEN_FORM | {"open", "_version_"}
    assert json.loads(found["validated_data_dict"])["title"] == "未放行的標題"


def test_a_release_is_found_and_the_working_copy_is_not(site: Site) -> None:
    package = site.dataset(title="已放行的標題")
    site.release(package["id"])
    site.call("package_patch", id=package["id"], title="改動中的新標題")
    for _ in range(2):
        found = stored(package["id"])
        assert found and found["govopen_form"] == "release"
        assert found["title"] == "已放行的標題"
        assert found["open_class"] == "unconditional"
        assert "改動" not in json.dumps(found, ensure_ascii=False)
        document.index_many([package["id"]])


@pytest.mark.parametrize("how", ["suspended", "deleted", "non_open"])
def test_what_is_taken_away_leaves_the_open_fields(site: Site, how: str) -> None:
    package = site.dataset(
        "non_open" if how == "non_open" else "unconditional", title="收回的標題", class_reason="x"
    )
    site.release(package["id"])
    if how == "suspended":
        extra = model.Session.get(DatasetRow, package["id"])
        assert extra is not None
        extra.suspended = True
        model.Session.commit()
    if how == "deleted":
        site.call("package_delete", id=package["id"])
    document.index_many([package["id"]])
    found = stored(package["id"])
    if how == "deleted":
        assert found is None
    else:
        assert found and found["govopen_form"] == "staff" and not found["open"]


def test_labels_are_those_of_the_policy(site: Site) -> None:
    released, waiting = site.dataset(), site.dataset()
    site.release(released["id"])
    document.index_many([released["id"], waiting["id"]])
    for package_id in (released["id"], waiting["id"]):
        package = model.Package.get(package_id)
        assert package is not None
        assert labels_of(package_id) == set(dataset_labels(package))
    assert PUBLIC in labels_of(released["id"])
    assert PUBLIC not in labels_of(waiting["id"])


def test_hook_and_batch_make_the_same_document(site: Site) -> None:
    package = site.dataset(title="同一文件", tags=[{"name": "標籤"}], theme="水利")
    site.release(package["id"])
    site.call("package_patch", id=package["id"], notes="改")  # CKAN's own way
    by_hook = stored(package["id"])
    document.index_many([package["id"]])
    by_batch = stored(package["id"])
    assert by_hook and by_batch
    written = {"indexed_ts", "_version_"}
    assert {k: v for k, v in by_hook.items() if k not in written} == {
        k: v for k, v in by_batch.items() if k not in written
    }


def test_sources_of_harvesting_are_no_datasets(site: Site) -> None:
    source = model.Package(
        name=unique("source"),
        title="採集來源",
        url=f"https://source.example.org/{unique()}",
        type="harvest",
        owner_org=site.department.id,
    )
    model.Session.add(source)
    model.Session.commit()
    document.index_many([source.id])
    found = stored(source.id)
    assert found and found["govopen_form"] == "staff" and not found["open"]


def test_one_request_and_few_statements_for_many(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [site.dataset()["id"] for _ in range(6)]
    for package_id in ids:
        site.release(package_id)
    requests: list[str] = []
    send = pysolr.Solr._send_request
    monkeypatch.setattr(
        pysolr.Solr,
        "_send_request",
        lambda self, method, path="", *a, **k: (
            requests.append(path),
            send(self, method, path, *a, **k),
        )[1],
    )

    def statements(some: list[str]) -> int:
        model.Session.expire_all()
        count = 0

        def counted(*_: Any) -> None:
            nonlocal count
            count += 1

        engine = model.Session.get_bind()
        event.listen(engine, "before_cursor_execute", counted)
        try:
            document.index_many(some)
        finally:
            event.remove(engine, "before_cursor_execute", counted)
        return count

    one, all_of_them = statements(ids[:1]), statements(ids)
    assert len(requests) == 2 and all("update" in path for path in requests)
    assert one == all_of_them <= 6


def test_rebuild_and_check(site: Site) -> None:
    released, waiting, lost = site.dataset(), site.dataset(), site.dataset()
    site.release(released["id"])
    document.rebuild()
    assert compare.check() == []

    solr = make_connection()
    document.remove_many([lost["id"]])

    # Labels are not stored, so they are given again.
    labels = sorted(labels_of(released["id"]))

    def again(package_id: str, **changes: Any) -> dict[str, Any]:
        found = stored(package_id) or {}
        return {k: v for k, v in found.items() if k not in ("open", "_version_")} | changes

    solr.add(
        [
            again(waiting["id"], govopen_form="release"),
            again(waiting["id"], id="gone", index_id="gone"),
            again(released["id"], govopen_fingerprint="old", permission_labels=labels),
        ],
        commit=True,
    )
    assert {(d.package_id, d.kind) for d in compare.check()} == {
        (lost["id"], "missing"),
        (waiting["id"], "form"),
        ("gone", "orphan"),
        (released["id"], "stale"),
    }
    seen: list[tuple[int, int]] = []
    number = document.rebuild(lambda done, whole: seen.append((done, whole)))
    assert compare.check() == []
    assert stored("gone") is None
    assert seen[-1] == (number, number)


def test_without_review_a_dataset_stays_ckans_own(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = site.dataset(title="沒有放行", notes="說明")
    monkeypatch.setitem(toolkit.config, "ckanext.govopen.review", "off")
    document.index_many([package["id"]])
    make_connection().commit()
    found = stored(package["id"])
    assert found and found["govopen_form"] == "ckan"
    assert found["open"] and found["name"] == package["name"]
    assert PUBLIC not in labels_of(package["id"])


def test_a_search_engine_that_is_away_is_told_without_words(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = site.dataset(title="不可外洩")
    monkeypatch.setitem(toolkit.config, "solr_url", "http://127.0.0.1:9/solr/none")
    with pytest.raises(SearchIndexError) as error:
        document.index_many([package["id"]])
    assert "不可外洩" not in str(error.value)


def test_unknown_and_empty_lists_do_nothing(site: Site) -> None:
    document.index_many([])
    document.remove_many([])
    document.index_many(["no-such-id"])
    assert stored("no-such-id") is None


DATES = {
    "zone_date": "2020-01-01T00:00:00+08:00",
    "plain_date": "2020-01-01",
    "garbage_date": "not known",
    "early_date": "0001-01-01T00:00:00+08:00",
    "late_date": "9999-12-31T23:59:59-08:00",
}
IMPOSSIBLE = ["99999999999", "2020-01-01T00:00:00+99:00"]


@pytest.mark.parametrize("review", ["on", "off"])
def test_dates_of_any_form_keep_no_dataset_out(
    site: Site, review: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Solr reads dates in UTC only: others are turned into these, what is no date is left out."""
    monkeypatch.setitem(toolkit.config, "ckanext.govopen.review", review)
    extras = [{"key": key, "value": value} for key, value in DATES.items()]
    made = site.dataset(extras=extras)
    assert stored(made["id"]) is not None
    if review == "on":
        site.release(made["id"])
    found = stored(made["id"])
    assert found is not None and found["open"]
    assert found["zone_date"] == found["extras_zone_date"] == "2019-12-31T16:00:00Z"
    assert found["plain_date"] == "2020-01-01T00:00:00Z"
    assert "garbage_date" not in found
    shown = site.portal.call("package_show", id=made["id"])
    assert {extra["key"]: extra["value"] for extra in shown["extras"]} == DATES


@pytest.mark.parametrize("value", IMPOSSIBLE)
def test_dates_that_break_ckans_indexing_are_refused(site: Site, value: str) -> None:
    """Otherwise the answer would be a 500 and the dataset lost."""
    made = site.dataset()
    extras = [{"key": "some_date", "value": value}]
    asked = {**site.portal.fields(site.department), "extras": extras}
    editor = site.department.editor
    for action, data in (
        ("package_create", asked),
        ("package_patch", {"id": made["id"], "extras": extras}),
        ("package_revise", {"match": {"id": made["id"]}, "update": {"extras": extras}}),
    ):
        answer = site.portal.ask(action, data, editor)
        assert answer.status_code == 409, answer.get_data(as_text=True)
        assert "some_date" in answer.get_data(as_text=True)
    assert not site.portal.call("package_show", editor, id=made["id"]).get("extras")


def test_ckans_own_documents_may_have_a_time_zone() -> None:
    """As CKAN sends them while the extension is off; what is no date it leaves out itself."""
    solr = make_connection(decode_dates=False)
    one = {
        "index_id": unique("date"),
        "id": unique("date"),
        "site_id": unique("elsewhere"),
        "entity_type": "package",
        "dataset_type": "dataset",
        "some_date": "2020-01-01T00:00:00+08:00",
        "other_date": "2014-03-22T05:42:14Z",
        "third_date": "2014-03-22T05:42:14.123456+00:00",
    }
    solr.add([one], commit=True)
    try:
        (found,) = solr.search(f'index_id:"{one["index_id"]}"', fl="*").docs
    finally:
        solr.delete(q=f'index_id:"{one["index_id"]}"', commit=True)
    assert found["some_date"] == "2019-12-31T16:00:00Z"
    assert found["other_date"] == "2014-03-22T05:42:14Z"
    assert found["third_date"].startswith("2014-03-22T05:42:14")
