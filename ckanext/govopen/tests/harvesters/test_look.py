"""Looking at a source without a run, the report that people read, and what waits for them."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from ckan import model
from ckan.common import config

from ckanext.govopen.harvesters.reading import SourceError
from ckanext.govopen.logic import told
from ckanext.govopen.model import catalogue as table
from ckanext.govopen.model import outbox
from ckanext.govopen.tests.harvesters.conftest import DEFAULTS, Catalogue, as_csv
from ckanext.govopen.tests.portal import AUTHORITY, Portal, User

Make = Callable[..., dict[str, Any]]
CONFIG = json.dumps({"defaults": DEFAULTS, "departments": "all", "create_organizations": True})


def everything() -> dict[str, int]:
    """How many rows every table of the database has."""
    model.Session.remove()
    names = sa.inspect(model.Session.get_bind()).get_table_names()
    return {
        name: model.Session.execute(sa.text(f'SELECT count(*) FROM "{name}"')).scalar() or 0
        for name in names
    }


class Page:
    """A browser at the portal's own address."""

    def __init__(self, portal: Portal, user: User) -> None:
        self._browser = portal.signed_in(user)

    def get(self, path: str) -> Any:
        return self._browser.get(path, base_url=config["ckan.site_url"])

    def post(self, path: str, data: dict[str, Any]) -> Any:
        return self._browser.post(
            path,
            data=data,
            base_url=config["ckan.site_url"],
            content_type="multipart/form-data",
        )


def authority() -> str:
    """The id of the organisation that is the data authority."""
    found = model.Group.get(AUTHORITY)
    assert found is not None
    return found.id


def documents(portal: Portal) -> int:
    found = portal.call("package_search", portal.operator, rows=0, include_private=True)
    return found["count"]


def test_a_dry_run_says_what_a_run_then_does_and_writes_nothing(catalogue: Catalogue) -> None:
    rows = [catalogue.row(number) for number in range(14)]
    catalogue.run(as_csv(rows))
    catalogue.upload(
        as_csv(
            [
                catalogue.row(0, title="新的标题"),
                catalogue.row(1, condition="签订协议"),
                catalogue.row(2, open="否"),
                *rows[3:12],
                catalogue.row(20),
                catalogue.row(21, provider="还没有的局"),
                catalogue.row(22, title=""),
            ]
        )
    )
    before, index = everything(), documents(catalogue.portal)
    dry = catalogue.portal.call(
        "govopen_catalogue_dry_run", catalogue.keeper, source=catalogue.source_id
    )
    assert everything() == before and documents(catalogue.portal) == index
    assert dry["whole"] and not dry["problem"] and not dry["held"]
    lists = {kind: {one["code"]: one for one in lines} for kind, lines in dry["lists"].items()}
    assert lists["changed"][rows[1].code]["change"] == "stricter"
    made = lists["new"][catalogue.row(21).code]["department"]
    assert made == {"id": "", "title": "还没有的局"}
    assert lists["refused"][catalogue.row(22).code]["to_do"]
    report = catalogue.run()
    assert dry["counts"] == report["counts"]
    assert report["seconds"] is not None and report["progress"] is None


def test_a_try_shows_samples_and_writes_nothing(portal: Portal, catalogue: Catalogue) -> None:
    rows = [catalogue.row(number) for number in range(12)]
    rows += [catalogue.row(12, provider=""), catalogue.row(13, open="否")]
    before = everything()
    answer = portal.request(
        "POST",
        "/api/3/action/govopen_catalogue_try",
        catalogue.keeper,
        data={
            "url": "upload:new",
            "source_type": "govopen_spreadsheet",
            "config": CONFIG,
            "owner_org": AUTHORITY,
            "upload": (io.BytesIO(as_csv(rows)), "catalogue.csv"),
        },
    )
    trial = answer.get_json()["result"]
    assert everything() == before
    assert trial["works"] and trial["read"] == 14 and len(trial["samples"]) == 10
    assert {one["kind"] for one in trial["samples"]} == {"new", "refused", "closed"}
    department = next(one for one in trial["samples"] if one["kind"] == "new")["department"]
    assert department["title"] == catalogue.department.name
    # A department may not try what it may not save, nor for somebody else.
    editor, other = catalogue.department.editor, portal.department()
    own = {"url": "upload:x", "source_type": "govopen_spreadsheet"}
    for data, status in (
        ({**own, "config": CONFIG, "owner_org": catalogue.department.id}, 409),
        ({**own, "config": json.dumps({"defaults": DEFAULTS}), "owner_org": other.id}, 403),
        ({**own, "source": catalogue.source_id}, 403),
    ):
        assert portal.ask("govopen_catalogue_try", data, editor).status_code == status
    inside = {"url": "http://127.0.0.1:9/", "source_type": "govopen_exchange"}
    answer = portal.ask(
        "govopen_catalogue_try", {**inside, "owner_org": catalogue.department.id}, editor
    )
    assert answer.status_code == 409 or not answer.get_json()["result"]["works"]


def test_the_page_tries_first_and_keeps_credentials_to_itself(
    portal: Portal, catalogue: Catalogue
) -> None:
    client = Page(portal, catalogue.keeper)
    form = {
        "title": "新的来源",
        "name": "",
        "url": "",
        "source_type": "govopen_spreadsheet",
        "frequency": "MANUAL",
        "owner_org": authority(),
        "acquired": "collected",
        "departments": "1",
        "secret": "geheim-12345",
    }
    table_of = as_csv([catalogue.row(1), catalogue.row(2, title="")])

    def post(**more: Any) -> Any:
        return client.post(
            "/open/source/new",
            data={**form, "upload": (io.BytesIO(table_of), "c.csv"), **more},
        )

    before = everything()
    for asked in ({"try": "1"}, {"save": "1"}):
        answer = post(**asked)
        page = answer.get_data(as_text=True)
        assert answer.status_code == 200 and catalogue.row(1).code in page
        assert "geheim-12345" not in page and everything() == before
    name = re.search(r'name="name" type="text" value="([^"]+)"', page)
    proof = re.search(r'name="proof" value="([^"]+)"', page)
    sealed = re.search(r'name="sealed" value="([^"]*)"', page)
    assert name and proof and sealed
    again = {"name": name[1], "url": f"upload:{name[1]}", "secret": "", "proof": proof[1]}
    # Another address than the one that was looked at is looked at first.
    answer = post(**{**again, "url": "upload:other", "save": "1"})
    assert answer.status_code == 200 and everything() == before
    answer = post(**again, save="1")
    assert answer.status_code == 302, answer.get_data(as_text=True)
    assert answer.location.endswith(f"/open/source/{name[1]}")
    page = client.get(f"/open/source/{name[1]}/edit").get_data(as_text=True)
    assert "新的来源" in page
    assert portal.get("/open/source/new").status_code != 200


def test_the_exchange_credential_of_a_failed_try_is_not_echoed(
    portal: Portal, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise SourceError("It does not answer.")

    monkeypatch.setattr("ckanext.govopen.harvesters.exchange.ExchangeHarvester.reading", broken)
    client = Page(portal, catalogue.keeper)
    form = {
        "url": "https://catalogue.example.org/x", "source_type": "govopen_exchange",
        "owner_org": authority(), "secret": "geheim-54321", "try": "1",
    }  # fmt: skip
    page = client.post("/open/source/new", data=form).get_data(as_text=True)
    assert "geheim-54321" not in page and "sealed:" in page and 'name="save"' not in page
    for more in ('{"auth": {"bearer": "geheim-54321"}', '{"auth": {"bearer": "geheim-54321"}}'):
        sent = {**form, "secret": "", "more": more}
        page = client.post("/open/source/new", data=sent).get_data(as_text=True)
        assert "geheim-54321" not in page


def test_departments_see_their_kept_back_records_only(catalogue: Catalogue) -> None:
    portal, other = catalogue.portal, catalogue.portal.department()
    portal.call("organization_patch", portal.operator, id=other.id, title=other.name)
    kept = [
        catalogue.row(1, share="特别共享", title="=1+1"),
        catalogue.row(2, share="特别共享", provider=other.name),
    ]
    report = catalogue.run(as_csv(kept))
    assert report["counts"]["kept_back"] == 2
    for user, codes in (
        (catalogue.department.editor, {kept[0].code}),
        (other.editor, {kept[1].code}),
        (catalogue.keeper, {kept[0].code, kept[1].code}),
    ):
        found = portal.call("govopen_catalogue_kept_list", user, limit=1000)
        mine = {one["code"]: one for one in found["results"]}
        assert codes <= set(mine)
        assert user is catalogue.keeper or set(mine) == codes
        assert all(one["reasons"] and one["to_do"] for one in mine.values())
    page = Page(portal, other.editor).get("/open/source/kept-back").get_data(as_text=True)
    assert kept[1].code in page and kept[0].code not in page
    assert portal.get("/open/source/kept-back").status_code != 200
    # The same again: nobody is told a second time.
    first = _mails(catalogue)
    assert first == {"harvest-kept-back"}
    _forget(catalogue)
    catalogue.run()
    assert not _mails(catalogue)


def _rows(catalogue: Catalogue) -> list[outbox.OutboxRow]:
    model.Session.remove()
    rows = model.Session.query(outbox.OutboxRow).filter_by(kind="mail").all()
    return [row for row in rows if row.payload.get("source") == catalogue.source_id]


def _mails(catalogue: Catalogue) -> set[str]:
    return {row.payload["template"] for row in _rows(catalogue)}


def _forget(catalogue: Catalogue) -> None:
    for row in _rows(catalogue):
        model.Session.delete(row)
    model.Session.commit()


def test_a_failed_run_is_told_in_the_readers_language(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        why = told.told("The source answers with status %(status)s.") % {"status": 503}
        again = told.told(
            "%(reason)s It was tried several times. What was read before is kept; run the "
            "source again when it works."
        )
        raise SourceError(again % {"reason": why})

    monkeypatch.setattr(
        "ckanext.govopen.harvesters.spreadsheet.SpreadsheetHarvester.reading", broken
    )
    job = catalogue.begin()
    catalogue.gather(job)
    model.Session.remove()
    run = model.Session.get(table.CatalogueRun, job)
    assert run is not None and run.message is not None and run.state == table.FAILED
    assert run.message["params"]["reason"]["params"] == {"status": 503}
    assert _mails(catalogue) == {"harvest-failed"}
    client = Page(catalogue.portal, catalogue.keeper)
    path = f"/open/source/{catalogue.source_id}"
    for locale, word in (("zh_Hans_CN", "来源返回"), ("en", "status 503")):
        text = client.get(f"/{locale}{path}").get_data(as_text=True)
        assert "503" in text and word in text


def test_reports_are_compared_and_given_as_csv(catalogue: Catalogue) -> None:
    catalogue.run(as_csv([catalogue.row(1)]))
    wrong = catalogue.row(2, title="")
    wrong.code = f"=cmd|{wrong.code}"
    report = catalogue.run(as_csv([catalogue.row(1), wrong]))
    client = Page(catalogue.portal, catalogue.keeper)
    path = f"/open/source/{catalogue.source_id}"
    page = client.get(path).get_data(as_text=True)
    assert "(+1)" in page
    runs = client.get(f"{path}/runs.csv").get_data(as_text=True)
    assert runs.startswith("\ufeffstarted_at,") and len(runs.strip().splitlines()) == 3
    remarks = client.get(f"{path}/remarks.csv?run={report['id']}").get_data(as_text=True)
    assert f"'{wrong.code}" in remarks
    stranger = Page(catalogue.portal, catalogue.portal.department().editor)
    for rest in ("/runs.csv", f"/remarks.csv?run={report['id']}", "/edit"):
        assert stranger.get(path + rest).status_code == 404
    assert stranger.post(f"{path}/dry-run", data={}).status_code == 404


def test_a_run_says_how_far_it_is(catalogue: Catalogue) -> None:
    catalogue.upload(as_csv([catalogue.row(number) for number in range(3)]))
    job = catalogue.begin()
    waiting = catalogue.report(job)["progress"]
    assert waiting["phase"] == "waiting" and waiting["total"] is None
    objects = catalogue.gather(job)
    now = catalogue.report(job)["progress"]
    assert (now["phase"], now["done"], now["total"]) == ("writing", 0, 3)
    client = Page(catalogue.portal, catalogue.keeper)
    page = client.get(f"/open/source/{catalogue.source_id}").get_data(as_text=True)
    assert "<progress" in page and "data-again" in page
    assert len(objects) == 1
