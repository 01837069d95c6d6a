"""The dataset form: what it takes, what it refuses, what an update keeps."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from ckan import model
from ckan.plugins import toolkit as tk

from ckanext.govopen.domain import internal
from ckanext.govopen.logic import snapshot
from ckanext.govopen.model import jurisdiction
from ckanext.govopen.tests.access.site import Site

ITEMS = [
    {"name": "学校名称", "type": "字符型", "open": "是"},
    {"name": "电话", "type": "C", "open": False},
]


def create(site: Site, **fields: Any) -> dict[str, Any]:
    """A dataset as any CKAN client would create it, without the portal's fields unless given."""
    plain = {"name": f"d-{uuid.uuid4().hex[:12]}", "owner_org": site.organization["id"]}
    return site.call("package_create", "editor", **{**plain, **fields})


def errors_of(site: Site, **fields: Any) -> dict[str, Any]:
    with pytest.raises(tk.ValidationError) as caught:
        create(site, **fields)
    model.Session.rollback()
    return caught.value.error_dict


def test_a_plain_client_gets_the_default_class(site: Site) -> None:
    dataset = create(site)
    assert dataset["open_class"] == "unconditional"
    assert "open_condition" not in dataset


def test_a_profile_without_a_default_leaves_the_choice_to_a_person(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dataclasses

    profile = jurisdiction.profile()
    default = dataclasses.replace(profile.classes.default, value=None)
    other = dataclasses.replace(
        profile, classes=dataclasses.replace(profile.classes, default=default)
    )
    monkeypatch.setattr(jurisdiction, "profile", lambda: other)
    assert not create(site).get("open_class")


@pytest.mark.parametrize("value", ["open", "有条件开放", "Unconditional", 7, ["conditional"]])
def test_an_unknown_class_is_refused(site: Site, value: Any) -> None:
    assert "unconditional" in errors_of(site, open_class=value)["open_class"][0]


def test_conditional_data_says_its_condition(site: Site) -> None:
    for missing in ({}, {"open_condition": ""}, {"open_condition": "  "}):
        assert "open_condition" in errors_of(site, open_class="conditional", **missing)
    dataset = create(site, open_class="conditional", open_condition=" 仅限教学研究 ")
    assert dataset["open_condition"] == "仅限教学研究"


def test_an_update_that_leaves_the_class_out_widens_nothing(site: Site) -> None:
    dataset = create(site, open_class="conditional", open_condition="教学研究")
    changed = site.call(
        "package_update",
        "editor",
        id=dataset["id"],
        name=dataset["name"],
        title="新标题",
        owner_org=dataset["owner_org"],
    )
    assert (changed["open_class"], changed["open_condition"]) == ("conditional", "教学研究")


def test_internal_fields_stay_when_they_are_not_mentioned_and_go_when_emptied(site: Site) -> None:
    dataset = create(
        site, share_class="有条件（授权）共享", share_condition="仅公安", share_mode="接口"
    )
    assert dataset["share_class"] == "conditional"
    plain = {"id": dataset["id"], "name": dataset["name"], "owner_org": dataset["owner_org"]}
    kept = site.call("package_update", "editor", **plain)
    assert (kept["share_class"], kept["share_condition"]) == ("conditional", "仅公安")
    emptied = site.call("package_update", "editor", **plain, share_condition="")
    assert not emptied.get("share_condition")
    assert emptied["share_mode"] == "接口"


def test_items_and_bases_are_stored_in_their_canonical_form(site: Site) -> None:
    dataset = create(
        site,
        info_items=ITEMS,
        legal_basis=[{"instrument": "保密法", "article": "第九条", "kind": "法律"}],
        update_cycle="每月",
        acquired_by="采集",
        delivery=["interface", "download"],
        issued="2026/1/5",
        data_updated="2026-11-20T10:00:00+08:00",
    )
    assert dataset["info_items"] == [
        {"name": "学校名称", "type": "C", "open": True},
        {"name": "电话", "type": "C", "open": False},
    ]
    assert dataset["legal_basis"] == [{"instrument": "保密法", "article": "第九条", "kind": "law"}]
    assert (dataset["update_cycle"], dataset["acquired_by"]) == ("monthly", "collected")
    assert dataset["delivery"] == ["download", "interface"]
    assert (dataset["issued"], dataset["data_updated"]) == ("2026-01-05", "2026-11-20")
    again = site.call("package_show", "editor", id=dataset["id"])
    assert again["info_items"] == dataset["info_items"]


def test_show_then_update_changes_nothing(site: Site) -> None:
    dataset = create(
        site,
        info_items=ITEMS,
        theme="自定主题",
        open_class="conditional",
        open_condition="教学研究",
        tag_string="学校,教育",
        share_mode="接口",
        delivery=["download"],
    )
    before = site.call("package_show", "editor", id=dataset["id"])
    site.call("package_update", "editor", **before)
    after = site.call("package_show", "editor", id=dataset["id"])
    ignored = ("metadata_modified",)
    assert {k: v for k, v in after.items() if k not in ignored} == {
        k: v for k, v in before.items() if k not in ignored
    }


def test_blank_rows_of_the_form_are_left_out(site: Site) -> None:
    """The web form sends rows as numbered fields, blank ones included."""
    dataset = create(
        site,
        **{
            "info_items-0-name": "",
            "info_items-0-type": "",
            "info_items-0-open": "True",
            "info_items-1-name": "名称",
            "info_items-1-type": "C",
            "info_items-1-open": "False",
            "legal_basis-0-instrument": "",
            "legal_basis-0-article": "",
            "legal_basis-0-kind": "",
        },
    )
    assert dataset["info_items"] == [{"name": "名称", "type": "C", "open": False}]
    assert not dataset.get("legal_basis")


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"info_items": [{"name": "名称", "type": "Q"}]}, ("info_items", 0, "type")),
        (
            {"info_items": [{"type": "C", "name": ""}, {"name": "b", "open": "vielleicht"}]},
            ("info_items", 1, "open"),
        ),
        ({"legal_basis": [{"article": "第一条"}]}, ("legal_basis", 0, "instrument")),
        ({"legal_basis": [{"instrument": "某法", "kind": "rumour"}]}, ("legal_basis", 0, "kind")),
    ],
)
def test_wrong_rows_are_refused_at_their_place(
    site: Site, fields: dict[str, Any], where: tuple[str, int, str]
) -> None:
    field, row, name = where
    assert errors_of(site, **fields)[field][row][name]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("update_cycle", "sometimes"),
        ("acquired_by", "stolen"),
        ("issued", "2026-13-01"),
        ("issued", "yesterday"),
        ("data_updated", 5),
        ("delivery", ["carrier pigeon"]),
        ("share_class", "maybe"),
    ],
)
def test_wrong_values_are_refused_with_their_field(site: Site, field: str, value: Any) -> None:
    assert errors_of(site, **{field: value})[field]


@pytest.mark.parametrize("value", ["text", ["text"], 7, {"name": "x"}])
@pytest.mark.parametrize("field", ["info_items", "legal_basis"])
def test_a_list_of_the_wrong_kind_is_no_server_error(site: Site, field: str, value: Any) -> None:
    answer = site.app.post(
        "/api/action/package_create",
        headers=site.headers("editor"),
        json={
            "name": f"d-{uuid.uuid4().hex[:12]}",
            "owner_org": site.organization["name"],
            field: value,
        },
    )
    assert answer.status_code in (400, 409), answer.body


def test_a_harvested_theme_is_accepted(site: Site) -> None:
    assert create(site, theme="部门自定主题")["theme"] == "部门自定主题"


@pytest.mark.parametrize(
    "address",
    ["file:///etc/passwd", "intern.example/data", "https://u:secret@h.example/", "https://[::1", 7],
)
def test_a_wrong_source_address_is_refused_without_repeating_it(address: Any) -> None:
    from ckanext.govopen.logic.validators.links import source_problem

    problem = source_problem(address)
    assert problem and "secret" not in problem


def test_a_source_address_never_stands_in_the_dataset(site: Site) -> None:
    from ckanext.govopen.logic.validators.links import govopen_source_url

    data = {("resources", 0, "source_url"): "https://intern.example/marker"}
    errors: dict[Any, list[str]] = {("resources", 0, "source_url"): []}
    with pytest.raises(tk.StopOnError):
        govopen_source_url(("resources", 0, "source_url"), data, errors, {})
    assert data == {} and errors == {("resources", 0, "source_url"): []}


def test_ckan_s_own_fields_survive_an_edit_on_the_web(site: Site) -> None:
    """Fields that are not in the form would be lost by it."""
    fields = {f["field_name"] for f in _schema("dataset_schema_show", "dataset")["dataset_fields"]}
    assert {"author", "author_email", "maintainer", "maintainer_email", "url", "version"} <= fields


def _schema(name: str, kind: str) -> Any:
    return tk.get_action(f"scheming_{name}")({}, {"type": kind})


def test_every_label_stands_in_three_languages(site: Site) -> None:
    dataset = _schema("dataset_schema_show", "dataset")
    organization = _schema("organization_schema_show", "organization")
    fields = [*dataset["dataset_fields"], *dataset["resource_fields"], *organization["fields"]]
    for field in list(fields):
        fields += field.get("repeating_subfields", [])
    for field in fields:
        texts = [field["label"], *(c["label"] for c in field.get("choices", []))]
        if "help_text" in field:
            texts.append(field["help_text"])
        for text in texts:
            assert set(text) == {"zh_Hans_CN", "zh_Hant_TW", "en"}, field["field_name"]
            assert all(text.values())


def test_choices_come_from_the_profile(site: Site) -> None:
    values = [choice["value"] for choice in tk.h.govopen_class_choices()]
    assert values == ["unconditional", "conditional", "non_open"]
    assert {c["value"] for c in tk.h.govopen_org_type_choices()} >= {"administrative_organ"}
    assert "交通" in tk.h.govopen_themes()


def test_the_form_opens_and_saves(site: Site) -> None:
    page = site.app.get("/dataset/new", headers=site.headers("editor"))
    assert page.status_code == 200
    for part in ("开放属性", 'list="govopen-themes"', "统计", "信息项"):
        assert part in page.body


def test_what_only_a_catalogue_asks_for_stays_inside(site: Site) -> None:
    """Business, system, lead department, checks, approvals to buy: kept, and in no release."""
    given = {
        "share_until": "2027-12-31",
        "resource_type": "主题信息资源",
        "business": "停车场备案",
        "information_system": "城市停车系统",
        "storage_format": "数据库",
        "lead_department": "城市管理局",
        "collector": "区停车办",
        "collection_rules": "停车数据采集规范",
        "checker": "数据科",
        "checked_on": "2026/3/1",
        "check_result": "一致",
        "purchase_approval": "数据批〔2026〕3号",
        "purchase_approved_on": "2026-02-03",
        "provider_consent": "资源函〔2026〕9号",
        "provider_consent_on": "2026-03-05",
        "provider_consent_by": "自然资源局",
    }
    wanted = {**given, "resource_type": "thematic", "checked_on": "2026-03-01"}
    assert {*wanted, "share_class", "share_condition", "share_mode"} == set(internal.DATASET)
    dataset = create(site, **given)
    assert {name: dataset[name] for name in wanted} == wanted
    plain = {"id": dataset["id"], "name": dataset["name"], "owner_org": dataset["owner_org"]}
    kept = site.call("package_update", "editor", **plain)
    assert {name: kept[name] for name in wanted} == wanted
    outside = snapshot.clean(kept)
    assert not set(outside) & set(internal.DATASET)
    assert "resource_type" in errors_of(site, resource_type="什么都有")
