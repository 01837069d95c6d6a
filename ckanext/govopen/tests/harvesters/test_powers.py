"""Who may configure and feed a source, and whose records it may write."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ckan import model
from ckan.common import config
from ckan.plugins import toolkit

from ckanext.govopen.logic.validators import links
from ckanext.govopen.model import catalogue as table
from ckanext.govopen.tests.harvesters.conftest import DEFAULTS, Catalogue, Row, as_csv
from ckanext.govopen.tests.portal import AUTHORITY, Portal, Refused, User, unique

Make = Callable[..., dict[str, Any]]
PLAIN = {"defaults": DEFAULTS}
POWERFUL = [
    {"departments": "all"},
    {"create_organizations": True},
    {"private_address": True},
]


def powers(source: dict[str, Any]) -> list[str]:
    model.Session.remove()
    row = model.Session.get(table.CatalogueSource, source["id"])
    return list(row.powers) if row else []


def test_a_department_makes_a_source_for_its_own_records(portal: Portal, make_source: Make) -> None:
    department = portal.department()
    portal.call("organization_patch", portal.operator, id=department.id, title=department.name)
    source = make_source(department.editor, department.id, PLAIN)
    assert powers(source) == []
    catalogue = Catalogue(portal, department.editor, department.reviewer, source["id"], department)
    other = portal.department()
    portal.call("organization_patch", portal.operator, id=other.id, title=other.name)
    rows = [
        catalogue.row(1),
        catalogue.row(2, provider=other.name),
        catalogue.row(3, provider="未知局"),
    ]
    report = catalogue.run(as_csv(rows))
    assert report["counts"]["new"] == 1 and report["counts"]["kept_back"] == 2
    rules = {one["code"]: one["reasons"][0]["rule"] for one in report["remarks"]}
    assert rules == {rows[1].code: "provider_foreign", rows[2].code: "provider_unknown"}
    assert catalogue.dataset(rows[0])
    assert catalogue.dataset(rows[1], portal.operator) is None
    assert model.Session.query(model.Group).filter_by(title="未知局").count() == 0


@pytest.mark.parametrize("asked", POWERFUL)
def test_powers_are_the_authoritys_alone(
    portal: Portal, make_source: Make, keeper: User, asked: dict[str, Any]
) -> None:
    department = portal.department()
    with pytest.raises(Refused) as refused:
        make_source(department.editor, department.id, {**PLAIN, **asked})
    assert refused.value.status == 409 and "config" in refused.value.error
    assert powers(make_source(keeper, AUTHORITY, {**PLAIN, **asked}))


def test_nobody_without_the_right_edits_a_source_with_powers(
    portal: Portal, make_source: Make, keeper: User
) -> None:
    source = make_source(keeper, AUTHORITY, {**PLAIN, "departments": "all"})
    admin = User.make()
    portal.call(
        "organization_member_create",
        portal.operator,
        id=AUTHORITY,
        username=admin.name,
        role="admin",
    )
    change = {
        "id": source["id"],
        "url": "upload:mine",
        "source_type": "govopen_spreadsheet",
        "config": json.dumps({**PLAIN, "departments": "all"}),
    }
    answer = portal.ask("package_patch", change, admin)
    assert answer.status_code == 409
    model.Session.remove()
    package = model.Package.get(source["id"])
    assert package is not None and package.url != "upload:mine"
    # Taking the powers out is a change of a source with powers as well.
    answer = portal.ask("package_patch", {**change, "config": json.dumps(PLAIN)}, admin)
    assert answer.status_code == 409
    assert portal.ask("package_patch", change, keeper).status_code == 200


def test_a_path_on_the_server_is_for_the_command_line(
    portal: Portal, make_source: Make, keeper: User, tmp_path: Path
) -> None:
    for user in (keeper, portal.operator):
        with pytest.raises(Refused) as refused:
            make_source(user, AUTHORITY, PLAIN, url=f"file://{tmp_path}/catalogue.csv")
        assert refused.value.status == 409 and "url" in refused.value.error


def test_a_path_is_read_below_the_allowed_folders_only(
    portal: Portal, keeper: User, tmp_path: Path
) -> None:
    department = portal.department()
    portal.call("organization_patch", portal.operator, id=department.id, title=department.name)
    row = Row(unique("P").upper() + "/1", "資源", department.name)
    allowed, secret = tmp_path / "allowed", tmp_path / "secret.csv"
    allowed.mkdir()
    (allowed / "catalogue.csv").write_bytes(as_csv([row]))
    secret.write_bytes(as_csv([row]))
    name = unique("source")
    source = toolkit.get_action("harvest_source_create")(
        {"ignore_auth": True, "user": keeper.name},
        {
            "name": name,
            "title": name,
            "url": f"file://{allowed}/../secret.csv",
            "source_type": "govopen_spreadsheet",
            "owner_org": department.id,
            "config": json.dumps(PLAIN),
        },
    )
    catalogue = Catalogue(portal, portal.operator, department.reviewer, source["id"], department)
    config["ckanext.govopen.harvest.allowed_roots"] = str(allowed)
    report = catalogue.run()
    assert report["state"] == "failed" and "allowed_roots" in report["message"]
    toolkit.get_action("package_patch")(
        {"ignore_auth": True, "user": keeper.name},
        {
            "id": source["id"],
            "url": f"file://{allowed}/catalogue.csv",
            "source_type": "govopen_spreadsheet",
            "config": json.dumps(PLAIN),
        },
    )
    assert catalogue.run()["counts"]["new"] == 1


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:1/a.csv", "http://localhost/a.csv", "http://169.254.169.254/latest"],
)
def test_private_addresses_are_neither_saved_nor_read(
    portal: Portal, make_source: Make, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    department = portal.department()
    with pytest.raises(Refused) as refused:
        make_source(department.editor, department.id, PLAIN, url=f"{url}?{unique()}")
    assert list(refused.value.error["url"]) and url not in str(refused.value.error)
    with monkeypatch.context() as before:
        before.setattr(links, "check_harvest_source", lambda data, stored: None)
        source = make_source(department.editor, department.id, PLAIN, url=f"{url}?{unique()}")
    catalogue = Catalogue(portal, department.editor, department.reviewer, source["id"], department)
    report = catalogue.run()
    assert report["state"] == "failed" and url not in report["message"]


def test_a_wrong_configuration_is_said_in_the_form(portal: Portal, make_source: Make) -> None:
    department = portal.department()
    with pytest.raises(Refused) as refused:
        make_source(department.editor, department.id, {"defaults": {"acquired": "found"}})
    assert refused.value.status == 409
    assert "acquired" in json.dumps(refused.value.error)


def test_outsiders_learn_nothing_of_a_source(catalogue: Catalogue) -> None:
    row = catalogue.row(1)
    report = catalogue.run(as_csv([row]))
    portal = catalogue.portal
    other = portal.department()
    asked: list[tuple[str, dict[str, Any]]] = [
        ("govopen_catalogue_run_show", {"run": report["id"]}),
        ("govopen_catalogue_run_list", {"source": catalogue.source_id}),
        ("govopen_catalogue_confirm", {"run": report["id"]}),
        ("govopen_catalogue_import", {"source": catalogue.source_id, "records": []}),
    ]
    for user in (None, User.make(), other.editor):
        for action, data in asked:
            key = next(iter(data))
            real = portal.ask(action, data, user)
            none = portal.ask(action, {**data, key: "00000000-0000-4000-8000-000000000000"}, user)
            assert real.status_code == none.status_code in (403, 404), (action, user)
            assert real.get_json()["error"] == none.get_json()["error"]


def test_only_who_may_update_the_source_uploads_its_table(catalogue: Catalogue) -> None:
    portal = catalogue.portal
    answer = portal.request(
        "POST",
        "/api/3/action/govopen_catalogue_upload",
        portal.department().editor,
        data={"source": catalogue.source_id, "upload": (io.BytesIO(b"a,b"), "a.csv")},
    )
    assert answer.status_code in (403, 404)
    answer = portal.ask(
        "govopen_catalogue_upload", {"source": catalogue.source_id}, catalogue.keeper
    )
    assert answer.status_code == 409


def test_a_source_without_its_upload_says_so(catalogue: Catalogue) -> None:
    report = catalogue.run()
    assert report["state"] == "failed" and report["message"]
