"""Quotas: what counts, that they hold however many ask at once, and what is written down."""

from __future__ import annotations

import datetime
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from ckan import model
from ckan.common import config

from ckanext.govopen.access import clock, datastore, granted
from ckanext.govopen.domain import usage as rules
from ckanext.govopen.model import usage
from ckanext.govopen.model.access_log import AccessRow
from ckanext.govopen.tests.access.site import CSV, Site, download
from ckanext.govopen.tests.portal import Portal, User

WIDE = "区县,学校名称,学生数\n" + "".join(f"南关区,第{i}小学,{i}\n" for i in range(60))


@pytest.fixture(scope="module")
def site(_one_portal: Portal) -> Site:
    return Site.build(_one_portal)


def offered(site: Site, portal: Portal, content: str = CSV, **fields: Any) -> tuple[str, str, str]:
    """(dataset, resource, grant) of conditional data with its rows, granted to the applicant."""
    package_id, resource_id = site.published(content, open_class="conditional")
    portal.load_rows(package_id)
    return package_id, resource_id, site.grant(package_id, **fields).id


def entries(grant_id: str) -> list[AccessRow]:
    model.Session.rollback()
    rows = model.Session.query(AccessRow).filter(AccessRow.grant_id == grant_id)
    return rows.order_by(AccessRow.id).all()


def used(grant_id: str) -> usage.Usage:
    model.Session.rollback()
    return usage.of(model.Session, grant_id, rules.today(clock.now()))


def applicant(site: Site) -> User:
    known = site.users["applicant"]
    return User(known["id"], known["name"], known["token"], "", "", "")


def search(portal: Portal, user: User, resource_id: str, **query: Any) -> Any:
    return portal.ask("datastore_search", {"resource_id": resource_id, **query}, user)


def at_once(number: int, work: Any) -> list[Any]:
    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(lambda _: work(), range(number)))


def test_parallel_downloads_are_as_many_as_the_quota(site: Site, portal: Portal) -> None:
    package_id, resource_id, grant_id = offered(
        site, portal, delivery=["download"], quota={"downloads": 5}
    )
    url, user = download(package_id, resource_id), applicant(site)
    answers = at_once(14, lambda: portal.get(url, user))
    good = [answer for answer in answers if answer.status_code == 200]
    assert len(good) == 5
    assert all(answer.data == CSV.encode() for answer in good)
    others = [answer for answer in answers if answer.status_code != 200]
    assert {answer.status_code for answer in others} == {429}
    assert all("南关区" not in answer.get_data(as_text=True) for answer in others)
    assert used(grant_id).downloads == 5
    outcomes = [row.outcome for row in entries(grant_id)]
    assert (outcomes.count("granted"), outcomes.count("quota_downloads")) == (5, 9)


def test_parallel_rows_are_never_more_than_the_quota(site: Site, portal: Portal) -> None:
    quota = {"rows_per_day": 25}
    _, resource_id, grant_id = offered(site, portal, WIDE, delivery=["interface"], quota=quota)
    user = applicant(site)
    answers = at_once(12, lambda: search(portal, user, resource_id, limit=4))
    odd = [answer for answer in answers if answer.status_code not in (200, 429)]
    assert not odd, odd[0].get_data(as_text=True)
    read = [
        len(answer.json["result"]["records"]) for answer in answers if answer.status_code == 200
    ]
    assert sorted(read) == [1, 4, 4, 4, 4, 4, 4]
    assert sum(answer.status_code == 429 for answer in answers) == 5
    assert used(grant_id).rows_today == 25
    assert sum(row.rows or 0 for row in entries(grant_id) if row.outcome == "granted") == 25


def test_readers_of_rows_do_not_lose_their_connections(site: Site, portal: Portal) -> None:
    """More readers at once than SQLAlchemy keeps connections when nobody asks it to."""
    package_id, resource_id = site.published(WIDE)
    portal.load_rows(package_id)
    user = applicant(site)
    answers = at_once(14, lambda: [search(portal, user, resource_id) for _ in range(4)])
    assert {answer.status_code for each in answers for answer in each} == {200}


def test_a_site_s_own_limits_for_connections_stay() -> None:
    for own in ({datastore._POOL: "3"}, {datastore._OVERFLOW: "2"}):
        config = {**own}
        datastore.keep_connections(config)
        assert config == own
    config = {}
    datastore.keep_connections(config)
    assert config == {datastore._POOL: "15", datastore._OVERFLOW: "0"}


def test_parallel_requests_of_a_day(site: Site, portal: Portal) -> None:
    quota = {"requests_per_day": 3}
    _, resource_id, grant_id = offered(site, portal, delivery=["interface"], quota=quota)
    user = applicant(site)
    answers = at_once(9, lambda: search(portal, user, resource_id))
    assert sum(answer.status_code == 200 for answer in answers) == 3
    refused = next(answer for answer in answers if answer.status_code != 200)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 86400
    refusal = refused.json["error"]["refusal"][0]
    assert refusal["code"] == "quota_requests"
    assert f"{rules.tomorrow(clock.now()):%Y-%m-%d %H:%M}" in refusal["message"]
    assert used(grant_id).requests_today == 3


def test_the_next_day_opens_again(
    site: Site, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    quota = {"rows_per_day": 2}
    _, resource_id, _ = offered(site, portal, delivery=["interface"], quota=quota)
    user = applicant(site)
    assert search(portal, user, resource_id).status_code == 200
    assert search(portal, user, resource_id).status_code == 429
    later = rules.tomorrow(clock.now())
    monkeypatch.setattr(clock, "now", lambda: later - datetime.timedelta(seconds=1))
    assert search(portal, user, resource_id).status_code == 429
    monkeypatch.setattr(clock, "now", lambda: later)
    assert search(portal, user, resource_id).status_code == 200


def test_rows_that_were_not_there_are_not_counted(site: Site, portal: Portal) -> None:
    quota = {"rows_per_day": 100}
    _, resource_id, grant_id = offered(site, portal, delivery=["interface"], quota=quota)
    user = applicant(site)
    answer = search(portal, user, resource_id, limit=90)
    assert len(answer.json["result"]["records"]) == 2
    assert used(grant_id).rows_today == 2
    assert search(portal, user, resource_id, filters={"区县": "没有"}).status_code == 200
    assert used(grant_id).rows_today == 2
    assert search(portal, user, resource_id, limit=0).status_code == 200
    assert (used(grant_id).rows_today, used(grant_id).requests_today) == (2, 3)
    assert [row.rows for row in entries(grant_id)] == [2, 0, 0]


@pytest.mark.parametrize("form", ["objects", "lists", "csv", "tsv"])
def test_rows_are_counted_in_every_form(site: Site, portal: Portal, form: str) -> None:
    content = 'a,b\n"x\ny",1\n"p,q",2\n,3\n'
    _, resource_id, grant_id = offered(site, portal, content, delivery=["interface"])
    answer = search(portal, applicant(site), resource_id, records_format=form)
    assert answer.status_code == 200
    assert used(grant_id).rows_today == 3


def test_a_query_that_fails_gives_its_rows_back(site: Site, portal: Portal) -> None:
    quota = {"rows_per_day": 10}
    _, resource_id, grant_id = offered(site, portal, delivery=["interface"], quota=quota)
    user = applicant(site)
    assert search(portal, user, resource_id, records_format="none").status_code == 409
    assert used(grant_id) == usage.Usage(0, 0, 1)
    assert [(row.outcome, row.rows) for row in entries(grant_id)] == [("failed", 0)]
    for limit in ("x", -1, 1.5, [1], True):
        assert search(portal, user, resource_id, limit=limit).status_code == 409, limit
    assert used(grant_id).rows_today == 0


def test_an_interruption_never_gives_more(
    site: Site, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between taking and reading: the rows stay taken."""
    quota = {"rows_per_day": 10}
    _, resource_id, grant_id = offered(site, portal, delivery=["interface"], quota=quota)

    def killed(*_: Any, **__: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(granted, "_count", killed)
        with pytest.raises(SystemExit):
            site.call("datastore_search", "applicant", resource_id=resource_id, limit=10)
    assert used(grant_id).rows_today == 10
    assert search(portal, applicant(site), resource_id).status_code == 429


def test_heads_parts_and_what_is_not_there(site: Site, portal: Portal) -> None:
    """The head counts nothing, parts of a file that was begun are parts of it, up to a limit."""
    package_id, resource_id, grant_id = offered(site, portal, quota={"downloads": 2})
    url, user, size = download(package_id, resource_id), applicant(site), len(CSV.encode())

    def part(asked: str) -> int:
        return portal.get(url, user, headers={"Range": f"bytes={asked}"}).status_code

    assert portal.request("HEAD", url, user).status_code == 200
    assert part("99999-") == 416
    assert used(grant_id).downloads == 0
    assert portal.get(url, user).status_code == 200
    assert part("3-") == 206
    assert used(grant_id).downloads == 1
    assert part("3-") == 206  # more than twice the file: a new download
    assert used(grant_id).downloads == 2
    assert part(f"{size - 3}-") == 206
    assert part("0-") == 429  # from the beginning is anew
    assert portal.get(url, user).status_code == 429
    assert used(grant_id).downloads == 2
    given = [row.bytes for row in entries(grant_id) if row.outcome == "granted"]
    assert given == [size + size - 3, size - 3 + 3]


def test_many_ranges_at_once_give_no_more_than_the_file_twice(site: Site, portal: Portal) -> None:
    package_id, resource_id, grant_id = offered(site, portal, quota={"downloads": 1})
    url, user, size = download(package_id, resource_id), applicant(site), len(CSV.encode())
    assert portal.get(url, user).status_code == 200
    answers = at_once(8, lambda: portal.get(url, user, headers={"Range": f"bytes={size // 2}-"}))
    good = [answer for answer in answers if answer.status_code == 206]
    assert sum(len(answer.data) for answer in good) <= size
    assert len(good) in (1, 2)
    assert used(grant_id).downloads == 1


def test_two_grants_one_after_the_other(site: Site, portal: Portal) -> None:
    package_id, resource_id, first = offered(site, portal, quota={"downloads": 1})
    second = site.grant(package_id, quota={"downloads": 1}).id
    url, user = download(package_id, resource_id), applicant(site)
    codes = [portal.get(url, user).status_code for _ in range(3)]
    assert codes == [200, 200, 429]
    assert (used(first).downloads, used(second).downloads) == (1, 1)


def test_a_file_of_rows_is_refused_before_it_would_break_off(site: Site, portal: Portal) -> None:
    quota = {"rows_per_day": 40}
    _, resource_id, grant_id = offered(site, portal, WIDE, delivery=["interface"], quota=quota)
    user, url = applicant(site), f"/datastore/dump/{resource_id}"
    refused = portal.get(url, user)
    assert refused.status_code == 429
    assert "60" in refused.get_data(as_text=True)
    assert "40" in refused.get_data(as_text=True)
    assert used(grant_id) == usage.Usage()
    part = portal.get(f"{url}?limit=30", user)
    assert part.status_code == 200
    assert part.get_data(as_text=True).count("小学") == 30
    assert used(grant_id).rows_today == 30


def test_a_dump_in_pages_counts_all_its_rows(
    site: Site, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(config, "ckan.datastore.search.rows_max", 25)
    _, resource_id, grant_id = offered(site, portal, WIDE, delivery=["interface"])
    answer = portal.get(f"/datastore/dump/{resource_id}", applicant(site))
    assert answer.get_data(as_text=True).count("小学") == 60
    assert used(grant_id).rows_today == 60


def test_people_without_a_grant_are_neither_counted_nor_logged(site: Site, portal: Portal) -> None:
    package_id, resource_id, grant_id = offered(site, portal, delivery=["download", "interface"])
    for who in ("editor", "reviewer", "operator", "citizen"):
        site.get(download(package_id, resource_id), who)
        site.get(f"/api/3/action/datastore_search?resource_id={resource_id}", who)
    assert entries(grant_id) == []
    assert used(grant_id) == usage.Usage()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"state": "suspended"}, "suspended"),
        ({"state": "revoked"}, "revoked"),
        ({"state": "ended"}, "ended"),
        ({"valid_to": datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc)}, "expired"),
    ],
)
def test_what_the_state_refuses_is_written_down(
    site: Site, portal: Portal, change: dict[str, Any], code: str
) -> None:
    package_id, resource_id, grant_id = offered(
        site, portal, delivery=["download", "interface"], **change
    )
    user = applicant(site)
    assert portal.get(download(package_id, resource_id), user).status_code == 403
    assert search(portal, user, resource_id).status_code == 403
    assert portal.get(f"/datastore/dump/{resource_id}", user).status_code == 403
    found = [(row.kind, row.outcome) for row in entries(grant_id)]
    assert found == [("download", code), ("rows", code), ("rows", code)]


def test_what_the_grant_does_not_cover_is_written_down_as_refused(
    site: Site, portal: Portal
) -> None:
    package_id, resource_id, grant_id = offered(
        site, portal, delivery=["interface"], items=["区县"]
    )
    user = applicant(site)
    assert search(portal, user, resource_id, fields=["学生数"]).status_code == 409
    assert portal.get(f"/datastore/dump/{resource_id}?sort=学生数", user).status_code == 400
    assert portal.get(download(package_id, resource_id), user).status_code == 403
    found = [(row.kind, row.outcome) for row in entries(grant_id)]
    assert found == [("rows", "items"), ("rows", "items"), ("download", "delivery")]
    package_id, resource_id, grant_id = offered(site, portal, delivery=["download"])
    assert search(portal, user, resource_id).status_code == 403
    assert portal.ask("datastore_info", {"id": resource_id}, user).status_code == 403
    found = [(row.kind, row.outcome) for row in entries(grant_id)]
    assert found == [("rows", "delivery"), ("rows", "delivery")]


@pytest.mark.parametrize(
    ("how", "kept"), [("none", None), ("network", "203.0.113.0/24"), ("full", "203.0.113.7")]
)
def test_the_log_says_who_what_when_and_how_much(
    site: Site, portal: Portal, monkeypatch: pytest.MonkeyPatch, how: str, kept: str | None
) -> None:
    monkeypatch.setitem(config, "ckanext.govopen.access_log.address", how)
    package_id, resource_id, grant_id = offered(
        site, portal, delivery=["interface"], items=["区县", "学生数"]
    )
    answer = portal.get(
        f"/api/3/action/datastore_search?resource_id={resource_id}&fields=区县",
        applicant(site),
        environ_overrides={"REMOTE_ADDR": "203.0.113.7"},
    )
    assert answer.status_code == 200
    (row,) = entries(grant_id)
    assert (row.user_id, row.package_id, row.resource_id) == (
        site.users["applicant"]["id"],
        package_id,
        resource_id,
    )
    assert (row.kind, row.rows, row.columns, row.outcome) == ("rows", 2, ["区县"], "granted")
    assert row.organization_id == site.organization["id"]
    assert abs(row.at - clock.now()) < datetime.timedelta(minutes=1)
    assert row.address == kept
