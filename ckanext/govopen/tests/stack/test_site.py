"""Options of `up`, the demo's safety, and the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ckanext.govopen.stack import main, own, site
from ckanext.govopen.stack.home import Home
from ckanext.govopen.stack.say import StackError


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def _state(home: Home, **options) -> site.SiteState:
    return site.SiteState(home, site.Options(**options))


def test_defaults_are_local(home: Home) -> None:
    state = _state(home)
    assert (state.url, state.jurisdiction, state.demo) == ("http://127.0.0.1:5000", "jilin", True)
    assert state.is_local()


def test_options_are_remembered(home: Home) -> None:
    home.remember(options=_state(home, port=5011, demo=False).remembered())
    again = _state(home)
    assert (again.port, again.url, again.demo) == (5011, "http://127.0.0.1:5011", False)
    assert _state(home, port=5012).url == "http://127.0.0.1:5012"


def test_an_unknown_regulation_is_refused_before_anything_is_stopped(
    home: Home, tmp_path: Path
) -> None:
    with pytest.raises(StackError, match="no jurisdiction profile nowhere") as refused:
        _state(home, jurisdiction="nowhere")
    assert "chaohu" in refused.value.hint and "jilin" in refused.value.hint
    assert _state(home, jurisdiction="shandong").jurisdiction == "shandong"
    own_profile = tmp_path / "ours.yaml"
    own_profile.write_text("")
    assert _state(home, jurisdiction=str(own_profile)).jurisdiction == str(own_profile)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        (own.EMPTY, {}),
        (
            "[app:main]\nckan.site_title = 某市\nA.b = 5%\n",
            {"ckan.site_title": "某市", "A.b": "5%"},
        ),
    ],
)
def test_own_options_are_read(home: Home, text: str, found: dict[str, str]) -> None:
    assert own.read(home.own_ini) == {}, "there is no file"
    home.own_ini.write_text(text)
    assert own.read(home.own_ini) == found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ckan.site_title = x", "cannot be read"),
        ("[app:main]\nx", "cannot be read"),
        ("[app:main]\nx = 1\nx = 2", "cannot be read"),
        ("[app:main]\nx = 1\n  and more", "longer than one line"),
        ("[server:main]\nport = 1", "server:main"),
        ("[app:main]\nsolr_url = http://solr.example", "launcher decides"),
        ("[app:main]\nckanext.govopen.jurisdiction = x", "launcher decides"),
    ],
)
def test_own_options_that_cannot_be_are_refused(home: Home, text: str, said: str) -> None:
    home.own_ini.write_text(text)
    with pytest.raises(StackError, match=said):
        own.read(home.own_ini)
    with pytest.raises(StackError, match=said):  # before anything is started
        site.check(home, site.Options(port=5999))


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_is_none_is_refused(home: Home, port: int) -> None:
    with pytest.raises(StackError, match="no port"):
        _state(home, port=port)


@pytest.mark.parametrize(
    "options", [{"host": "192.0.2.1"}, {"site_url": "https://data.example"}, {"host": "::"}]
)
def test_a_demo_is_not_shown_to_the_world(home: Home, options: dict[str, str]) -> None:
    with pytest.raises(StackError, match="demo"):
        site.refuse_public_demo(home, _state(home, **options))
    site.refuse_public_demo(home, _state(home, demo=False, **options))
    home.demo_accounts.write_text("[]")
    with pytest.raises(StackError, match="loopback"):
        site.refuse_public_demo(home, _state(home, demo=False, **options))


def test_demo_accounts_are_read(home: Home) -> None:
    assert site.demo_accounts(home) == []
    row = {"name": "reviewer", "password": "p", "role": "disclosure office"}
    home.demo_accounts.write_text(json.dumps({"accounts": [row]}))
    assert site.demo_accounts(home) == [row]
    home.demo_accounts.write_text("{")
    with pytest.raises(StackError, match="demo-accounts"):
        site.demo_accounts(home)


@pytest.mark.parametrize(
    ("arguments", "mine", "rest"),
    [
        (["up", "--port", "1"], ["up", "--port", "1"], []),
        (["ckan", "--help"], ["ckan"], ["--help"]),
        (["peers", "--help"], ["peers", "--help"], []),
        (["bench", "pages", "--help"], ["bench"], ["pages", "--help"]),
        (["--home", "ckan", "up"], ["--home", "ckan", "up"], []),
        (["--home", "x", "pytest", "--home", "y"], ["--home", "x", "pytest"], ["--home", "y"]),
        (["--home=x", "ckan", "user", "list"], ["--home=x", "ckan"], ["user", "list"]),
    ],
)
def test_arguments_are_handed_on_untouched(arguments, mine, rest) -> None:
    assert main.split(arguments) == (mine, rest)


def test_home_may_stand_before_or_after_the_command() -> None:
    parser = main.parser()
    assert parser.parse_args(["--home", "a", "status"]).home == Path("a")
    assert parser.parse_args(["status", "--home", "a"]).home == Path("a")
    assert parser.parse_args(["status"]).home is None


@pytest.mark.parametrize("command", ["status", "down", "logs", "ckan"])
def test_where_no_portal_is_that_is_said(tmp_path: Path, command: str, capsys) -> None:
    assert main.main(["--home", str(tmp_path / "none"), command]) == 1
    told = capsys.readouterr().err
    assert "no portal" in told
    assert f"./portal --home {tmp_path / 'none'} up" in told
    assert not (tmp_path / "none").exists()


def test_a_missing_right_is_told_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    def refuse(*_):
        raise PermissionError(13, "Permission denied", "/somewhere")

    monkeypatch.setattr(main, "run", refuse)
    assert main.main(["--home", str(tmp_path), "status"]) == 1
    assert "Permission denied: /somewhere" in capsys.readouterr().err


def test_a_full_disk_is_told_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(main, "run", refuse)
    assert main.main(["--home", str(tmp_path), "status"]) == 1
    assert "full" in capsys.readouterr().err
