"""Own servers and foreign ones; passwords as the servers want them."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest

from ckanext.govopen.stack import services, solr, testing
from ckanext.govopen.stack.environment import Environment
from ckanext.govopen.stack.home import Home
from ckanext.govopen.stack.postgres import LONGEST_SOCKET, Postgres
from ckanext.govopen.stack.say import StackError

FOREIGN = {
    "CKAN_SQLALCHEMY_URL": "postgresql://u:p@db/main",
    "CKAN_DATASTORE_WRITE_URL": "postgresql://u:p@db/store",
    "CKAN_DATASTORE_READ_URL": "postgresql://r:p@db/store",
    "CKAN_SOLR_URL": "http://search/solr/ckan",
    "CKAN_REDIS_URL": "redis://queue/0",
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    for name in services.EXTERNAL:
        monkeypatch.delenv(name, raising=False)
    made = Home(tmp_path)
    made.remember(ports={"solr": 1, "valkey": 2})
    return made


def test_own_servers_are_used_when_none_is_named(home: Home, tmp_path: Path) -> None:
    found = services.Services(home, Environment(tmp_path), services.external_from(home))
    assert [server.name for server in found.own] == ["solr", "valkey", "postgres"]
    site, tests = found.variables(), found.variables(testing=True)
    for name in ("CKAN_SQLALCHEMY_URL", "CKAN_DATASTORE_WRITE_URL", "CKAN_REDIS_URL"):
        assert site[name] != tests[name]
    assert tests["CKAN_SQLALCHEMY_URL"].split("?")[0].endswith("/ckan_test")
    assert site["CKAN_SOLR_URL"] == "http://127.0.0.1:1/solr/ckan"
    assert "datastore_reader:" in site["CKAN_DATASTORE_READ_URL"]


def test_named_servers_replace_ones_own(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in FOREIGN.items():
        monkeypatch.setenv(name, value)
    found = services.Services(home, Environment(tmp_path), services.external_from(home))
    assert found.own == []
    assert found.variables() == FOREIGN


def test_a_foreign_database_needs_a_foreign_datastore(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CKAN_SQLALCHEMY_URL", FOREIGN["CKAN_SQLALCHEMY_URL"])
    with pytest.raises(StackError, match="CKAN_DATASTORE_WRITE_URL"):
        services.external_from(home)


def test_foreign_servers_are_remembered(home: Home) -> None:
    home.remember(external=FOREIGN)
    assert services.external_from(home) == FOREIGN


def test_a_home_does_not_change_its_servers_unnoticed(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.remember(external={})
    monkeypatch.setenv("CKAN_REDIS_URL", FOREIGN["CKAN_REDIS_URL"])
    with pytest.raises(StackError, match="servers of its own"):
        services.external_from(home)


def test_tests_do_not_empty_a_real_database(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in FOREIGN.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StackError, match="_test"):
        testing.services_for_tests(home, Environment(tmp_path))


def test_a_long_path_gets_a_short_socket(tmp_path: Path) -> None:
    long = Home(tmp_path / ("x" * 90))
    sockets = Postgres(long, Environment(tmp_path)).sockets
    assert len(str(sockets / ".s.PGSQL.5432")) < LONGEST_SOCKET
    other = Home(tmp_path / ("y" * 90))
    assert Postgres(other, Environment(tmp_path)).sockets != sockets


def test_solrs_password_is_stored_as_solr_reads_it() -> None:
    stored, salt = solr.password_hash("secret", b"salt").split()
    assert base64.b64decode(salt) == b"salt"
    inner = hashlib.sha256(b"saltsecret").digest()
    assert base64.b64decode(stored) == hashlib.sha256(inner).digest()


def test_solr_refuses_who_has_no_password() -> None:
    told = json.loads(solr.security("secret"))
    assert told["authentication"]["blockUnknown"] is True
    assert "secret" not in json.dumps(told)
    assert told["authorization"]["permissions"] == [{"name": "all", "role": "admin"}]


def test_a_changed_search_configuration_is_noticed(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "conf"
    (folder / "lang").mkdir(parents=True)
    (folder / "schema.xml").write_text("<schema/>")
    (folder / "lang/words.txt").write_text("one")
    monkeypatch.setattr(solr, "CONFIGURATION", folder)
    server = solr.Solr(home, Environment(tmp_path))
    home.remember(solr_configuration=server.digest())
    assert server.is_current()
    (folder / "lang/words.txt").write_text("two")
    assert not server.is_current()
