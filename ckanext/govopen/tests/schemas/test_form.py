"""What the forms say and do without a browser: sections, demands, licences, names, rows."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ckan import model
from ckan.common import config
from ckan.plugins import toolkit as tk

from ckanext.govopen.logic import naming
from ckanext.govopen.tests.access.site import Site
from ckanext.govopen.tests.portal import Department, Portal, forgery_token, unique
from ckanext.govopen.views import form


def page(site: Site, path: str = "/dataset/new") -> str:
    return site.app.get(path, headers=site.headers("editor")).body


def test_every_field_stands_in_one_section(site: Site) -> None:
    schema = tk.get_action("scheming_dataset_schema_show")({}, {"type": "dataset"})
    with site.app.flask_app.test_request_context():
        sections = form.govopen_form_sections(schema)
    names = [field["field_name"] for section in sections for field in section["fields"]]
    assert sorted(names) == sorted(f["field_name"] for f in schema["dataset_fields"])
    assert "more" not in [section["id"] for section in sections]
    assert [s["id"] for s in sections][-1] == "internal"


def test_the_form_says_what_the_regulation_demands(site: Site) -> None:
    body = page(site)
    assert "送审必填" in body and "第15条第1款" in body
    assert "“开放属性”为“有条件开放”时" in body


def test_nothing_is_promised_that_does_not_happen(site: Site) -> None:
    body = page(site)
    assert "opendatacommons" not in body and "Open Database License" not in body
    assert "保存不会公开任何内容" in body


def test_licences_speak_the_readers_language(site: Site) -> None:
    body = page(site)
    select = body[body.index('name="license_id"') :]
    select = select[: select.index("</select>")]
    titles = re.findall(r"<option[^>]*>([^<]+)</option>", select)
    assert len(titles) > 10 and all(re.search("[一-鿿]", title) for title in titles), titles
    assert "木兰开放作品许可协议" in select
    assert select.index("CC-BY-4.0") < select.index("gfdl")


def test_a_licence_that_is_not_offered_any_more_stays_with_its_dataset(site: Site) -> None:
    made = site.dataset(license_id="cc-by")
    body = page(site, f"/dataset/edit/{made['name']}")
    assert re.search(r'<option value="cc-by" selected>', body)
    assert 'value="cc-by"' not in page(site)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"resource_code": "307010000000/000123"}, "307010000000-000123"),
        ({"resource_code": "Ａ／1", "title": "Car parks"}, "a-1"),
        ({"title": "Car parks 2026"}, "car-parks-2026"),
        ({"title": "停车场2026"}, "dataset-1"),
        ({"name": "mine", "resource_code": "x/1"}, "mine"),
        ({"resource_code": ["x"], "title": 7, "owner_org": "no-such-office"}, "dataset-1"),
        ({"resource_code": "9" * 300}, "9" * 90),
    ],
)
def test_names(site: Site, fields: dict[str, Any], expected: str) -> None:
    data = dict(fields)
    naming.name(data)
    if expected == "dataset-1":  # others may have taken it
        assert re.fullmatch(r"dataset-\d+", data["name"])
    else:
        assert data["name"] == expected


def test_a_taken_name_gets_a_number(site: Site) -> None:
    code = unique("code")
    site.dataset(name=code)
    data = {"resource_code": code}
    naming.name(data)
    assert data["name"] == f"{code}-2"


def test_a_program_names_its_datasets_itself(site: Site) -> None:
    with pytest.raises(tk.ValidationError) as caught:
        site.call(
            "package_create",
            "editor",
            name="",
            resource_code="x/1",
            owner_org=site.organization["id"],
        )
    model.Session.rollback()
    assert "name" in caught.value.error_dict


@pytest.fixture
def department(portal: Portal) -> Department:
    return portal.department()


def test_the_form_without_scripts_names_and_keeps_rows(
    portal: Portal, department: Department
) -> None:
    browser = portal.signed_in(department.editor)
    site_url = config["ckan.site_url"]
    token = forgery_token(browser.get("/dataset/new", base_url=site_url).get_data(as_text=True))
    sent = {
        "_csrf_token": token,
        "_ckan_phase": "dataset_new_1",
        "pkg_name": "",
        "title": "没有脚本的数据集",
        "name": "",
        "owner_org": department.id,
        "issued": "31.12.2026",
        "info_items-0-name": "",
        "info_items-0-type": "",
        "info_items-0-open": "True",
        "info_items-3-name": "车位数",
        "info_items-3-open": "True",
        "save": "",
    }
    refused = browser.post("/dataset/new", base_url=site_url, data=sent)
    body = refused.get_data(as_text=True)
    assert refused.status_code == 200 and 'href="#field-issued"' in body
    assert 'value="车位数"' in body and 'value="没有脚本的数据集"' in body
    made = browser.post("/dataset/new", base_url=site_url, data={**sent, "issued": "2026-12-31"})
    assert made.status_code == 302, made.get_data(as_text=True)[:900]
    name = re.search(r"/dataset/([^/]+)/resource/new", made.headers["Location"])
    assert name is not None and name[1].startswith(department.name)
    shown = portal.call("package_show", department.editor, id=name[1])
    assert [item["name"] for item in shown["info_items"]] == ["车位数"]

    last = browser.post(
        f"/dataset/{name[1]}/resource/new",
        base_url=site_url,
        data={
            "_csrf_token": token,
            "id": "",
            "url": "https://data.example.org/点.csv",
            "save": "go-metadata",
        },
    )
    assert last.status_code == 302
    assert last.headers["Location"].endswith(f"/open/review/{name[1]}")


@pytest.mark.parametrize("phone", ["0431-12345678", "+86 431 1234 5678 转 12", "12345、0431-110"])
def test_a_department_says_how_to_reach_it(site: Site, phone: str) -> None:
    site.call(
        "organization_patch",
        "operator",
        id=site.organization["id"],
        contact_unit="政务公开办公室",
        contact_phone=phone,
        contact_email="office@example.org",
    )
    for reader in ("operator", None):
        shown = site.call("organization_show", reader, id=site.organization["id"])
        assert (shown["contact_phone"], shown["contact_unit"]) == (phone, "政务公开办公室")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("contact_phone", "call me"),
        ("contact_phone", "javascript:1234"),
        ("contact_email", "nobody"),
        ("org_code", "11350200MB12345670"),
        ("image_url", "javascript:alert(1)"),
    ],
)
def test_a_department_is_not_reached_by_nonsense(site: Site, field: str, value: str) -> None:
    with pytest.raises(tk.ValidationError) as caught:
        site.call("organization_patch", "operator", id=site.organization["id"], **{field: value})
    model.Session.rollback()
    assert field in caught.value.error_dict
