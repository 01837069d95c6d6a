"""What an editor reads and writes back loses nothing: links, files, sources, internal fields."""

from __future__ import annotations

from typing import Any

import pytest
from ckan.common import config

from ckanext.govopen.tests.portal import Department, Portal

BASIS = [{"instrument": "数据安全法", "article": "21", "kind": "law"}]
CONDITION = {"open_condition": "须申请", "class_reason": "涉及安全", "legal_basis": BASIS}
SOURCE = "https://data.example.com/source/path?key=value"
INTERNAL = {"share_class": "conditional", "share_condition": "内部", "share_mode": "接口"}
#: What a write may change by itself.
MOVING = {"metadata_modified", "last_modified", "position"}


@pytest.fixture(params=["unconditional", "conditional"])
def made(request: pytest.FixtureRequest, portal: Portal) -> tuple[Department, dict[str, Any]]:
    """A released dataset with a file and a link, and its internal fields."""
    department = portal.department()
    fields = {**CONDITION, **INTERNAL, "open_class": request.param}
    dataset = portal.dataset(department, **fields, tags=[{"name": "消防"}])
    portal.upload(department.editor, "a,b\n1,2\n", "文件.csv", package_id=dataset["id"], name="f")
    portal.call(
        "resource_create",
        department.editor,
        package_id=dataset["id"],
        url=SOURCE,
        name="l",
        format="CSV",
    )
    portal.approve(department, dataset["id"])
    return department, portal.call("package_show", department.editor, id=dataset["id"])


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if key not in MOVING}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _check(portal: Portal, department: Department, before: dict[str, Any], **changed: Any) -> None:
    """Nothing but ``changed`` differs for the department; file and link still work."""
    after = portal.call("package_show", department.editor, id=before["id"])
    expected = {**_plain(before), **changed}
    assert _plain(after) == expected
    for name, value in INTERNAL.items():
        assert after[name] == value
    file, link = (next(r for r in after["resources"] if r["name"] == n) for n in ("f", "l"))
    assert link.get("source_url", link["url"]) == SOURCE
    url = f"/dataset/{before['id']}/resource/{file['id']}/download"
    assert portal.get(url, department.editor).get_data() == b"a,b\n1,2\n"
    public = portal.call("package_show", id=before["id"])
    assert not set(INTERNAL) & set(public)
    assert all("source_url" not in resource for resource in public["resources"])
    if before["open_class"] == "conditional":
        assert "data.example.com" not in str(public)


def test_show_then_update(portal: Portal, made: tuple[Department, dict[str, Any]]) -> None:
    department, dataset = made
    portal.call("package_update", department.editor, **dataset)
    _check(portal, department, dataset)
    assert (
        portal.call("govopen_access_show", department.editor, id=dataset["id"])["pending"] is False
    )


def test_show_then_changed_update(portal: Portal, made: tuple[Department, dict[str, Any]]) -> None:
    department, dataset = made
    portal.call("package_update", department.editor, **{**dataset, "title": "新"})
    _check(portal, department, dataset, title="新")


def test_update_by_who_does_not_know_the_internal_fields(
    portal: Portal, made: tuple[Department, dict[str, Any]]
) -> None:
    """A client that takes the public dict and sends it back."""
    department, dataset = made
    plain = {key: value for key, value in dataset.items() if key not in INTERNAL}
    plain["resources"] = [
        {key: value for key, value in resource.items() if key != "source_url"}
        for resource in dataset["resources"]
    ]
    portal.call("package_update", department.editor, **{**plain, "title": "新"})
    _check(portal, department, dataset, title="新")


def test_released_then_update(portal: Portal, made: tuple[Department, dict[str, Any]]) -> None:
    """Even the outsiders' dict, sent by an editor, loses no address."""
    department, dataset = made
    public = portal.call("package_show", id=dataset["id"])
    portal.call("package_update", department.editor, **{**public, "title": "新"})
    _check(portal, department, dataset, title="新")


def test_patch(portal: Portal, made: tuple[Department, dict[str, Any]]) -> None:
    department, dataset = made
    portal.call("package_patch", department.editor, id=dataset["id"], title="新")
    _check(portal, department, dataset, title="新")


def test_revise(portal: Portal, made: tuple[Department, dict[str, Any]]) -> None:
    department, dataset = made
    portal.call(
        "package_revise",
        department.editor,
        match={"id": dataset["id"]},
        update={"title": "新"},
    )
    _check(portal, department, dataset, title="新")


def test_reorder(portal: Portal, made: tuple[Department, dict[str, Any]]) -> None:
    department, dataset = made
    turned = [resource["id"] for resource in reversed(dataset["resources"])]
    portal.call("package_resource_reorder", department.editor, id=dataset["id"], order=turned)
    _check(portal, department, dataset, resources=_plain(list(reversed(dataset["resources"]))))


def test_search_then_update(portal: Portal, made: tuple[Department, dict[str, Any]]) -> None:
    department, dataset = made
    hits = portal.call("package_search", department.editor, fq=f"name:{dataset['name']}")
    assert hits["count"] == 1
    hit = hits["results"][0]
    portal.call("package_update", department.editor, **{**hit, "title": "新"})
    _check(portal, department, dataset, title="新")


def test_resource_patch_and_update(portal: Portal, made: tuple[Department, dict[str, Any]]) -> None:
    department, dataset = made
    for resource in dataset["resources"]:
        portal.call("resource_patch", department.editor, id=resource["id"], description="说明")
    for resource in dataset["resources"]:
        shown = portal.call("resource_show", department.editor, id=resource["id"])
        portal.call("resource_update", department.editor, **{**shown, "description": "说明二"})
    changed = [{**r, "description": "说明二"} for r in _plain(dataset["resources"])]
    _check(portal, department, dataset, resources=changed)


def test_another_resource_comes_and_goes(
    portal: Portal, made: tuple[Department, dict[str, Any]]
) -> None:
    department, dataset = made
    extra = portal.call(
        "resource_create", department.editor, package_id=dataset["id"], url=SOURCE + "&n=2"
    )
    portal.call("resource_delete", department.editor, id=extra["id"])
    _check(portal, department, dataset)


def test_class_there_and_back(portal: Portal, made: tuple[Department, dict[str, Any]]) -> None:
    """The address goes to the portal's keeping and comes back to the dataset."""
    department, dataset = made
    other = {"unconditional": "conditional", "conditional": "unconditional"}[dataset["open_class"]]
    for wanted in (other, dataset["open_class"]):
        portal.call("package_patch", department.editor, id=dataset["id"], open_class=wanted)
        working = portal.call("package_show", department.editor, id=dataset["id"])
        link = next(r for r in working["resources"] if r["name"] == "l")
        assert link.get("source_url", link["url"]) == SOURCE
        held = wanted == "conditional"
        assert (link["url_type"] == "govopen_location") == held
        assert ("data.example.com" in link["url"]) == (not held)


@pytest.mark.parametrize("field", ["url", "source_url"])
def test_another_address_for_what_is_streamed(portal: Portal, field: str) -> None:
    """Each change of the kept address counts, the second and the third as well."""
    department = portal.department()
    dataset = portal.dataset(department, open_class="conditional", **CONDITION)
    link = portal.call(
        "resource_create", department.editor, package_id=dataset["id"], url=SOURCE, name="l"
    )
    portal.approve(department, dataset["id"])
    for number in (1, 2, 3):
        address = f"{SOURCE}&n={number}"
        portal.call("resource_patch", department.editor, **{"id": link["id"], field: address})
        shown = portal.call("resource_show", department.editor, id=link["id"])
        assert shown["source_url"] == address
        access = portal.call("govopen_access_show", department.editor, id=dataset["id"])
        assert access["pending"] is True
        assert "data.example.com" not in str(portal.call("package_show", id=dataset["id"]))


def test_many_are_deleted_on_the_department_s_page(portal: Portal) -> None:
    """CKAN's page for changing many datasets at once."""
    department = portal.department()
    datasets = [portal.dataset(department)["id"] for _ in range(2)]
    kept = portal.dataset(department)["id"]
    answer = portal.signed_in(portal.operator).post(
        f"/organization/bulk_process/{department.id}",
        base_url=config["ckan.site_url"],
        data={**{f"dataset_{one}": "on" for one in datasets}, "bulk_action.delete": "delete"},
    )
    assert answer.status_code in {200, 302}, answer.get_data(as_text=True)[:600]
    states = [
        portal.call("package_show", portal.operator, id=one)["state"] for one in (*datasets, kept)
    ]
    assert states == ["deleted", "deleted", "active"]
