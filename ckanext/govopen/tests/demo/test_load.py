"""Loading and taking away the demonstration, with a few records of three departments."""

from __future__ import annotations

import csv
import json
import stat
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from ckan import model
from ckan.common import config
from click.testing import CliRunner

from ckanext.govopen.cli import demo as cli
from ckanext.govopen.demo import files, load, people, remove
from ckanext.govopen.model.ledger import EventRow
from ckanext.govopen.tests.portal import AUTHORITY, Portal

EACH = 4


def slice_of_catalogue(path: Path) -> None:
    """A few records of the three departments that have accounts, a conditional one of each."""
    taken: Counter[tuple[str, bool]] = Counter()
    with (
        files.CATALOGUE.open(encoding="utf-8", newline="") as read,
        path.open("w", encoding="utf-8", newline="") as write,
    ):
        reader = csv.DictReader(read)
        writer = csv.DictWriter(write, reader.fieldnames or ())
        writer.writeheader()
        keep = False
        for line in reader:
            if line["信息资源代码"]:
                kind = (line["信息资源提供方代码"], bool(line["开放条件"]))
                wanted = kind[0] in (people.SOCIAL, people.HEALTH, people.LAND)
                keep = wanted and taken[kind] < (1 if kind[1] else EACH - 1)
                taken[kind] += keep
            if keep:
                writer.writerow(line)


@pytest.fixture
def loaded(portal: Portal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The demonstration with the small catalogue; taken away again afterwards."""
    small = tmp_path / "catalogue.csv"
    slice_of_catalogue(small)
    monkeypatch.setattr(files, "CATALOGUE", small)
    files.rows.cache_clear()
    config["ckanext.govopen.demo"] = True
    config["ckanext.govopen.review.delegate_to_authority"] = True
    accounts = tmp_path / "home" / "demo-accounts.json"
    said: list[str] = []
    try:
        yield load.load(accounts, said.append), accounts
    finally:
        model.Session.rollback()
        remove.remove(accounts, said.append)
        files.rows.cache_clear()


def public_names(portal: Portal, organizations: Collection[str] | None = None) -> set[str]:
    """What an outsider finds; of some organisations only, where they are named."""
    found = portal.call("package_search", None, fq="", rows=1000)["results"]
    return {
        dataset["name"]
        for dataset in found
        if organizations is None or dataset["owner_org"] in organizations
    }


def rows_left(made: dict[str, Any]) -> dict[str, int]:
    session = model.Session
    return {
        "users": session.query(model.User).filter(model.User.id.in_(made["users"])).count(),
        "organizations": session.query(model.Group)
        .filter(model.Group.id.in_(made["organizations"]))
        .count(),
        "datasets": session.query(model.Package)
        .filter(model.Package.owner_org.in_(made["organizations"]))
        .count(),
        "source": session.query(model.Package).filter_by(id=made["source"]).count(),
        "members": session.query(model.Member)
        .filter(model.Member.group_id.in_(made["organizations"]))
        .count(),
    }


def test_a_city_is_loaded_reviewed_and_taken_away(portal: Portal, loaded: Any) -> None:
    written, accounts = loaded
    assert stat.S_IMODE(accounts.stat().st_mode) == 0o600
    assert json.loads(accounts.read_text(encoding="utf-8")) == written
    assert {account["name"] for account in written["accounts"]} == {
        account.name for account in people.ACCOUNTS
    }
    assert len({account["password"] for account in written["accounts"]}) == len(people.ACCOUNTS)

    made = load.made()
    assert made and len(made["organizations"]) == 3
    names = public_names(portal, made["organizations"])
    harvested = portal.call("package_search", None, q="", rows=1000)["results"]
    classes = Counter(d["open_class"] for d in harvested if d["owner_org"] in made["organizations"])
    assert classes == {"unconditional": 3 * (EACH - 1) + 3, "conditional": 3 + 1}
    for upload in people.UPLOADS:
        shown = portal.ask("package_show", {"id": upload.name})
        hidden = upload.fields["open_class"] == "non_open"
        assert shown.status_code == (404 if hidden else 200), upload.name
        assert (upload.name in names) is not hidden
    # Real files, for everybody where the class says so and for nobody else.
    for name, status in (("demo-social-catalogue", 200), ("demo-land-catalogue", 404)):
        dataset = portal.call("package_show", portal.operator, id=name)
        resource = dataset["resources"][0]
        path = f"/dataset/{dataset['id']}/resource/{resource['id']}/download"
        answer = portal.get(path)
        assert (answer.status_code == 200) is (status == 200), (name, answer.status_code)

    # Who decided did not stand behind the source.
    rows = model.Session.execute(
        sa.text(
            "SELECT r.decided_by, r.submitters FROM govopen_review r JOIN package p "
            "ON p.id = r.package_id WHERE r.status = 'approved' AND p.owner_org = ANY(:orgs)"
        ),
        {"orgs": made["organizations"]},
    ).all()
    assert len(rows) == 3 * EACH + len(people.UPLOADS)
    assert all(row.decided_by and row.decided_by not in row.submitters for row in rows)

    events = model.Session.query(EventRow).count()
    remove.remove(accounts, lambda text: None)
    assert not accounts.exists() and load.made() is None
    assert set(rows_left(made).values()) == {0}
    assert model.Session.query(EventRow).count() == events
    assert not public_names(portal) & names
    assert model.Group.get(AUTHORITY), "what was there before stays"
    # Once more is harmless, and it can be loaded again.
    remove.remove(accounts, lambda text: None)
    load.load(accounts, lambda text: None)
    assert public_names(portal) >= names


def test_loading_again_keeps_what_is_there(portal: Portal, loaded: Any) -> None:
    written, accounts = loaded
    before = public_names(portal)
    again = load.load(accounts, lambda text: None)
    assert public_names(portal) == before
    assert again["accounts"][0]["password"] != written["accounts"][0]["password"]


def test_a_site_that_is_none_for_it_refuses(portal: Portal, tmp_path: Path) -> None:
    config["ckanext.govopen.demo"] = False
    result = CliRunner().invoke(cli.command, ["--accounts", str(tmp_path / "a.json")])
    assert result.exit_code == 1 and "ckanext.govopen.demo" in result.output
    assert not (tmp_path / "a.json").exists()
    result = CliRunner().invoke(cli.command, ["--remove", "--accounts", str(tmp_path / "a.json")])
    assert result.exit_code == 0


def test_foreign_accounts_are_not_taken_over(portal: Portal, tmp_path: Path) -> None:
    from ckan.tests import factories

    config["ckanext.govopen.demo"] = True
    user = factories.User(name="demo-citizen", password="their own secret")
    try:
        with pytest.raises(load.DemoError, match="demo-citizen"):
            load.load(tmp_path / "a.json", lambda text: None)
    finally:
        model.Session.rollback()
        remove.remove(tmp_path / "a.json", lambda text: None)
        kept = model.User.get(user["id"])
        assert kept is not None and kept.validate_password("their own secret")
        kept.name = f"kept-{user['id'][:8]}"
        model.repo.commit()
