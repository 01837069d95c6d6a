"""The bulk writer as an action: same result as CKAN's own, and no way round a rule."""

from __future__ import annotations

from typing import Any

import pytest
from ckan import model

from ckanext.govopen.domain import catalogue as mapping
from ckanext.govopen.logic import departments
from ckanext.govopen.model import jurisdiction
from ckanext.govopen.tests.harvesters.conftest import Catalogue
from ckanext.govopen.tests.portal import unique


def record(catalogue: Catalogue, number: int, **fields: Any) -> dict[str, Any]:
    return {
        "code": f"{catalogue.prefix}/{number:04}",
        "title": f"資源 {number}",
        "summary": "說明",
        "keywords": ["消防", "安全"],
        "provider": {"name": catalogue.department.name, "unit": "一科"},
        "items": [{"name": "編號", "type": "C"}, {"name": "內部", "type": "C", "open": False}],
        "share": {"class": "有条件共享", "condition": "限内部", "mode": "接口"},
        "open": {"open": True},
        "cycle": "每月",
        "issued": "2020-01-01",
        "acquired": "collected",
        "distributions": [
            {
                "id": "1",
                "name": "資料",
                "format": "CSV",
                "url": "https://data.example.org/1.csv",
                "columns": ["編號"],
            }
        ],
        **fields,
    }


def send(catalogue: Catalogue, *records: Any, **more: Any) -> dict[str, Any]:
    return catalogue.portal.call(
        "govopen_catalogue_import",
        catalogue.keeper,
        source=catalogue.source_id,
        records=list(records),
        **more,
    )


#: What differs between two datasets whatever wrote them.
OWN = {
    "id", "name", "metadata_created", "metadata_modified", "creator_user_id", "resource_code",
}  # fmt: skip


def plain(dataset: dict[str, Any]) -> dict[str, Any]:
    """A dataset without what belongs to this one copy of it."""
    kept = {key: value for key, value in dataset.items() if key not in OWN}
    kept["resources"] = [
        {
            key: value
            for key, value in resource.items()
            if key
            not in ("id", "package_id", "created", "last_modified", "metadata_modified", "url")
        }
        | {"url": str(resource["url"]).replace(resource["id"], "").replace(dataset["id"], "")}
        for resource in dataset["resources"]
    ]
    kept["tags"] = sorted(tag["name"] for tag in dataset["tags"])
    return kept


@pytest.mark.parametrize("condition", ["", "僅供研究"])
def test_the_result_is_that_of_package_create_field_by_field(
    catalogue: Catalogue, condition: str
) -> None:
    portal = catalogue.portal
    written = record(catalogue, 1, open={"open": True, "condition": condition})
    answer = send(catalogue, written)
    assert answer["new"] == 1 and answer["refused"] == []
    by_bulk = portal.call("package_show", portal.operator, id=mapping.dataset_name(written["code"]))
    parsed = mapping.parse_record(written)
    assert isinstance(parsed, mapping.Record)
    profile = jurisdiction.profile()
    dataset = mapping.to_dataset(parsed, mapping.classify(parsed, profile), profile)
    dataset.update(name=unique("hand"), owner_org=catalogue.department.id)
    for resource in dataset["resources"]:
        del resource["id"]
    by_hand = portal.call("package_create", portal.operator, **dataset)
    by_hand = portal.call("package_show", portal.operator, id=by_hand["id"])
    assert plain(by_bulk) == plain(by_hand)
    assert by_bulk["private"] is True
    assert [item["name"] for item in by_bulk["info_items"]] == ["編號"]


def test_an_update_is_that_of_package_update_field_by_field(catalogue: Catalogue) -> None:
    portal = catalogue.portal
    send(catalogue, record(catalogue, 1), record(catalogue, 2, title="改", keywords=["新"]))
    answer = send(catalogue, record(catalogue, 1, title="改", keywords=["新"]))
    assert answer["changed"] == 1
    first, second = (
        portal.call(
            "package_show",
            portal.operator,
            id=mapping.dataset_name(record(catalogue, number)["code"]),
        )
        for number in (1, 2)
    )
    for dataset in (first, second):
        # CKAN's own update reads the media type from the address, its create does not.
        dataset["resources"][0].pop("mimetype")
    assert plain(first) == plain(second)


def test_the_review_names_who_stands_behind_it(catalogue: Catalogue) -> None:
    send(catalogue, record(catalogue, 1))
    name = mapping.dataset_name(record(catalogue, 1)["code"])
    review = catalogue.portal.call("govopen_review_show", catalogue.reviewer, id=name)
    assert catalogue.keeper.fullname in review["submitters"]


def test_wrong_records_are_named_and_the_others_written(catalogue: Catalogue) -> None:
    answer = send(
        catalogue,
        record(catalogue, 1),
        record(catalogue, 2, title=""),
        {"title": "ohne"},
        record(catalogue, 3, items=[{"type": "C"}]),
        record(catalogue, 4, items=[{"name": "x", "type": "text of no kind"}]),
        record(catalogue, 5),
    )
    assert answer["new"] == 2
    assert {one["code"].rsplit("/", 1)[-1] for one in answer["refused"]} == {
        "0002", "", "0003", "0004",
    }  # fmt: skip
    assert all(one["reason"] for one in answer["refused"])


def test_a_record_that_comes_twice_counts_once_with_its_higher_version(
    catalogue: Catalogue,
) -> None:
    answer = send(
        catalogue,
        record(catalogue, 1, version=3, title="三"),
        record(catalogue, 1, version=2, title="二"),
    )
    assert answer["new"] == 1
    name = mapping.dataset_name(record(catalogue, 1)["code"])
    shown = catalogue.portal.call("package_show", catalogue.portal.operator, id=name)
    assert shown["title"] == "三"


def test_deleted_there_is_withdrawn_here(catalogue: Catalogue) -> None:
    send(catalogue, record(catalogue, 1))
    answer = send(catalogue, {"code": record(catalogue, 1)["code"], "deleted": True})
    assert answer["withdrawn"] == 1
    assert (
        send(catalogue, {"code": record(catalogue, 1)["code"], "deleted": True})["unchanged"] == 1
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"records": None},
        {"records": "x"},
        {"records": [1]},
        {"records": [[]]},
        {"source": None},
        {"source": ["x"]},
        {"source": ""},
        {"run": 3},
        {"run": "no-such-run"},
        {"records": [{}] * 1001},
    ],
)
def test_bad_input_is_an_answer_and_no_accident(
    catalogue: Catalogue, wrong: dict[str, Any]
) -> None:
    data = {"source": catalogue.source_id, "records": [], **wrong}
    answer = catalogue.portal.ask("govopen_catalogue_import", data, catalogue.keeper)
    assert answer.status_code in (403, 404, 409), answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "broken",
    [
        {"title": "x" * 5000},
        {"title": {"a": 1}},
        {"keywords": "x"},
        {"keywords": [{"a": 1}]},
        {"provider": None},
        {"provider": []},
        {"items": [{"name": "x" * 3000}]},
        {"open": {"open": "maybe"}},
        {"code": "x" * 500},
        {"distributions": [5]},
        {"issued": "soon"},
    ],
)
def test_broken_records_are_refused_one_by_one(
    catalogue: Catalogue, broken: dict[str, Any]
) -> None:
    answer = send(catalogue, record(catalogue, 1, **broken), record(catalogue, 2))
    assert len(answer["refused"]) == 1 and answer["new"] == 1, answer


@pytest.mark.parametrize(
    "url", ["http://10.0.0.7/a.csv", "http://server.local/a", "file:///etc/passwd", "5", ""]
)
def test_a_link_into_the_departments_network_is_never_published(
    catalogue: Catalogue, url: str
) -> None:
    good = {"id": "2", "url": "https://data.example.org/2.csv", "format": "CSV", "columns": []}
    bad = {"id": "1", "url": url, "format": "CSV", "columns": []}
    answer = send(catalogue, record(catalogue, 1, distributions=[bad, good]))
    assert answer["new"] == 1
    shown = catalogue.portal.call(
        "package_show",
        catalogue.portal.operator,
        id=mapping.dataset_name(record(catalogue, 1)["code"]),
    )
    assert [resource["url"] for resource in shown["resources"]] == [good["url"]]
    report = catalogue.portal.call(
        "govopen_catalogue_run_show", catalogue.keeper, run=answer["run"], kind="warning"
    )
    assert report["remarks"][0]["reasons"][-1]["rule"] == "private_address"


def test_a_run_of_another_source_is_none(catalogue: Catalogue) -> None:
    run = send(catalogue, record(catalogue, 1))["run"]
    shown = catalogue.portal.call("govopen_catalogue_run_show", catalogue.keeper, run=run)
    assert shown["counts"]["new"] == 1 and shown["state"] == "finished"
    runs = catalogue.portal.call(
        "govopen_catalogue_run_list", catalogue.keeper, source=catalogue.source_id
    )
    assert [one["id"] for one in runs] == [run]


def test_two_organisations_that_fit_are_no_answer(catalogue: Catalogue) -> None:
    title = unique("局")
    for _ in range(2):
        made = catalogue.portal.organization()
        catalogue.portal.call(
            "organization_patch", catalogue.portal.operator, id=made["id"], title=title
        )
    answer = send(catalogue, record(catalogue, 1, provider={"name": title}))
    assert answer["kept_back"] == 1
    with pytest.raises(departments.Ambiguous):
        departments.Directory().find(title)


def test_an_organisation_is_found_by_code_then_prefix_then_name(catalogue: Catalogue) -> None:
    portal = catalogue.portal
    made, code = portal.organization(), unique("K")
    portal.call(
        "organization_patch",
        portal.operator,
        id=made["id"],
        title=f"局{code}",
        org_code=code,
        org_code_scheme="other",
    )
    model.Session.remove()
    found = departments.Directory()
    assert found.find("別的名字", code.lower()).id == made["id"]  # type: ignore[union-attr]
    assert found.find("別的名字", "", f"{code}/001").id == made["id"]  # type: ignore[union-attr]
    assert found.find(f"局{code}").id == made["id"]  # type: ignore[union-attr]
    # The name alone does not outweigh a code that says it is somebody else.
    assert found.find(f"局{code}", "ANOTHER") is None
    assert found.find("別的名字") is None
