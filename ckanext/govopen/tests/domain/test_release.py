from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.govopen.domain.classification import OpenClass, is_stricter, strictness
from ckanext.govopen.domain.fingerprint import EXEMPT_DATASET, EXEMPT_RESOURCE
from ckanext.govopen.domain.refusal import Refused
from ckanext.govopen.domain.release import (
    FileFact,
    Snapshot,
    diff,
    fingerprint,
    narrow,
    restore,
    suspend,
)

from .builders import AUTHORITY, EDITOR, OPERATOR, ORG, REVIEWER, STRANGER, complete_dataset

SHA = "ab" * 32


def resource(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": name, "name": f"文件{name}", "format": "CSV", "description": "说明",
        "url": f"http://portal.example/dataset/d1/resource/{name}/download/{name}.csv",
        "url_type": "upload", "state": "active", **fields,
    }  # fmt: skip


def snapshot(**fields: Any) -> Snapshot:
    dataset = complete_dataset(
        tags=[{"name": "医疗"}, {"name": "机构"}],
        groups=[{"id": "g1", "title": "卫生"}],
        extras=[{"key": "area", "value": "厦门"}],
        info_items=[{"name": "名称", "type": "C", "open": True}],
        resources=[resource("r1"), resource("r2")],
        **fields,
    )
    return Snapshot(
        dataset=dataset,
        files={"r1": FileFact(SHA, 10, "r1.csv", "text/csv")},
        locations={"r2": "https://inner.example/api"},
        views=[
            {"id": "v1", "resource_id": "r1", "title": "表格", "view_type": "table"},
            {"id": "v2", "resource_id": "r1", "title": "文本", "view_type": "text"},
        ],
    )


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from(sorted(EXEMPT_DATASET)), VALUES))
def test_exempt_dataset_fields_do_not_count(fields: dict[str, Any]) -> None:
    changed = replace(snapshot(), dataset={**snapshot().dataset, **fields})
    assert changed.fingerprint() == snapshot().fingerprint()
    assert diff(snapshot(), changed) == []


@given(st.dictionaries(st.sampled_from(sorted(set(EXEMPT_RESOURCE) - {"state"})), VALUES))
def test_exempt_resource_fields_do_not_count(fields: dict[str, Any]) -> None:
    dataset = copy.deepcopy(dict(snapshot().dataset))
    dataset["resources"][0].update(fields)
    assert replace(snapshot(), dataset=dataset).fingerprint() == snapshot().fingerprint()


FIELDS = st.text(st.characters(categories=["Ll"]), min_size=1, max_size=12)


@given(FIELDS.filter(lambda name: name not in EXEMPT_DATASET), st.text(min_size=1, max_size=5))
def test_any_other_dataset_field_counts(name: str, value: str) -> None:
    if name in ("resources", "tags", "groups", "extras") or snapshot().dataset.get(name) == value:
        return
    changed = replace(snapshot(), dataset={**snapshot().dataset, name: value})
    assert changed.fingerprint() != snapshot().fingerprint()
    assert [change.path for change in diff(snapshot(), changed)] == [name]


@given(FIELDS.filter(lambda name: name not in EXEMPT_RESOURCE), st.text(min_size=1, max_size=5))
def test_any_other_resource_field_counts(name: str, value: str) -> None:
    dataset = copy.deepcopy(dict(snapshot().dataset))
    if name in ("id", "url") or dataset["resources"][1].get(name) == value:
        return
    dataset["resources"][1][name] = value
    changed = replace(snapshot(), dataset=dataset)
    assert changed.fingerprint() != snapshot().fingerprint()
    assert [change.path for change in diff(snapshot(), changed)] == [f"resources/r2/{name}"]


@pytest.mark.parametrize(
    "name",
    ["title", "name", "notes", "owner_org", "open_class", "open_condition", "class_reason",
     "legal_basis", "license_id", "resource_code", "provider_unit", "theme", "update_cycle",
     "info_items", "acquired_by", "delivery", "issued", "data_updated", "url", "author",
     "author_email", "maintainer", "maintainer_email", "version"],
)  # fmt: skip
def test_no_field_of_the_portal_is_ever_exempt(name: str) -> None:
    changed = replace(snapshot(), dataset={**snapshot().dataset, name: "另一个值"})
    assert changed.fingerprint() != snapshot().fingerprint()


@pytest.mark.parametrize("name", ["name", "description", "format", "url", "url_type", "mimetype"])
def test_no_field_of_a_linked_resource_is_ever_exempt(name: str) -> None:
    linked = resource("r9", url="https://a.example/f.csv", url_type="")
    one = fingerprint({"resources": [linked]}, {})
    assert fingerprint({"resources": [{**linked, name: "another"}]}, {}) != one


def edits() -> dict[str, Snapshot]:
    base = snapshot()

    def data(change: Any) -> Snapshot:
        dataset = copy.deepcopy(dict(base.dataset))
        change(dataset)
        return replace(base, dataset=dataset)

    return {
        "bytes": replace(base, files={"r1": FileFact("cd" * 32, 10, "r1.csv", "text/csv")}),
        "size": replace(base, files={"r1": FileFact(SHA, 11, "r1.csv", "text/csv")}),
        "file name": replace(base, files={"r1": FileFact(SHA, 10, "x.html", "text/csv")}),
        "media type": replace(base, files={"r1": FileFact(SHA, 10, "r1.csv", "text/html")}),
        "no file": replace(base, files={}),
        "location": replace(base, locations={"r2": "https://other.example/api"}),
        "view title": replace(base, views=[{**base.views[0], "title": "新"}, base.views[1]]),
        "view gone": replace(base, views=base.views[:1]),
        "view order": replace(base, views=[base.views[1], base.views[0]]),
        "tag": data(lambda d: d["tags"].append({"name": "新"})),
        "group": data(lambda d: d["groups"].clear()),
        "extra": data(lambda d: d["extras"][0].update(value="漳州")),
        "item": data(lambda d: d["info_items"][0].update(open=False)),
        "resource order": data(lambda d: d["resources"].reverse()),
        "resource gone": data(lambda d: d["resources"].pop()),
        "resource deleted": data(lambda d: d["resources"][0].update(state="deleted")),
        "resource new": data(lambda d: d["resources"].append(resource("r3"))),
    }


@pytest.mark.parametrize("name", edits())
def test_everything_reviewed_counts_and_is_shown(name: str) -> None:
    edited = edits()[name]
    assert edited.fingerprint() != snapshot().fingerprint()
    assert diff(snapshot(), edited)


def test_all_edits_have_fingerprints_of_their_own() -> None:
    prints = [edit.fingerprint() for edit in edits().values()]
    assert len(set(prints)) == len(prints)
    assert {len(value) for value in prints} == {64}


def test_what_ckan_writes_differently_is_the_same() -> None:
    base = snapshot()
    dataset = copy.deepcopy(dict(base.dataset))
    dataset["tags"] = [
        {"name": "机构", "display_name": "机构", "id": "x", "state": "active"},
        {"name": "医疗", "vocabulary_id": None},
    ]
    dataset["groups"][0]["display_name"] = "卫生"
    dataset["empty"] = ""
    dataset["none"] = None
    dataset["resources"][0].update(url="r1.csv", mimetype="text/csv", size=10, hash="x")
    assert replace(base, dataset=dataset).fingerprint() == base.fingerprint()


def test_the_address_of_a_linked_resource_counts() -> None:
    one = fingerprint({"resources": [{"id": "r", "url": "https://a.example/x/f.csv"}]}, {})
    other = fingerprint({"resources": [{"id": "r", "url": "https://b.example/x/f.csv"}]}, {})
    assert one != other


def test_floats_and_unknown_values_do_not_break_it() -> None:
    assert fingerprint({"x": 1.5}, {}) != fingerprint({"x": "1.5"}, {})
    assert fingerprint({"x": 1}, {}) != fingerprint({"x": True}, {})
    assert len(fingerprint({"x": {1, 2}.__class__}, {})) == 64


def test_a_first_release_is_all_new() -> None:
    paths = {change.path for change in diff(None, snapshot())}
    assert {"title", "resources/r1", "views/r1"} <= paths
    assert {change.kind for change in diff(None, snapshot())} == {"added"}


@given(st.data())
def test_equal_fingerprints_have_no_difference(data: st.DataObject) -> None:
    names = sorted(edits())
    one = edits()[data.draw(st.sampled_from(names))]
    other = edits()[data.draw(st.sampled_from(names))]
    assert (diff(one, other) == []) == (one.fingerprint() == other.fingerprint())


# Narrowing.


def test_nothing_narrows_without_a_removal() -> None:
    assert narrow(snapshot(), snapshot()) is None
    assert narrow(snapshot(), snapshot(title="新标题")) is None
    assert narrow(snapshot(open_class="conditional"), snapshot()) is None
    assert narrow(snapshot(), edits()["resource new"]) is None


def test_a_deletion_takes_everything() -> None:
    for working in (None, snapshot(state="deleted")):
        result = narrow(snapshot(), working)
        assert result is not None
        assert (result.withdraw, result.release) == (True, None)


def test_a_removed_resource_goes_with_file_link_and_views() -> None:
    working = snapshot(title="未审标题")
    working.dataset["resources"].pop(0)
    result = narrow(snapshot(), working)
    assert result is not None and result.release is not None
    assert result.removed_resources == ("r1",)
    assert result.release.resource_ids() == ["r2"]
    assert not result.release.files and not result.release.views
    assert result.release.dataset["title"] == snapshot().dataset["title"]
    assert "未审标题" not in str(result.release)


CLASSES = st.sampled_from(list(OpenClass))


@given(CLASSES, CLASSES, st.sets(st.sampled_from(["r1", "r2", "r3"])), st.text())
def test_narrowing_never_widens(
    before: OpenClass, after: OpenClass, kept: set[str], title: str
) -> None:
    release = snapshot(open_class=before.value)
    working = snapshot(open_class=after.value, title=title)
    resources = [*working.dataset["resources"], resource("r3")]
    working = replace(
        working,
        dataset={**working.dataset, "resources": [r for r in resources if r["id"] in kept]},
    )
    result = narrow(release, working)
    changes = is_stricter(after, before) or not {"r1", "r2"} <= kept
    assert (result is not None) == changes
    if result is None or result.release is None:
        return
    narrowed = result.release
    assert set(narrowed.resource_ids()) == {"r1", "r2"} & kept
    own = narrowed.open_class()
    assert own is not None
    assert strictness(own) == max(strictness(before), strictness(after))
    assert set(narrowed.files) <= set(release.files)
    left_out = {"resources", "open_class"}
    for name, value in narrowed.dataset.items():
        if name not in left_out:
            assert value == release.dataset[name]
    assert narrow(narrowed, working) is None


# Suspension.


def test_who_suspends_and_restores() -> None:
    for actor in (EDITOR, REVIEWER, AUTHORITY, OPERATOR):
        assert suspend(False, actor, "d", ORG, "数据有误")[0].type == "dataset.suspended"
        assert restore(True, False, actor, "d", ORG, "已更正")[0].type == "dataset.restored"
    for actor in (AUTHORITY, OPERATOR):
        assert restore(True, True, actor, "d", ORG, "已更正")


@pytest.mark.parametrize(
    "call",
    [
        lambda: suspend(False, STRANGER, "d", ORG, "x"),
        lambda: suspend(False, EDITOR, "d", "org-other", "x"),
        lambda: suspend(False, EDITOR, "d", ORG, " "),
        lambda: suspend(True, EDITOR, "d", ORG, "x"),
        lambda: restore(False, False, EDITOR, "d", ORG, "x"),
        lambda: restore(True, True, EDITOR, "d", ORG, "x"),
        lambda: restore(True, False, STRANGER, "d", ORG, "x"),
    ],
)
def test_suspension_refused(call: Any) -> None:
    with pytest.raises(Refused):
        call()
