"""The DataStore: released rows for those who may read them, and no other way to change them."""

from __future__ import annotations

import io
from typing import Any

import openpyxl
import pytest
from ckan import model
from ckan.common import config
from ckan.plugins import toolkit

from ckanext.govopen.logic import command, datastore_load, datastore_table, deliver, snapshot
from ckanext.govopen.model import file as file_model
from ckanext.govopen.model import release
from ckanext.govopen.tests.access.site import CSV, Site, download, first_refusal
from ckanext.govopen.tests.portal import Portal

NEW = CSV + "二道区,第二小学,300,0007\n"
ITEMS = [{"name": "学生数", "type": "N", "open": True}, {"name": "代码", "type": "C", "open": True}]
OUTSIDERS = (None, "citizen", "applicant", "other")
INSIDERS = ("editor", "reviewer", "operator")


@pytest.fixture(scope="module")
def site(_one_portal: Portal) -> Site:
    return Site.build(_one_portal)


def loaded(site: Site, content: bytes | str = CSV, **fields: Any) -> tuple[str, str]:
    package_id, resource_id = site.published(content, **fields)
    datastore_load.load(package_id)
    return package_id, resource_id


def rows(site: Site, resource_id: str, who: str | None = None, **query: Any) -> list[Any]:
    found = site.call("datastore_search", who, resource_id=resource_id, **query)
    return [{k: v for k, v in row.items() if k != "_id"} for row in found["records"]]


def hidden(site: Site, resource_id: str, who: str | None = None) -> bool:
    """Is the table, for this person, one that does not exist, on every way to it?"""
    for action in ("datastore_search", "datastore_info"):
        try:
            site.call(action, who, resource_id=resource_id)
        except (toolkit.ObjectNotFound, toolkit.NotAuthorized):
            continue
        return False
    statuses = {site.get(f"/datastore/dump/{resource_id}", who).status_code}
    query = f"/api/3/action/datastore_search?resource_id={resource_id}"
    statuses.add(site.get(query, who).status_code)
    return statuses <= {403, 404}


def test_released_rows_for_everybody(site: Site) -> None:
    _, resource_id = loaded(site)
    expected = {"区县": "南关区", "学校名称": "第一小学", "学生数": "1200", "代码": "0012"}
    for who in (*OUTSIDERS, *INSIDERS):
        assert rows(site, resource_id, who)[0] == expected, who
    assert rows(site, resource_id, filters={"代码": "0345"})[0]["学校名称"] == "实验中学"
    assert len(rows(site, resource_id, q="第一小学")) == 1
    dump = site.get(f"/datastore/dump/{resource_id}")
    assert "南关区,第一小学,1200,0012" in dump.body
    info = site.call("datastore_info", None, id=resource_id)
    assert info["meta"]["count"] == 2
    assert [field["id"] for field in info["fields"]][:2] == ["区县", "学校名称"]


def test_lists_of_datasets_say_it_too(site: Site) -> None:
    package_id, resource_id = loaded(site)
    deliver.due_now(command.now())
    for who in (None, "editor"):
        [found] = site.call("package_search", who, fq=f"id:{package_id}")["results"]
        assert [(one["id"], one["datastore_active"]) for one in found["resources"]] == [
            (resource_id, True)
        ]


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8-sig", "utf-16"])
def test_chinese_encodings(site: Site, encoding: str) -> None:
    _, resource_id = loaded(site, CSV.encode(encoding))
    assert rows(site, resource_id)[1]["学校名称"] == "实验中学"


def test_big5_and_workbooks(site: Site) -> None:
    _, resource_id = loaded(site, "機關,電話\n衛生局,033322268\n".encode("big5"))
    assert rows(site, resource_id) == [{"機關": "衛生局", "電話": "033322268"}]
    out = io.BytesIO()
    book = openpyxl.Workbook()
    for row in (["区县", "人数"], ["南关区", 3]):
        book.worksheets[0].append(row)
    book.save(out)
    _, resource_id = loaded(site, out.getvalue(), name="a.xlsx")
    assert rows(site, resource_id) == [{"区县": "南关区", "人数": "3"}]


def test_types_come_from_the_catalogue(site: Site) -> None:
    package = site.dataset(info_items=ITEMS)
    resource = site.upload(package["id"], CSV)
    site.release(package["id"])
    datastore_load.load(package["id"])
    fields = site.call("datastore_search", None, resource_id=resource["id"])["fields"]
    types = {field["id"]: field["type"] for field in fields}
    assert (types["学生数"], types["代码"]) == ("numeric", "text")
    found = rows(site, resource["id"], filters={"学生数": {"gt": 1000}})
    assert [row["代码"] for row in found] == ["0012"]


def test_nothing_before_release_and_loading(site: Site) -> None:
    package = site.dataset()
    resource = site.upload(package["id"], CSV)
    assert datastore_load.load(package["id"]) == {}
    assert hidden(site, resource["id"])
    site.release(package["id"])
    assert hidden(site, resource["id"])
    assert datastore_load.load(package["id"]) == {resource["id"]: "loaded"}
    assert not hidden(site, resource["id"])
    assert datastore_load.load(package["id"]) == {resource["id"]: "kept"}


def test_a_job_is_made_only_where_there_is_something_to_do(site: Site) -> None:
    plain, waiting, full = site.dataset(), site.dataset(), site.dataset()
    for package in (waiting, full):
        resource = site.upload(package["id"], CSV)
    for package in (plain, full):
        site.release(package["id"])
    ids = [package["id"] for package in (plain, waiting, full)]
    assert datastore_load.concerned(ids) == [full["id"]]
    datastore_load.load(full["id"])
    site.call("resource_delete", "editor", id=resource["id"])
    # No file is released any more, and the table is still there: it has to go.
    assert datastore_load.concerned(ids) == [full["id"]]
    datastore_load.load(full["id"])
    assert datastore_load.concerned(ids) == []


def test_a_new_file_waits_and_old_rows_do_not_stand_for_it(site: Site) -> None:
    package_id, resource_id = loaded(site)
    site.upload(package_id, NEW, id=resource_id)
    datastore_load.load(package_id)
    assert len(rows(site, resource_id)) == 2
    site.release(package_id)
    assert hidden(site, resource_id)  # the rows of the old release are not those of the new one
    assert len(rows(site, resource_id, "editor")) == 2
    datastore_load.load(package_id)
    assert len(rows(site, resource_id)) == 3


def test_withdrawal_takes_rows_away_at_once_and_the_table_later(site: Site) -> None:
    package_id, resource_id = loaded(site)
    site.call("govopen_dataset_suspend", "reviewer", id=package_id, reason="泄密疑点")
    assert hidden(site, resource_id)
    package_id, resource_id = loaded(site)
    site.call("resource_delete", "editor", id=resource_id)
    assert hidden(site, resource_id)
    assert datastore_load.load(package_id) == {resource_id: "dropped"}
    with datastore_table._cursor() as (_, cursor):
        cursor.execute("SELECT count(*) FROM pg_tables WHERE tablename = %s", (resource_id,))
        assert cursor.fetchone() == (0,)


def test_a_file_that_is_no_table(site: Site) -> None:
    package_id, resource_id = site.published("a,b\n1,2,3\n")
    assert datastore_load.load(package_id) == {resource_id: "failed"}
    assert hidden(site, resource_id)
    told = site.call("govopen_file_show", "editor", id=package_id)[0]
    assert "Row 2" in told["problem"]
    assert site.get(download(package_id, resource_id)).status_code == 200


def test_damaged_bytes_are_not_loaded(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    package_id, resource_id = site.published("a,b\n1,2\nwhole\n")
    fact = file_model.of_resource(model.Session, resource_id, package_id)
    assert fact is not None
    path = datastore_load.files.local_path(fact)
    assert path is not None
    with open(path, "wb") as file:  # noqa: PTH123 - a disk that fails
        file.write(b"a,b\n6,6\nother\n")
    assert datastore_load.load(package_id) == {resource_id: "failed"}
    assert hidden(site, resource_id)


def test_an_interrupted_loading_shows_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    package_id, resource_id = loaded(site)
    site.upload(package_id, NEW, id=resource_id)
    site.release(package_id)

    def crash(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(file_model, "set_loaded", crash)
        with pytest.raises(KeyboardInterrupt):
            datastore_load.load(package_id)
    assert hidden(site, resource_id)
    assert datastore_load.load(package_id) == {resource_id: "loaded"}
    assert len(rows(site, resource_id)) == 3


def test_conditional_rows_need_a_grant(site: Site) -> None:
    package_id, resource_id = loaded(site, open_class="conditional")
    for who in OUTSIDERS:
        assert hidden(site, resource_id, who), who
    grant = site.grant(package_id)
    assert len(rows(site, resource_id, "applicant")) == 2
    assert hidden(site, resource_id, "citizen")
    grant.state = "suspended"
    model.Session.add(grant)
    model.Session.commit()
    assert hidden(site, resource_id, "applicant")


def test_a_grant_for_some_columns(site: Site) -> None:
    package_id, resource_id = loaded(site, open_class="conditional")
    site.grant(package_id, items=["区县", "学生数"], delivery=["interface"])
    assert rows(site, resource_id, "applicant")[0] == {"区县": "南关区", "学生数": "1200"}
    info = site.call("datastore_info", "applicant", id=resource_id)
    assert {field["id"] for field in info["fields"]} == {"区县", "学生数"}
    for query in (
        {"fields": "学校名称"},
        {"fields": ["区县", "代码"]},
        {"filters": {"代码": "0012"}},
        {"filters": '{"代码": "0012"}'},
        {"sort": "学校名称 desc"},
        {"q": "第一小学"},
        {"q": {"学校名称": "第一小学"}},
        {"full_text": "第一小学"},
    ):
        with pytest.raises(toolkit.ValidationError):
            site.call("datastore_search", "applicant", resource_id=resource_id, **query)
    assert len(rows(site, resource_id, "applicant", filters={"区县": "南关区"}, sort="区县")) == 1
    dump = site.get(f"/datastore/dump/{resource_id}", "applicant")
    assert dump.status_code == 200
    assert "第一小学" not in dump.body
    assert site.get(download(package_id, resource_id), "applicant").status_code == 403


@pytest.mark.parametrize("action", ["datastore_search", "datastore_info"])
def test_some_columns_are_some_columns_by_every_name(site: Site, action: str) -> None:
    """Not even behind the name of something public."""
    public = loaded(site)[1]
    package_id, resource_id = site.published(open_class="conditional")
    datastore_load.load(package_id)
    site.grant(package_id, items=["区县", "学生数"], delivery=["interface"])
    for named in ({"id": resource_id}, {"id": resource_id, "resource_id": public}):
        found = site.call(action, "applicant", **named)
        names = {field["id"] for field in found["fields"]}
        assert names <= {"_id", "区县", "学生数"} and "学生数" in names


def test_list_of_tables_is_closed(site: Site) -> None:
    _, resource_id = loaded(site)
    for who in (None, "editor", "operator"):
        with pytest.raises(toolkit.ObjectNotFound):
            site.call("datastore_search", who, resource_id="_table_metadata")
    for who in (None, "editor"):
        answer = site.get("/datastore/dump/_table_metadata", who)
        assert answer.status_code == 404
        assert resource_id not in answer.body


def test_sql_search_asks_for_every_table(site: Site) -> None:
    _, open_id = loaded(site)
    _, closed_id = loaded(site, open_class="conditional")

    def may(*tables: str) -> bool:
        context: Any = {**site.context("citizen"), "table_names": (name for name in tables)}
        try:
            toolkit.check_access("datastore_search_sql", context, {})
        except toolkit.NotAuthorized:
            return False
        assert context["table_names"] == list(tables)
        return True

    assert may(open_id)
    assert not may(closed_id)
    assert not may(open_id, closed_id)
    assert not may("_table_metadata")
    assert not may("_govopen_new_x")


WRITES: dict[str, dict[str, Any]] = {
    "datastore_upsert": {"method": "insert", "records": [{"区县": "伪造"}]},
    "datastore_create": {"records": [{"区县": "伪造"}]},
    "datastore_delete": {"filters": {"区县": "南关区"}},
    "datastore_records_delete": {"filters": {}},
}


@pytest.mark.parametrize("action", WRITES)
@pytest.mark.parametrize("who", INSIDERS[:1] + INSIDERS[2:])
def test_released_rows_are_not_written_to(site: Site, action: str, who: str) -> None:
    _, resource_id = loaded(site)
    with pytest.raises(toolkit.ValidationError) as refused:
        site.call(action, who, resource_id=resource_id, force=True, **WRITES[action])
    refusal = first_refusal(refused.value)
    assert refusal["rule"] == "REV-2"
    assert refusal["message"]
    assert [row["区县"] for row in rows(site, resource_id)] == ["南关区", "朝阳区"]


@pytest.mark.parametrize("action", [*WRITES, "whole table", "empty resource"])
def test_no_other_name_of_the_resource_gets_round_that(site: Site, action: str) -> None:
    """CKAN takes ``id`` for ``resource_id``, and before it where both are given."""
    _, released = loaded(site)
    _, own = loaded(site)
    data: dict[str, Any] = {"force": True, **WRITES.get(action, {})}
    name = {"whole table": "datastore_delete", "empty resource": "datastore_create"}.get(
        action, action
    )
    if action == "empty resource":
        data.update(resource={}, **WRITES["datastore_create"])
    both = {"id": released, "resource_id": released}
    other = {"id": released, "resource_id": site.upload(site.dataset()["id"], CSV)["id"]}
    for named in ({"id": released}, both, other, {"id": "", "resource_id": released}):
        with pytest.raises(toolkit.ValidationError) as refused:
            site.call(name, "editor", **named, **data)
        assert "refusal" in refused.value.error_dict, (named, refused.value.error_dict)
    assert [row["区县"] for row in rows(site, released)] == ["南关区", "朝阳区"]
    assert len(rows(site, own)) == 2


@pytest.mark.parametrize("who", OUTSIDERS)
@pytest.mark.parametrize("action", [*WRITES, "datastore_search", "datastore_info"])
def test_a_hidden_resource_is_none_by_its_other_name(
    site: Site, who: str | None, action: str
) -> None:
    resource_id = site.upload(site.dataset()["id"], CSV)["id"]
    none = "0c0ffee0-0000-4000-8000-000000000000"
    answers = []
    for asked in (resource_id, none):
        answer = site.app.post(
            f"/api/3/action/{action}",
            json={"id": asked, **WRITES.get(action, {})},
            headers=site.headers(who),
        )
        answers.append((answer.status_code, answer.get_data(as_text=True).replace(asked, "~")))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("who", OUTSIDERS)
def test_a_hidden_dataset_is_none_by_its_name_alone(site: Site, who: str | None) -> None:
    answers = []
    for asked in (site.dataset()["name"], "no-such-dataset-1"):
        answer = site.app.post(
            "/api/3/action/package_update",
            json={"name": asked, "title": "x"},
            headers=site.headers(who),
        )
        answers.append((answer.status_code, answer.get_data(as_text=True).replace(asked, "~")))
    assert answers[0] == answers[1]


def test_released_tables_are_neither_dropped_nor_relabelled(site: Site) -> None:
    _, resource_id = loaded(site)
    fields = [{"id": "区县", "type": "text", "info": {"label": "未经审查"}}]
    for action, data in (("datastore_delete", {}), ("datastore_create", {"fields": fields})):
        with pytest.raises(toolkit.ValidationError) as refused:
            site.call(action, "editor", resource_id=resource_id, force=True, **data)
        assert "refusal" in refused.value.error_dict
    assert len(rows(site, resource_id)) == 2


@pytest.mark.parametrize("who", OUTSIDERS)
def test_outsiders_do_not_write(site: Site, who: str | None) -> None:
    _, resource_id = loaded(site)
    for action, data in WRITES.items():
        with pytest.raises((toolkit.NotAuthorized, toolkit.ObjectNotFound)):
            site.call(action, who, resource_id=resource_id, force=True, **data)
    assert len(rows(site, resource_id)) == 2


def delivered(site: Site, **fields: Any) -> tuple[str, str]:
    """A resource that consists of rows which its department delivers."""
    package = site.dataset(**fields)
    made = site.call(
        "datastore_create",
        "editor",
        resource={"package_id": package["id"], "name": "实时"},
        fields=[{"id": "站点", "type": "text"}, {"id": "值", "type": "numeric"}],
        records=[{"站点": "甲", "值": 1}],
    )
    return package["id"], made["resource_id"]


def test_a_department_delivers_freely_before_the_release(site: Site) -> None:
    package_id, resource_id = delivered(site)
    record = {"站点": "乙", "值": 2}
    site.call(
        "datastore_upsert", "editor", resource_id=resource_id, method="insert", records=[record]
    )
    assert len(rows(site, resource_id, "editor")) == 2
    assert hidden(site, resource_id)
    site.release(package_id)
    assert len(rows(site, resource_id)) == 2
    assert datastore_load.load(package_id) == {}
    assert len(rows(site, resource_id)) == 2


def test_every_delivery_changes_what_is_approved(site: Site) -> None:
    """Rows that came after the reviewer read are not released by his approval."""
    package_id, resource_id = delivered(site)
    before = file_model.current(model.Session, package_id)[resource_id].sha256
    record = {"站点": "丙", "值": 3}
    site.call(
        "datastore_upsert", "editor", resource_id=resource_id, method="insert", records=[record]
    )
    model.Session.expire_all()
    after = file_model.current(model.Session, package_id)[resource_id].sha256
    assert before != after
    known = release.dataset_row(model.Session, package_id)
    assert known is not None
    assert known.fingerprint == snapshot.working({}, package_id).fingerprint


def test_rows_written_beside_a_file_are_never_public(site: Site) -> None:
    """Before the release a department may write into the table of a file, and sees it alone."""
    package = site.dataset()
    resource = site.upload(package["id"], CSV)
    site.call(
        "datastore_create",
        "editor",
        resource_id=resource["id"],
        force=True,
        fields=[{"id": "私", "type": "text"}],
        records=[{"私": "未审"}],
    )
    site.release(package["id"])
    assert hidden(site, resource["id"])
    datastore_load.load(package["id"])
    assert "私" not in rows(site, resource["id"])[0]
    assert site.get(download(package["id"], resource["id"])).data == CSV.encode()


def test_datasets_tell_where_rows_are(site: Site) -> None:
    """Pages and clients read it off the resource, for the release and the working copy alike."""
    package_id, resource_id = site.published()

    def told(who: str | None) -> bool:
        shown = site.call("package_show", who, id=package_id)
        alone = site.call("resource_show", who, id=resource_id)
        assert shown["resources"][0]["datastore_active"] is alone["datastore_active"]
        return alone["datastore_active"]

    assert (told(None), told("editor")) == (False, False)
    datastore_load.load(package_id)
    assert (told(None), told("editor")) == (True, True)
    known = release.dataset_row(model.Session, package_id)
    assert known is not None
    assert known.pending is False
    site.upload(package_id, NEW, id=resource_id)
    site.release(package_id)
    assert (told(None), told("editor")) == (False, True)


def test_without_review_the_datastore_is_ckans_own(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(config, "ckanext.govopen.review", "off")
    _, resource_id = delivered(site)
    assert len(rows(site, resource_id)) == 1
    record = {"站点": "丁", "值": 4}
    site.call(
        "datastore_upsert", "editor", resource_id=resource_id, method="insert", records=[record]
    )
    assert len(rows(site, resource_id)) == 2
