"""Taking over a site: nothing is public without a choice, each choice does what it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from ckan import model
from ckan.cli.cli import ckan
from ckan.plugins import toolkit as tk
from ckanext.activity.model import Activity

from ckanext.govopen.access.policy import Sight
from ckanext.govopen.access.sight import sight
from ckanext.govopen.cli import common
from ckanext.govopen.cli.checks import database
from ckanext.govopen.logic import file_upkeep
from ckanext.govopen.model import ledger
from ckanext.govopen.model import release as releases
from ckanext.govopen.model.release import DatasetRow
from ckanext.govopen.model.review import ReviewRow
from ckanext.govopen.tests.access.site import Site

OUTSIDER = {"user": "", "ignore_auth": False}


def older(site: Site, private: bool = False, **fields: Any) -> dict[str, Any]:
    """A dataset as it was before the extension came: no row of the extension, no class."""
    made = site.dataset(**fields)
    package = model.Package.get(made["id"])
    assert package is not None
    package.private = private
    package.extras = {k: v for k, v in package.extras.items() if k != "open_class"}
    for kind in (DatasetRow, ReviewRow):
        model.Session.execute(sa.delete(kind).where(kind.package_id == made["id"]))
    model.repo.commit()
    return made


def adopt(site: Site, who: str, **data: Any) -> Any:
    return site.call("govopen_dataset_adopt", who, **data)


def test_an_older_dataset_is_hidden_until_a_choice_is_made(site: Site) -> None:
    made = older(site)
    assert sight(OUTSIDER, made["id"]).sight is Sight.NOTHING


def test_what_was_public_stays_public_for_a_time(site: Site) -> None:
    made = older(site)
    result = adopt(
        site, "operator", id=made["name"], choice="release_as_is", review_by="2099-03-31"
    )
    assert (result["released"], result["open_class"]) == (True, "unconditional")
    assert sight(OUTSIDER, made["id"]).sight is Sight.RELEASE
    row = releases.live(made["id"])
    assert row is not None
    assert (row.kind, str(row.review_by)) == ("transitional", "2099-03-31")
    events = [e for e in ledger.read(model.Session) if e.payload.get("dataset") == made["id"]]
    assert any(
        e.type == "release.published" and e.payload["kind"] == "transitional" for e in events
    )


def test_what_was_private_stays_private(site: Site) -> None:
    made = older(site, private=True)
    result = adopt(site, "operator", id=made["id"], choice="release_as_is", review_by="2099-03-31")
    assert (result["released"], result["reason"]) == (False, "private")
    assert sight(OUTSIDER, made["id"]).sight is Sight.NOTHING


def test_withheld_is_withheld_and_waits_for_its_review(site: Site) -> None:
    made = older(site)
    assert adopt(site, "operator", id=made["id"], choice="withhold")["reason"] == "withheld"
    assert sight(OUTSIDER, made["id"]).sight is Sight.NOTHING
    waiting = model.Session.query(ReviewRow).filter_by(package_id=made["id"]).all()
    assert len(waiting) == 1


def test_twice_is_refused(site: Site) -> None:
    made = older(site)
    adopt(site, "operator", id=made["id"], choice="withhold")
    with pytest.raises(tk.ValidationError):
        adopt(site, "operator", id=made["id"], choice="release_as_is", review_by="2099-03-31")
    model.Session.rollback()
    assert sight(OUTSIDER, made["id"]).sight is Sight.NOTHING


@pytest.mark.parametrize("who", ["editor", "reviewer", "citizen"])
def test_only_the_operator(site: Site, who: str) -> None:
    made = older(site)
    with pytest.raises(tk.NotAuthorized):
        adopt(site, who, id=made["id"], choice="release_as_is", review_by="2099-03-31")
    with pytest.raises(tk.NotAuthorized):
        site.call("govopen_adopt_list", who)
    model.Session.rollback()
    assert sight(OUTSIDER, made["id"]).sight is Sight.NOTHING


@pytest.mark.parametrize(
    "wrong",
    [
        {"choice": "publish"},
        {"choice": ""},
        {"choice": "release_as_is"},
        {"choice": "release_as_is", "review_by": "2001-01-01"},
        {"choice": "release_as_is", "review_by": "soon"},
    ],
)
def test_wrong_parameters(site: Site, wrong: dict[str, Any]) -> None:
    made = older(site)
    with pytest.raises(tk.ValidationError):
        adopt(site, "operator", id=made["id"], **wrong)
    model.Session.rollback()


def test_the_command_shows_first_and_acts_on_a_choice(site: Site, quick: Any) -> None:
    made = older(site)
    shown = quick.invoke(ckan, ["govopen", "adopt"])
    assert shown.exit_code == 0 and made["name"] in shown.output
    assert releases.live(made["id"]) is None
    for words in (["--release-as-is"], ["--release-as-is", "--withhold"], ["--review-by", "x"]):
        assert quick.invoke(ckan, ["govopen", "adopt", *words]).exit_code == 1
    words = ["--release-as-is", "--review-by", "2099-03-31", "--json"]
    done = quick.invoke(ckan, ["govopen", "adopt", *words])
    assert done.exit_code == 0, done.output
    results = json.loads(done.output[done.output.index("{\n") :])["results"]
    assert {row["name"]: row["released"] for row in results}[made["name"]] is True
    model.Session.expire_all()
    assert releases.live(made["id"]) is not None
    again = quick.invoke(ckan, ["govopen", "adopt", "--json"])
    assert json.loads(again.output[again.output.index("{\n") :])["count"] == 0


def test_its_earlier_history_is_the_department_s(site: Site) -> None:
    """CKAN labelled rows "public" that nobody has reviewed: no outsider gets them, at any time."""
    made = older(site)
    row = Activity(
        user_id=made["creator_user_id"],
        object_id=made["id"],
        activity_type="changed package",
        data={"package": {"title": "before-the-review"}, "actor": None},
        permission_labels=["public"],
    )
    model.Session.add(row)
    model.repo.commit()
    place = row.id

    def seen(who: str | None) -> bool:
        rows = site.call("organization_activity_list", who, id=made["owner_org"], limit=100)
        return place in {each["id"] for each in rows}

    assert not seen(None) and not seen("citizen")
    adopt(site, "operator", id=made["id"], choice="release_as_is", review_by="2099-03-31")
    assert not seen(None) and not seen("citizen")
    assert seen("editor")


def test_a_file_that_is_not_what_its_name_says_is_taken_over(
    site: Site, ckan_config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = older(site)
    resource = site.call(
        "resource_create", "editor", package_id=made["id"], url="table.xlsx", url_type="upload"
    )
    for kind in (DatasetRow, ReviewRow):
        model.Session.execute(sa.delete(kind).where(kind.package_id == made["id"]))
    package = model.Package.get(made["id"])
    assert package is not None
    package.private = False
    model.repo.commit()

    def hindrance() -> Any:
        rows = site.call("govopen_adopt_list", "operator")["results"]
        return next(row["hindrance"] for row in rows if row["id"] == made["id"])

    assert hindrance() == "file_missing"
    monkeypatch.setitem(ckan_config, "ckan.storage_path", str(tmp_path))
    rid = resource["id"]
    place = tmp_path / "resources" / rid[:3] / rid[3:6] / rid[6:]
    place.parent.mkdir(parents=True)
    place.write_bytes(b"a,b\n1,2\n")
    assert hindrance() is None
    result = adopt(site, "operator", id=made["id"], choice="release_as_is", review_by="2099-03-31")
    assert result["released"] is True
    answer = site.get(f"/dataset/{made['id']}/resource/{rid}/download", None)
    assert (answer.status_code, answer.data) == (200, b"a,b\n1,2\n")


def test_only_those_that_are_named(site: Site, quick: Any) -> None:
    one, other = older(site), older(site)
    words = ["govopen", "adopt", one["name"], "--withhold"]
    done = quick.invoke(ckan, words)
    assert done.exit_code == 0, done.output
    model.Session.expire_all()
    assert model.Session.get(DatasetRow, one["id"]) is not None
    assert model.Session.get(DatasetRow, other["id"]) is None
    assert quick.invoke(ckan, words).exit_code == 1  # it does not wait any more
    assert "adopt" in {finding.code for finding in database.adoption()}


def test_a_refused_takeover_leaves_nothing_behind(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = older(site)

    def refuse(*_: Any) -> Any:
        raise tk.ValidationError({"upload": ["no"]})

    with monkeypatch.context() as patch:
        patch.setattr(file_upkeep, "take_over", refuse)
        with pytest.raises(common.Failed):
            common.act("govopen_dataset_adopt", {"id": made["id"], "choice": "withhold"})
    model.repo.commit()
    package = model.Package.get(made["id"])
    assert package is not None and "open_class" not in package.extras
