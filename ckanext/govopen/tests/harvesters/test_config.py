"""What may stand in the configuration of a source, and what it asks for. No services."""

from __future__ import annotations

import json

import pytest

from ckanext.govopen.harvesters import config, source
from ckanext.govopen.model import catalogue

GOOD = {"defaults": {"acquired": "collected"}}


def parse(**more: object) -> config.Config:
    return config.parse(json.dumps({**GOOD, **more}))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ("[]", "JSON object"),
        ("", "acquired"),
        ("{}", "acquired"),
        ('{"defaults": {"acquired": "found"}}', "acquired"),
        ('{"defaults": {"acquired": 3}}', "acquired"),
        ('{"defaults": {"acquired": "collected"}, "colums": {}}', "colums"),
        ('{"defaults": {"acquired": "collected"}, "columns": {"名稱": "titel"}}', "titel"),
        ('{"defaults": {"acquired": "collected"}, "columns": ["x"]}', "columns"),
        ('{"defaults": {"acquired": "collected"}, "departments": "some"}', "departments"),
        ('{"defaults": {"acquired": "collected"}, "create_organizations": "yes"}', "create_org"),
        ('{"defaults": {"acquired": "collected"}, "sheet": 1}', "sheet"),
        ('{"defaults": {"acquired": "collected"}, "withdraw": {"share": 2}}', "share"),
        ('{"defaults": {"acquired": "collected"}, "withdraw": {"share": true}}', "share"),
        ('{"defaults": {"acquired": "collected"}, "withdraw": {"at_least": -1}}', "at_least"),
        ('{"defaults": {"acquired": "collected"}, "withdraw": {"part": 0.1}}', "withdraw"),
        (
            '{"defaults": {"acquired": "collected"},'
            ' "extract": {"code": {"column": "a", "pattern": "("}}}',
            "regular expression",
        ),
        (
            '{"defaults": {"acquired": "collected"},'
            ' "extract": {"code": {"column": "a", "pattern": "a"}}}',
            "group",
        ),
    ],
)
def test_what_is_wrong_is_named(text: str, said: str) -> None:
    with pytest.raises(config.ConfigError, match=said):
        config.parse(text)


def test_how_the_data_was_acquired_may_stand_in_a_column() -> None:
    found = config.parse('{"columns": {"来历": "acquired"}}')
    assert found.columns.columns


def test_a_plain_source_asks_for_no_power() -> None:
    assert config.powers("https://data.example.org/a.xlsx", parse()) == set()
    assert config.powers("upload:a", parse()) == set()


def test_what_a_source_asks_for() -> None:
    asked = parse(departments="all", create_organizations=True, private_address=True)
    assert config.powers("file:///srv/a.csv", asked) == {
        catalogue.OTHER_DEPARTMENTS,
        catalogue.CREATE_ORGANIZATIONS,
        catalogue.PRIVATE_ADDRESS,
        catalogue.SERVER_PATH,
    }


@pytest.mark.parametrize("url", ["", "data.csv", "ftp://example.org/a", "javascript:1", "/etc/x"])
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(config.ConfigError, match="http"):
        config.powers(url, parse())


@pytest.mark.parametrize("kind", [config.TABLE, config.EXCHANGE])
def test_an_address_that_cannot_be_taken_apart(kind: str) -> None:
    with pytest.raises(config.ConfigError, match="cannot be read"):
        config.address("http://[", kind)


@pytest.mark.parametrize(
    ("missing", "alive", "held"),
    [
        (0, 0, False),
        (10, 10, False),
        (11, 100, False),
        (20, 100, False),
        (21, 100, True),
        (11, 11, True),
    ],
)
def test_too_many_missing_are_held_back(missing: int, alive: int, held: bool) -> None:
    assert config.Withdrawal().held(missing, alive) is held


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (["files.example.org"], {("files.example.org", 80), ("files.example.org", 443)}),
        (["Files.Example.org.:8080"], {("files.example.org", 8080)}),
        (["10.0.0.5:8080", "10.0.0.6:21"], {("10.0.0.5", 8080), ("10.0.0.6", 21)}),
        (["fd00::1"], {("fd00::1", 80), ("fd00::1", 443)}),
        (["[fd00::1]:81"], {("fd00::1", 81)}),
        ([], set()),
    ],
)
def test_hosts_of_files_are_hosts_and_ports(
    written: list[str], meant: set[tuple[str, int]]
) -> None:
    assert parse(private_address=True, file_hosts=written).file_hosts == meant


@pytest.mark.parametrize(
    "wrong",
    [
        "x", [3], [""], ["a/b"], ["http://a.example.org"], ["user@a.example.org"], ["a:99999"],
        ["a b"], ["a?b"], ["a#b"], ["a:x"],
    ],
)  # fmt: skip
def test_what_is_no_host_of_files(wrong: object) -> None:
    with pytest.raises(config.ConfigError, match="file_hosts"):
        parse(private_address=True, file_hosts=wrong)


def test_private_addresses_are_those_of_the_source_and_of_its_file_hosts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = {catalogue.PRIVATE_ADDRESS}
    asked = parse(private_address=True, file_hosts=["10.0.0.5:8080"])

    def places(url: str, config: config.Config = asked, powers: set[str] = given) -> set:
        return set(source.private_places(url, config, powers))

    monkeypatch.setattr(source.settings, "harvest_allow_private_addresses", lambda: True)
    more = ("10.0.0.5", 8080)
    assert places("http://10.0.0.4/catalogue.csv") == {("10.0.0.4", 80), more}
    assert places("https://Intern.Example.org./x") == {("intern.example.org", 443), more}
    assert places("http://[fd00::1]:81/x") == {("fd00::1", 81), more}
    assert places("upload:name") == places("file:///srv/x.csv") == {more}
    assert places("http://10.0.0.4/", parse()) == set()
    assert places("http://10.0.0.4/", asked, set()) == set()
    monkeypatch.setattr(source.settings, "harvest_allow_private_addresses", lambda: False)
    assert places("http://10.0.0.4/") == set()
