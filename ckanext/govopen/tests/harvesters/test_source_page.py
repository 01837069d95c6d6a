"""The page of a source: upload, report, confirmation, in the browser's way."""

from __future__ import annotations

import io
from typing import Any

from ckan import model
from werkzeug.test import Client

from ckanext.govopen.tests.harvesters.conftest import Catalogue, as_csv
from ckanext.govopen.tests.portal import User


def path(catalogue: Catalogue, rest: str = "") -> str:
    return f"/open/source/{catalogue.source_id}{rest}"


def browser(catalogue: Catalogue, user: User) -> Client:
    client = catalogue.portal.client()
    answer = client.post(
        "/user/login", data={"login": user.name, "password": user.password, "_csrf_token": ""}
    )
    assert answer.status_code in (302, 303), answer.status_code
    return client


def text(answer: Any) -> str:
    return answer.get_data(as_text=True)


def test_upload_run_read_and_confirm(catalogue: Catalogue) -> None:
    client = browser(catalogue, catalogue.keeper)
    assert client.get(path(catalogue)).status_code == 200
    rows = [catalogue.row(number) for number in range(12)]
    upload = {"upload": (io.BytesIO(as_csv(rows)), "catalogue.csv")}
    answer = client.post(path(catalogue, "/upload"), data=upload)
    assert answer.status_code == 302 and answer.location.endswith(path(catalogue))
    catalogue.run()
    report = catalogue.run(as_csv([rows[0], catalogue.row(99, title="")]))
    assert report["held"]
    shown = text(client.get(path(catalogue)))
    assert rows[5].code in shown and catalogue.row(99).code in shown
    only = text(client.get(path(catalogue, f"?run={report['id']}&kind=refused")))
    assert catalogue.row(99).code in only and rows[5].code not in only
    assert client.post(path(catalogue, "/confirm"), data={"run": report["id"]}).status_code == 302
    gone = catalogue.dataset(rows[5])
    assert gone and gone["state"] == "deleted"
    # A second time is refused with a sentence, not with an accident.
    again = client.post(path(catalogue, "/confirm"), data={"run": report["id"]})
    assert again.status_code == 200


def test_an_upload_without_a_file_is_said(catalogue: Catalogue) -> None:
    client = browser(catalogue, catalogue.keeper)
    assert client.post(path(catalogue, "/upload"), data={}).status_code == 200


def test_the_admin_page_leads_there(catalogue: Catalogue) -> None:
    client = browser(catalogue, catalogue.keeper)
    shown = text(client.get(f"/harvest/admin/{catalogue.source_id}"))
    assert "/open/source/" in shown


def test_for_others_there_is_no_such_page(catalogue: Catalogue) -> None:
    report = catalogue.run(as_csv([catalogue.row(1)]))
    other = browser(catalogue, catalogue.portal.department().editor)
    nowhere = "/open/source/00000000-0000-4000-8000-000000000000"
    assert other.get(path(catalogue)).status_code == 404 == other.get(nowhere).status_code
    for rest, data in (("/upload", {}), ("/confirm", {"run": report["id"]})):
        assert other.post(path(catalogue, rest), data=data).status_code == 404
    assert catalogue.portal.get(path(catalogue)).status_code == 404


def test_opening_an_address_changes_nothing(catalogue: Catalogue) -> None:
    from ckanext.harvest.model import HarvestJob

    catalogue.run(as_csv([catalogue.row(1)]))
    client, source = browser(catalogue, catalogue.keeper), catalogue.source_id
    job = model.Session.query(HarvestJob).filter_by(source_id=source).first()
    assert job is not None
    for address in (
        f"/harvest/delete/{source}", f"/harvest/delete/{source}?clear=true",
        f"/harvest/clear/{source}", f"/harvest/refresh/{source}",
    ):  # fmt: skip
        for method in ("GET", "HEAD"):
            answer = client.open(address, method=method)
            assert answer.status_code == 200, address
        assert 'method="post"' in text(client.get(address))
        # As a form from elsewhere sends it.
        foreign = client.post(address, headers={"Sec-Fetch-Site": "cross-site"})
        assert foreign.status_code in (400, 403), address
    # Only the operator stops a run: the others are told so, and he is asked.
    abort = f"/harvest/{source}/job/{job.id}/abort"
    assert client.get(abort).status_code == 403
    assert browser(catalogue, catalogue.portal.operator).get(abort).status_code == 200
    model.Session.rollback()
    dataset = catalogue.dataset(catalogue.row(1))
    assert dataset and dataset["state"] == "active"
    assert model.Session.query(HarvestJob).filter_by(source_id=source).count() == 1
    shown = catalogue.portal.call("harvest_source_show", catalogue.keeper, id=source)
    assert shown["state"] == "active"


def test_the_form_of_the_question_does_it(catalogue: Catalogue) -> None:
    catalogue.run(as_csv([catalogue.row(1)]))
    client, source = browser(catalogue, catalogue.keeper), catalogue.source_id
    assert client.post(f"/harvest/delete/{source}").status_code == 302
    row = model.Session.get(model.Package, source)
    assert row is not None
    model.Session.refresh(row)
    assert row.state == "deleted"
    dataset = catalogue.dataset(catalogue.row(1))
    assert dataset and dataset["state"] == "active"


def test_others_are_not_even_asked(catalogue: Catalogue) -> None:
    other = catalogue.portal.department().editor
    client, source = browser(catalogue, other), catalogue.source_id
    for name in (source, "no-such-source"):
        assert client.get(f"/harvest/clear/{name}").status_code == 404
