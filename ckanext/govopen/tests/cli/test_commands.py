"""The commands on a running portal."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ckan import model
from ckan.cli.cli import ckan
from ckan.tests import factories

from ckanext.govopen.model import signing
from ckanext.govopen.tests.access.site import Site
from ckanext.govopen.tests.portal import unique


@pytest.fixture
def run(quick: Any, site: Site) -> Any:
    """Runs ``ckan govopen …`` and gives the result."""

    def call(*words: str, code: int = 0) -> str:
        result = quick.invoke(ckan, ["govopen", *words])
        assert result.exit_code == code, (result.output, result.exception)
        return result.output

    return call


def test_init_makes_the_authority_and_the_key_once(
    run: Any, ckan_config: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name, target = unique("bureau"), tmp_path / "keys" / "ledger.pem"
    monkeypatch.setitem(ckan_config, "ckanext.govopen.authority", name)
    monkeypatch.setitem(ckan_config, "ckanext.govopen.ledger.key_file", str(target))
    monkeypatch.setattr(signing, "STREAM", f"ledger/{unique('keys')}")  # a site without a key
    run("init")
    organization = model.Group.get(name)
    assert organization is not None and organization.is_organization and organization.title
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    first = target.read_bytes()
    run("init")
    assert target.read_bytes() == first
    assert signing.problem(target) is None


def test_a_broken_or_readable_key_is_said(tmp_path: Path) -> None:
    target = tmp_path / "key.pem"
    assert "not there" in str(signing.problem(target))
    target.write_text("nothing")
    target.chmod(0o600)
    assert "cannot be used" in str(signing.problem(target))
    target.chmod(0o644)
    assert "chmod 600" in str(signing.problem(target))


def test_duties_on_the_command_line(run: Any, site: Site) -> None:
    user, place = factories.User()["name"], site.organization["name"]
    assert "handler" in run("duty", "give", user, place, "handler", "--until", "2099-01-01")
    listed = json.loads(run("duty", "list", "--user", user, "--json"))
    assert [row["duty"] for row in listed] == ["handler"]
    assert user in run("duty", "list", "--organization", place)
    run("duty", "take", user, place, "handler")
    assert json.loads(run("duty", "list", "--user", user, "--json")) == []
    assert "DUTY-9" in run("duty", "take", user, place, "handler", code=1)
    assert "nobody-1" in run("duty", "give", "nobody-1", place, "handler", code=1)


def test_grants_on_the_command_line(run: Any, site: Site) -> None:
    made = site.dataset("conditional")
    site.release(made["id"])
    user = factories.User()["name"]
    words = ["--purpose", "教学", "--to", "2099-12-31", "--reason", "测试"]
    run("grant", "give", made["name"], user, *words)
    found = json.loads(run("grant", "list", "--dataset", made["name"], "--json"))
    assert (found["count"], found["results"][0]["works"]) == (1, True)
    grant = found["results"][0]["id"]
    assert "suspended" in run("grant", "suspend", grant, "--reason", "核查")
    assert "active" in run("grant", "resume", grant, "--reason", "核查完毕")
    assert "revoked" in run("grant", "revoke", grant, "--reason", "违约")
    assert "GRT-1" in run("grant", "resume", grant, "--reason", "再议", code=1)
    assert "1 grants" in run("grant", "list", "--user", user)


def test_a_command_is_a_process_of_its_own(site: Site, ckan_config: Any) -> None:
    words = ["-c", ckan_config["__file__"], "govopen", "profile", "show"]
    done = subprocess.run(
        [Path(sys.executable).with_name("ckan"), *words],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "jilin" in done.stdout


def test_profile_and_deadlines(run: Any, tmp_path: Path) -> None:
    assert "jilin" in run("profile", "show")
    assert json.loads(run("profile", "show", "--json"))["id"] == "jilin"
    assert "46(1)" in run("deadlines")
    assert json.loads(run("deadlines", "--json"))
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("id: wrong\nid: twice\n", encoding="utf-8")
    said = run("profile", "check", str(wrong), code=1)
    assert "wrong.yaml, line 2" in said


def test_the_solr_configuration_is_written_out(run: Any, tmp_path: Path) -> None:
    out = tmp_path / "conf"
    run("solr-config", "--out", str(out))
    assert "ckan-2.12" in (out / "schema.xml").read_text(encoding="utf-8")
    run("solr-config", "--out", str(out), code=1)
    run("solr-config", "--out", str(out), "--force")
